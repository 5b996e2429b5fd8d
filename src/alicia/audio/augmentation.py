"""Rooms, noise and distance, made by arithmetic: what training and tests change recordings by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm

Wave = NDArray[np.float32]
"""Mono at `RATE_HZ`, full scale is 1."""
NOISES = ("white", "pink", "brown", "hum")


def wave_of(pcm: Pcm) -> Wave:
    return (pcm / 32_768).astype(np.float32)


def pcm_of(wave: Wave) -> Pcm:
    """Clipped at full scale, as a microphone's converter does."""
    return np.clip(np.round(wave * 32_768), -32_768, 32_767).astype(np.int16)


def noise(kind: str, samples: int, chance: np.random.Generator) -> Wave:
    """One of `NOISES`, at an RMS of 1."""
    if kind == "hum":
        time = np.arange(samples) / RATE_HZ
        parts = [np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 8)]
        made = np.sum(parts, axis=0) + 0.05 * chance.normal(size=samples)
    else:
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
        spectrum = np.fft.rfft(chance.normal(size=samples))
        hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
        made = np.fft.irfft(spectrum / np.maximum(hz, 30) ** slope, samples)
    return (made / max(1e-9, rms(made))).astype(np.float32)


def rms(wave: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0


def at_snr(wave: Wave, disturbance: Wave, snr_db: float, *, level: float | None = None) -> Wave:
    """The sum, with the disturbance this far below the speech (or below `level`, an RMS)."""
    speech = rms(wave) if level is None else level
    factor = speech / max(1e-9, rms(disturbance)) / 10 ** (snr_db / 20)
    return (wave + disturbance * factor).astype(np.float32)


def in_room(wave: Wave, rt60_s: float, chance: np.random.Generator, *, direct: float = 1.0) -> Wave:
    """With the echo of a room that takes `rt60_s` to fall silent; as long as before."""
    count = max(1, int(rt60_s * RATE_HZ))
    tail = chance.normal(size=count) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(0.003 * RATE_HZ)] = 0
    tail *= 0.5 / max(1e-9, float(np.sqrt(np.sum(tail**2))))
    tail[0] = direct
    size = 1 << (len(wave) + count).bit_length()
    made = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(tail, size), size)
    return made[: len(wave)].astype(np.float32)


def faster(wave: Wave, factor: float) -> Wave:
    """Faster and higher, as a tape."""
    import soxr  # noqa: PLC0415 - heavy

    return soxr.resample(wave, RATE_HZ * factor, RATE_HZ).astype(np.float32)


def muffled(wave: Wave, above_hz: float) -> Wave:
    """Without what is above this frequency."""
    spectrum = np.fft.rfft(wave)
    hz = np.fft.rfftfreq(len(wave), 1 / RATE_HZ)
    spectrum *= 1 / (1 + (hz / above_hz) ** 8)
    return np.fft.irfft(spectrum, len(wave)).astype(np.float32)


def trimmed(wave: Wave, *, floor: float = 0.03) -> Wave:
    """From where it first is louder than a part of its peak to where it last is."""
    frame = 160
    count = len(wave) // frame
    if not count:
        return wave
    levels = np.sqrt(np.mean(wave[: count * frame].reshape(count, frame) ** 2, axis=1))
    loud = np.flatnonzero(levels > floor * levels.max())
    if not len(loud):
        return wave
    return wave[max(0, int(loud[0]) - 1) * frame : (int(loud[-1]) + 2) * frame]
