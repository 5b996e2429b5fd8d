"""Recordings that come in chunks: gathered by their id, bounded in number, length and age."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm, from_bytes
from alicia.audio.vad import EarshotVad

_SPEECH = 0.6


@dataclass(eq=False)
class Recording:
    """What came of one stream so far."""

    longest: int
    started: float = field(default_factory=time.monotonic)
    complete: bool = False
    broken: bool = False
    """A chunk was lost: what follows it is not kept."""
    speech_samples: int = 0
    _next: int = 0
    _parts: list[Pcm] = field(default_factory=list[Pcm])
    _length: int = 0
    _pending: Pcm = field(default_factory=lambda: np.zeros(0, np.int16))
    _vad: EarshotVad = field(default_factory=EarshotVad)

    @property
    def pcm(self) -> Pcm:
        return np.concatenate(self._parts) if self._parts else np.zeros(0, np.int16)

    @property
    def speech_s(self) -> float:
        return self.speech_samples / RATE_HZ

    def add(self, sequence: int, pcm: bytes, *, last: bool) -> None:
        """The next chunk; one that came before is passed over."""
        if sequence < self._next or self.broken:
            return
        self.broken = sequence > self._next
        if self.broken:
            return
        self._next += 1
        self.complete = last
        samples = from_bytes(pcm)[: max(0, self.longest - self._length)]
        self._parts.append(samples)
        self._length += len(samples)
        self._count_speech(samples)

    def _count_speech(self, samples: Pcm) -> None:
        pending = np.concatenate([self._pending, samples])
        size = self._vad.frame_samples
        whole = len(pending) // size * size
        for at in range(0, whole, size):
            if self._vad.speech_probability(pending[at : at + size]) >= _SPEECH:
                self.speech_samples += size
        self._pending = pending[whole:]


class Recordings:
    """The newest `most` recordings of the last `keep_s` seconds."""

    def __init__(self, most: int, keep_s: float, longest_s: float) -> None:
        self._most, self._keep_s = most, keep_s
        self._longest = int(longest_s * RATE_HZ)
        self._kept: OrderedDict[str, Recording] = OrderedDict()

    def add(self, name: str, sequence: int, pcm: bytes, *, last: bool) -> Recording:
        """The recording with this chunk. A stream that begins anew replaces what came of it."""
        known = self._kept.get(name)
        if known is None or sequence == 0:
            known = self._kept[name] = Recording(self._longest)
        known.add(sequence, pcm, last=last)
        self._drop_old()
        return known

    def get(self, name: str) -> Recording | None:
        return self._kept.get(name)

    def remove(self, name: str) -> None:
        self._kept.pop(name, None)

    def _drop_old(self) -> None:
        oldest = time.monotonic() - self._keep_s
        for name, recording in list(self._kept.items()):
            if len(self._kept) > self._most or recording.started < oldest:
                del self._kept[name]
