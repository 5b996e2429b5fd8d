"""A satellite that stays: it waits for its wake word, speaks, and can be interrupted.

    frames ─▶ pre-roll ─▶ (idle) detector ─▶ a turn ─▶ speaker ◀─ interruption ─▶ a turn

Nothing of what is heard leaves this process before a turn is open.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alicia.audio.duplex import Duplex
from alicia.audio.earcons import Earcon, tone
from alicia.audio.formats import Pcm, from_bytes, level_db
from alicia.audio.interrupting import Cue, Interruption
from alicia.contracts.satellites import (
    INTERCOM,
    JOINED,
    PLAYED,
    SATELLITE_HERE,
    SOUND,
    Joined,
    Orders,
    Played,
    SatelliteHere,
    Sound,
    SoundKind,
)
from alicia.contracts.voice import CANCEL, SPEAK, SPEECH, Cancel, Speak, SpeechChunk, Wake
from alicia.errors import AliciaError, AudioLostError
from alicia.peers.satellite.hearing import FRAME_S, RATE_HZ, Heard
from alicia.peers.satellite.service import SILENT, TAIL_S, Satellite, TurnOptions

PRE_ROLL_S = 1.5
BARGE_IN_PRE_ROLL_S = 0.6
"""Enough for the word that interrupted; more would be the reply's own time."""
HERE_EVERY_S = 10.0
LAST_OF_CALL_S = 2.0


class Detection(Protocol):
    """A wake word that was heard."""

    @property
    def word(self) -> str: ...

    @property
    def score(self) -> float: ...


class Detector(Protocol):
    """A wake-word detector: streaming, 16 kHz."""

    def feed(self, pcm: Pcm) -> Sequence[Detection]: ...


