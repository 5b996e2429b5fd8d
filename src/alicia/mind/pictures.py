"""Pictures that people show: read, made small, and freed of all that a camera writes beside them.

Only the pixels are kept: a photo's place, time and camera, its comments and thumbnails never come
along. A picture is believed to be one only when it has been decoded.
"""

from __future__ import annotations

import struct
import warnings
from io import BytesIO

from alicia.contracts.conversation import MOST_PICTURE_BYTES
from alicia.errors import DependencyMissingError, NoPictureError, PictureTooLargeError

try:
    from PIL import Image, ImageOps
except ImportError as error:
    raise DependencyMissingError(
        "Pictures need the package pillow: install alicia[pictures].", package="pillow"
    ) from error

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_FILE_BYTES = 20_000_000
MOST_PIXELS = 50_000_000
"""Of the picture as it comes: a phone's largest usual photo. Decoded it has 150 MB."""
LONGEST_PX = 1024
"""Of the longer side as it is sent: what is read by models that scale to tiles of about 500."""
_QUALITIES = (82, 65, 45)
"""Of JPEG: the first that is small enough."""
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError)
"""What the library raises for what it can't decode."""


def prepared(data: bytes) -> bytes:
    """The picture as a JPEG: upright, at most `LONGEST_PX` on its longer side, without metadata.

    Of an animation the first frame. Blocking. Raises NoPictureError, PictureTooLargeError.
    """
    if len(data) > MOST_FILE_BYTES:
        raise PictureTooLargeError(
            f"A picture may have {MOST_FILE_BYTES // 1_000_000} MB.", size_bytes=len(data)
        )
    try:
        with warnings.catch_warnings():
            # The size is looked at below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = _decoded(data)
    except Image.DecompressionBombError as error:
        raise PictureTooLargeError(f"A picture may have {_megapixels(MOST_PIXELS)}.") from error
    except _BROKEN as error:
        raise NoPictureError from error
    for quality in _QUALITIES:
        out = BytesIO()
        image.save(out, "JPEG", quality=quality)
        if len(out.getvalue()) <= MOST_PICTURE_BYTES:
            return out.getvalue()
    raise PictureTooLargeError


def _decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise PictureTooLargeError(
                f"A picture may have {_megapixels(MOST_PIXELS)}.", pixels=f"{width}x{height}"
            )
        image.thumbnail((LONGEST_PX, LONGEST_PX))
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    # A new picture: nothing that was written beside the pixels can come along.
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(upright, mask=upright.getchannel("A"))
    return plain


def _megapixels(pixels: int) -> str:
    return f"{pixels // 1_000_000} megapixels"
