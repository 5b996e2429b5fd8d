"""Untrusted text: how words from outside this house are shown to a model, as data and no more.

What such words say is not done by their being there: a model has no way to a device but a command
that is judged by the rights of the person it works for, and what opens something needs their PIN.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2000
"""Characters that are shown; what follows is left out, and said to be."""
_SOURCE = re.compile(r"[^a-z0-9_]+")
_KEPT_CONTROLS = "\n\t"


def as_data(text: str, source: str) -> str:
    """The text in a tag that it can't leave: `<untrusted source="calendar">…</untrusted>`.

    Signs that nobody sees are taken out: control characters, zero-width and direction marks, the
    tag characters of Unicode. `<`, `>` and `&` are written as entities.
    """
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", text) if _is_seen(sign))
    if len(plain) > LONGEST:
        plain = plain[:LONGEST] + " […]"
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        plain = plain.replace(sign, entity)
    name = _SOURCE.sub("_", source.lower()).strip("_") or "unknown"
    return f'<untrusted source="{name}">{plain}</untrusted>'


def _is_seen(sign: str) -> bool:
    return sign in _KEPT_CONTROLS or unicodedata.category(sign) not in (
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
    )
