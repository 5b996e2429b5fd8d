"""The unmodified `wyoming` library as a client of the real house."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator

import numpy as np
import pytest
import pytest_asyncio
from rapidfuzz import fuzz
from tests.e2e.conftest import SPEECH
from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)
from wyoming.wake import Detect, Detection

from alicia.audio.formats import read
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.peers.wyoming import waking
from alicia.peers.wyoming.server import WyomingServer
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

KITCHEN = "turn_on_the_kitchen_light.bf_emma.flac"
GARDEN = "turn_on_the_garden_lights.bm_fable.flac"
ALIKE = 85
"""Likeness in percent of what was said and what was heard."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(house: LiveHouse) -> AsyncGenerator[WyomingServer, None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_WYOMING_SERVER__PORT", "0")
        patch.setenv("ALICIA_WYOMING_SERVER__STALL_S", "5")
        async with joined(WyomingServer, MqttHouse(house.folder), house.folder) as peer:
            yield peer


@pytest_asyncio.fixture(loop_scope="session")
async def client(server: WyomingServer) -> AsyncGenerator[AsyncTcpClient, None]:
    async with AsyncTcpClient(*server.address) as connected:
        yield connected


async def hears(client: AsyncTcpClient, kind: str, within_s: float = 30) -> Event:
    """The next event of this kind; an error is a failure."""
    async with asyncio.timeout(within_s):
        while (event := await client.read_event()) is not None:
            if event.type == kind:
                return event
            assert event.type != "error", event.data
    raise AssertionError(f"the server left before {kind}")


async def sends(
    client: AsyncTcpClient, pcm: bytes, rate: int = 16_000, width: int = 2, channels: int = 1
) -> None:
    shape = rate, width, channels
    await client.write_event(AudioStart(*shape).event())
    step = rate // 20 * width * channels
    for at in range(0, len(pcm), step):
        await client.write_event(AudioChunk(*shape, pcm[at : at + step]).event())
    await client.write_event(AudioStop().event())


