"""Loudness as people hear it: measured after ITU-R BS.1770 (EBU R 128), and levelled.

Blocks of 400 ms are weighted in the frequency domain, which is exact for what is steady in a block
and costs a few milliseconds where filters in Python would cost hundreds.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from alicia.audio.formats import Pcm

TARGET_LUFS = -20.0
"""All voices sound as loud as this; speech then peaks around -4 dB of full scale."""
CEILING = 0.84
"""No sample is louder, of full scale: -1.5 dB, so that a resampler behind us does not clip."""
FLOOR_LUFS = -70.0
"""Quieter is silence."""

_BLOCK_S, _STEP_S = 0.4, 0.1
_RELATIVE_GATE = -10.0
_OFFSET = -0.691
_MOST_GAIN_DB = 30.0
_LOOK_S = 0.005
_FULL = 32_768.0

Samples = npt.NDArray[np.float32]


def loudness(pcm: Pcm, rate_hz: int) -> float:
    """Gated loudness in LUFS; FLOOR_LUFS for silence. A short sound is one block."""
    samples = pcm.astype(np.float32) / _FULL
    if not len(samples):
        return FLOOR_LUFS
    block = min(len(samples), int(_BLOCK_S * rate_hz))
    step = max(1, int(_STEP_S * rate_hz))
    starts = range(0, len(samples) - block + 1, step)
    blocks = np.stack([samples[start : start + block] for start in starts])
    spectrum = np.fft.rfft(blocks, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) * _weights(block, rate_hz)
    # Parseval: both halves of the spectrum, so twice what the real one shows.
    energy = 2 * power.sum(axis=1) / block**2
    heard = energy[_lufs(energy) > FLOOR_LUFS]
    if not len(heard):
        return FLOOR_LUFS
    gate = float(_lufs(heard.mean(keepdims=True))[0]) + _RELATIVE_GATE
    return float(_lufs(heard[_lufs(heard) > gate].mean(keepdims=True))[0])


def levelled(pcm: Pcm, rate_hz: int, *, target: float = TARGET_LUFS) -> Pcm:
    """As loud as the target, no sample beyond CEILING. Silence stays as it is."""
    now = loudness(pcm, rate_hz)
    if now <= FLOOR_LUFS:
        return pcm
    gain = 10 ** (min(target - now, _MOST_GAIN_DB) / 20)
    samples = _limited(pcm.astype(np.float32) / _FULL * np.float32(gain), rate_hz)
    return np.clip(np.rint(samples * _FULL), -_FULL, _FULL - 1).astype("<i2")


def _limited(samples: Samples, rate_hz: int) -> Samples:
    """Peaks turned down, smoothly and in time: the gain is known before the peak comes."""
    peaks = np.abs(samples)
    if peaks.max(initial=0) <= CEILING:
        return samples
    wanted = np.minimum(1, CEILING / np.maximum(peaks, 1e-9)).astype(np.float32)
    reach = max(1, int(_LOOK_S * rate_hz))
    padded = np.pad(wanted, 2 * reach, constant_values=1)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    sums = np.cumsum(np.pad(lowest.astype(np.float64), (1, 0)))
    # A mean of minima that all cover the sample: never above what that sample needs.
    width = 2 * reach + 1
    smooth = (sums[width:] - sums[:-width]) / width
    return (samples * smooth.astype(np.float32)).astype(np.float32)


def _lufs(energy: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return _OFFSET + 10 * np.log10(np.maximum(energy, 1e-12))


@lru_cache(maxsize=32)
def _weights(block: int, rate_hz: int) -> npt.NDArray[np.float64]:
    """The K weighting's power response at each frequency of a block."""
    at = np.exp(-2j * np.pi * np.fft.rfftfreq(block, 1 / rate_hz) / rate_hz)
    response = np.ones(len(at))
    for numerator, denominator in (_shelf(rate_hz), _high_pass(rate_hz)):
        response *= np.abs(np.polyval(numerator[::-1], at) / np.polyval(denominator[::-1], at)) ** 2
    return response


def _shelf(rate_hz: int) -> tuple[list[float], list[float]]:
    """The head's influence: 4 dB more above 1.7 kHz (BS.1770, for any rate)."""
    k = np.tan(np.pi * 1681.974450955533 / rate_hz)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    scale = 1 + k / q + k * k
    return (
        [
            (high + band * k / q + k * k) / scale,
            2 * (k * k - high) / scale,
            (high - band * k / q + k * k) / scale,
        ],
        [1.0, 2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale],
    )


def _high_pass(rate_hz: int) -> tuple[list[float], list[float]]:
    """What is below 38 Hz is hardly heard."""
    k = np.tan(np.pi * 38.13547087602444 / rate_hz)
    q = 0.5003270373238773
    scale = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / scale, (1 - k / q + k * k) / scale]
