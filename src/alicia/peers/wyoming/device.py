"""One Wyoming satellite: its connection, its pipeline, and what it is told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from alicia.audio.converting import Converter
from alicia.audio.framing import Frames
from alicia.contracts.voice import UtteranceEnded
from alicia.errors import AliciaError, MalformedMessageError, NotReadyError
from alicia.language.phrases import phrase, phrase_for
from alicia.peers.seat import Heard, Seat
from alicia.peers.wyoming.waking import Waiting
from alicia.speech.wyoming import read_event

if TYPE_CHECKING:
    from alicia.peers.wyoming.satellites import SatelliteAt, WyomingSatellites

WRITE_S = 10.0
UNANSWERED_PINGS = 3


class Device:
    """A satellite. Its session lasts as long as the connection."""

    def __init__(self, driver: WyomingSatellites, at: SatelliteAt) -> None:
        self.at = at
        self.connected = False
        self.welcomed = False
        """Whether the last session got as far as a satellite that runs."""
        self.turns = 0
        self._driver = driver
        self._writing = asyncio.Lock()
        self._unanswered = 0
        self._pipeline: Pipeline | None = None

    async def session(self) -> None:
        """Until the connection is lost. Raises NotReadyError, MalformedMessageError."""
        self.welcomed = False
        settings = self._driver.settings
        try:
            async with asyncio.timeout(settings.connect_s):
                reader, self._writer = await asyncio.open_connection(*self.at.address)
        except OSError as error:
            raise NotReadyError("The satellite does not answer.", name=self.at.name) from error
        pinging: asyncio.Task[None] | None = None
        try:
            self._seat = await self._greet(reader)
            self.connected = self.welcomed = True
            self._driver.note()
            self._driver.log.info("satellite connected", satellite=self.at.name)
            pinging = asyncio.create_task(self._ping())
            while (event := await read_event(reader)) is not None:
                await self._take(event)
        except OSError as error:
            raise NotReadyError("The satellite has gone.", name=self.at.name) from error
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise MalformedMessageError(protocol="wyoming", name=self.at.name) from error
        finally:
            self.connected = False
            if pinging is not None:
                pinging.cancel()
                await asyncio.gather(pinging, return_exceptions=True)
            await self._end_pipeline()
            self._writer.transport.abort()

    async def _greet(self, reader: asyncio.StreamReader) -> Seat:
        """Ask who it is, and have it run. Raises NotReadyError where it is no satellite."""
        await self.tell(Describe().event())
        async with asyncio.timeout(self._driver.settings.connect_s):
            while (event := await read_event(reader)) is not None and event.type != "info":
                continue
        info = Info.from_event(event) if event is not None else None
        if info is None or info.satellite is None:
            raise NotReadyError("That is no Wyoming satellite.", name=self.at.name)
        area_id = self.at.area(info.satellite.area)
        await self.tell(RunSatellite().event())
        return Seat(self._driver, self.at.name, area_id=area_id, language=self.at.language)

    async def _ping(self) -> None:
        """A satellite that has answered once and stops answering is gone: the line is cut."""
        self._unanswered, self.pongs = 0, 0
        while True:
            await self.tell(Ping(text="alicia").event())
            await asyncio.sleep(self._driver.settings.ping_s)
            self._unanswered += 1
            if self.pongs and self._unanswered >= UNANSWERED_PINGS:
                self._writer.transport.abort()
                return

    async def tell(self, event: Event) -> None:
        """Raises OSError where it does not take it."""
        async with self._writing, asyncio.timeout(WRITE_S):
            await async_write_event(event, self._writer)

    async def _take(self, event: Event) -> None:
        match event.type:
            case "run-pipeline":
                await self._end_pipeline()
                self._pipeline = Pipeline(
                    self, self._driver, self._seat, RunPipeline.from_event(event)
                )
            case "audio-chunk" if self._pipeline is not None:
                await self._pipeline.feed(AudioChunk.from_event(event))
            case "audio-stop" if self._pipeline is not None:
                self._pipeline.close()
            case "ping":
                await self.tell(Pong(text=Ping.from_event(event).text).event())
            case "pong":
                self.pongs += 1
                self._unanswered = 0
            case "error":
                self._driver.log.warning("the satellite reports an error", satellite=self.at.name)
            case _:
                return  # detection, played, streaming-*, timers: nothing to do for us

    async def _end_pipeline(self) -> None:
        """What runs is over: the device has begun something new, or has gone."""
        if self._pipeline is not None:
            pipeline, self._pipeline = self._pipeline, None
            await pipeline.aclose()


class Pipeline:
    """From `run-pipeline` on: wake word where it is ours to hear, turn, reply."""

    def __init__(
        self, device: Device, driver: WyomingSatellites, seat: Seat, wish: RunPipeline
    ) -> None:
        self._device, self._driver, self._seat, self._wish = device, driver, seat, wish
        self._waiting: Waiting | None = None
        self._woken = asyncio.Event()
        self._frames: Frames | None = None
        self._guess = ""
        self._out: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def feed(self, chunk: AudioChunk) -> None:
        if self._frames is not None:
            self._frames.feed(chunk.audio, chunk.rate, width=chunk.width, channels=chunk.channels)
        elif self._waiting is not None:
            await self._waiting.feed(
                self._wake_frames.convert(chunk.audio, chunk.rate, chunk.width, chunk.channels)
            )

    def close(self) -> None:
        """The device has stopped its microphone."""
        if self._frames is not None:
            self._frames.close()

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Errors are told to the device, in its language; a broken line ends it silently."""
        try:
            with self._driver.edge("wyoming pipeline"):
                await self._stages()
        except AliciaError as error:
            text = phrase_for(error, self._device.at.language)
            with suppress(OSError):
                await self._device.tell(Error(text, error.code).event())

    async def _stages(self) -> None:
        with suppress(OSError):  # the reader sees it too, and ends the session
            again = True
            while again:
                if self._wish.start_stage is PipelineStage.WAKE:
                    await self._wait_for_word()
                await self._turn()
                again = self._wish.restart_on_end or self._wish.start_stage is PipelineStage.WAKE

    async def _wait_for_word(self) -> None:
        """Raises SetupError where none can be heard here."""
        names = self._wish.wake_word_names or []
        self._woken.clear()
        self._wake_frames = _Stepwise()
        self._waiting = Waiting(self._driver, names, self._on_word)
        try:
            await self._device.tell(Detect(names or None).event())
            woken = asyncio.create_task(self._woken.wait())
            await asyncio.wait({woken, self._waiting.task}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
            if not self._woken.is_set():
                await self._waiting.task
        finally:
            waiting, self._waiting = self._waiting, None
            await waiting.aclose()

    async def _on_word(self, word: str, at_ms: int) -> None:
        if not self._woken.is_set():
            await self._device.tell(Detection(name=word, timestamp=at_ms).event())
            self._frames = Frames()
            self._woken.set()

    # ---- the turn ----

    async def _turn(self) -> None:
        self._frames = self._frames or Frames()
        self._guess = ""
        self._started = self._heard_all = False
        self._rate_hz = 0
        telling = asyncio.create_task(self._tell_all())
        try:
            heard = await self._seat.converse(
                self._frames.frames(),
                on_speech=self._on_speech,
                on_end=self._on_end,
                on_partial=self._on_partial,
            )
            self._device.turns += 1
            self._conclude(heard)
            self._out.put_nowait(None)
            await telling
        finally:
            self._frames = None
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell_all(self) -> None:
        while (event := await self._out.get()) is not None:
            await self._device.tell(event)

    def _on_partial(self, text: str) -> None:
        self._guess = text
        if not self._started:
            self._started = True
            self._out.put_nowait(VoiceStarted().event())

    def _on_end(self, end: UtteranceEnded) -> None:
        if not self._started:
            self._started = True
            self._out.put_nowait(VoiceStarted().event())
        self._out.put_nowait(VoiceStopped(timestamp=int(end.speech_end_ms)).event())

    def _on_speech(self, pcm: bytes, rate_hz: int) -> None:
        if not self._rate_hz:
            # The device stops its microphone at the transcript. The text is the guess that the
            # end was decided on: the settled one would come after the reply's first word.
            self._transcribed(self._guess)
            self._out.put_nowait(AudioStart(rate_hz, 2, 1).event())
            self._rate_hz = rate_hz
        self._out.put_nowait(AudioChunk(rate_hz, 2, 1, pcm).event())

    def _transcribed(self, text: str) -> None:
        if not self._heard_all:
            self._heard_all = True
            self._out.put_nowait(Transcript(text, language=self._device.at.language).event())

    def _conclude(self, heard: Heard) -> None:
        record = heard.record
        self._transcribed((record.transcript if record else None) or "")
        if self._rate_hz:
            self._out.put_nowait(AudioStop().event())
        if record is not None and record.reply and not record.spoken and not record.spoken_at:
            self._out.put_nowait(Synthesize(record.reply).event())
        code = heard.error or (record.error if record else None)
        if code is not None:
            text = (record.reply if record else None) or phrase(code, self._device.at.language)
            self._out.put_nowait(Error(text, code).event())


class _Stepwise:
    """Any format to the detector's, piece by piece."""

    def __init__(self) -> None:
        self._converter: Converter | None = None

    def convert(self, data: bytes, rate_hz: int, width: int, channels: int) -> bytes:
        if self._converter is None or self._converter.format != (rate_hz, width, channels):
            self._converter = Converter(rate_hz, width=width, channels=channels)
        return self._converter.feed(data)