def words(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").strip()


def recording(name: str) -> np.ndarray:
    return read(SPEECH / name, max_s=30)


# ---- hearing -------------------------------------------------------------------------------------


async def test_recorded_speech_comes_back_as_its_text(client: AsyncTcpClient) -> None:
    await client.write_event(Transcribe(language="en").event())
    await sends(client, recording(KITCHEN).tobytes())
    text = Transcript.from_event(await hears(client, "transcript")).text
    assert words(text) == "turn on the kitchen light"


async def test_any_rate_width_and_number_of_channels_is_understood(client: AsyncTcpClient) -> None:
    mono = recording(KITCHEN).astype(np.float64) / 32768
    at_48k = np.repeat(mono, 3)
    stereo = np.stack([at_48k, at_48k], axis=1)
    wide = (stereo * 2**30).astype("<i4")
    await sends(client, wide.tobytes(), 48_000, 4, 2)
    text = Transcript.from_event(await hears(client, "transcript")).text
    assert words(text) == "turn on the kitchen light"


async def test_what_follows_a_pause_belongs_to_the_transcript_too(client: AsyncTcpClient) -> None:
    pause = np.zeros(16_000 * 3 // 2, np.int16)
    await sends(
        client, np.concatenate([recording(KITCHEN), pause, recording(GARDEN), pause]).tobytes()
    )
    chunks: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while (event := await client.read_event()) is not None:
            if event.type == "transcript-chunk":
                chunks.append(TranscriptChunk.from_event(event).text)
            if event.type == "transcript":
                break
    assert event is not None
    text = Transcript.from_event(event).text
    assert words(text) == "turn on the kitchen light turn on the garden lights"
    assert "".join(chunks) == text
    assert len(chunks) == 2


async def test_silence_has_an_empty_transcript(client: AsyncTcpClient) -> None:
    await sends(client, bytes(32_000 * 2))
    assert Transcript.from_event(await hears(client, "transcript")).text == ""


async def test_one_connection_serves_one_utterance_after_the_other(client: AsyncTcpClient) -> None:
    for name in (KITCHEN, GARDEN):
        await sends(client, recording(name).tobytes())
        expected = name.partition(".")[0].replace("_", " ")
        assert words(Transcript.from_event(await hears(client, "transcript")).text) == expected


# ---- speaking ------------------------------------------------------------------------------------


async def spoken(client: AsyncTcpClient, until: str = "audio-stop") -> tuple[int, bytes]:
    start = AudioStart.from_event(await hears(client, "audio-start"))
    assert (start.width, start.channels) == (2, 1)
    pcm = b""
    async with asyncio.timeout(PATIENCE_S):
        while (event := await client.read_event()) is not None and event.type != until:
            if event.type == "audio-chunk":
                chunk = AudioChunk.from_event(event)
                assert chunk.rate == start.rate
                pcm += chunk.audio
            assert event.type != "error", event.data
    assert event is not None
    return start.rate, pcm


async def test_a_synthesized_text_is_understood_by_our_own_recognizer(
    client: AsyncTcpClient,
) -> None:
    text = "Turn on the kitchen light."
    await client.write_event(Synthesize(text, SynthesizeVoice(name="alicia-en")).event())
    rate, pcm = await spoken(client)
    await sends(client, pcm + bytes(rate), rate)
    heard = Transcript.from_event(await hears(client, "transcript")).text
    # The voice is never the same twice: "curn on the kitchen-light" was heard once.
    assert fuzz.ratio(words(heard), words(text)) >= ALIKE, heard


async def test_text_that_comes_in_pieces_is_spoken_sentence_by_sentence(
    client: AsyncTcpClient,
) -> None:
    await client.write_event(SynthesizeStart(SynthesizeVoice(language="en")).event())
    for piece in ("The light is ", "on. The door", " is open. "):
        await client.write_event(SynthesizeChunk(piece).event())
    # Before the text has ended, its first sentence is heard.
    start = AudioStart.from_event(await hears(client, "audio-start"))
    assert AudioChunk.from_event(await hears(client, "audio-chunk")).audio
    await client.write_event(Synthesize("The light is on. The door is open. Good night.").event())
    await client.write_event(SynthesizeChunk("Good night.").event())
    await client.write_event(SynthesizeStop().event())
    pcm = b""
    async with asyncio.timeout(PATIENCE_S):
        while (event := await client.read_event()) is not None and event.type != "audio-stop":
            pcm += event.payload or b""
    assert SynthesizeStopped.is_type((await hears(client, "synthesize-stopped")).type)
    await sends(client, pcm + bytes(start.rate), start.rate)
    heard = words(Transcript.from_event(await hears(client, "transcript")).text)
    assert "door is open" in heard
    assert heard.endswith("good night")


async def test_ssml_is_obeyed_and_not_read_aloud(client: AsyncTcpClient) -> None:
    text = '<speak>Good <break time="900ms"/> night.</speak>'
    await client.write_event(Synthesize(text, text_format="ssml").event())
    rate, pcm = await spoken(client)
    await client.write_event(Synthesize("Good night.").event())
    _, plain = await spoken(client)
    assert len(pcm) > len(plain) + rate  # half a second more


# ---- doing ---------------------------------------------------------------------------------------


async def off(house: LiveHouse, text: str, entity: str) -> None:
    await house.console.ask(
        SAY_TEXT, SayText(turn_id=secrets.token_hex(8), satellite="test", text=text)
    )
    await house.until(entity, "power", value=False)


async def test_a_handled_sentence_has_moved_the_lamp(
    house: LiveHouse, client: AsyncTcpClient
) -> None:
    await off(house, "turn off the kitchen light", "light.kitchen")
    context = {"conversation_id": "c1"}
    await client.write_event(
        Transcript("turn on the kitchen light", language="en-US", context=context).event()
    )
    handled = Handled.from_event(await hears(client, "handled"))
    assert handled.text
    assert handled.context == context
    assert house.states["light.kitchen"].values["power"] is True


async def test_nonsense_is_not_handled_and_the_client_is_told_so(client: AsyncTcpClient) -> None:
    await client.write_event(Transcript("the purple elephants vote on tuesdays").event())
    assert NotHandled.from_event(await hears(client, "not-handled")).text


async def test_a_recognized_sentence_is_named_and_nothing_moves(
    house: LiveHouse, client: AsyncTcpClient
) -> None:
    await off(house, "turn off the bathroom light", "light.bathroom")
    await client.write_event(Recognize("turn on the bathroom light").event())
    intent = Intent.from_event(await hears(client, "intent"))
    assert {entity.name: entity.value for entity in intent.entities} == {
        "entity": "light.bathroom",
        "power": True,
    }
    assert house.states["light.bathroom"].values["power"] is False
    await client.write_event(Recognize("flibber the gibbet").event())
    assert NotRecognized.from_event(await hears(client, "not-recognized")).text


# ---- waking --------------------------------------------------------------------------------------


async def test_a_wake_word_is_detected_and_other_speech_is_not(
    server: WyomingServer, client: AsyncTcpClient
) -> None:
    if not waking.words(server.folder):
        pytest.skip("no wake word engine is installed (extra `wake`)")
    await client.write_event(Synthesize("Okay Nabu.").event())
    rate, pcm = await spoken(client)
    pause = bytes(rate * 2)
    await client.write_event(Detect(["okay_nabu"]).event())
    await sends(client, pause + pcm + pause, rate)
    detection = Detection.from_event(await hears(client, "detection"))
    assert detection.name == "okay_nabu"
    assert detection.timestamp is not None
    assert 1000 < detection.timestamp < 3500
    await client.write_event(Detect(["okay_nabu"]).event())
    await sends(client, recording(KITCHEN).tobytes())
    await hears(client, "not-detected")


async def test_an_unknown_wake_word_is_refused(client: AsyncTcpClient) -> None:
    await client.write_event(Detect(["open_sesame"]).event())
    await client.write_event(AudioStart(16_000, 2, 1).event())
    async with asyncio.timeout(PATIENCE_S):
        event = await client.read_event()
    assert event is not None
    assert (Error.from_event(event).code or "").startswith("setup")


# ---- what is told of us --------------------------------------------------------------------------


async def test_the_description_is_what_is_here(
    server: WyomingServer, client: AsyncTcpClient
) -> None:
    await client.write_event(Describe().event())
    info = Info.from_event(await hears(client, "info"))
    (asr,), (tts,), (handle,) = info.asr, info.tts, info.handle
    assert asr.installed
    assert "en" in asr.models[0].languages
    assert "alicia-en" in [voice.name for voice in tts.voices]
    assert handle.supports_home_control
    named = [model.name for program in info.wake for model in program.models]
    assert named == [word.name for word in waking.words(server.folder)]
    await client.write_event(Ping("are you there").event())
    assert Pong.from_event(await hears(client, "pong")).text == "are you there"


# ---- bad clients ---------------------------------------------------------------------------------

GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00" * 20 + b"\n",
    b"{" * 5000 + b"\n",
    b"x" * 200_000,
    b'{"type": "audio-chunk", "payload_length": 99999999999}\n',
    b'{"type": "audio-chunk", "data_length": -5}\n',
    b'{"type": "audio-chunk", "data_length": true}\n',
    b'{"type": 7}\n',
    b'["type"]\n',
    b'{"type": "audio-start", "data": {"rate": 0, "width": 9, "channels": 0}}\n',
    b'{"type": "audio-start", "data": "loud"}\n',
    b'{"type": "synthesize", "data": {"text": {"a": 1}}}\n',
    b'{"type": "synthesize", "data": {"text": "' + b"a" * 20_000 + b'"}}\n',
    b'{"type": "transcript", "data": {"text": "hi", "language": "xx"}}\n',
    b'{"type": "transcribe", "data": {"language": ["en"]}}\n',
]


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_answered_with_an_error_and_the_end(
    server: WyomingServer, sent: bytes
) -> None:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(sent)
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()  # up to the end
    except ConnectionResetError:
        answer = b""  # it left while we were still talking
    finally:
        writer.transport.abort()
    if answer:
        assert json.loads(answer.splitlines()[0])["type"] == "error"


async def test_half_open_and_broken_clients_leave_room_for_the_next(
    house: LiveHouse, server: WyomingServer
) -> None:
    shut: list[asyncio.StreamWriter] = []
    pcm = recording(KITCHEN).tobytes()
    for number in range(50):
        try:
            client = AsyncTcpClient(*server.address)
            await client.connect()
            writer = client._writer
            assert writer is not None
            shut.append(writer)
            if number % 3:
                await client.write_event(AudioStart(16_000, 2, 1).event())
                await client.write_event(AudioChunk(16_000, 2, 1, pcm[:6400]).event())
            if number % 3 == 2:
                writer.transport.abort()  # in mid-audio
        except ConnectionError:
            continue  # more than it takes at once
    for writer in shut:
        writer.transport.abort()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with AsyncTcpClient(*server.address) as client:
                    await client.write_event(Ping("still").event())
                    if await client.read_event() is not None:
                        break
            except ConnectionError:
                continue
    async with AsyncTcpClient(*server.address) as client:
        await sends(client, pcm)
        text = Transcript.from_event(await hears(client, "transcript")).text
    assert words(text) == "turn on the kitchen light"
    assert await house.pid("stt")


async def test_a_client_that_stops_in_mid_audio_is_let_go(server: WyomingServer) -> None:
    async with AsyncTcpClient(*server.address) as client:
        await client.write_event(AudioStart(16_000, 2, 1).event())
        await client.write_event(AudioChunk(16_000, 2, 1, bytes(6400)).event())
        async with asyncio.timeout(PATIENCE_S):
            event = await client.read_event()
    assert event is None or Error.is_type(event.type)


async def test_another_machine_is_not_served_unless_it_is_allowed(house: LiveHouse) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_WYOMING_SERVER__PORT", "0")
        patch.setenv("ALICIA_WYOMING_SERVER__ALLOW", "192.0.2.0/24")
        async with joined(WyomingServer, MqttHouse(house.folder), house.folder) as peer:
            reader, writer = await asyncio.open_connection(*peer.address)
            async with asyncio.timeout(PATIENCE_S):
                writer.write(b'{"type": "describe"}\n')
                with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                    await reader.readexactly(1)
            writer.transport.abort()
