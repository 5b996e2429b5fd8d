"""Whisper's input: the log-mel spectrogram, in numpy alone.

faster-whisper has one too, but importing it costs 0.6 s and 65 MB (video codecs, the model hub).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm

FRAME_S = 0.01
"""The time of one column."""
_FFT, _HOP = 400, 160
_FLOOR = 1e-10


def log_mel(pcm: Pcm, *, pad_s: float, bands: int = 80, max_s: float = 30.0) -> NDArray[np.float32]:
    """The spectrogram of the audio and `pad_s` of nothing after it; shape (bands, columns).

    The nothing has the *lowest value of the audio*. Zero would be a loud hum to Whisper.
    """
    columns = min(round(max_s / FRAME_S), int(np.ceil((len(pcm) / RATE_HZ + pad_s) / FRAME_S)))
    columns += columns % 2  # Whisper's encoder halves it.
    wave = np.pad(pcm.astype(np.float32) / 32_768, (_FFT // 2, _FFT // 2 + _HOP), mode="reflect")
    starts = np.lib.stride_tricks.sliding_window_view(wave, _FFT)[::_HOP][:columns]
    power = np.abs(np.fft.rfft(starts * _window(), axis=1)).astype(np.float32) ** 2
    levels = np.log10(np.maximum(power @ mel_filters(bands).T, _FLOOR))
    scaled = (np.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0
    full = np.full((columns, bands), scaled.min(), np.float32)
    full[: len(scaled)] = scaled
    return np.ascontiguousarray(full.T)


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    return np.hanning(_FFT + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=4)
def mel_filters(bands: int, fft: int = _FFT) -> NDArray[np.float32]:
    """Slaney's mel filters, each of the same energy; shape (bands, FFT bins)."""
    bins = np.fft.rfftfreq(fft, 1 / RATE_HZ)
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE_HZ / 2), bands + 2))
    rise = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rise, fall))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


# Slaney's scale: linear to 1 kHz (3 mel for 200 Hz), then 27 mel for each factor of 6.4.
_KNEE_HZ, _KNEE_MEL, _STEP = 1000.0, 15.0, np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz * 3 / 200
    return _KNEE_MEL + float(np.log(hz / _KNEE_HZ)) / _STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _KNEE_MEL, mel * 200 / 3, _KNEE_HZ * np.exp(_STEP * (mel - _KNEE_MEL)))
