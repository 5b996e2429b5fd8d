"""Wake words: what a detector offers, and the four that come ready.

Engines behind `WakeWordDetector`: `MicroWakeWords` here (microWakeWord's own models), and
`TrainedWakeWords` for words that were trained with `alicia wake train`.
"""

from __future__ import annotations

import importlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import DependencyMissingError, SettingsError

BUNDLED = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")
"""What microWakeWord brings."""
REFRACTORY_S = 1.5
"""How long a word that was detected is not detected again."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word was heard."""

    word: str
    score: float
    """0 to 1."""
    at_sample: int
    """The sample at which it was known, from the first sample fed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeWordCapabilities:
    """What a detector can do, as data: nobody asks which engine it is."""

    words: frozenset[str]
    languages: frozenset[str]
    """Those that it was made from; a name is often heard in others too."""
    trainable: bool = False
    step_ms: int = 80
    """How much later than the word it may answer."""


class WakeWordDetector(Protocol):
    """Hears its words in a stream of audio, mono at 16 kHz. Blocking; one per microphone."""

    @property
    def capabilities(self) -> WakeWordCapabilities: ...

    def feed(self, pcm: Pcm) -> list[Detection]:
        """The words that this audio, of any length, completes."""
        ...

    def reset(self) -> None:
        """Forget what was heard; samples are counted from 0 again."""
        ...


class Refractory:
    """Lets each word through once, then not for `REFRACTORY_S`."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def lets(self, word: str, at_sample: int) -> bool:
        if at_sample < self._until.get(word, 0):
            return False
        self._until[word] = at_sample + int(REFRACTORY_S * RATE_HZ)
        return True

    def reset(self) -> None:
        self._until.clear()


class MicroWakeWords:
    """microWakeWord's own models (Apache-2.0): small enough for a microcontroller."""

    def __init__(self, words: tuple[str, ...], *, sensitivity: float = 0.0) -> None:
        """`sensitivity` from -1 to 1 moves the threshold that each model was published with.

        Raises:
            SettingsError: there is no such word.
            DependencyMissingError: the package is not installed.
        """
        for word in words:
            if word not in BUNDLED:
                raise SettingsError(f"There is no wake word {word!r} among {', '.join(BUNDLED)}.")
        try:
            package: Any = importlib.import_module("pymicro_wakeword")
        except ImportError as error:
            raise DependencyMissingError(
                "Wake words need the package pymicro-wakeword. Run: pip install 'alicia[wake]'",
                package="pymicro-wakeword",
            ) from error
        self._package = package
        self._models = [_MicroWord(package, word, sensitivity) for word in words]
        self._refractory = Refractory()
        self.capabilities = WakeWordCapabilities(
            words=frozenset(words),
            languages=frozenset[str]().union(*(model.languages for model in self._models)),
            step_ms=30,
        )
        self.reset()

    def feed(self, pcm: Pcm) -> list[Detection]:
        found: list[Detection] = []
        for features in self._features.process_streaming(pcm.astype("<i2").tobytes()):
            self._at += 160
            for model in self._models:
                score = model.score(features)
                if score > model.threshold and self._refractory.lets(model.word, self._at):
                    found.append(Detection(model.word, round(score, 3), self._at))
        return found

    def reset(self) -> None:
        self._features: Any = self._package.MicroWakeWordFeatures()
        for model in self._models:
            model.reset()
        self._refractory.reset()
        self._at = 0


class _MicroWord:
    """One model, and the probabilities that its score is the mean of."""

    def __init__(self, package: Any, word: str, sensitivity: float) -> None:  # noqa: ANN401 - untyped
        self.word = word
        folder = Path(str(package.__file__)).parent / "models"
        self._load = lambda: package.MicroWakeWord.from_config(folder / f"{word}.json")
        self.reset()
        self.languages = frozenset[str](self._model.trained_languages)
        self.threshold = moved(float(self._model.probability_cutoff), sensitivity)

    def score(self, features: Any) -> float:  # noqa: ANN401 - the library's own array
        return float(self._model.process_streaming_prob(features) or 0.0)

    def reset(self) -> None:
        self._model: Any = self._load()


def moved(threshold: float, sensitivity: float) -> float:
    """A threshold, nearer to 0 the more sensitive (to 1), nearer to 1 the less (to -1)."""
    if sensitivity >= 0:
        return threshold * (1 - 0.5 * sensitivity)
    return threshold + (1 - threshold) * 0.9 * -sensitivity


class Smoothed:
    """The mean of the newest scores: one step alone does not wake the house."""

    def __init__(self, steps: int = 2) -> None:
        self._kept: deque[float] = deque(maxlen=steps)
        self._steps = steps

    def __call__(self, score: float) -> float:
        self._kept.append(score)
        return float(np.mean(self._kept)) if len(self._kept) == self._steps else 0.0
