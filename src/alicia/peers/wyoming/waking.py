"""Wake words for Wyoming clients and satellites, as far as the craft of them is on this machine."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alicia.audio.formats import Pcm, from_bytes
from alicia.errors import AliciaError, SettingsError
from alicia.runtime.service import Service

STEP_BYTES = 80 * 16 * 2
"""80 ms: as rarely as the slowest detector answers."""
WAITING = 64
"""Pieces that may wait for the detector; a client that is quicker is slowed down by TCP."""


class Detector(Protocol):
    """The part of `alicia.speech.wake.WakeWordDetector` that is used here."""

    def feed(self, pcm: Pcm) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Word:
    """A wake word that can be listened for."""

    name: str
    languages: tuple[str, ...]

    @property
    def phrase(self) -> str:
        return self.name.replace("_", " ").title()


def words() -> list[Word]:
    """Those that can be listened for on this machine."""
    try:
        craft: Any = importlib.import_module("alicia.speech.wake")
        engine = craft.MicroWakeWords(craft.BUNDLED)
    except (ImportError, AliciaError):
        return []
    languages = tuple(sorted(engine.capabilities.languages))
    return [Word(name, languages) for name in craft.BUNDLED]


def detector(names: Sequence[str]) -> Detector:
    """Listens for these, or for all. Raises SettingsError where there is no such word."""
    known = [word.name for word in words()]
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        raise SettingsError(
            f"There is no such wake word here. There are: {', '.join(known) or 'none'}.",
            words=unknown,
        )
    craft: Any = importlib.import_module("alicia.speech.wake")
    return craft.MicroWakeWords(tuple(names or known))


class Waiting:
    """Audio in which wake words are listened for, off the event loop."""

    def __init__(
        self,
        peer: Service[Any],
        names: Sequence[str],
        on_word: Callable[[str, int], Awaitable[None]],
    ) -> None:
        """`on_word` is told the word and the millisecond at which it was known.

        Raises SettingsError.
        """
        self._detector = detector(names)
        self._peer = peer
        self._on_word = on_word
        self._pcm: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        self.found = 0
        self.task = asyncio.create_task(self._work())

    async def feed(self, pcm: bytes) -> None:
        await self._pcm.put(pcm)

    async def finish(self) -> None:
        """All has been listened to when this returns."""
        await self._pcm.put(None)
        await self.task

    async def aclose(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _work(self) -> None:
        kept = b""
        while (pcm := await self._pcm.get()) is not None:
            kept += pcm
            if len(kept) >= STEP_BYTES:
                whole = len(kept) - len(kept) % 2
                await self._listen(kept[:whole])
                kept = kept[whole:]
        await self._listen(kept[: len(kept) - len(kept) % 2])

    async def _listen(self, pcm: bytes) -> None:
        for detection in await self._peer.off_loop(self._detector.feed, from_bytes(pcm)):
            self.found += 1
            await self._on_word(detection.word, detection.at_sample // 16)
