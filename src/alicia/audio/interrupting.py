"""Interrupting: somebody speaks while a reply sounds.

    QUIET ─likely speech─▶ DUCKED ─it goes on─▶ STOPPED        DUCKED ─it was nothing─▶ QUIET

Fed with what the echo canceller leaves. No clock: time is counted in samples.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

from alicia.audio.formats import Pcm, level_db
from alicia.audio.vad import EarshotVad, Vad


class Cue(Enum):
    DUCK = "duck"
    """Somebody may be speaking: softer."""
    RESUME = "resume"
    """It was a noise: as before."""
    STOP = "stop"
    """Somebody speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionSettings:
    """Tuned on recorded speech over recorded speech in a simulated room (ADR 0056)."""

    duck_probability: float = 0.35
    """One frame of the VAD so likely ducks: cheap, and without the reply the VAD is surer."""
    duck_db: float = -55.0
    """And so loud: what the canceller leaves of a reply is softer."""
    ignored: float = 0.25
    """Probability that counts for nothing: noise and echo have some."""
    evidence: float = 0.7
    """Probability above it, summed over the last frames, that stops: a click is too short."""
    loudness: float = 0.11
    """Evidence in a frame that is loud, whatever the VAD says: an s is not speech to it yet."""
    loud_db: float = -45.0
    frames: int = 5
    """Of 16 ms, over which it is summed."""
    resume_frames: int = 15
    """Unlikely frames in a row that take ducking back: 240 ms."""


class Interruption:
    """Watches one reply."""

    def __init__(
        self, settings: InterruptionSettings | None = None, vad: Vad | None = None
    ) -> None:
        self._settings = settings or InterruptionSettings()
        self._vad = vad or EarshotVad()
        self._rest: Pcm = np.empty(0, np.int16)
        self._evidence: deque[float] = deque(maxlen=self._settings.frames)
        self._ducked = self._stopped = False
        self._quiet = 0

    def feed(self, pcm: Pcm, *, learned: bool = True) -> list[Cue]:
        """What these samples tell; nothing more once somebody speaks.

        learned: whether the canceller knows the room; until then echo and people sound the same.
        """
        size = self._vad.frame_samples
        samples = np.concatenate([self._rest, pcm])
        whole = len(samples) - len(samples) % size
        self._rest = samples[whole:]
        cues = (
            self._step(samples[at : at + size], learned=learned) for at in range(0, whole, size)
        )
        return [cue for cue in cues if cue is not None]

    def _step(self, frame: Pcm, *, learned: bool) -> Cue | None:
        own = self._settings
        if self._stopped:
            return None
        probability = self._vad.speech_probability(frame)
        level = level_db(frame)
        loud = level >= own.duck_db
        evidence = max(0.0, probability - own.ignored) if loud else 0.0
        if level >= own.loud_db:
            evidence += own.loudness
        if not learned:
            return None
        self._evidence.append(evidence)
        likely = loud and probability >= own.duck_probability
        self._quiet = 0 if likely else self._quiet + 1
        if sum(self._evidence) >= own.evidence:
            self._stopped = True
            return Cue.STOP
        if not self._ducked and likely:
            self._ducked = True
            return Cue.DUCK
        if self._ducked and self._quiet >= own.resume_frames:
            self._ducked = False
            return Cue.RESUME
        return None
