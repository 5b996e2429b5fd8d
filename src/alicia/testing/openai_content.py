"""The contents of messages, as OpenAI's public reference of chat completions gives them.

A content is a text, or parts: `{"type": "text", "text": …}` and, of a user alone, `{"type":
"image_url", "image_url": {"url": …, "detail": …}}` with an address or a data URL in base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

_IMAGES = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF", "gif": b"GIF8"}
"""How a picture of each kind begins that a data URL may hold."""


def wrong_content(body: dict[str, Any]) -> str | None:
    """What is wrong with the contents of the messages; None where nothing is."""
    for number, message in enumerate(body.get("messages") or []):
        content = message.get("content")
        if content is None or isinstance(content, str):
            continue
        if not isinstance(content, list) or not content:
            return f"messages[{number}].content must be a string or an array of parts"
        for part in content:
            wrong = _wrong_part(part, message.get("role"))
            if wrong is not None:
                return f"messages[{number}].content: {wrong}"
    return None


def _wrong_part(part: Any, role: str | None) -> str | None:  # noqa: ANN401 - JSON
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return None if isinstance(part.get("text"), str) else "a text part has a text"
    if kind != "image_url" or role != "user":
        return f"no such part of {role}: {kind}"
    return _wrong_image(part.get("image_url"))


def _wrong_image(image: Any) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        return "an image_url is an object with a url"
    if image.get("detail", "auto") not in ("auto", "low", "high"):
        return "detail is auto, low or high"
    url = image["url"]
    return None if url.startswith("https://") else _wrong_data(url)


def _wrong_data(url: str) -> str | None:
    found = re.fullmatch(r"data:image/(jpeg|png|webp|gif);base64,([A-Za-z0-9+/]+={0,2})", url)
    if found is None:
        return "the url is neither https nor a picture in base64"
    try:
        data = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return "that is no base64"
    return None if data.startswith(_IMAGES[found[1]]) else f"that is no {found[1]}"
