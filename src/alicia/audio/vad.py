"""VAD: is there speech in this frame?"""

from typing import Protocol

from earshot import Detector

from alicia.audio.formats import Pcm


class Vad(Protocol):
    """A streaming detector of voice activity; remembers what it heard, so one per utterance."""

    @property
    def frame_samples(self) -> int:
        """How many samples at 16 kHz one frame has."""
        ...

    def speech_probability(self, frame: Pcm) -> float:
        """How likely the frame has speech in it, from 0 to 1."""
        ...


class EarshotVad:
    """Earshot: 0.08 % of a core, says speech 30-80 ms after its onset (ADR 0011)."""

    frame_samples = 256

    def __init__(self) -> None:
        self._detector = Detector()

    def speech_probability(self, frame: Pcm) -> float:
        return float(self._detector.predict_i16(frame))
