"""The stock path: what a plain pipeline of today does with the same recording on this machine.

    0.7 s of silence end the utterance -> faster-whisper as it comes on the same model (30 s window,
    5 beams, 2 threads) -> the same understanding and the same devices -> the whole reply is spoken,
    then its first sample is here

Nothing starts before the end is decided, nothing is streamed, nothing is kept. In the stock path's
favour: its audio goes through no bus, its VAD is ours, and where its language has no Piper voice
here it speaks with eSpeak NG, the quickest there is.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench.voice.home import HomeControl
from tests.bench.voice.labels import Recording
from tests.bench.voice.load import HouseLoad, cpu_s
from tests.bench.voice.playing import Player
from tests.bench.voice.turns import TurnResult, quiet, result_for, take_record, take_verdict

from alicia.audio.formats import RATE_HZ
from alicia.audio.vad import EarshotVad
from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.services.supporting.orchestrator import proportional_mb
from alicia.speech.models import ModelStore
from alicia.testing.live import LiveHouse

SILENCE_S = 0.7
SPEECH, SURE, SURE_FRAMES = 0.5, 0.7, 2
LONGEST_S = 15.0
THREADS = 2
MODEL = "whisper-base-int8"
VOICES = {"en": "piper-en-joe"}
"""The voices of the house that are Piper's; the other languages get eSpeak NG."""
WORKER = Path(__file__).with_name("stock_worker.py")
ANSWER_S = 60.0
DESCRIPTION = {
    "endpoint": f"{SILENCE_S} s of silence, fixed (VAD: earshot)",
    "recognizer": f"faster-whisper, defaults (30 s window, beam 5), {MODEL}, {THREADS} threads",
    "understanding": "the house's own (typed turn, on the bus)",
    "voice": "whole reply at once, no cache: piper-en-joe for en, espeak-ng for others",
    "favoured": "audio does not cross the bus",
}


class StockUnavailableError(Exception):
    """An engine of the stock path is not installed; the sentence says which."""


