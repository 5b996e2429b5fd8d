"""Endpointing: where speech starts, pauses, goes on and is over.

    WAITING -> SPEAKING <-> PAUSED -> ENDED        (WAITING -> ENDED when nobody speaks)

There is no clock: time is counted in the samples fed, so a file read at once ends where the same
audio from a microphone does. How much silence ends the utterance may change at any moment: a whole
command needs less of it than words that demand more (`Endpointer.patience_s`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.vad import EarshotVad, Vad

_GAP_S = 0.1
# Of the mean square of 16-bit samples.
_SILENT_DB, _AUDIBLE_DB = -30.0, 45.0


class EndReason(Enum):
    ENDPOINT = "endpoint"  # silence after speech
    LIMIT = "limit"  # spoke longer than we listen
    NO_SPEECH = "no_speech"  # nobody spoke
    STREAM = "stream"  # the audio stopped while somebody spoke


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How patient to be."""

    silence_s: float = 0.5
    """Silence after speech that ends the utterance, where nothing is known of its words."""
    early_silence_s: float = 0.03
    """Silence after speech at which decoding should begin, in case that was all."""
    no_speech_s: float = 5.0
    """How long to wait for somebody to speak."""
    max_utterance_s: float = 20.0
    """The longest speech, from its start."""
    start_probability: float = 0.7
    """A frame must be this likely for speech to start or go on after a pause.

    White and pink noise reach 0.62 (ADR 0011).
    """
    keep_probability: float = 0.5
    """A frame must be this likely not to be silence while somebody speaks."""
    start_frames: int = 2
    """Likely frames in a row that start speech: a click makes one."""
    fall_db: float = 30.0
    """A frame this much quieter than the loudest of the utterance is silence whatever its VAD says,
    which needs 60 ms to notice (ADR 0032)."""


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech started at this sample."""

    start: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Early silence: this may have been all. `end` is the last sample of speech so far."""

    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Resumption:
    """Speech goes on after a `Pause`."""

    at: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """It is over. `start` and `end` are the speech, both 0 where there was none."""

    reason: EndReason
    start: int
    end: int
    at: int


Cue: TypeAlias = Onset | Pause | Resumption | Endpoint


class _State(Enum):
    WAITING = 1
    SPEAKING = 2
    PAUSED = 3
    ENDED = 4


class Endpointer:
    """Follows one utterance. Feed it the audio from the first sample on, in pieces of any size."""

    def __init__(self, settings: EndpointSettings | None = None, vad: Vad | None = None) -> None:
        self._settings = settings or EndpointSettings()
        self._vad = vad or EarshotVad()
        self._rest: Pcm = np.empty(0, np.int16)
        self._state = _State.WAITING
        self._at = self._likely_in_a_row = 0
        self._start = self._end = 0
        self._loudest_db = _SILENT_DB
        self.patience_s = self._settings.silence_s
        """Silence after speech that ends the utterance, as of now."""

    @property
    def speaking(self) -> bool:
        """Somebody has begun to speak and it is not over."""
        return self._state in (_State.SPEAKING, _State.PAUSED)

    @property
    def paused(self) -> bool:
        """Somebody has spoken, and there is a pause that may be the end."""
        return self._state is _State.PAUSED

    @property
    def speech_end(self) -> int:
        """The last sample of speech so far."""
        return self._end

    @property
    def ended(self) -> bool:
        return self._state is _State.ENDED

    def feed(self, pcm: Pcm) -> list[Cue]:
        """What these samples tell; nothing more once it has ended."""
        size = self._vad.frame_samples
        samples = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        whole = len(samples) - len(samples) % size
        cues: list[Cue] = []
        for start in range(0, whole, size):
            if self.ended:
                break
            cue = self._step(samples[start : start + size])
            if cue is not None:
                cues.append(cue)
        self._rest = samples[whole:]
        return cues

    def settle(self) -> Endpoint | None:
        """The end, where the silence so far is more than the patience of now."""
        if self._state is _State.PAUSED and self._silence_s() >= self.patience_s:
            return self._endpoint(EndReason.ENDPOINT)
        return None

    def finish(self) -> Endpoint | None:
        """The audio stopped: the end, unless it was told before."""
        if self.ended:
            return None
        spoke = self._state is not _State.WAITING
        return self._endpoint(EndReason.STREAM if spoke else EndReason.NO_SPEECH)

    def _step(self, frame: Pcm) -> Cue | None:
        probability = self._vad.speech_probability(frame)
        self._at += len(frame)
        likely = probability >= self._settings.start_probability
        match self._state:
            case _State.WAITING:
                return self._wait(len(frame), likely=likely)
            case _State.SPEAKING:
                keeps = probability >= self._settings.keep_probability
                return self._speak(speech=not self._has_fallen(frame) and keeps)
            case _State.PAUSED:
                # A word's last consonant comes after a gap and is weak; what comes later is noise.
                keeps = probability >= self._settings.keep_probability
                goes_on = keeps if self._silence_s() <= _GAP_S else likely
                return self._pause(speech=not self._has_fallen(frame) and goes_on)
            case _State.ENDED:
                return None

    def _has_fallen(self, frame: Pcm) -> bool:
        """Whether it is far quieter than what was said; where that was loud enough to tell."""
        level_db = 10 * float(np.log10(np.mean(np.square(frame, dtype=np.float32)) + 1e-3))
        self._loudest_db = max(self._loudest_db, level_db)
        return (
            self._loudest_db > _AUDIBLE_DB and level_db < self._loudest_db - self._settings.fall_db
        )

    def _wait(self, frame_samples: int, *, likely: bool) -> Cue | None:
        self._likely_in_a_row = self._likely_in_a_row + 1 if likely else 0
        if self._likely_in_a_row >= self._settings.start_frames:
            self._state = _State.SPEAKING
            self._start = self._at - self._likely_in_a_row * frame_samples
            self._end = self._at
            return Onset(self._start)
        if self._at >= self._settings.no_speech_s * RATE_HZ:
            return self._endpoint(EndReason.NO_SPEECH)
        return None

    def _speak(self, *, speech: bool) -> Cue | None:
        if self._too_long():
            return self._endpoint(EndReason.LIMIT)
        if speech:
            self._end = self._at
        elif self._silence_s() >= self._settings.early_silence_s:
            self._state = _State.PAUSED
            return Pause(self._end, self._at)
        return None

    def _pause(self, *, speech: bool) -> Cue | None:
        if self._too_long():
            return self._endpoint(EndReason.LIMIT)
        if speech:
            self._state = _State.SPEAKING
            self._end = self._at
            return Resumption(self._at)
        return self.settle()

    def _silence_s(self) -> float:
        return (self._at - self._end) / RATE_HZ

    def _too_long(self) -> bool:
        return self._at - self._start >= self._settings.max_utterance_s * RATE_HZ

    def _endpoint(self, reason: EndReason) -> Endpoint:
        self._state = _State.ENDED
        return Endpoint(reason, self._start, self._end, self._at)
