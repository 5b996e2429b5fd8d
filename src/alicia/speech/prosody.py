"""How something is said: pitch, loudness, pace. Measured, and not more than that.

An emotion is not derived from it: there is no labelled emotional speech to judge such a guess by,
and a guess that nobody has judged is not a result (ADR 0068).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.vad import EarshotVad, Vad

_FRAME, _HOP = 640, 160
_LOW_HZ, _HIGH_HZ = 70, 420
_VOICED = 0.25  # YIN's aperiodicity below which a frame has a pitch
_SPEECH = 0.6
_MIN_VOICED = 8
_MIN_SPEECH_S = 0.3


@dataclass(frozen=True, slots=True)
class Prosody:
    """None where there was too little to measure it in."""

    pitch_hz: float | None
    """The median."""
    pitch_range_semitones: float | None
    """From the 10th to the 90th part of a hundred."""
    jitter_pct: float | None
    """How much the pitch differs from one hundredth of a second to the next; tremor, hoarseness."""
    loudness_dbfs: float | None
    """RMS of the speech. Depends on the microphone and the distance: compare it with itself."""
    speaking_rate: float | None
    """Syllables a second, counted as peaks of loudness."""
    voiced_share: float | None


NOTHING = Prosody(None, None, None, None, None, None)


def measure(pcm: Pcm, *, vad: Vad | None = None) -> Prosody:
    """The prosody of the speech in it, mono at 16 kHz."""
    vad = vad or EarshotVad()
    size = vad.frame_samples
    likely = [
        vad.speech_probability(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)
    ]
    speech = np.repeat(np.array(likely) >= _SPEECH, size)
    speech_s = float(speech.sum()) / RATE_HZ
    if speech_s < _MIN_SPEECH_S:
        return NOTHING
    wave = pcm[: len(speech)].astype(np.float64) / 32_768
    pitch = _pitch(wave, speech)
    voiced = pitch[np.isfinite(pitch)]
    loudness = 10 * float(np.log10(np.mean(wave[speech] ** 2) + 1e-12))
    enough = len(voiced) >= _MIN_VOICED
    low, middle, high = np.quantile(voiced, (0.1, 0.5, 0.9)) if enough else (1.0, 1.0, 1.0)
    return Prosody(
        pitch_hz=round(float(middle), 1) if enough else None,
        pitch_range_semitones=round(12 * float(np.log2(high / low)), 1) if enough else None,
        jitter_pct=_jitter(pitch) if enough else None,
        loudness_dbfs=round(loudness, 1),
        speaking_rate=round(_syllables(wave, speech) / speech_s, 1),
        voiced_share=round(len(voiced) * _HOP / RATE_HZ / speech_s, 2),
    )


def _pitch(wave: NDArray[np.float64], speech: NDArray[np.bool_]) -> NDArray[np.float64]:
    """YIN (de Cheveigné and Kawahara, 2002), each 10 ms of speech; NaN where there is no pitch."""
    longest, shortest = RATE_HZ // _LOW_HZ, RATE_HZ // _HIGH_HZ
    starts = [at for at in range(0, len(wave) - _FRAME - longest, _HOP) if speech[at + _FRAME // 2]]
    if not starts:
        return np.zeros(0)
    frames = np.stack([wave[at : at + _FRAME + longest] for at in starts])
    first = frames[:, :_FRAME]
    size = 2048
    turned = np.fft.rfft(first[:, ::-1], size)
    product = np.fft.irfft(turned * np.fft.rfft(frames, size), size)
    product = product[:, _FRAME - 1 : _FRAME + longest]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    lagged = energy[:, _FRAME : _FRAME + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(0, lagged[:, :1] + lagged - 2 * product)
    lags = np.arange(1, longest + 1)
    total = np.cumsum(difference[:, 1:], axis=1)
    normal = np.concatenate(
        [np.ones((len(frames), 1)), difference[:, 1:] * lags / (total + 1e-12)], axis=1
    )
    return np.array([_first_dip(row, shortest) for row in normal])


def _first_dip(row: NDArray[np.float64], shortest: int) -> float:
    """The first lag whose dip is deep enough, between its neighbours; NaN where there is none."""
    below = np.flatnonzero(row[shortest:-1] < _VOICED)
    if not len(below):
        return float("nan")
    lag = int(below[0]) + shortest
    while lag + 1 < len(row) - 1 and row[lag + 1] < row[lag]:
        lag += 1
    left, middle, right = row[lag - 1], row[lag], row[lag + 1]
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve > 1e-12 else 0.0
    return RATE_HZ / (lag + float(np.clip(shift, -0.5, 0.5)))


def _jitter(pitch: NDArray[np.float64]) -> float | None:
    steps = np.abs(np.diff(pitch)) / pitch[:-1]
    steady = steps[np.isfinite(steps) & (steps < 0.2)]
    return round(100 * float(np.mean(steady)), 2) if len(steady) >= _MIN_VOICED else None


def _syllables(wave: NDArray[np.float64], speech: NDArray[np.bool_]) -> int:
    """Peaks of loudness in speech that stand 2 dB above the dips around them."""
    count = len(wave) // _HOP
    energy = np.mean(wave[: count * _HOP].reshape(count, _HOP) ** 2, axis=1)
    smooth = np.convolve(energy, np.hanning(11) / np.hanning(11).sum(), mode="same")
    level = 10 * np.log10(smooth + 1e-10)
    spoken = speech[: count * _HOP].reshape(count, _HOP).mean(axis=1) > 0.5
    found, dip = 0, np.inf
    floor = level[spoken].max() - 25 if spoken.any() else 0.0
    peak = -np.inf
    for value, is_speech in zip(level, spoken, strict=True):
        peak = max(peak, value)
        if value < peak - 2 and peak > -np.inf:
            if peak - dip > 2 and peak > floor and is_speech:
                found += 1
            peak, dip = -np.inf, value
        dip = min(dip, value)
    return found