class Engine:
    """A worker process: a question, an answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self.pid = process.pid

    async def ask(self, head: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        self._in.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
        await self._in.drain()
        return await self.answer()

    async def answer(self) -> tuple[dict[str, Any], bytes]:
        async with asyncio.timeout(ANSWER_S):
            line = await self._out.readline()
            if not line:
                raise StockUnavailableError("An engine of the stock path has died; see above.")
            head = json.loads(line)
            return head, await self._out.readexactly(head.pop("bytes"))


@asynccontextmanager
async def engine(kind: str, model: str, threads: int) -> AsyncGenerator[Engine, None]:
    """Raises StockUnavailableError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        kind,
        model,
        str(threads),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        worker = Engine(process)
        head, _ = await worker.answer()
        if "missing" in head:
            raise StockUnavailableError(
                f"The reference needs the Python package {head['missing']}: run `make setup-dev`."
            )
        yield worker
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class StockTurns:
    """Plays recordings to the stock path."""

    def __init__(
        self, house: LiveHouse, control: HomeControl, recognizer: Engine, voices: dict[str, Engine]
    ) -> None:
        self._house = house
        self._control = control
        self._recognizer = recognizer
        self._voices = voices
        self._load = HouseLoad(house)
        self._engines = [recognizer, *voices.values()]

    async def warm(self, languages: list[str]) -> None:
        """Nothing is measured cold."""
        for language in languages:
            await self._recognize(np.zeros(RATE_HZ, np.int16).tobytes(), language)
            await self._speak("One.", language)

    def memory_mb(self) -> float:
        """Of its two engines; the understanding is the house's."""
        return round(sum(proportional_mb(worker.pid) or 0.0 for worker in self._engines), 1)

    async def play(self, recording: Recording) -> TurnResult:
        label = recording.label
        player = Player(recording)
        result = result_for(recording, "stock", player.speech_end_s)
        before = await self._control.prepare(label)
        cpu = await self._cpu_s()
        heard, claimed_s = await self._listen(player)
        decided_at = time.time()
        record = await self._answer(heard, label.language)
        first_audio_at = time.time()
        verdict = await self._control.judge(label, before)
        result.cpu_s = round(await self._cpu_s() - cpu, 3)
        if record is not None:
            take_record(result, record, label)
        else:
            result.error = "voice.no_speech"
        decided = decided_at - player.speech_end_at
        result.decided_ms = round(decided * 1000, 1)
        result.end_offset_ms = round(claimed_s * 1000 - result.speech_end_ms, 1)
        short = claimed_s * 1000 < result.speech_end_ms - 150
        result.cut = decided < -0.05 or (result.tail_lost and short)
        result.processing_ms = round((first_audio_at - decided_at) * 1000, 1)
        result.felt_ms = round((first_audio_at - player.speech_end_at) * 1000, 1)
        take_verdict(result, verdict, label)
        await quiet(self._load)
        return result

    async def _listen(self, player: Player) -> tuple[bytes, float]:
        """What was heard until the silence was long enough, and where its speech ended."""
        vad = EarshotVad()
        heard, rest = bytearray(), np.empty(0, np.int16)
        at = end = sure = 0
        frames = player.frames()
        try:
            async for frame in frames:
                heard += frame
                samples = np.concatenate([rest, np.frombuffer(frame, "<i2")])
                while len(samples) >= vad.frame_samples:
                    likely = vad.speech_probability(samples[: vad.frame_samples])
                    samples = samples[vad.frame_samples :]
                    at += vad.frame_samples
                    sure = sure + 1 if likely >= SURE else 0
                    if sure >= SURE_FRAMES or (end and likely >= SPEECH):
                        end = at
                rest = samples
                silent_s = (at - end) / RATE_HZ
                if (end and silent_s >= SILENCE_S) or at >= LONGEST_S * RATE_HZ:
                    break
        finally:
            await frames.aclose()
        return bytes(heard), end / RATE_HZ

    async def _answer(self, heard: bytes, language: str) -> TurnRecord | None:
        """The turn's record, once the first sample of the reply could be played."""
        text = await self._recognize(heard, language)
        if not text:
            await self._speak("I heard nothing.", language)
            return None
        record = await self._house.console.ask(
            SAY_TEXT,
            SayText(turn_id=secrets.token_hex(8), satellite="bench", text=text, language=language),
        )
        await self._speak(record.reply or "I am sorry.", record.language)
        return record

    async def _recognize(self, pcm: bytes, language: str) -> str:
        head, _ = await self._recognizer.ask({"language": language}, pcm)
        return head["text"].strip()

    async def _speak(self, text: str, language: str) -> bytes:
        voice = self._voices.get(language) or self._voices[""]
        _, pcm = await voice.ask({"text": text, "language": language})
        return pcm

    async def _cpu_s(self) -> float:
        return await self._load.cpu_s() + sum(cpu_s(worker.pid) for worker in self._engines)


@asynccontextmanager
async def stock_turns(
    house: LiveHouse, control: HomeControl, languages: list[str]
) -> AsyncGenerator[StockTurns, None]:
    """The stock path with its engines loaded and warm. Raises StockUnavailableError."""
    store = ModelStore(house.folder.models)
    async with AsyncExitStack() as stack:
        folder = str(store.resolve(MODEL))
        recognizer = await stack.enter_async_context(engine("whisper", folder, THREADS))
        voices: dict[str, Engine] = {}
        for language in languages:
            if (name := VOICES.get(language)) and store.has(name):
                model = str(store.resolve(name))
                voices[language] = await stack.enter_async_context(engine("piper", model, 1))
        program = shutil.which("espeak-ng")
        if program is None:
            raise StockUnavailableError("The reference needs the program espeak-ng.")
        voices[""] = await stack.enter_async_context(engine("espeak", program, 1))
        turns = StockTurns(house, control, recognizer, voices)
        await turns.warm(languages)
        yield turns
