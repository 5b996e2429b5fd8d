"""Any PCM, as it comes, to mono of 16 bits at one rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ
from alicia.errors import UnsupportedAudioError

RATES_HZ = range(4_000, 192_001)
CHANNELS = range(1, 9)
WIDTHS = (1, 2, 3, 4)
_FULL_SCALE = {1: 2.0**7, 2: 2.0**15, 3: 2.0**23, 4: 2.0**31}


class Converter:
    """A stream of interleaved little-endian integers in, mono s16le at `to_hz` out.

    Raises UnsupportedAudioError for a format that nobody records.
    """

    def __init__(
        self, rate_hz: int, *, width: int = 2, channels: int = 1, to_hz: int = RATE_HZ
    ) -> None:
        if rate_hz not in RATES_HZ or channels not in CHANNELS or width not in WIDTHS:
            raise UnsupportedAudioError(rate_hz=rate_hz, width=width, channels=channels)
        self.format = rate_hz, width, channels
        self._frame_bytes = width * channels
        self._rest = b""
        self._stream = None
        if rate_hz != to_hz:
            import soxr  # noqa: PLC0415 - heavy, and most microphones need none

            self._stream = soxr.ResampleStream(rate_hz, to_hz, 1, dtype="float32")

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What these bytes are in the other format; a resampler keeps some milliseconds back."""
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        if self._stream is None and self.format[1:] == (2, 1):
            return data[:whole]
        samples = self._mono(data[:whole])
        if self._stream is not None:
            samples = self._stream.resample_chunk(samples, last=last)
        return np.clip(np.round(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()

    def _mono(self, data: bytes) -> NDArray[np.float32]:
        _, width, channels = self.format
        match width:
            case 1:
                samples = np.frombuffer(data, np.uint8).astype(np.float32) - 128
            case 2:
                samples = np.frombuffer(data, "<i2").astype(np.float32)
            case 3:
                padded = np.zeros((len(data) // 3, 4), np.uint8)
                padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
                samples = (padded.view("<i4")[:, 0] >> 8).astype(np.float32)
            case _:
                samples = np.frombuffer(data, "<i4").astype(np.float32)
        scaled = samples / _FULL_SCALE[width]
        return scaled.reshape(-1, channels).mean(axis=1, dtype=np.float32)