@dataclass(eq=False)
class _Capture:
    """The microphone's frames for one turn."""

    queue: asyncio.Queue[bytes]
    open: bool = True

    async def frames(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.queue.get()


class Standing:
    """A satellite with its microphone and speaker, until cancelled."""

    def __init__(
        self,
        satellite: Satellite,
        duplex: Duplex,
        *,
        detector: Detector | None = None,
        on_turn: Callable[[Heard], None] | None = None,
    ) -> None:
        self._satellite = satellite
        self._duplex = duplex
        self._speaker = duplex.speaker
        self._detector = detector
        self._on_turn = on_turn
        self._orders = Orders()
        self._ring: deque[bytes] = deque(maxlen=round(PRE_ROLL_S / FRAME_S))
        self._capture: _Capture | None = None
        self._turn_id: str | None = None
        """What sounds, or is being answered."""
        self._interrupted: str | None = None
        """What was spoken over."""
        self._interruption: Interruption | None = None
        self._drained = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._speaker.on_drained = lambda: self._loop.call_soon_threadsafe(self._drained.set)
        self.barge_ins = 0

    async def run(self) -> None:
        """Listen, until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(self._say_here())
            self._group.create_task(self._take_sounds())
            async for frame in self._duplex.frames():
                self._hear(frame)

    def push(self) -> None:
        """Push to talk: a turn begins without a wake word."""
        self._begin(TurnOptions(follows=self._turn_id), pre_roll_s=0.0)

    # ---- the microphone ----

    def _hear(self, frame: bytes) -> None:
        self._ring.append(frame)
        if self._capture is not None and self._capture.open:
            self._capture.queue.put_nowait(frame)
        elif self._speaker.playing and self._interruption is not None:
            self._watch(self._interruption, from_bytes(frame))
        elif self._detector is not None:
            for detection in self._detector.feed(from_bytes(frame)):
                wake = Wake(
                    word=detection.word,
                    score=detection.score,
                    level_db=level_db(from_bytes(b"".join(self._ring))),
                )
                self._begin(TurnOptions(wake=wake), pre_roll_s=0.0)

    def _watch(self, interruption: Interruption, pcm: Pcm) -> None:
        for cue in interruption.feed(pcm, learned=self._duplex.gauge.learned):
            if cue is Cue.STOP:
                self.barge_ins += 1
                self._interrupted = self._turn_id
                self._speaker.stop()
                self._begin(TurnOptions(follows=self._turn_id), pre_roll_s=BARGE_IN_PRE_ROLL_S)
                return
            self._speaker.duck(on=cue is Cue.DUCK)

    # ---- turns ----

    def _begin(self, asked: TurnOptions, *, pre_roll_s: float) -> None:
        if self._capture is not None and self._capture.open:
            return
        capture = self._capture = _Capture(asyncio.Queue())
        frames = round(pre_roll_s / FRAME_S)
        for frame in list(self._ring)[len(self._ring) - frames :] if frames else []:
            capture.queue.put_nowait(frame)
        self._interruption = None
        self._group.create_task(self._converse(capture, asked))

    async def _converse(self, capture: _Capture, asked: TurnOptions) -> None:
        turn_id = secrets.token_hex(8)
        asked = TurnOptions(
            turn_id=turn_id, wake=asked.wake, woken=asked.woken, follows=asked.follows
        )

        def opened() -> None:
            if asked.wake is not None:
                self._earcon(Earcon.WAKE)

        def ended() -> None:
            capture.open = False
            if self._capture is capture:
                self._turn_id = turn_id
                self._listen_over_it()

        async with self._satellite.hear(CANCEL, turn_id=turn_id) as cancels:
            heard = await self._satellite.turn(
                capture.frames(),
                on_opened=opened,
                on_ended=ended,
                speaker=self._speaker,
                asked=asked,
            )
            if self._on_turn is not None:
                self._on_turn(heard)
            if heard.error in SILENT:
                return
            if heard.speech:
                await self._sounded(turn_id, cancels)
            elif heard.error is not None and not heard.cancelled:
                intent = heard.error.startswith("intent")
                self._earcon(Earcon.NOT_UNDERSTOOD if intent else Earcon.ERROR)
        follow_up = heard.record is not None and heard.record.expects_reply
        if follow_up and not heard.cancelled and self._capture is capture:
            self._begin(TurnOptions(follows=turn_id), pre_roll_s=0.0)

    def _listen_over_it(self) -> None:
        """What sounds from now on can be interrupted."""
        self._drained.clear()
        self._interruption = Interruption()

    async def _sounded(self, turn_id: str, cancels: AsyncIterator[Cancel]) -> None:
        """Wait for the speaker, and say what was heard of it."""
        draining = asyncio.create_task(self._until_drained())
        cancelled = asyncio.create_task(_first(cancels))
        try:
            await asyncio.wait({draining, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            complete = draining.done() and self._interrupted != turn_id
            if not draining.done() and self._turn_id == turn_id:
                self._speaker.stop()
        finally:
            await _ended(draining, cancelled)
        if self._turn_id == turn_id:
            self._turn_id = None
        await self._satellite.say(
            PLAYED,
            Played(
                turn_id=turn_id,
                satellite=self._satellite.called,
                ms=self._speaker.sounded_ms,
                complete=complete,
            ),
        )

    def _earcon(self, earcon: Earcon) -> None:
        if not self._orders.quiet and not self._speaker.playing:
            self._speaker.start(volume=self._satellite.volume)
            self._speaker.feed(tone(earcon), RATE_HZ)
            self._speaker.finish()

    # ---- the house ----

    async def _say_here(self) -> None:
        own = self._satellite
        while True:
            try:
                self._orders = await own.ask(
                    SATELLITE_HERE,
                    SatelliteHere(
                        satellite=own.called,
                        instance=own.instance,
                        area_id=own.settings.area_id,
                        language=own.own_language,
                    ),
                )
                own.volume = self._orders.volume
            except AliciaError as error:
                own.log.info("the house does not know of me yet", code=error.code)
            await asyncio.sleep(HERE_EVERY_S)

    async def _take_sounds(self) -> None:
        async with self._satellite.hear(SOUND, satellite=self._satellite.called) as sounds:
            async for sound in sounds:
                self._group.create_task(self._take(sound))

    async def _take(self, sound: Sound) -> None:
        error: str | None = None
        stopping = asyncio.create_task(self._until_cancelled(sound.turn_id))
        call = sound.kind is SoundKind.INTERCOM
        playing = asyncio.create_task(self._call(sound) if call else self._announce(sound))
        try:
            await asyncio.wait({stopping, playing}, return_when=asyncio.FIRST_COMPLETED)
            complete = playing.done()
            if complete and isinstance(raised := playing.exception(), AliciaError):
                error = raised.code
        finally:
            await _ended(stopping, playing)
        if not complete:
            self._speaker.stop()
        await self._satellite.say(
            PLAYED,
            Played(
                turn_id=sound.turn_id,
                satellite=self._satellite.called,
                ms=self._speaker.sounded_ms,
                complete=complete and error is None,
                error=error,
            ),
        )

    async def _until_cancelled(self, turn_id: str) -> None:
        async with self._satellite.hear(CANCEL, turn_id=turn_id) as cancels:
            async for cancel in cancels:
                if cancel.satellite == self._satellite.called:
                    return

    async def _announce(self, sound: Sound) -> None:
        own, apart = self._satellite, Heard(secrets.token_hex(8), time.time())
        self._open_speaker(sound)
        self._speaker.feed(tone(Earcon.ANNOUNCEMENT), RATE_HZ)
        async with own.hear(SPEECH, limit=4096, turn_id=apart.turn_id) as speech:
            sounding = asyncio.create_task(self._feed(speech, apart))
            try:
                ask = Speak(turn_id=apart.turn_id, text=sound.text or "", language=sound.language)
                await own.ask(SPEAK, ask)
                async with asyncio.timeout(TAIL_S):
                    await apart.complete.wait()
            except TimeoutError as error:
                raise AudioLostError from error
            finally:
                sounding.cancel()
                await asyncio.gather(sounding, return_exceptions=True)
                self._speaker.finish()
        await self._until_drained()

    async def _feed(self, speech: AsyncIterator[SpeechChunk], apart: Heard) -> None:
        async for chunk in speech:
            for pcm in apart.put(chunk):
                self._speaker.feed(pcm, chunk.rate_hz)

    async def _call(self, sound: Sound) -> None:
        own = self._satellite
        async with own.hear(INTERCOM, limit=512, turn_id=sound.turn_id) as voice:
            self._open_speaker(sound)
            self._speaker.feed(tone(Earcon.ANNOUNCEMENT), RATE_HZ)
            await own.say(JOINED, Joined(turn_id=sound.turn_id, satellite=own.called))
            while True:
                try:
                    async with asyncio.timeout(LAST_OF_CALL_S):
                        chunk = await anext(voice)
                except TimeoutError as error:
                    self._speaker.finish()
                    raise AudioLostError from error
                self._speaker.feed(chunk.pcm, chunk.rate_hz)
                if chunk.last:
                    break
        self._speaker.finish()
        await self._until_drained()

    def _open_speaker(self, sound: Sound) -> None:
        self._turn_id = sound.turn_id
        self._speaker.start(volume=sound.volume)
        self._listen_over_it()

    async def _until_drained(self) -> None:
        while self._speaker.playing:
            await self._drained.wait()
            self._drained.clear()


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _first(cancels: AsyncIterator[Cancel]) -> Cancel:
    return await anext(cancels)
