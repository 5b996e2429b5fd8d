"""The satellite on the bus: a turn from its side."""

from __future__ import annotations

import asyncio
import secrets
import time
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from alicia.audio.formats import write_wav
from alicia.audio.playing import PlayQueue
from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.satellites import (
    INTERCOM,
    JOINED,
    OPEN_INTERCOM,
    PLAYED,
    SATELLITE_HERE,
    SOUND,
)
from alicia.contracts.voice import (
    AUDIO,
    AUTO,
    CANCEL,
    LISTENING,
    OPEN_TURN,
    PARTIAL,
    SPEAK,
    SPEECH,
    STOP_TURN,
    TURN_ENDED,
    UTTERANCE_ENDED,
    AudioChunk,
    Cancel,
    CancelReason,
    Listening,
    OpenTurn,
    Partial,
    Speak,
    SpeechChunk,
    TurnRecord,
    UtteranceEnded,
    Wake,
)
from alicia.errors import (
    AliciaError,
    AnsweredElsewhereError,
    BusError,
    DeadlineError,
    TurnCancelledError,
)
from alicia.language.phrases import phrase
from alicia.peers.satellite.hearing import FRAME, RATE_HZ, Heard, Microphone
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings

SILENT = frozenset({AnsweredElsewhereError.code, TurnCancelledError.code})
"""Errors that a satellite keeps to itself."""
UTTERANCE_S = 20.0
"""How long after the first sample the end of the utterance is waited for."""
TAIL_S = 2.0
"""How long the last of the reply's audio may come after the turn's record."""
STORE_AGAIN_S = 30.0
"""When to ask again for the stored phrase, where nobody could speak it."""


FALLBACK = "en"
"""Spoken by a satellite that is to hear every language, before it has heard one."""


class SatelliteSettings(Settings):
    http_port: int = -1
    called: str | None = None
    """Its name, the same after each start; otherwise each start has a name of its own."""
    area_id: str | None = None
    language: str = "en"
    """What is spoken to it; `auto`: whichever is heard."""
    answer_s: float = Field(default=12.0, gt=0)
    """How long after the last word the person waits at most before hearing that it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOptions:
    """What a turn may be opened with."""

    turn_id: str | None = None
    wake: Wake | None = None
    woken: float = field(default_factory=time.monotonic)
    """When the wake word was heard, by this machine's monotonic clock."""
    follows: str | None = None
    dry_run: bool = False
    home: HomeSnapshot | None = None
    """The home of another time, in a dry run."""

    def aged_wake(self) -> Wake | None:
        if self.wake is None:
            return None
        return self.wake.model_copy(update={"age_ms": (time.monotonic() - self.woken) * 1000})


