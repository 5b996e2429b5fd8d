"""What is shown is decoded, made small, and freed of what a camera wrote beside it."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest

from alicia.contracts.conversation import MOST_PICTURE_BYTES
from alicia.errors import NoPictureError, PictureTooLargeError

pytest.importorskip("PIL", reason="needs alicia[pictures]")

from PIL import Image

from alicia.mind.pictures import LONGEST_PX, MOST_FILE_BYTES, prepared


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **how: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **how)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data), formats=["JPEG"])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_a_picture_becomes_a_small_jpeg(kind: str) -> None:
    for size, becomes in (((40, 20), (40, 20)), ((3000, 1500), (LONGEST_PX, LONGEST_PX // 2))):
        image = opened(prepared(picture(kind, size)))
        assert image.size == becomes
        pixel = image.getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert pixel[0] > 200
        assert pixel[1] < 60


def test_nothing_that_a_camera_wrote_comes_along() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAM"
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif.get_ifd(0x8825)[1] = "N"
    data = picture("JPEG", exif=exif, comment=b"SECRETNOTE", icc_profile=b"SECRETPROFILE")
    assert data.count(b"SECRET") == 3
    made = prepared(data)
    assert b"SECRET" not in made
    assert b"Exif" not in made
    assert opened(made).size == (20, 40), "it is upright, as it was seen"
    assert not opened(made).getexif()


def test_where_it_is_transparent_it_is_white() -> None:
    out = BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    pixel = opened(prepared(out.getvalue())).getpixel((4, 4))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"turn on the light",
        b"\xff\xd8\xff\xe0 but no picture",
        picture()[:60],
        picture("JPEG", (400, 400))[:700],
        picture("GIF"),
        picture("BMP"),
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["nothing", "text", "a head", "half a PNG", "half a JPEG", "GIF", "BMP", "PDF", "SVG"],
)
def test_what_can_not_be_decoded_is_no_picture(data: bytes) -> None:
    with pytest.raises(NoPictureError):
        prepared(data)


def bomb(width: int, height: int) -> bytes:
    """The head of a PNG that says it is that large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_000, 6_000), (10_000, 10_000), (60_000, 60_000)])
def test_what_is_too_large_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooLargeError):
        prepared(bomb(*size))


def test_a_file_may_be_too_large_too() -> None:
    with pytest.raises(PictureTooLargeError):
        prepared(b"\xff\xd8\xff" + bytes(MOST_FILE_BYTES))


def test_the_worst_picture_still_fits_on_the_bus() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1024, 1024, 3), np.uint8)
    out = BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    assert len(prepared(out.getvalue())) <= MOST_PICTURE_BYTES
