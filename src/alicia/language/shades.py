"""Shades: what the colour of a light is called."""

from __future__ import annotations

from colorsys import rgb_to_hsv

from alicia.home.capabilities import rgb_hex
from alicia.language.tables import Tables

_PALE = 0.4
"""Saturation below which light is white more or less, where a lamp has both."""
_WHITE = 0.25
"""Saturation below which a colour is white."""
_HUES = (
    (15, "red"),
    (45, "orange"),
    (70, "yellow"),
    (160, "green"),
    (200, "turquoise"),
    (260, "blue"),
    (305, "purple"),
    (345, "pink"),
    (360, "red"),
)
"""Degrees up to which a hue is called so."""
_ROSE = 0.7
"""Saturation of red below which it is pink."""


def is_pale(color: str) -> bool:
    """Whether a colour ("#ffd9a0", "beige") is a white more or less."""
    shade = _hsv(color)
    return shade is not None and shade[1] < _PALE


def color_word(color: str, tables: Tables) -> str | None:
    """The word for a colour ("#ff40c0", "blue") in this language; None where it has none.

    None also for what is no colour: a device may report anything.
    """
    shade = _hsv(color)
    if shade is None:
        return None
    hue, saturation, _ = shade
    name = next(name for most, name in _HUES if hue * 360 <= most)
    if saturation < _WHITE:
        name = "white"
    elif name == "red" and saturation < _ROSE:
        name = "pink"
    words: list[str] = (tables.say.get("color") or {}).get(name, [])
    return words[0] if words else None


def tone_word(kelvin: float, tables: Tables) -> str | None:
    """The word for a white of so many kelvin in this language; None where it has none."""
    tones: dict[str, list[str]] = tables.say.get("tone") or {}
    nearest = min(tones, key=lambda tone: abs(float(tone) - kelvin), default=None)
    return tones[nearest][0] if nearest else None


def _hsv(color: str) -> tuple[float, float, float] | None:
    known = rgb_hex(color)
    if known is None:
        return None
    red, green, blue = (int(known[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return rgb_to_hsv(red, green, blue)
