"""Wake words for Wyoming clients and satellites, as far as the craft of them is on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alicia.audio.formats import from_bytes
from alicia.errors import AliciaError, DependencyMissingError
from alicia.runtime.service import Service
from alicia.runtime.settings import Folder
from alicia.speech.models import ModelStore
from alicia.speech.wake import BUNDLED, WakeWordDetector
from alicia.speech.wake_trained import WordShelf
from alicia.speech.wake_words import load

TRAINED = "wake"
"""The folder of the words that were trained in this house."""

STEP_BYTES = 80 * 16 * 2
"""80 ms: as rarely as the slowest detector answers."""
WAITING = 64
"""Pieces that may wait for the detector; a client that is quicker is slowed down by TCP."""


@dataclass(frozen=True, slots=True)
class Word:
    """A wake word that can be listened for."""

    name: str
    languages: tuple[str, ...]
    """Those that it was made from."""

    @property
    def phrase(self) -> str:
        return self.name.replace("_", " ").title()


def words(folder: Folder) -> list[Word]:
    """Those that can be listened for on this machine: trained here, Alicia's own, bundled."""
    store, trained = ModelStore(folder.models), folder.root / TRAINED
    found: list[Word] = []
    for name in dict.fromkeys((*WordShelf(trained).names(), *BUNDLED)):
        try:
            able = load([name], store, trained).capabilities
        except AliciaError:
            continue  # its package is not installed
        found.append(Word(name, tuple(sorted(able.languages)) or ("en",)))
    return found


def detector(folder: Folder, names: Sequence[str]) -> WakeWordDetector:
    """Listens for these, or for all that can be. Raises SetupError where there is no such word."""
    wanted = list(names) or [word.name for word in words(folder)]
    if not wanted:
        raise DependencyMissingError("Wake words need packages. Run: pip install 'alicia[wake]'")
    return load(wanted, ModelStore(folder.models), folder.root / TRAINED)


class Waiting:
    """Audio in which wake words are listened for, off the event loop."""

    def __init__(
        self,
        peer: Service[Any],
        names: Sequence[str],
        on_word: Callable[[str, int], Awaitable[None]],
    ) -> None:
        """`on_word` is told the word and the millisecond at which it was known."""
        self._names = names
        self._peer = peer
        self._on_word = on_word
        self._pcm: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        self.found = 0
        self.task = asyncio.create_task(self._work())

    async def feed(self, pcm: bytes) -> None:
        await self._put(pcm)

    async def finish(self) -> None:
        """All has been listened to when this returns. Raises what the work on it raises."""
        await self._put(None)
        await self.task

    async def _put(self, pcm: bytes | None) -> None:
        """Wait for room, unless nobody listens any more."""
        putting = asyncio.create_task(self._pcm.put(pcm))
        try:
            await asyncio.wait({putting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()

    async def aclose(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _work(self) -> None:
        """Raises SetupError where there is no such word."""
        self._detector = await self._peer.off_loop(detector, self._peer.folder, self._names)
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
