"""TTS: turns text into speech.

    SPEAK asked -> SPEECH* said (a stream of this turn) -> Spoken replied
    PREPARE asked -> the same made ready, nothing said -> Prepared replied
    ENTITY, AREA heard -> what this home will hear is rendered early, while no TURN is on

The satellite is subscribed to the turn's SPEECH before it asks for the turn, so the first sample is
heard. Instances of one house share what they have rendered (`state/tts/phrases`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field

from alicia.contracts.devices import AREA, ENTITY
from alicia.contracts.voice import (
    AUTO,
    CANCEL,
    PREPARE,
    SPEAK,
    SPEECH,
    TURN,
    Prepare,
    Prepared,
    Speak,
    SpeechChunk,
    Spoken,
    TurnPhase,
)
from alicia.errors import AliciaError, DependencyMissingError, EngineError, SetupError
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.contracts.devices import Area, Entity
    from alicia.contracts.voice import Turn
    from alicia.speech.speaking import Clause

SETTLED_S = 2.0
"""Changes come in swarms: how long to wait for the rest."""
ASK_AGAIN_S = 30.0
MOST_MISSED = 100
LONGEST_TURN_S = 90.0
"""A turn whose end nobody said holds the warming up no longer."""
ENGINES = ("piper", "kokoro", "pico", "openjtalk", "espeak")


class TtsSettings(Settings):
    shared = frozenset({"languages"})

    voices: str = "piper-en-joe"
    """Voices of the catalogue, separated by commas, in order of preference."""
    espeak: bool = True
    """Fall back on eSpeak NG where it is installed."""
    engines: str = ""
    """The only ones that may speak, separated by commas; empty: all that are here."""
    languages: str = "en"
    """Voices started at once, separated by commas; others when they are first asked for."""
    memory_mb: int = Field(default=16, ge=0)
    """What was said lately, ready at once."""
    cache_mb: int = Field(default=256, ge=0)
    """What was said or will be, on disk; 0 keeps nothing there."""
    warm: bool = True
    """Render what is likely to be said here before anybody asks."""
    warm_languages: str = ""
    """Of which languages, separated by commas; empty: `languages` and those that were asked for."""
    warm_after_s: float = Field(default=20.0, ge=0)
    """How long after the start, so that a house comes up first."""


class Tts(Service[TtsSettings]):
    """Text to speech."""

    name = "tts"
    says = (SPEECH,)
    hears = (CANCEL,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy
        from alicia.speech.models import ModelStore  # noqa: PLC0415 - heavy
        from alicia.speech.phrase_cache import PhraseCache  # noqa: PLC0415 - heavy
        from alicia.speech.speaking import Speaker  # noqa: PLC0415 - heavy
        from alicia.speech.voices import Voices  # noqa: PLC0415 - heavy
        from alicia.speech.warming import Warmer  # noqa: PLC0415 - heavy

        self._cache = PhraseCache(
            self.folder.state("tts") / "phrases",
            limit_bytes=self.settings.cache_mb * 1_000_000,
            memory_bytes=self.settings.memory_mb * 1_000_000,
        )
        self._voices = Voices(
            ModelStore(self.folder.models),
            wanted=_listed(self.settings.voices),
            engines=engines_of(self.settings),
        )
        self._home = Home()
        self._changed = asyncio.Event()
        self._turns: dict[str, asyncio.TimerHandle] = {}
        self._languages = dict.fromkeys(_listed(self.settings.languages))
        self._missed: dict[str, dict[str, None]] = {}
        self._learnt: dict[str, int] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._preparing: dict[str, tuple[str, asyncio.Task[bool]]] = {}
        await self._start_voices()
        self._speaker = Speaker(self._voices, self._cache)
        self._warmer = Warmer(self._voices, self._cache)
        try:
            yield
        finally:
            for satellite in list(self._turns):
                self._turn_over(satellite)
            for starting in list(self._starting.values()):
                starting.cancel()
            await self._speaker.aclose()
            await self._warmer.aclose()
            await self._voices.aclose()

    async def _start_voices(self) -> None:
        """The first live voice of each language that is set. Raises DependencyMissingError."""
        started = [await self._start_voice(language) for language in self._languages]
        if not any(started):
            raise DependencyMissingError(
                "There is no voice. Run `alicia models pull`, or `alicia voices list` to see why.",
                voices=self.settings.voices,
            )
        for voice in _listed(self.settings.voices):
            try:
                await self.off_loop(self._voices.store.resolve, voice)
            except DependencyMissingError as error:
                self.log.warning("voice not available", voice=voice, reason=str(error))
                self.set_degraded(f"The voice {voice} is not available: {error.message}")

    async def _start_voice(self, language: str) -> bool:
        """Have its first live voice that works loaded; whether there is one."""
        from alicia.speech.child import ChildSynthesizer  # noqa: PLC0415 - heavy
        from alicia.speech.spoken import spoken  # noqa: PLC0415 - heavy

        await self.off_loop(spoken, "1", language)  # Its rules are read.
        for engine in await self.off_loop(self._voices.live, language):
            try:
                if isinstance(engine, ChildSynthesizer):
                    await engine.start()
            except (SetupError, EngineError) as error:
                self.log.warning("voice not available", voice=engine.voice, reason=str(error))
                self.set_degraded(f"The voice {engine.voice} is not available: {error.message}")
            else:
                return True
        return False

    # ---- speaking ----

    @serves(SPEAK, concurrency=4)
    async def speak(self, ask: Speak) -> Spoken:
        from alicia.speech.speaking import HASTE  # noqa: PLC0415 - heavy
        from alicia.speech.streaming import SpeechStream  # noqa: PLC0415 - heavy

        with self._warmer.held():
            clauses = self._clauses(ask)
            stream = SpeechStream(self._say_speech, ask)
            pieces = self._speaker.speak(
                clauses,
                voice=ask.voice,
                haste=HASTE[ask.priority],
                whole=not ask.more and ask.after is None,
            )
            async with aclosing(pieces):
                async for told in pieces:
                    await stream.say(told.speech.pcm, told.speech.rate_hz)
                    stream.voice = stream.voice or told.voice
                    stream.cached = stream.cached and told.cached
            spoken = await stream.end(more=ask.more)
        if not ask.more and ask.after is None:
            self._learn(ask, new=not spoken.cached)
        return spoken

    async def _say_speech(self, chunk: SpeechChunk) -> None:
        await self.say(SPEECH, chunk)

    @serves(PREPARE, concurrency=4)
    async def prepare(self, ask: Prepare) -> Prepared:
        same = ask.model_dump_json(exclude={"turn_id"})
        before = self._preparing.get(ask.turn_id)
        if before is not None and before[0] != same:
            before[1].cancel()
        if before is not None and before[0] == same:
            task = before[1]
        else:
            task = asyncio.create_task(self._prepare(ask), name="prepare")
            self._preparing[ask.turn_id] = same, task
            task.add_done_callback(lambda done: self._prepared(ask.turn_id, done))
        try:
            return Prepared(turn_id=ask.turn_id, ready=True, cached=await asyncio.shield(task))
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                raise  # We ourselves are given up.
            return Prepared(turn_id=ask.turn_id, ready=False)

    async def _prepare(self, ask: Prepare) -> bool:
        with self._warmer.held():
            return await self._speaker.prepare(self._clauses(ask), voice=ask.voice)

    def _prepared(self, turn_id: str, task: asyncio.Task[bool]) -> None:
        if self._preparing.get(turn_id, (None, None))[1] is task:
            del self._preparing[turn_id]

    def _clauses(self, ask: Speak) -> list[Clause]:
        """Raises MarkupError, UnsupportedLanguageError."""
        from alicia.speech import speaking, ssml  # noqa: PLC0415 - heavy
        from alicia.speech.synthesizer import Style  # noqa: PLC0415 - heavy

        style = Style(ask.rate, ask.pitch, ask.volume_db)
        read = ssml.parse if ask.ssml else speaking.plain
        return read(ask.text, _base(ask.language), style)

    def _learn(self, ask: Speak, *, new: bool) -> None:
        """A language that is asked for is warmed; so is a text that a lesser voice had to say."""
        language = _base(ask.language)
        if language not in self._languages:
            self._languages[language] = None
            self._changed.set()
        if new and not ask.ssml and self._voices.cast(language).early:
            missed = self._missed.setdefault(language, {})
            missed[ask.text] = None
            while len(missed) > MOST_MISSED:
                missed.pop(next(iter(missed)))
            self._changed.set()

    # ---- what will be said ----

    @handles(ENTITY)
    async def follow_entity(self, entity: Entity) -> None:
        self._home.put_entity(entity)
        self._changed.set()

    @handles(AREA)
    async def follow_area(self, area: Area) -> None:
        self._home.put_area(area)
        self._changed.set()

    @handles(TURN)
    async def follow_turn(self, turn: Turn) -> None:
        """A turn from its first sample to its last holds the warming up."""
        if turn.phase is TurnPhase.IDLE:
            self._turn_over(turn.satellite)
            return
        if turn.language and turn.language != AUTO:
            self._expect(_base(turn.language))
        ends = asyncio.get_running_loop().call_later(
            LONGEST_TURN_S, self._turn_over, turn.satellite
        )
        before = self._turns.get(turn.satellite)
        self._turns[turn.satellite] = ends
        if before is not None:
            before.cancel()
        else:
            self._warmer.hold()

    def _expect(self, language: str) -> None:
        """Somebody speaks this language: its voice starts while they do."""
        if language in self._languages or language in self._starting:
            return
        starting = asyncio.create_task(self._start_expected(language), name="start a voice")
        self._starting[language] = starting
        starting.add_done_callback(lambda _: self._starting.pop(language, None))

    async def _start_expected(self, language: str) -> None:
        try:
            here = await self._start_voice(language)
        except AliciaError as error:
            # Whoever has something said in it is told.
            self.log.debug("no voice", language=language, code=error.code)
            return
        if not here:
            return  # The next turn tries again.
        self._languages[language] = None
        self._changed.set()

    def _turn_over(self, satellite: str) -> None:
        ends = self._turns.pop(satellite, None)
        if ends is not None:
            ends.cancel()
            self._warmer.release()

    @runs
    async def warm(self) -> None:
        if not self.settings.warm or not self.settings.cache_mb:
            return
        await asyncio.sleep(self.settings.warm_after_s)
        while True:
            self._changed.clear()
            try:
                again = await self._warm_all()
            except AliciaError as error:
                self.log.warning("warming ended early", code=error.code, reason=error.message)
                again = False
            await self._warmer.rest()
            try:
                async with asyncio.timeout(ASK_AGAIN_S if again else None):
                    await self._changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(SETTLED_S)

    async def _warm_all(self) -> bool:
        """Whether to try again: another instance is at it."""
        from alicia.speech.warming import alone  # noqa: PLC0415 - heavy

        languages = _listed(self.settings.warm_languages) or list(self._languages)
        with alone(self._cache.folder) as mine:
            if not mine:
                return True
            for language in languages:
                await self._warm(language)
        return False

    async def _warm(self, language: str) -> None:
        texts = list(self._missed.pop(language, {}))
        revision = self._home.revision
        if self._learnt.get(language) != revision:
            texts += await self._warmer.repertoire(
                self._home.areas(), self._home.entities(), language
            )
        started, last = time.monotonic(), None
        async with aclosing(self._warmer.warm(language, texts)) as progress:
            async for warmed in progress:
                last = warmed
                if self._home.revision != revision:
                    return  # Names have changed: begin again with these.
        self._learnt[language] = revision
        if last is not None and last.rendered:
            self.log.info(
                "warmed",
                language=language,
                voice=last.voice,
                phrases=last.total,
                rendered=last.rendered,
                failed=last.failed,
                full=last.full,
                after_s=round(time.monotonic() - started, 1),
            )


def engines_of(settings: TtsSettings) -> list[str]:
    """The engines that may speak; all where none is named."""
    named = _listed(settings.engines)
    if settings.espeak:
        return named
    return [name for name in named or ENGINES if name != "espeak"]


def _base(language: str) -> str:
    """`pt-BR` is spoken by a voice for `pt`."""
    return language.replace("_", "-").partition("-")[0].lower()


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]
