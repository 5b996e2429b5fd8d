"""Warming: rendering phrases before anybody asks for them.

By voices of low priority, and never while somebody is spoken to.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import sys
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alicia.contracts.kinds import Message
from alicia.errors import EngineError
from alicia.speech.child import LOW, ChildSynthesizer, tell
from alicia.speech.clauses import clauses
from alicia.speech.phrase_cache import Key, PhraseCache
from alicia.speech.speaking import key_of
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import Synthesizer
from alicia.speech.voices import Voices

QUIET_S = 0.7
"""How long nobody may have been spoken to before rendering goes on."""
_REPERTOIRE = "alicia.language.repertoire"
_MOST_FAILURES = 3
_FULL = 0.8
"""Warming leaves this part of the cache at most to itself: the rest is for what is really said."""


@dataclass(frozen=True, slots=True)
class Warmed:
    """How far it is."""

    language: str
    voice: str
    done: int
    total: int
    rendered: int
    """By this run; the others were there."""
    failed: int = 0
    full: bool = False
    """Ended early: more would push out what is there."""


class Warmer:
    """Renders phrases into a cache, one after the other. Closed, its processes are gone."""

    def __init__(self, voices: Voices, cache: PhraseCache, *, nice: int = LOW) -> None:
        """`voices` are live ones; it makes its own, as nice as it is told."""
        self._nice = nice
        self._voices = voices.low(nice)
        self._cache = cache
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._busy = 0
        self._at_work: _Stoppable | None = None
        self._again: asyncio.TimerHandle | None = None

    # ---- giving way ----

    def hold(self) -> None:
        """Somebody is spoken to: stop at once, within a clause. It takes as many `release`."""
        self._busy += 1
        self._quiet.clear()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._at_work is not None:
            self._at_work.pause()

    def release(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._again = asyncio.get_running_loop().call_later(QUIET_S, self._go_on)

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        self.hold()
        try:
            yield
        finally:
            self.release()

    def _go_on(self) -> None:
        self._again = None
        self._quiet.set()
        if self._at_work is not None:
            self._at_work.resume()

    # ---- the work ----

    async def warm(self, language: str, texts: Iterable[str]) -> AsyncGenerator[Warmed, None]:
        """Render what is missing, the likeliest first; says how far it is after each clause.

        Raises UnsupportedLanguageError; EngineError where the voice fails again and again.
        """
        name = self._voices.cast(language).renders
        if name is None:
            return
        engine = self._voices.engine(name, language)
        keys = await asyncio.to_thread(_keys, engine, language, texts)
        missing = [key for key in keys if not self._cache.has(key)]
        done, failed, failures = len(keys) - len(missing), 0, 0
        yield Warmed(language, engine.voice, done, len(keys), 0)
        for number, key in enumerate(missing, 1):
            await self._quiet.wait()
            if await asyncio.to_thread(self._cache.is_full, _FULL):
                yield Warmed(
                    language, engine.voice, done, len(keys), number - 1 - failed, failed, full=True
                )
                return
            try:
                await self._render(engine, key)
                failures = 0
            except EngineError:
                failed, failures = failed + 1, failures + 1
                if failures >= _MOST_FAILURES:
                    raise
            done += 1
            yield Warmed(language, engine.voice, done, len(keys), number - failed, failed)

    async def repertoire(
        self, areas: Sequence[Message], entities: Sequence[Message], language: str
    ) -> list[str]:
        """What is likely to be said in such a home, the likeliest first; worked out by a child.

        Raises EngineError.
        """
        await self._quiet.wait()
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "nice", "-n", str(self._nice), sys.executable, "-m", _REPERTOIRE, language,
            stdin=pipe, stdout=pipe,
        )  # fmt: skip
        self._at_work = _Program(process)
        told = {
            "areas": [area.model_dump(mode="json") for area in areas],
            "entities": [entity.model_dump(mode="json") for entity in entities],
        }
        try:
            out, _ = await process.communicate(json.dumps(told).encode())
        finally:
            self._at_work = None
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise EngineError("The repertoire could not be worked out.", language=language)
        return [json.loads(line) for line in out.splitlines()]

    async def _render(self, engine: Synthesizer, key: Key) -> None:
        if isinstance(engine, ChildSynthesizer):
            self._at_work = engine
            engine.resume()
        try:
            speech = await engine.clause(key.text, key.language, key.style)
        finally:
            self._at_work = None
        if speech is not None:
            await asyncio.to_thread(self._cache.put, key, speech, in_memory=False)

    async def rest(self) -> None:
        """End the processes; they start again when they are needed."""
        await self._voices.aclose()

    async def aclose(self) -> None:
        if self._again is not None:
            self._again.cancel()
        await self._voices.aclose()


class _Stoppable(Protocol):
    def pause(self) -> None: ...

    def resume(self) -> None: ...


class _Program:
    """A child that can be stopped in the middle of its work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def pause(self) -> None:
        tell(self._process, "SIGSTOP")

    def resume(self) -> None:
        tell(self._process, "SIGCONT")


@contextmanager
def alone(folder: Path) -> Generator[bool, None, None]:
    """One process at a time warms a cache; False where another one does. Ends with the process."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".warming").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _keys(engine: Synthesizer, language: str, texts: Iterable[str]) -> list[Key]:
    """Each clause once, in the order in which they come."""
    found: dict[str, Key] = {}
    for text in texts:
        for clause in clauses(text):
            if said := spoken(clause, language):
                key = key_of(engine, said, language)
                found.setdefault(key.place, key)
    return list(found.values())
