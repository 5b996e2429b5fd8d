"""Signal quality: what is wrong with what a microphone hears, and what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.vad import EarshotVad, Vad

FLOOR_DBFS = -100.0
_FULL = 32_768.0
_CLIPPED = 32_600
_RUN = 3  # samples at full scale that follow one another: a loud peak alone is not clipping
_SPEECH = 0.7
_MIN_PART_S = 0.15
_HUM_S = 0.5


class Defect(StrEnum):
    """What can be wrong; each has a sentence `quality.…` in nine languages."""

    CLIPPING = "clipping"
    TOO_QUIET = "too_quiet"
    NOISY = "noisy"
    HUM = "hum"
    DC_OFFSET = "dc_offset"
    DROPOUTS = "dropouts"
    NARROW_BAND = "narrow_band"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure is a defect."""

    clipped_share: float = 0.001
    quiet_dbfs: float = -42.0
    noisy_snr_db: float = 12.0
    hum_db: float = 12.0
    """How far mains hum stands above the noise beside it."""
    hum_dbfs: float = -66.0
    dc_share: float = 0.01
    dropouts_per_s: float = 0.3
    narrow_hz: float = 3600.0
    silent_dbfs: float = -75.0


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured in one utterance."""

    peak_dbfs: float
    level_dbfs: float
    """RMS of the speech; of all of it, where there is no speech."""
    noise_dbfs: float | None
    """RMS between the words; None where nothing lies between them."""
    snr_db: float | None
    """Speech over noise; None where one of them was not there to measure."""
    clipped_share: float
    """Samples of all that are at full scale, in runs."""
    dc_share: float
    """The mean, of full scale."""
    hum_hz: int | None
    """50 or 60, where the mains can be heard."""
    dropouts: int
    """Gaps of pure zeros in the middle of sound."""
    bandwidth_hz: float
    """Below it lie 99.5 % of the speech's energy above 1 kHz, where it stands over the noise."""
    speech_s: float
    defects: tuple[Defect, ...]
    """The worst first."""


def measure(pcm: Pcm, *, vad: Vad | None = None, limits: Limits | None = None) -> Quality:
    """The quality of this audio, mono at 16 kHz."""
    limits = limits or Limits()
    wave = pcm.astype(np.float64)
    mean = float(wave.mean()) if len(wave) else 0.0
    centred = wave - mean
    speech, quiet = _parts(pcm, vad or EarshotVad())
    spoken, between = centred[speech], centred[quiet]
    enough = _MIN_PART_S * RATE_HZ
    level = _dbfs(spoken if len(spoken) >= enough else centred)
    noise = _steady_dbfs(between) if len(between) >= enough else None
    snr = None
    if noise is not None and len(spoken) >= enough:
        # The speech was heard with the noise in it.
        power = 10 ** (level / 10) - 10 ** (noise / 10)
        snr = 10 * math.log10(power) - noise if power > 10 ** (noise / 10 - 2) else -20.0
    figures = {
        "peak_dbfs": round(_db(float(np.abs(wave).max()) / _FULL) if len(wave) else FLOOR_DBFS, 1),
        "level_dbfs": round(level, 1),
        "noise_dbfs": None if noise is None else round(noise, 1),
        "snr_db": None if snr is None else round(snr, 1),
        "clipped_share": round(_clipped(pcm), 5),
        "dc_share": round(abs(mean) / _FULL, 4),
        "hum_hz": _hum(centred if len(between) < _HUM_S * RATE_HZ else between, limits),
        "dropouts": _dropouts(pcm),
        "bandwidth_hz": round(_bandwidth(spoken if len(spoken) >= enough else centred)),
        "speech_s": round(len(spoken) / RATE_HZ, 2),
    }
    found = Quality(**figures, defects=())  # type: ignore[arg-type]
    return Quality(**figures, defects=_defects(found, len(pcm) / RATE_HZ, limits))  # type: ignore[arg-type]


def _defects(found: Quality, seconds: float, limits: Limits) -> tuple[Defect, ...]:
    if found.peak_dbfs < limits.silent_dbfs:
        return (Defect.SILENT,)
    spoken = found.speech_s >= _MIN_PART_S
    checks = (
        (Defect.CLIPPING, found.clipped_share > limits.clipped_share),
        (Defect.DROPOUTS, found.dropouts > limits.dropouts_per_s * max(1.0, seconds)),
        (Defect.TOO_QUIET, spoken and found.level_dbfs < limits.quiet_dbfs),
        (Defect.NOISY, found.snr_db is not None and found.snr_db < limits.noisy_snr_db),
        (Defect.HUM, found.hum_hz is not None),
        (Defect.DC_OFFSET, found.dc_share > limits.dc_share),
        (Defect.NARROW_BAND, spoken and found.bandwidth_hz < limits.narrow_hz),
    )
    return tuple(defect for defect, is_there in checks if is_there)


