"""Speaking: from the cache what was spoken before, the rest by the quickest voice.

Clause by clause, and all that is made is kept. One voice speaks a reply: if every clause of it
is kept in a voice, that voice says it, the best first; otherwise the first live voice that works
begins at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from alicia.errors import EngineError, SetupError, UnsupportedLanguageError
from alicia.speech.clauses import clauses
from alicia.speech.phrase_cache import Key, PhraseCache
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import PLAIN, Speech, Style, Synthesizer, silence
from alicia.speech.turnstile import Turnstile
from alicia.speech.voices import Voices

HASTE = {"low": -1, "normal": 0, "urgent": 1}


@dataclass(frozen=True, slots=True)
class Clause:
    """What is said in one breath, or a pause."""

    text: str
    """As a person would write it."""
    said: str
    """As an engine is given it; empty for a pause."""
    language: str
    style: Style = PLAIN
    pause_s: float = 0.0


def plain(text: str, language: str, style: Style = PLAIN) -> list[Clause]:
    """The clauses of a text without markup."""
    found = ((clause, spoken(clause, language)) for clause in clauses(text))
    return [Clause(clause, said, language, style) for clause, said in found if said]


@dataclass(frozen=True, slots=True)
class Told:
    """A piece, and where it came from."""

    speech: Speech
    voice: str
    cached: bool


class Speaker:
    """Speaks with the voices of this machine, and shares the cache with whoever else does."""

    def __init__(self, voices: Voices, cache: PhraseCache) -> None:
        self._voices = voices
        self._cache = cache
        self._turnstiles: dict[str, Turnstile] = {}
        self._making: dict[str, asyncio.Task[Speech | None]] = {}
        self._storing: set[asyncio.Task[None]] = set()

    async def speak(
        self,
        wanted: Sequence[Clause],
        *,
        voice: str | None = None,
        haste: int = 0,
        whole: bool = True,
    ) -> AsyncGenerator[Told, None]:
        """The pieces, as soon as each is there. Leave with `aclosing` when stopping early.

        voice: an engine to be tried first. whole: nothing else belongs to the reply;
        otherwise who spoke a part before is no reason to speak it now. Raises
        UnsupportedLanguageError (nobody speaks it), EngineError (all that do failed).
        """
        engines = {
            language: self._engines(language, voice)
            for language in dict.fromkeys(clause.language for clause in wanted)
        }
        chosen = {
            language: self._keeper(engines[language], wanted, language, voice) if whole else None
            for language in engines
        }
        rate_hz, pause_s = 0, 0.0
        for clause in wanted:
            if clause.pause_s:
                pause_s += clause.pause_s
                continue
            told = await self._kept(chosen[clause.language], clause)
            if told is None:
                told = await self._live(engines[clause.language], clause, voice, haste)
            if told is None:
                continue
            rate_hz = told.speech.rate_hz
            if pause_s:
                yield Told(silence(pause_s, rate_hz), told.voice, cached=True)
                pause_s = 0.0
            yield told
        if pause_s and rate_hz:
            yield Told(silence(pause_s, rate_hz), "", cached=True)

    async def prepare(
        self, wanted: Sequence[Clause], *, voice: str | None = None, haste: int = -1
    ) -> bool:
        """Have every clause in memory; whether nothing had to be made. Raises what `speak` does."""
        cached = True
        async with aclosing(self.speak(wanted, voice=voice, haste=haste)) as pieces:
            async for told in pieces:
                cached = cached and told.cached
        return cached

    async def aclose(self) -> None:
        """Give up what is being made; what was made is stored."""
        for task in (making := list(self._making.values())):
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        await asyncio.gather(*self._storing, return_exceptions=True)

    # ---- who ----

    def _engines(self, language: str, voice: str | None) -> list[Synthesizer]:
        """Whose phrases may be kept, best first; all but an early one may also be waited for."""
        cast = self._voices.cast(language)
        names = [*((cast.early,) if cast.early else ()), *cast.live]
        if voice in names:
            names = [voice, *(name for name in names if name != voice)]
        if not names:
            raise UnsupportedLanguageError(
                "Nobody speaks this language here. `alicia voices list` says what is missing.",
                language=language,
            )
        return [self._voices.engine(name, language) for name in names]

    def _keeper(
        self,
        engines: Sequence[Synthesizer],
        wanted: Sequence[Clause],
        language: str,
        voice: str | None,
    ) -> Synthesizer | None:
        """The first that has spoken all of it before; only the one that is asked for counts."""
        mine = [clause for clause in wanted if clause.language == language and clause.said]
        for engine in engines[:1] if engines[0].name == voice else engines:
            if all(self._cache.has(_key(engine, clause)) for clause in mine):
                return engine
        return None

    # ---- what ----

    async def _kept(self, engine: Synthesizer | None, clause: Clause) -> Told | None:
        if engine is None:
            return None
        key = _key(engine, clause)
        speech = self._cache.in_memory(key) or await asyncio.to_thread(self._cache.get, key)
        return _told(speech, clause, engine, cached=True)

    async def _live(
        self, engines: Sequence[Synthesizer], clause: Clause, voice: str | None, haste: int
    ) -> Told | None:
        live = set(self._voices.cast(clause.language).live)
        failure: Exception = UnsupportedLanguageError(language=clause.language)
        for engine in engines:
            if engine.name not in live and engine.name != voice:
                continue
            kept = await self._kept(engine, clause)
            if kept is not None:
                return kept
            try:
                speech = await self._made(engine, clause, haste)
            except (EngineError, SetupError) as error:
                failure = error  # The next voice goes on: better than silence.
            else:
                return _told(speech, clause, engine, cached=False)
        raise failure

    async def _made(self, engine: Synthesizer, clause: Clause, haste: int) -> Speech | None:
        """One rendering for all who want it.

        Who gives up does not end it: it is kept, as the engine could not be stopped in the middle
        of a clause anyway.
        """
        key = _key(engine, clause)
        task = self._making.get(key.place)
        if task is None:
            task = asyncio.create_task(self._make(engine, key, haste), name="make a clause")
            self._making[key.place] = task
            task.add_done_callback(lambda done: self._forget(key.place, done))
        return await asyncio.shield(task)

    async def _make(self, engine: Synthesizer, key: Key, haste: int) -> Speech | None:
        turnstile = self._turnstiles.setdefault(engine.name, Turnstile())
        async with turnstile.enter(haste):
            speech = await engine.clause(key.text, key.language, key.style)
        if speech is not None:
            self._cache.remember(key, speech)
            storing = asyncio.create_task(asyncio.to_thread(self._cache.put, key, speech))
            self._storing.add(storing)  # Nobody waits for the disk.
            storing.add_done_callback(self._storing.discard)
        return speech

    def _forget(self, place: str, task: asyncio.Task[Speech | None]) -> None:
        self._making.pop(place, None)
        if not task.cancelled():
            task.exception()  # Whoever waited has it; nobody else needs to.


def key_of(engine: Synthesizer, said: str, language: str, style: Style = PLAIN) -> Key:
    """Under which a clause of this voice is kept."""
    return Key(language, engine.voice, said, style.bounded())


def _key(engine: Synthesizer, clause: Clause) -> Key:
    return key_of(engine, clause.said, clause.language, clause.style)


def _told(
    speech: Speech | None, clause: Clause, engine: Synthesizer, *, cached: bool
) -> Told | None:
    if speech is None:
        return None
    return Told(replace(speech, text=clause.text), engine.voice, cached)
