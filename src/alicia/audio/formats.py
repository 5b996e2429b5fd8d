"""Audio files in and out: any rate and channel count becomes mono, 16 kHz, 16 bit."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alicia.audio import webm
from alicia.errors import UnsupportedAudioError, UtteranceTooLongError

if TYPE_CHECKING:
    import soundfile

RATE_HZ = 16_000
"""The rate at which Alicia listens."""

Pcm: TypeAlias = NDArray[np.int16]
"""Mono samples of 16 bits."""

_WHAT_TO_DO = "Use a WAV, FLAC, Ogg or MP3 file that other programs can play."
_RATES_HZ = range(4_000, 384_001)
# What writers put into a WAV header when they stream and don't know the length.
_LENGTH_UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF)


def read(source: Path | bytes, *, max_s: float) -> Pcm:
    """The samples of an audio file, mono at `RATE_HZ`.

    WAV (8 to 32 bit, float, A-law, µ-law), FLAC, Ogg (Vorbis, Opus), MP3, AIFF and what else
    libsndfile reads; WebM with Opus as browsers record it. Any rate, any number of channels.

    Raises:
        UnsupportedAudioError: what is wrong stands in the field `reason`: `missing`, `empty`,
            `not_audio` or `truncated`.
        UtteranceTooLongError: it lasts longer than `max_s`; told by its header, before decoding.
    """
    data = _bytes_of(source)
    if not data:
        raise _unsupported("The audio file is empty.", "empty")
    _refuse_truncated_wav(data)
    if data.startswith(webm.MAGIC):
        data = webm.opus_in_ogg(data)
    # Imported here: services that only handle raw frames start without it.
    import soundfile  # noqa: PLC0415

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            return _decode(file, max_s)
    except soundfile.SoundFileError as error:
        raise _unsupported("This is not an audio file.", "not_audio") from error


def read_raw(data: bytes, *, rate_hz: int, channels: int = 1, max_s: float) -> Pcm:
    """The samples of little-endian 16 bit PCM without a header, mono at `RATE_HZ`.

    Raises:
        UnsupportedAudioError: `reason` is `empty`, `truncated` (no whole number of samples) or
            `rate` (nobody records so).
        UtteranceTooLongError: it lasts longer than `max_s`.
    """
    if rate_hz not in _RATES_HZ or channels < 1:
        raise _unsupported("Raw audio needs its rate and its channels.", "rate")
    if not data:
        raise _unsupported("The audio file is empty.", "empty")
    if len(data) % (2 * channels):
        raise _unsupported("The audio file is damaged: a part of it is missing.", "truncated")
    seconds = len(data) / (2 * channels * rate_hz)
    if seconds > max_s:
        raise UtteranceTooLongError(seconds=round(seconds, 1), limit_s=max_s)
    samples = from_bytes(data).reshape(-1, channels).astype(np.float32) / np.float32(32_768)
    return _heard(samples, rate_hz)


def write_wav(path: Path, pcm: Pcm, rate_hz: int = RATE_HZ) -> None:
    """Write mono samples as a WAV file."""
    # A file that wave opens itself and can't is told twice: its __del__ stumbles too.
    with path.open("wb") as opened, wave.open(opened, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(pcm, dtype="<i2").tobytes())


def frames(pcm: Pcm, *, frame_ms: int = 20, rate_hz: int = RATE_HZ) -> Iterator[Pcm]:
    """Frames of one size, in order; the last one is filled up with silence."""
    size = rate_hz * frame_ms // 1000
    for start in range(0, len(pcm), size):
        frame = pcm[start : start + size]
        yield frame if len(frame) == size else np.pad(frame, (0, size - len(frame)))


def from_bytes(data: bytes) -> Pcm:
    """The samples of little-endian 16 bit PCM."""
    return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)


def _bytes_of(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise _unsupported("The audio file can't be opened.", "missing") from error


def _refuse_truncated_wav(data: bytes) -> None:
    """Libsndfile reads a WAV that was cut off as a shorter one: half a command is no command."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            if size not in _LENGTH_UNKNOWN and at + 8 + size > len(data):
                break
            return
        at += 8 + size + size % 2
    raise _unsupported("The audio file is damaged: a part of it is missing.", "truncated")


def _decode(file: "soundfile.SoundFile", max_s: float) -> Pcm:
    seconds = file.frames / file.samplerate
    if seconds > max_s:
        raise UtteranceTooLongError(seconds=round(seconds, 1), limit_s=max_s)
    samples = file.read(dtype="float32", always_2d=True)
    if len(samples) < file.frames:
        raise _unsupported("The audio file is damaged: a part of it is missing.", "truncated")
    if not len(samples):
        raise _unsupported("The audio file has no sound in it.", "empty")
    return _heard(np.asarray(samples, np.float32), int(file.samplerate))


def _heard(samples: NDArray[np.float32], rate_hz: int) -> Pcm:
    """All channels together, at the rate at which Alicia listens."""
    mono: NDArray[np.float32] = np.nan_to_num(samples.mean(axis=1, dtype=np.float32))
    if rate_hz != RATE_HZ:
        import soxr  # noqa: PLC0415 - heavy

        mono = np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), np.float32)
    return np.clip(np.round(mono * 32_768), -32_768, 32_767).astype(np.int16)


def _unsupported(sentence: str, reason: str) -> UnsupportedAudioError:
    return UnsupportedAudioError(f"{sentence} {_WHAT_TO_DO}", reason=reason)


def level_db(pcm: Pcm) -> float:
    """Loudness in dB below full scale."""
    power = float(np.mean(np.square(pcm.astype(np.float32)))) / 32_768**2
    return 10 * float(np.log10(power + 1e-10))
