"""The live loop: from audio as it comes to what was said.

    SpeechStarted -> Guess(partial)* -> Ended -> Guess(final)

What was said so far is decoded again and again while the person speaks, and at once when a pause
begins. Each guess is judged: after a whole command a short silence is the end, after words that
demand more a long one is not. A guess whose audio reached the last sound of speech is the final
one, so most commands are known before their end is decided.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from alicia.audio.endpointing import (
    Cue,
    Endpoint,
    Endpointer,
    EndpointSettings,
    EndReason,
    Onset,
    Pause,
    Resumption,
)
from alicia.audio.formats import RATE_HZ, Pcm, from_bytes
from alicia.audio.vad import Vad
from alicia.errors import EngineError, NoSpeechError, UtteranceTooLongError
from alicia.speech.doubt import Doubt, Finish, Judge, Verdict
from alicia.speech.guessing import Decoded, Decoder, gone
from alicia.speech.lane import Decided, Lane, bears_out
from alicia.speech.recognizer import Guess, Recognizer, Streams

# The VAD needs some speech to be sure of it; the word began before.
_BEFORE = int(0.25 * RATE_HZ)
# What an engine writes after the last word where it thinks that more may come: none does.
_GOES_ON = " ,;:、，；："


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the live loop works; times in seconds."""

    complete_silence_s: float = 0.12
    """Silence that ends a whole command."""
    open_silence_s: float = 1.2
    """Silence that ends words which demand more."""
    partial_every_s: float = 0.1
    """New speech that is worth decoding again while the person speaks; 0: never."""
    partial_after_s: float = 0.6
    """Speech before the first such decode."""
    stretch: Callable[[], float] = lambda: 1.0
    """How much longer each silence may be; asked all the time, for it may turn out who speaks."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """It is decided that the utterance is over. Times count from the first sample of the stream."""

    reason: EndReason
    speech_end_ms: int
    """The last moment with speech."""
    endpoint_ms: int
    """How much audio had been heard when it was decided."""


Heard: TypeAlias = SpeechStarted | Guess | Ended


async def listen(
    chunks: AsyncIterator[bytes],
    recognizer: Recognizer,
    *,
    language: str | None = None,
    expected: Mapping[str, float] | None = None,
    settings: EndpointSettings | None = None,
    pace: Pace | None = None,
    judge: Judge | None = None,
    vad: Vad | None = None,
    lane: Streams | None = None,
    lane_failed: Callable[[EngineError], None] = lambda _: None,
) -> AsyncGenerator[Heard, None]:
    """Follow one utterance; `chunks` is 16 kHz mono s16le PCM in pieces of any size.

    The last thing is `Guess(final=True)`. Leave with `contextlib.aclosing` when stopping early:
    it ends the decoding under way and the waiting for audio. `chunks` is not read past the end
    of the utterance. No language means: find out, among the `expected`. Without a judge every pause
    is given `settings.silence_s`. A `lane` knows only whole commands: what it hears is taken at
    once where the judge says that it is one and `recognizer` heard nothing else; its failures are
    no more than told.

    Raises:
        NoSpeechError: nobody spoke, or there was sound but no words. `Ended` came before.
        UtteranceTooLongError: the speech passed the limit. `Ended` came before.
    """
    settings = settings or EndpointSettings()
    listener = _Listener(
        Decoder(recognizer, language, expected), settings, pace or Pace(), judge, vad
    )
    if lane is not None and judge is not None:
        listener.lane = Lane(lane, language, judge, lane_failed)
    try:
        async with aclosing(listener.follow(chunks)) as following:
            async for heard in following:
                yield heard
    finally:
        await listener.aclose()


class _Listener:
    """The state of one utterance: who is waited for, the guess so far and what it is worth."""

    def __init__(
        self,
        decoder: Decoder,
        settings: EndpointSettings,
        pace: Pace,
        judge: Judge | None,
        vad: Vad | None,
    ) -> None:
        self._decoder = decoder
        self._endpointer = Endpointer(settings, vad)
        self._silence_s = settings.silence_s
        self._pace = pace
        self._judge = judge
        self._odd_byte = b""
        self._onset = 0
        self._hearing: asyncio.Task[bytes | None] | None = None
        self._judging: asyncio.Task[Verdict] | None = None
        self._weighing: asyncio.Task[Guess | None] | None = None
        self._judged = 0
        """What the judged guess covers."""
        self._verdict: Verdict | None = None
        self._doubted = False
        """It was asked whether something else was said."""
        self._left: set[asyncio.Task[Any]] = set()
        self.lane: Lane[Verdict] | None = None
        self._taken: Guess | None = None
        """What the lane heard, where that is the latest guess."""

    async def follow(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Heard, None]:
        endpoint: Endpoint | None = None
        while endpoint is None:
            self._hearing = self._hearing or asyncio.create_task(_next(chunks))
            running = (self._hearing, self._decoder.running, self._judging, self._weighing)
            lane = self.lane.running if self.lane else None
            await asyncio.wait(
                [task for task in (*running, lane) if task is not None],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for guess in self._take():
                yield guess
            if self._hearing.done():
                data = self._hearing.result()
                self._hearing = None
                for cue in self._hear(data):
                    if isinstance(cue, Onset):
                        yield SpeechStarted(_ms(cue.start))
                    elif isinstance(cue, Endpoint):
                        endpoint = cue
            self._be_patient()
            endpoint = endpoint or self._endpointer.settle()
            if endpoint is None:
                self._decode_more()
                if self._endpointer.paused:
                    self._doubt()
        yield Ended(endpoint.reason, _ms(endpoint.end), _ms(endpoint.at))
        yield await self._conclude(endpoint)

    def _take(self) -> list[Guess]:
        """What has come of the work under way; a new guess is to be told."""
        told: list[Guess] = []
        if self._decoder.running is not None and self._decoder.running.done():
            before = self._decoder.latest
            decoded = self._decoder.take()
            if self._taken is not None and self._bears_out(decoded, self._taken):
                self._decoder.latest = before
            else:
                self._taken = None
                if decoded.guess.text:
                    told.append(decoded.guess)
                self._consider(decoded)
        if self._judging is not None and self._judging.done():
            self._verdict = self._judging.result()
            self._judging = None
        if self._weighing is not None and self._weighing.done():
            self._settle_on(self._weighing.result())
            self._weighing = None
        if self.lane is not None and self.lane.running is not None and self.lane.running.done():
            told += self._take_lane(self.lane.take())
        return told

    def _take_lane(self, decided: Decided[Verdict] | None) -> list[Guess]:
        """Its sentence becomes the guess where it is a command, and what was heard so far."""
        if decided is None or decided.verdict.finish is not Finish.COMPLETE:
            return []
        latest = self._decoder.latest
        guess = decided.guess
        if self._decoder.knows(decided.covered) or not self._bears_out(latest, guess):
            return []
        if decided.verdict.likely and not self._decoder.recognizer.capabilities.weighs:
            return []  # "Lights", or "light"?
        self._decoder.adopt(guess, decided.covered)
        self._taken = guess
        assert self._decoder.latest is not None  # noqa: S101 adopted
        self._consider(self._decoder.latest, decided.verdict)
        return [guess]

    def _bears_out(self, free: Decoded | None, guess: Guess) -> bool:
        """Whether the lane heard what the free lane had heard by then."""
        if free is None:
            return bears_out(None, 0, guess)
        return bears_out(free.guess, _ms(free.covered - self._decoder.start), guess)

    def _hear(self, data: bytes | None) -> list[Cue]:
        if data is None:
            last = self._endpointer.finish()
            return [last] if last else []
        data = self._odd_byte + data
        self._odd_byte = data[len(data) - len(data) % 2 :]
        pcm = from_bytes(data[: len(data) - len(data) % 2])
        self._decoder.add(pcm)
        cues = self._endpointer.feed(pcm)
        for cue in cues:
            if isinstance(cue, Onset):
                self._onset = cue.start
                self._decoder.start = max(0, cue.start - _BEFORE)
        if self.lane is not None:
            self._feed(self.lane, pcm, cues)
        return cues

    def _feed(self, lane: Lane[Verdict], pcm: Pcm, cues: list[Cue]) -> None:
        if any(isinstance(cue, (Onset, Resumption)) for cue in cues):
            self._taken = None
            lane.begin(self._decoder.speech())
        else:
            lane.add(pcm)
        if self._endpointer.paused and any(isinstance(cue, Pause) for cue in cues):
            lane.conclude(self._endpointer.speech_end)

    def _decode_more(self) -> None:
        """Decode what was said since the last time: at once in a pause, which may be the end.

        A decode under way is not broken off: engines can't be, and its guess is worth judging.
        """
        if self._decoder.running is not None or not self._endpointer.speaking:
            return
        end = self._endpointer.speech_end
        if self._endpointer.paused:
            if self.lane is not None and self.lane.deciding:
                return  # It takes some milliseconds.
            if not self._decoder.knows(end):
                self._decoder.begin(end, urgent=True)
            return
        if self._decoder.recognizer.busy:
            return  # Others are waited for.
        latest = self._decoder.latest
        since = latest.covered if latest else self._onset
        wanted_s = self._pace.partial_every_s if latest else self._pace.partial_after_s
        if self._pace.partial_every_s and end - since >= wanted_s * RATE_HZ:
            self._decoder.begin(end, urgent=False)

    def _consider(self, decoded: Decoded, verdict: Verdict | None = None) -> None:
        """Have the newest guess judged; nobody waits for the verdict on an older one."""
        for task in (self._judging, self._weighing):
            if task is not None:
                task.cancel()
                self._left.add(task)
        self._judging = self._weighing = None
        self._verdict, self._judged, self._doubted = verdict, decoded.covered, False
        if self._judge is not None and verdict is None and decoded.guess.text:
            self._judging = asyncio.ensure_future(self._judge(decoded.guess))

    def _doubt(self) -> None:
        """In a pause after words that are no command: was it one of the likely ones?"""
        decoded, verdict = self._decoder.latest, self._verdict
        if decoded is None or verdict is None or self._settled(verdict):
            return
        if not self._doubted and self._decoder.knows(self._endpointer.speech_end):
            self._doubted = True
            self._weighing = asyncio.create_task(self._reconsider(decoded, verdict))

    async def _reconsider(self, decoded: Decoded, verdict: Verdict) -> Guess | None:
        """What was said instead; None where nothing is better."""
        if self._judge is None:
            return None
        return await Doubt(self._decoder.recognizer, self._judge, decoded).settle(verdict)

    def _settled(self, verdict: Verdict) -> bool:
        """Whether these are surely the words of a whole command."""
        if verdict.finish is not Finish.COMPLETE or self._decoder.latest is None:
            return False
        return self._decoder.latest.guess.hears_plurals or not verdict.likely

    def _settle_on(self, better: Guess | None) -> None:
        if better is not None and self._decoder.latest is not None:
            self._decoder.latest = replace(self._decoder.latest, guess=better)
            self._verdict = Verdict(Finish.COMPLETE)

    def _be_patient(self) -> None:
        """How long a silence may last, by what is known of the words up to now."""
        known = self._judged >= self._endpointer.speech_end - self._decoder.tail
        verdict = self._verdict if known and self._verdict else Verdict(Finish.UNKNOWN)
        if self._settled(verdict):
            patience_s = self._pace.complete_silence_s
        elif verdict.finish is Finish.OPEN:
            patience_s = self._pace.open_silence_s
        else:
            patience_s = self._silence_s
        self._endpointer.patience_s = patience_s * self._pace.stretch()

    async def _conclude(self, endpoint: Endpoint) -> Guess:
        if endpoint.reason is EndReason.NO_SPEECH:
            raise NoSpeechError
        if endpoint.reason is EndReason.LIMIT:
            limit_s = round((endpoint.at - endpoint.start) / RATE_HZ, 1)
            raise UtteranceTooLongError(limit_s=limit_s)
        decoder = self._decoder
        if self.lane is not None and not decoder.knows(endpoint.end):
            self.lane.conclude(endpoint.end)
            if self.lane.running is not None:
                await asyncio.wait({self.lane.running})
                self._take_lane(self.lane.take())
        if not decoder.knows(endpoint.end):
            if not decoder.covers(endpoint.end):
                decoder.begin(endpoint.end, urgent=True)
            assert decoder.running is not None  # noqa: S101 set by begin
            await asyncio.wait({decoder.running})
            decoder.take()
        assert decoder.latest is not None  # noqa: S101 it knows
        await self._think_again(decoder.latest)
        guess = decoder.latest.guess
        text = guess.text.rstrip(_GOES_ON)
        if not text:
            raise NoSpeechError
        return replace(guess, text=text, final=True)

    async def _think_again(self, decoded: Decoded) -> None:
        """The same, where the end came before there was time for it."""
        if self._weighing is None and self._judge is not None and decoded.guess.text:
            verdict = self._verdict or await (self._judging or self._judge(decoded.guess))
            if not self._settled(verdict) and not self._doubted:
                self._weighing = asyncio.create_task(self._reconsider(decoded, verdict))
        if self._weighing is not None:
            self._settle_on(await self._weighing)

    async def aclose(self) -> None:
        for task in (self._hearing, self._judging, self._weighing):
            if task is not None:
                task.cancel()
                self._left.add(task)
        await gone(self._left)
        if self.lane is not None:
            await self.lane.aclose()
        await self._decoder.aclose()


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    """The next chunk, None after the last."""
    return await anext(chunks, None)


def _ms(samples: int) -> int:
    return round(samples * 1000 / RATE_HZ)
