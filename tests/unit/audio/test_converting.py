"""Any format in, one format out."""

from __future__ import annotations

import numpy as np
import pytest

from alicia.audio.converting import Converter
from alicia.audio.framing import FRAME_BYTES, Frames
from alicia.errors import UnsupportedAudioError

TONE_HZ = 440


def tone(rate_hz: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(int(rate_hz * seconds)) / rate_hz)


def encoded(samples: np.ndarray, width: int, channels: int) -> bytes:
    many = np.repeat(samples[:, None], channels, axis=1)
    match width:
        case 1:
            return (many * 127 + 128).astype(np.uint8).tobytes()
        case 2:
            return (many * 32767).astype("<i2").tobytes()
        case 3:
            wide = (many * (2**23 - 1)).astype("<i4").reshape(-1, 1)
            return wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        case _:
            return (many * (2**31 - 1)).astype("<i4").tobytes()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_stays_the_tone_whatever_the_pieces(rate_hz: int, width: int, channels: int) -> None:
    data = encoded(tone(rate_hz), width, channels)
    converter = Converter(rate_hz, width=width, channels=channels)
    pieces = [converter.feed(data[at : at + 1001]) for at in range(0, len(data), 1001)]
    out = np.frombuffer(b"".join([*pieces, converter.feed(b"", last=True)]), np.int16)
    assert abs(len(out) - 8000) <= 2
    expected = tone(16_000) * 32767
    middle = slice(800, 7200)
    assert np.abs(out[middle] - expected[: len(out)][middle]).max() < (600 if width == 1 else 60)


@pytest.mark.parametrize("shape", [(0, 2, 1), (16_000, 0, 1), (16_000, 5, 1), (16_000, 2, 0)])
def test_what_nobody_records_is_refused(shape: tuple[int, int, int]) -> None:
    rate_hz, width, channels = shape
    with pytest.raises(UnsupportedAudioError):
        Converter(rate_hz, width=width, channels=channels)


async def test_frames_are_of_one_size_and_the_last_is_filled_up() -> None:
    frames = Frames()
    for _ in range(3):
        frames.feed(bytes(1000))
    frames.close()
    frames.feed(bytes(1000))  # too late
    found = [frame async for frame in frames.frames()]
    assert [len(frame) for frame in found] == [FRAME_BYTES] * 5


async def test_frames_that_nobody_takes_are_dropped_the_oldest_first() -> None:
    frames = Frames(most_s=0.1)
    for number in range(20):
        frames.feed(bytes([number]) * FRAME_BYTES)
    frames.close()
    found = [frame[0] async for frame in frames.frames()]
    assert found == [15, 16, 17, 18, 19]
