import gc
import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from alicia.audio.formats import (
    RATE_HZ,
    Pcm,
    frames,
    from_bytes,
    read,
    read_raw,
    write_wav,
)
from alicia.errors import UnsupportedAudioError, UtteranceTooLongError


def tone(seconds: float, rate_hz: int = RATE_HZ) -> Pcm:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return (8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


def encoded(pcm: Pcm, rate_hz: int, *, channels: int = 1, kind: str = "WAV") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.repeat(pcm[:, None], channels, axis=1), rate_hz, format=kind)
    return out.getvalue()


def loudest_hz(pcm: Pcm) -> float:
    spectrum = np.abs(np.fft.rfft(pcm))
    return float(np.argmax(spectrum)) * RATE_HZ / len(pcm)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (48_000, 2)])
def test_any_rate_and_channel_count_becomes_mono_at_16_khz(
    kind: str, rate_hz: int, channels: int
) -> None:
    pcm = read(encoded(tone(1.0, rate_hz), rate_hz, channels=channels, kind=kind), max_s=5)
    assert pcm.dtype == np.int16
    assert len(pcm) == pytest.approx(RATE_HZ, rel=0.15 if kind == "MP3" else 0.001)
    assert loudest_hz(pcm) == pytest.approx(440, abs=5)


def test_what_is_written_is_read_back_alike(tmp_path: Path) -> None:
    pcm = tone(0.5)
    write_wav(tmp_path / "tone.wav", pcm)
    assert np.array_equal(read(tmp_path / "tone.wav", max_s=1), pcm)


@pytest.mark.parametrize(
    ("kind", "subtype", "off_by"),
    [
        ("WAV", "PCM_U8", 256),
        ("WAV", "PCM_16", 1),
        ("WAV", "PCM_24", 1),
        ("WAV", "PCM_32", 1),
        ("WAV", "FLOAT", 1),
        ("WAV", "DOUBLE", 1),
        ("WAV", "ULAW", 400),
        ("WAV", "ALAW", 400),
        ("WAVEX", "PCM_24", 1),
        ("FLAC", "PCM_16", 1),
        ("FLAC", "PCM_24", 1),
        ("AIFF", "PCM_16", 1),
    ],
)
def test_every_usual_coding_gives_the_same_samples(kind: str, subtype: str, off_by: int) -> None:
    out = io.BytesIO()
    soundfile.write(out, tone(0.2) / 32_768, RATE_HZ, format=kind, subtype=subtype)
    assert np.abs(read(out.getvalue(), max_s=1).astype(int) - tone(0.2)).max() <= off_by


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_lossy_codings_keep_the_tone(kind: str, subtype: str | None, rate_hz: int) -> None:
    out = io.BytesIO()
    # LAME makes two like channels unlike, so MP3 is one channel here.
    channels = np.repeat(tone(1.0, rate_hz)[:, None], 1 if kind == "MP3" else 2, axis=1)
    soundfile.write(out, channels, rate_hz, format=kind, subtype=subtype)
    pcm = read(out.getvalue(), max_s=5)
    assert len(pcm) == pytest.approx(RATE_HZ, rel=0.15)
    assert loudest_hz(pcm) == pytest.approx(440, abs=5)
    middle = pcm[RATE_HZ // 4 : RATE_HZ // 2].astype(float)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(8_000 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2)])
def test_raw_samples_are_read_with_the_rate_that_is_told(rate_hz: int, channels: int) -> None:
    data = np.repeat(tone(1.0, rate_hz)[:, None], channels, axis=1).astype("<i2").tobytes()
    pcm = read_raw(data, rate_hz=rate_hz, channels=channels, max_s=2)
    assert len(pcm) == pytest.approx(RATE_HZ, rel=0.001)
    assert loudest_hz(pcm) == pytest.approx(440, abs=5)


def test_raw_samples_at_our_own_rate_are_not_touched() -> None:
    assert np.array_equal(read_raw(tone(0.1).tobytes(), rate_hz=RATE_HZ, max_s=1), tone(0.1))


@pytest.mark.parametrize(
    ("data", "rate_hz", "channels", "reason"),
    [
        (b"", 16_000, 1, "empty"),
        (b"123", 16_000, 1, "truncated"),
        (b"123456", 16_000, 2, "truncated"),
        (b"1234", 0, 1, "rate"),
        (b"1234", 16_000, 0, "rate"),
    ],
)
def test_what_is_no_raw_audio_is_refused_with_its_reason(
    data: bytes, rate_hz: int, channels: int, reason: str
) -> None:
    with pytest.raises(UnsupportedAudioError) as caught:
        read_raw(data, rate_hz=rate_hz, channels=channels, max_s=5)
    assert caught.value.fields["reason"] == reason


def test_long_raw_audio_is_refused() -> None:
    with pytest.raises(UtteranceTooLongError):
        read_raw(bytes(2 * 16_000 * 6), rate_hz=16_000, max_s=5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"turn on the kitchen light\n" * 40, "not_audio"),
        (encoded(tone(1.0), RATE_HZ)[:-9_000], "truncated"),
        (encoded(tone(1.0), RATE_HZ)[:30], "truncated"),
        (encoded(tone(0.0), RATE_HZ), "empty"),
    ],
)
def test_what_is_no_whole_audio_file_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedAudioError, match="Use a WAV, FLAC, Ogg or MP3") as caught:
        read(data, max_s=5)
    assert caught.value.fields["reason"] == reason


def test_a_truncated_flac_is_refused() -> None:
    noise = np.random.default_rng(1).normal(0, 3_000, RATE_HZ).astype(np.int16)
    data = encoded(noise, RATE_HZ, kind="FLAC")
    with pytest.raises(UnsupportedAudioError):
        read(data[: len(data) // 2], max_s=5)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedAudioError) as caught:
        read(tmp_path / "nothing.wav", max_s=5)
    assert caught.value.fields["reason"] == "missing"


def test_a_streamed_wav_of_unknown_length_is_read() -> None:
    data = bytearray(encoded(tone(0.5), RATE_HZ))
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert len(read(bytes(data), max_s=1)) == RATE_HZ // 2


def test_a_long_file_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(bytes(600 * 8_000))

    def decoded(*_: object, **__: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(soundfile.SoundFile, "read", decoded)
    with pytest.raises(UtteranceTooLongError) as caught:
        read(out.getvalue(), max_s=30)
    assert caught.value.fields == {"seconds": 600.0, "limit_s": 30}


def test_frames_have_one_size_and_the_last_is_filled_up() -> None:
    cut = list(frames(tone(0.05)))
    assert [len(frame) for frame in cut] == [320, 320, 320]
    assert not cut[-1][160:].any()
    assert np.array_equal(np.concatenate(cut)[:800], tone(0.05))


def test_bytes_are_little_endian_samples() -> None:
    assert list(from_bytes(b"\x01\x00\xff\xff")) == [1, -1]


@pytest.mark.filterwarnings("error")
def test_a_wav_that_can_not_be_written_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_wav(tmp_path / "nowhere" / "tone.wav", np.zeros(10, np.int16))
    gc.collect()  # what is thrown away must not complain again
