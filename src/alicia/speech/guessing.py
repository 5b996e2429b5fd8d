"""The guess for what was said so far: which stretch of audio it knows, and what else it may be."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.speech.recognizer import Guess, Recognizer

# Whisper decodes better with a little silence after the last word.
_AFTER = int(0.1 * RATE_HZ)
# A guess may lack this much of the end of speech and still have all of its words. Where another
# takes less than this long, it is worth having: the last sound tells "light" from "lights".
_TAIL = int(0.06 * RATE_HZ)
_QUICK_S = 0.09
# From here on a language that was found is not looked for again.
_SURE = 0.85


@dataclass(frozen=True, slots=True)
class Decoded:
    guess: Guess
    covered: int
    """The last sample of speech it knows of."""
    speech: Pcm


class Decoder:
    """The guess for the audio so far; one decode at a time."""

    def __init__(
        self, recognizer: Recognizer, language: str | None, expected: Mapping[str, float] | None
    ) -> None:
        self.recognizer = recognizer
        self._language = language
        self._expected = expected
        self._pieces: list[Pcm] = []
        self.heard = 0
        """Samples so far."""
        self.start = 0
        """Where the speech starts."""
        self.latest: Decoded | None = None
        self.running: asyncio.Task[Decoded] | None = None
        self._covers = 0
        self._took_s = 1.0
        self._left: set[asyncio.Task[Any]] = set()

    @property
    def tail(self) -> int:
        """How much of the end of speech a guess may lack, in samples."""
        return 0 if self._took_s < _QUICK_S else _TAIL

    def add(self, pcm: Pcm) -> None:
        self._pieces.append(pcm)
        self.heard += len(pcm)

    def covers(self, end: int) -> bool:
        """Whether the decode under way has all words up to `end`."""
        return self.running is not None and self._covers >= end - self.tail

    def knows(self, end: int) -> bool:
        """Whether the latest guess has all words up to `end`."""
        return self.latest is not None and self.latest.covered >= end - self.tail

    def begin(self, end: int, *, urgent: bool) -> None:
        """Decode the speech up to `end`."""
        self.leave()
        speech = self.speech(end + _AFTER)
        self._covers = end
        self.running = asyncio.create_task(self._decode(speech, end, urgent=urgent))

    def speech(self, end: int | None = None) -> Pcm:
        """What was heard since the speech began, up to `end`."""
        heard = np.concatenate(self._pieces)
        self._pieces = [heard]
        return heard[self.start : end]

    def adopt(self, guess: Guess, end: int) -> None:
        """Another has heard what was said up to `end`."""
        self.latest = Decoded(guess, end, self.speech(end + _AFTER))

    def leave(self) -> None:
        """Nobody needs the decode under way any more."""
        if self.running is not None:
            self.running.cancel()
            self._left.add(self.running)
        self.running = None

    def take(self) -> Decoded:
        """The outcome of the finished decode. Raises what the engine raised."""
        assert self.running is not None  # noqa: S101 asked only when it is done
        running, self.running = self.running, None
        self.latest = running.result()
        guess = self.latest.guess
        if self._language is None and guess.language_probability >= _SURE and guess.text:
            self._language = guess.language
        return self.latest

    async def _decode(self, speech: Pcm, end: int, *, urgent: bool) -> Decoded:
        started = time.perf_counter()
        guess = await self.recognizer.transcribe(
            speech, self._language, urgent=urgent, expected=self._expected
        )
        self._took_s = time.perf_counter() - started
        return Decoded(guess, end, speech)

    async def aclose(self) -> None:
        self.leave()
        await gone(self._left)


async def gone(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until cancelled tasks have ended; nobody needs what became of them."""
    await asyncio.gather(*tasks, return_exceptions=True)
