"""One Wyoming client: its events in, ours out. It may send anything, stop anywhere, or leave."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.intent import Entity, Intent, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)
from wyoming.wake import Detect

from alicia.audio.converting import Converter
from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.errors import (
    AliciaError,
    MalformedMessageError,
    UnsupportedLanguageError,
    UtteranceTooLongError,
)
from alicia.language.phrases import phrase_for
from alicia.language.tables import base_language
from alicia.peers.wyoming.info import PREFIX
from alicia.peers.wyoming.listening import Listening, WakeListening
from alicia.peers.wyoming.speaking import Sentences, Speaker
from alicia.speech.wyoming import read_event

if TYPE_CHECKING:
    from alicia.peers.wyoming.server import WyomingServer

LEAVE_WITHIN_S = 2.0
Answer = Callable[["Connection", Event], Awaitable[None]]


class Connection(AsyncEventHandler):
    """What one client has asked for. Ends at its first mistake, with an `error` that says which."""

    def __init__(
        self, peer: WyomingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self._peer = peer
        self._language = peer.settings.language
        self._detecting: list[str] | None = None
        self._listening: Listening | WakeListening | None = None
        self._sentences: Sentences | None = None
        self._speaker: Speaker | None = None
        self._spoke = False

    async def run(self) -> None:
        """Until the client leaves, or does what can't be answered."""
        try:
            with self._peer.edge("wyoming client"):
                await self._until_it_leaves()
        except AliciaError as error:
            await self._regret(error)
        finally:
            if self._listening is not None:
                await self._listening.aclose()
            self.writer.close()
            with suppress(OSError):
                async with asyncio.timeout(LEAVE_WITHIN_S):
                    await self.writer.wait_closed()
            self.writer.transport.abort()

    async def _until_it_leaves(self) -> None:
        try:
            await self._converse()
        except OSError:
            return  # gone, or silent for too long

    async def _converse(self) -> None:
        while (event := await self._next()) is not None:
            if not await self.handle_event(event):
                return

    async def _next(self) -> Event | None:
        """The next event. Raises TimeoutError, what a listening under way raises."""
        settings = self._peer.settings
        reading = asyncio.create_task(read_event(self.reader))
        waiting: set[asyncio.Task[Any]] = {reading}
        if self._listening is not None:
            waiting.add(self._listening.task)
        patience = settings.stall_s if self._listening is not None else settings.idle_s
        try:
            await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if self._listening is not None and self._listening.task.done():
                self._listening.task.result()  # raises; otherwise audio that nobody needs follows
                self._listening = None
                await asyncio.wait({reading}, timeout=patience)
            if not reading.done():
                raise TimeoutError
            return reading.result()
        finally:
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def write_event(self, event: Event) -> None:
        """Raises OSError, TimeoutError where the client does not take it."""
        async with asyncio.timeout(self._peer.settings.stall_s):
            await super().write_event(event)

    async def handle_event(self, event: Event) -> bool:
        answer = ANSWERS.get(event.type)
        if answer is not None:  # what is newer than we are is dropped
            try:
                await answer(self, event)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise MalformedMessageError(protocol="wyoming", event=event.type[:40]) from error
        return True

    async def _regret(self, error: AliciaError) -> None:
        """Tell the client, if it still listens."""
        try:
            text = phrase_for(error, self._language)
        except UnsupportedLanguageError:
            text = error.message
        try:
            await self.write_event(Error(text=text, code=error.code).event())
        except OSError:
            return

    # ---- what any client asks ----

    async def describe(self, _: Event) -> None:
        await self.write_event((await self._peer.offer.info()).event())

    async def ping(self, event: Event) -> None:
        await self.write_event(Pong(text=Ping.from_event(event).text).event())

    # ---- audio ----

    async def transcribe(self, event: Event) -> None:
        self._detecting = None
        self._set_language(Transcribe.from_event(event).language)

    async def detect(self, event: Event) -> None:
        names = Detect.from_event(event).names
        self._detecting = [str(name) for name in names or []]

    async def audio_start(self, event: Event) -> None:
        start = AudioStart.from_event(event)
        await self._listen(Converter(start.rate, width=start.width, channels=start.channels))

    async def _listen(self, converter: Converter) -> None:
        if self._listening is not None:
            await self._listening.aclose()
            self._listening = None
        if self._detecting is not None:
            self._listening = WakeListening(
                self.write_event, self._peer, converter, self._detecting
            )
        else:
            self._listening = Listening(self.write_event, self._peer, converter, self._language)

    async def audio_chunk(self, event: Event) -> None:
        chunk = AudioChunk.from_event(event)
        given = chunk.rate, chunk.width, chunk.channels
        if self._listening is None:
            await self._listen(Converter(chunk.rate, width=chunk.width, channels=chunk.channels))
        assert self._listening is not None  # noqa: S101 - set by _listen
        if self._listening.converter.format != given:
            raise MalformedMessageError(protocol="wyoming", reason="another format in mid-audio")
        await self._listening.feed(chunk.audio)

    async def audio_stop(self, _: Event) -> None:
        if self._listening is not None:
            listening, self._listening = self._listening, None
            try:
                await listening.finish()
            finally:
                await listening.aclose()

    # ---- text to speech ----

    async def synthesize(self, event: Event) -> None:
        if self._sentences is not None:
            return  # in a stream it repeats the whole text, for older servers
        ask = Synthesize.from_event(event)
        self._require_text(ask.text)
        self._begin_speaking(ask.voice)
        if ask.text_format == SynthesizeTextFormat.SSML:
            await self._speak([ask.text], ssml=True)
        else:
            whole = Sentences()
            await self._speak([*whole.feed(ask.text), *whole.finish()])
        await self._end_speaking()

    async def synthesize_start(self, event: Event) -> None:
        start = SynthesizeStart.from_event(event)
        if start.text_format == SynthesizeTextFormat.SSML:
            raise MalformedMessageError(protocol="wyoming", reason="SSML can't come in pieces")
        self._begin_speaking(start.voice)

    async def synthesize_chunk(self, event: Event) -> None:
        text = SynthesizeChunk.from_event(event).text
        self._require_text(text)
        if self._sentences is not None:
            await self._speak(self._sentences.feed(text))

    async def synthesize_stop(self, _: Event) -> None:
        if self._sentences is not None:
            await self._speak(self._sentences.finish())
            await self._end_speaking()
            await self.write_event(SynthesizeStopped().event())

    def _begin_speaking(self, voice: SynthesizeVoice | None) -> None:
        language, engine = self._language, None
        if voice is not None:
            named, _, engine = (voice.name or "").removeprefix(PREFIX).partition("-")
            language = _language(named or voice.language or language)
        self._sentences = Sentences()
        self._speaker = Speaker(self._peer, language, engine or None)
        self._spoke = False

    async def _speak(self, sentences: list[str], *, ssml: bool = False) -> None:
        assert self._speaker is not None  # noqa: S101 - set by _begin_speaking
        for sentence in sentences:
            async for pcm in self._speaker.speak(sentence, ssml=ssml):
                rate_hz = self._speaker.rate_hz or 0
                if not self._spoke:
                    self._spoke = True
                    await self.write_event(AudioStart(rate_hz, 2, 1).event())
                await self.write_event(AudioChunk(rate_hz, 2, 1, pcm).event())

    async def _end_speaking(self) -> None:
        if not self._spoke:
            await self.write_event(AudioStart(22_050, 2, 1).event())
        await self.write_event(AudioStop().event())
        self._sentences = self._speaker = None

    # ---- what is wanted ----

    async def handle(self, event: Event) -> None:
        ask = Transcript.from_event(event)
        record = await self._say(ask.text, ask.language, ask.context)
        kind = Handled if record.error is None else NotHandled
        await self.write_event(kind(text=record.reply, context=ask.context).event())

    async def recognize(self, event: Event) -> None:
        ask = Recognize.from_event(event)
        record = await self._say(ask.text, None, ask.context, dry_run=True)
        if record.error is not None or record.intent is None:
            await self.write_event(NotRecognized(text=record.reply, context=ask.context).event())
            return
        entities = [Entity(action.capability, action.value) for action in record.actions]
        names = [Entity("entity", action.entity) for action in record.actions]
        intent = Intent(record.intent, [*names, *entities], record.reply, ask.context)
        await self.write_event(intent.event())

    async def _say(
        self,
        text: str,
        language: str | None,
        context: dict[str, Any] | None,
        *,
        dry_run: bool = False,
    ) -> TurnRecord:
        """Said to the router as if it were typed; answered when it is confirmed or has failed."""
        self._require_text(text)
        self._set_language(language)
        ask = SayText(
            turn_id=secrets.token_hex(8),
            satellite=f"{self._peer.instance}-{_conversation(context)}",
            text=text,
            area_id=self._peer.settings.area_id,
            language=self._language,
            dry_run=dry_run,
        )
        return await self._peer.ask(SAY_TEXT, ask)

    # ---- help ----

    def _set_language(self, language: str | None) -> None:
        if language:
            self._language = _language(language)

    def _require_text(self, text: object) -> None:
        if not isinstance(text, str):
            raise MalformedMessageError(protocol="wyoming", reason="text is a string")
        if len(text) > self._peer.settings.max_text:
            raise UtteranceTooLongError(characters=len(text))


def _language(name: str) -> str:
    """Raises UnsupportedLanguageError."""
    return base_language(name)


def _conversation(context: dict[str, Any] | None) -> str:
    """A name for the satellite: what belongs together keeps it."""
    known = (context or {}).get("conversation_id")
    return str(abs(hash(known)) % 10**8) if isinstance(known, str) else "text"


ANSWERS: dict[str, Answer] = {
    "describe": Connection.describe,
    "ping": Connection.ping,
    "transcribe": Connection.transcribe,
    "detect": Connection.detect,
    "audio-start": Connection.audio_start,
    "audio-chunk": Connection.audio_chunk,
    "audio-stop": Connection.audio_stop,
    "synthesize": Connection.synthesize,
    "synthesize-start": Connection.synthesize_start,
    "synthesize-chunk": Connection.synthesize_chunk,
    "synthesize-stop": Connection.synthesize_stop,
    "transcript": Connection.handle,
    "recognize": Connection.recognize,
}