class Satellite(Service[SatelliteSettings]):
    """One person's ear and mouth of Alicia."""

    name = "satellite"
    says = (AUDIO, PLAYED, JOINED, INTERCOM)
    hears = (LISTENING, PARTIAL, UTTERANCE_ENDED, SPEECH, TURN_ENDED, CANCEL, SOUND, INTERCOM)
    asks = (OPEN_TURN, SPEAK, STOP_TURN, SATELLITE_HERE, OPEN_INTERCOM)

    volume: float = 1.0
    """As the house ordered."""

    @runs
    async def store_phrase(self) -> None:
        """Have the phrase for a house that can't answer, in this satellite's language."""
        path = self._phrase_file(self.own_language)
        while not path.exists():
            if not await self._fetch_phrase(path):
                await asyncio.sleep(STORE_AGAIN_S)

    async def _fetch_phrase(self, path: Path) -> bool:
        """Whether somebody spoke it."""
        apology = Heard(secrets.token_hex(8), time.time())
        async with self.hear(SPEECH, limit=4096, turn_id=apology.turn_id) as speech:
            noting = asyncio.create_task(self._note_the_speech(speech, apology))
            try:
                text = phrase("alicia", self.own_language)
                ask = Speak(turn_id=apology.turn_id, text=text, language=self.own_language)
                await self.ask(SPEAK, ask)
                if not await _comes(apology.complete):
                    return False
            except AliciaError as error:
                self.log.warning("no phrase stored for a bad day", code=error.code)
                return False
            finally:
                await _cancelled(noting)
        new = path.with_suffix(".new")
        write_wav(new, np.frombuffer(apology.speech, np.int16), apology.rate_hz)
        new.replace(path)
        return True

    @property
    def own_language(self) -> str:
        """What it is spoken to in where nobody has been heard yet."""
        return FALLBACK if self.settings.language == AUTO else self.settings.language

    def _phrase_file(self, language: str) -> Path:
        return self.folder.state(self.name) / f"apology-{language}.wav"

    def _apologise(self, heard: Heard, language: str) -> None:
        """Say the stored phrase in place of a reply."""
        path = self._phrase_file(self.own_language if language == AUTO else language)
        if heard.speech or not path.exists():
            return
        with wave.open(str(path)) as stored:
            heard.rate_hz = stored.getframerate()
            heard.chunks[0] = stored.readframes(stored.getnframes())
        heard.note_first_audio()
        heard.own_voice = True

    @property
    def called(self) -> str:
        """The name by which the house knows it."""
        return self.settings.called or self.instance

    async def turn(
        self,
        frames: AsyncIterator[bytes],
        *,
        on_partial: Callable[[str], None] | None = None,
        on_opened: Callable[[], None] | None = None,
        on_ended: Callable[[], None] | None = None,
        speaker: PlayQueue | None = None,
        asked: TurnOptions | None = None,
        area_id: str | None = None,
        language: str | None = None,
    ) -> Heard:
        """One turn with what a microphone gives: 20 ms frames, 16 kHz mono s16le, as they come.

        on_ended: told when the microphone is needed no longer. speaker: the reply sounds there, as
        it comes. Always returns: an error of ours stands in the result, in words in its speech,
        unless the turn was cancelled or is answered elsewhere.
        """
        asked = asked or TurnOptions()
        turn_id, utterance_id = asked.turn_id or secrets.token_hex(8), secrets.token_hex(8)
        heard = Heard(turn_id, time.time())
        microphone = Microphone(frames, on_ended)
        language = language or self.settings.language
        async with AsyncExitStack() as stack:
            hear = stack.enter_async_context
            listening = await hear(self.hear(LISTENING, utterance_id=utterance_id))
            ended = await hear(self.hear(UTTERANCE_ENDED, utterance_id=utterance_id))
            speech = await hear(self.hear(SPEECH, limit=4096, turn_id=turn_id))
            over = await hear(self.hear(TURN_ENDED, satellite=self.called))
            cancels = await hear(self.hear(CANCEL, turn_id=turn_id))
            if on_partial is not None:
                partials = await hear(self.hear(PARTIAL, utterance_id=utterance_id))
                telling = asyncio.create_task(_tell(partials, on_partial))
                stack.push_async_callback(_cancelled, telling)
            for work in (
                microphone.listen(),
                self._let_it_flow(listening, microphone, utterance_id),
                self._note_the_end(ended, microphone, heard),
                self._note_the_speech(speech, heard, speaker),
                self._note_the_cancel(cancels, microphone, heard, speaker),
            ):
                stack.push_async_callback(_cancelled, asyncio.create_task(work))
            stack.enter_context(self.trace("turn at the satellite"))
            try:
                await self.ask(
                    OPEN_TURN,
                    OpenTurn(
                        turn_id=turn_id,
                        utterance_id=utterance_id,
                        satellite=self.called,
                        area_id=area_id or self.settings.area_id,
                        language=language,
                        instance=self.instance,
                        wake=asked.aged_wake(),
                        follows=asked.follows,
                        plays=speaker is not None,
                        dry_run=asked.dry_run,
                        home=asked.home,
                    ),
                )
                if on_opened is not None:
                    on_opened()
                heard.record = await self._record(over, heard)
            except AliciaError as error:
                heard.error = error.code
        microphone.close()
        self._make_up_for(heard, language, speaker)
        return heard

    def _make_up_for(self, heard: Heard, language: str, speaker: PlayQueue | None) -> None:
        """Where no reply came, the stored phrase is one; silence where silence is right."""
        if heard.cancelled or heard.error in SILENT:
            return
        if heard.record is not None and heard.record.spoken_at is not None:
            return
        if heard.record is None or (heard.record.reply and not heard.record.spoken):
            self._apologise(heard, language)
            if heard.own_voice and speaker is not None:
                speaker.start()
                speaker.feed(heard.speech, heard.rate_hz)
                speaker.finish()

    async def _record(self, over: AsyncIterator[TurnRecord], heard: Heard) -> TurnRecord:
        """The turn's record once its speech is here too. Raises DeadlineError."""
        waiting = asyncio.create_task(_of_turn(over, heard.turn_id))
        try:
            while not waiting.done():
                if heard.cancelled is not None and time.monotonic() - heard.cancelled_on > TAIL_S:
                    raise TurnCancelledError
                since = heard.ended_on or heard.started_on + UTTERANCE_S
                left = since + self.settings.answer_s - time.monotonic()
                if left <= 0:
                    raise DeadlineError("There was no answer in time.")
                await asyncio.wait({waiting}, timeout=min(left, 0.25))
            record = waiting.result()
        finally:
            await _cancelled(waiting)
        if heard.cancelled or record.cancelled:
            return record
        if record.spoken and record.reply and not await _comes(heard.complete):
            # Streams are lossy: a broker that was away has taken a part of the reply with it.
            self.log.warning("the reply was lost on the way; again", turn=heard.turn_id)
            language = record.reply_language or record.language
            again = Speak(turn_id=heard.turn_id, text=record.reply, language=language)
            await self.ask(SPEAK, again)
            await _comes(heard.complete)
        return record

    async def _let_it_flow(
        self, listening: AsyncIterator[Listening], microphone: Microphone, utterance_id: str
    ) -> None:
        """Say the audio from the first sample, again whenever somebody new listens."""
        flowing: asyncio.Task[None] | None = None
        try:
            async for _ in listening:
                if flowing is not None:
                    await _cancelled(flowing)
                flowing = asyncio.create_task(self._flow(microphone, utterance_id))
        finally:
            if flowing is not None:
                await _cancelled(flowing)

    async def _flow(self, microphone: Microphone, utterance_id: str) -> None:
        sequence = 0
        async for pcm, last in microphone.replay():
            await self.say(
                AUDIO,
                AudioChunk(
                    utterance_id=utterance_id,
                    sequence=sequence,
                    position=sequence * FRAME,
                    rate_hz=RATE_HZ,
                    last=last,
                    pcm=pcm,
                ),
            )
            sequence += 1

    async def _note_the_end(
        self, ended: AsyncIterator[UtteranceEnded], microphone: Microphone, heard: Heard
    ) -> None:
        async for end in ended:
            heard.ended, heard.ended_on = end, time.monotonic()
            microphone.close()

    async def _note_the_speech(
        self, speech: AsyncIterator[SpeechChunk], heard: Heard, speaker: PlayQueue | None = None
    ) -> None:
        async for chunk in speech:
            if heard.cancelled:
                continue
            if speaker is not None and not heard.chunks:
                speaker.start(volume=self.volume)
            ready = heard.put(chunk)
            if speaker is None:
                continue
            for pcm in ready:
                speaker.feed(pcm, chunk.rate_hz)
            if heard.sounded == heard.length:
                speaker.finish()

    async def _note_the_cancel(
        self,
        cancels: AsyncIterator[Cancel],
        microphone: Microphone,
        heard: Heard,
        speaker: PlayQueue | None,
    ) -> None:
        async for cancel in cancels:
            heard.cancelled, heard.cancelled_on = cancel.reason, time.monotonic()
            microphone.close()
            if speaker is not None and heard.chunks and cancel.reason is not CancelReason.BARGE_IN:
                speaker.stop()


async def _of_turn(records: AsyncIterator[TurnRecord], turn_id: str) -> TurnRecord:
    async for record in records:
        if record.turn_id == turn_id:
            return record
    raise BusError


async def _comes(complete: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(TAIL_S):
            await complete.wait()
    except TimeoutError:
        return False
    return True


async def _tell(partials: AsyncIterator[Partial], on_partial: Callable[[str], None]) -> None:
    async for partial in partials:
        on_partial(partial.text)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
