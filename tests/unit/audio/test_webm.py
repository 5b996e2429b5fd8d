"""WebM/Opus: written here as recorders write it, from what libsndfile encoded."""

import io

import numpy as np
import pytest
import soundfile

from alicia.audio.formats import RATE_HZ, Pcm, read
from alicia.errors import UnsupportedAudioError

UNKNOWN = b"\x01" + b"\xff" * 7
"""The size that a live recorder writes: it does not know it."""


def tone(seconds: float) -> Pcm:
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


def opus_packets(pcm: Pcm) -> tuple[bytes, list[bytes]]:
    """The head and the packets of an Ogg/Opus file."""
    out = io.BytesIO()
    soundfile.write(out, pcm, RATE_HZ, format="OGG", subtype="OPUS")
    data, at = out.getvalue(), 0
    packets, open_packet = list[bytes](), b""
    while at < len(data):
        count = data[at + 26]
        lacing = data[at + 27 : at + 27 + count]
        at += 27 + count
        for size in lacing:
            open_packet += data[at : at + size]
            at += size
            if size < 255:
                packets.append(open_packet)
                open_packet = b""
    head, _tags, *rest = packets
    return head, rest


def element(name: int, content: bytes, *, size: bytes | None = None) -> bytes:
    head = name.to_bytes((name.bit_length() + 7) // 8, "big")
    return head + (size or (len(content) | 1 << 56).to_bytes(8, "big")) + content


def webm(
    pcm: Pcm, *, live: bool = False, codec: bytes = b"A_OPUS", flags: int = 0x80, every: int = 20
) -> bytes:
    head, packets = opus_packets(pcm)
    track = element(0xD7, b"\x01") + element(0x86, codec) + element(0x63A2, head)
    tracks = element(0x1654AE6B, element(0xAE, track))
    clusters = b""
    for start in range(0, len(packets), every):
        block = b"".join(
            element(0xA3, b"\x81" + (20 * number).to_bytes(2, "big") + bytes([flags]) + packet)
            for number, packet in enumerate(packets[start : start + every])
        )
        content = element(0xE7, (20 * start).to_bytes(2, "big")) + block
        clusters += element(0x1F43B675, content, size=UNKNOWN if live else None)
    segment = element(0x18538067, tracks + clusters, size=UNKNOWN if live else None)
    return element(0x1A45DFA3, element(0x4282, b"webm")) + segment


def loudest_hz(pcm: Pcm) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(pcm)))) * RATE_HZ / len(pcm)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("seconds", [0.5, 6.0])
def test_webm_as_browsers_record_it_is_read(seconds: float, live: bool) -> None:
    pcm = read(webm(tone(seconds), live=live), max_s=10)
    assert len(pcm) == pytest.approx(seconds * RATE_HZ, abs=0.05 * RATE_HZ)
    assert loudest_hz(pcm) == pytest.approx(440, abs=5)


def test_it_sounds_like_the_same_opus_in_ogg() -> None:
    out = io.BytesIO()
    soundfile.write(out, tone(1.0), RATE_HZ, format="OGG", subtype="OPUS")
    wrapped, plain = read(webm(tone(1.0)), max_s=5), read(out.getvalue(), max_s=5)
    shared = min(len(wrapped), len(plain))
    assert np.array_equal(wrapped[:shared], plain[:shared])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (webm(tone(0.5))[:-40], "truncated"),
        (webm(tone(0.5))[:60], "truncated"),
        (webm(tone(0.5), codec=b"A_VORBIS"), "not_audio"),
        (webm(tone(0.5), flags=0x86), "laced"),
        (b"\x1a\x45\xdf\xa3" + bytes(40), "truncated"),
    ],
)
def test_what_is_no_whole_webm_with_opus_is_refused_with_its_reason(
    data: bytes, reason: str
) -> None:
    with pytest.raises(UnsupportedAudioError) as caught:
        read(data, max_s=5)
    assert caught.value.fields["reason"] == reason
