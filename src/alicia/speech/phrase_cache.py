"""Phrases that were spoken or are likely to be, as audio on disk: said again within milliseconds.

One file per clause, below `LANGUAGE/VOICE/`; its name is a digest of all that the sound depends on,
so the text itself is nowhere. A file appears whole or not at all and carries its own checksum: any
number of processes may share the folder, and any may be killed. What does not check is deleted, not
spoken. Blocking, but for what is in memory.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import soundfile

from alicia.audio.formats import from_bytes
from alicia.speech.synthesizer import PLAIN, Speech, Style

_MAGIC = b"AlPh\x02"
_HEAD = struct.Struct("<5sI16s")
"""Magic, rate in Hz, digest of what follows: FLAC."""
_SUFFIX, _UNFINISHED = ".phrase", ".unfinished"
_FORGOTTEN_S = 3600.0
_KEEP = 0.9
"""An eviction goes down to this part of the limit, so that the next one is far."""
_MOST_TEXT = 400
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Key:
    """All that the sound of a clause depends on."""

    language: str
    voice: str
    """Engine, voice and their versions."""
    text: str
    """As it is given to the engine: numbers in words, no signs."""
    style: Style = PLAIN

    @property
    def digest(self) -> str:
        told = json.dumps([self.language, self.voice, self.text, *self.style.key])
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    @property
    def place(self) -> str:
        """Below the cache's folder."""
        return f"{self.language}/{_UNSAFE.sub('_', self.voice)}/{self.digest}{_SUFFIX}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept of one voice."""

    language: str
    voice: str
    phrases: int
    size_bytes: int


class PhraseCache:
    """The folder, and the newest of it in memory. Safe to share between threads."""

    def __init__(self, folder: Path, *, limit_bytes: int, memory_bytes: int = 16_000_000) -> None:
        self.folder = folder
        self._limit = limit_bytes
        self._memory_limit = memory_bytes
        self._memory: OrderedDict[str, Speech] = OrderedDict()
        self._memory_bytes = 0
        self._lock = threading.Lock()
        self._added = 0
        """Bytes since the folder was last measured; others may have added theirs."""
        self._measured: int | None = None
        self.hits = self.misses = self.evicted = self.broken = 0

    # ---- looking up ----

    def in_memory(self, key: Key) -> Speech | None:
        """Never blocks."""
        place = key.place
        with self._lock:
            found = self._memory.get(place)
            if found is not None:
                self._memory.move_to_end(place)
                self.hits += 1
            return found

    def has(self, key: Key) -> bool:
        """Whether it is kept; what is broken shows only when it is read."""
        return key.place in self._memory or (self.folder / key.place).exists()

    def get(self, key: Key) -> Speech | None:
        """The clause; None where it is not kept, or was broken and is now deleted."""
        found = self.in_memory(key)
        if found is not None:
            return found
        path = self.folder / key.place
        try:
            data = path.read_bytes()
        except OSError:  # Not kept, or evicted by another process just now.
            self.misses += 1
            return None
        speech = _decoded(data, key.text)
        if speech is None:
            self.broken += 1
            self.misses += 1
            path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)  # The age is that of the last use.
        self.hits += 1
        self._remember(key.place, speech)
        return speech

    # ---- keeping ----

    def remember(self, key: Key, speech: Speech) -> None:
        """Keep it in memory alone. Never blocks."""
        self._remember(key.place, speech)

    def put(self, key: Key, speech: Speech, *, in_memory: bool = True) -> None:
        """Keep it, in memory and on disk. Without room on the disk it is in memory alone."""
        if in_memory:
            self._remember(key.place, speech)
        if self._limit <= 0 or len(key.text) > _MOST_TEXT:
            return
        path = self.folder / key.place
        data = _encoded(speech)
        unfinished = path.with_name(f"{secrets.token_hex(8)}{_UNFINISHED}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.write_bytes(data)
            unfinished.replace(path)
        except OSError:  # No room, or no folder: it is in memory all the same.
            with suppress(OSError):
                unfinished.unlink()
            return
        with self._lock:
            self._added += len(data)
            full = self._measured is None or self._measured + self._added > self._limit
        if full:
            self.trim()

    def is_full(self, part: float = 1.0) -> bool:
        """Whether this part of the limit is used, as far as this process knows."""
        if self._measured is None:
            self.trim()
        return (self._measured or 0) + self._added >= self._limit * part

    def trim(self) -> int:
        """Delete what was used longest ago until the limit is kept; how many files went."""
        files = sorted(self._files(), key=lambda file: file[1].st_mtime)
        size = sum(stat.st_size for _, stat in files)
        gone = 0
        if size > self._limit:
            for path, stat in files:
                if size <= self._limit * _KEEP:
                    break
                path.unlink(missing_ok=True)
                size -= stat.st_size
                gone += 1
        with self._lock:
            self._measured, self._added = size, 0
            self.evicted += gone
        self._sweep()
        return gone

    def clear(self, language: str | None = None) -> int:
        """Forget a language, or everything; how many files went."""
        gone = 0
        for path, _ in self._files():
            if language is None or path.parent.parent.name == language:
                path.unlink(missing_ok=True)
                gone += 1
        with self._lock:
            self._memory.clear()
            self._memory_bytes = 0
            self._measured = None
        return gone

    # ---- what there is ----

    @staticmethod
    def whole(path: Path) -> bool:
        """Whether a file of the cache is what was written."""
        return _decoded(path.read_bytes(), "") is not None

    def shelves(self) -> list[Shelf]:
        """What is kept, by language and voice."""
        found: dict[tuple[str, str], list[int]] = {}
        for path, stat in self._files():
            place = path.parent.parent.name, path.parent.name
            found.setdefault(place, []).append(stat.st_size)
        return [
            Shelf(language, voice, len(sizes), sum(sizes))
            for (language, voice), sizes in sorted(found.items())
        ]

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob(f"*/*/*{_SUFFIX}"):
            with suppress(OSError):  # Another process was faster.
                yield path, path.stat()

    def _sweep(self) -> None:
        """Delete what a killed process left unfinished."""
        before = time.time() - _FORGOTTEN_S
        for path in self.folder.glob(f"*/*/*{_UNFINISHED}"):
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _remember(self, place: str, speech: Speech) -> None:
        with self._lock:
            old = self._memory.pop(place, None)
            self._memory_bytes += len(speech.pcm) - (len(old.pcm) if old else 0)
            self._memory[place] = speech
            while self._memory_bytes > self._memory_limit and self._memory:
                _, oldest = self._memory.popitem(last=False)
                self._memory_bytes -= len(oldest.pcm)


def _encoded(speech: Speech) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, from_bytes(speech.pcm), speech.rate_hz, format="FLAC", subtype="PCM_16")
    body = out.getvalue()
    return _HEAD.pack(_MAGIC, speech.rate_hz, _digest(speech.rate_hz, body)) + body


def _decoded(data: bytes, text: str) -> Speech | None:
    """None where it is not what was written."""
    if len(data) < _HEAD.size:
        return None
    magic, rate_hz, digest = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if magic != _MAGIC or digest != _digest(rate_hz, body):
        return None
    try:
        samples, found_hz = soundfile.read(io.BytesIO(body), dtype="int16")
    except soundfile.LibsndfileError:
        return None
    return Speech(samples.tobytes(), rate_hz, text) if found_hz == rate_hz else None


def _digest(rate_hz: int, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16, key=rate_hz.to_bytes(4, "little")).digest()