def _parts(pcm: Pcm, vad: Vad) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples are speech, and which are surely none: not next to speech either."""
    size = vad.frame_samples
    count = len(pcm) // size
    likely = np.array(
        [vad.speech_probability(pcm[i * size : (i + 1) * size]) for i in range(count)]
    )
    speech = likely >= _SPEECH
    near = speech.copy()
    # 100 ms after a word it is still fading, 50 ms before it the breath begins.
    for shift in range(-3, 7):
        near |= np.roll(speech, shift)
    return _samples(speech, size, len(pcm)), _samples(~near & (likely < 0.5), size, len(pcm))


def _samples(frames: NDArray[np.bool_], size: int, length: int) -> NDArray[np.bool_]:
    spread = np.zeros(length, bool)
    spread[: len(frames) * size] = np.repeat(frames, size)
    return spread


def _clipped(pcm: Pcm) -> float:
    full = np.abs(pcm.astype(np.int32)) >= _CLIPPED
    if not full.any():
        return 0.0
    return float(sum(length for _, length in _runs(full) if length >= _RUN) / len(pcm))


def _dropouts(pcm: Pcm) -> int:
    """Stretches of 3 to 400 ms of exact zeros that begin and end in the middle of sound."""
    count = 0
    for start, length in _runs(pcm == 0):
        if not 48 <= length <= 6400 or start < 32 or start + length + 32 > len(pcm):
            continue
        before = np.abs(pcm[start - 32 : start].astype(np.int32)).max()
        after = np.abs(pcm[start + length : start + length + 32].astype(np.int32)).max()
        count += bool(min(before, after) > 100)
    return count


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and length of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _hum(wave: NDArray[np.float64], limits: Limits) -> int | None:
    """The mains frequency whose harmonics stand out above what lies beside them."""
    if len(wave) < _HUM_S * RATE_HZ:
        return None
    size = min(len(wave), 4 * RATE_HZ)
    power = np.abs(np.fft.rfft(wave[:size] * np.hanning(size))) ** 2
    bin_hz = RATE_HZ / size
    best: tuple[float, int] | None = None
    for mains in (50, 60):
        heights: list[float] = []
        loudest = 0.0
        for harmonic in (1, 2, 3, 4):
            at = round(mains * harmonic / bin_hz)
            wide = max(2, round(1.5 / bin_hz))
            side = max(wide + 2, round(8 / bin_hz))
            peak = float(power[max(0, at - wide) : at + wide + 1].max())
            beside = np.concatenate(
                [power[max(0, at - side) : at - wide], power[at + wide + 1 : at + side + 1]]
            )
            heights.append(10 * math.log10((peak + 1e-9) / (float(np.median(beside)) + 1e-9)))
            loudest = max(loudest, peak)
        amplitude = math.sqrt(loudest) / (size / 4) / _FULL
        # Two of the four: a voice has one partial there by chance, not two that stay.
        stands = sorted(heights)[-2]
        if stands > limits.hum_db and _db(amplitude / math.sqrt(2)) > limits.hum_dbfs:
            best = max(best or (0.0, 0), (stands, mains))
    return best[1] if best else None


def _bandwidth(wave: NDArray[np.float64]) -> float:
    frame = 512
    count = len(wave) // frame
    if not count:
        return 0.0
    pieces = wave[: count * frame].reshape(count, frame) * np.hanning(frame)
    power = np.mean(np.abs(np.fft.rfft(pieces, axis=1)) ** 2, axis=0)
    hz = np.fft.rfftfreq(frame, 1 / RATE_HZ)
    upper = power[hz >= 1000]
    upper = np.maximum(0, upper - np.quantile(upper, 0.05) * 1.5)
    total = float(upper.sum())
    if total <= 0:
        return 0.0
    at = int(np.searchsorted(np.cumsum(upper), 0.995 * total))
    return float(hz[hz >= 1000][min(at, len(upper) - 1)])


def _dbfs(wave: NDArray[np.float64]) -> float:
    return _db(math.sqrt(float(np.mean(wave**2))) / _FULL) if len(wave) else FLOOR_DBFS


def _steady_dbfs(wave: NDArray[np.float64]) -> float:
    """The level of most of it: a door that slams between two words is not the noise."""
    frame = 160
    frames = wave[: len(wave) // frame * frame].reshape(-1, frame)
    return _db(math.sqrt(float(np.median(np.mean(frames**2, axis=1)))) / _FULL)


def _db(ratio: float) -> float:
    return max(FLOOR_DBFS, 20 * math.log10(ratio)) if ratio > 0 else FLOOR_DBFS
