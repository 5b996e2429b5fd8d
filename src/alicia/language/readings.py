"""Readings: how Chinese, Japanese and Korean text sounds, in letters.

A recognizer that mishears writes other signs for much the same sounds, so sounds are compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

GAP = "·"
"""Where a particle was left out: not heard, but it parts what stands beside it."""

Reading = Callable[[str], str]


@dataclass(frozen=True)
class _Han:
    simplified: Mapping[int, str]
    mandarin: Mapping[str, str]
    on: Mapping[str, str]
    kun: Mapping[str, str]


@lru_cache(maxsize=1)
def _han() -> _Han:
    source = resources.files("alicia.language").joinpath("data", "han.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in source.splitlines() if not line.startswith("#")]
    return _Han(
        simplified={ord(sign): simple for sign, simple, *_ in rows if simple != sign},
        mandarin={sign: reading for sign, _, reading, _, _ in rows if reading != "-"},
        on={sign: on for sign, _, _, on, _ in rows if on != "-"},
        kun={sign: kun for sign, _, _, _, kun in rows if kun != "-"},
    )


def simplified(text: str) -> str:
    """Traditional characters as simplified ones."""
    return text.translate(_han().simplified)


# ---- Mandarin -----------------------------------------------------------------------------------

_ALIKE_IN_MANDARIN = (
    (re.compile("^([zcs])h"), r"\1"),
    (re.compile("ng$"), "n"),
    (re.compile("^l"), "n"),
)
"""What speakers, and therefore recognizers, mix up."""


def mandarin(text: str, words: Mapping[str, str]) -> str:
    known = _han().mandarin
    return "".join(_syllable(words.get(sign, known.get(sign, sign))) for sign in text)


@lru_cache(maxsize=4096)
def _syllable(reading: str) -> str:
    for pattern, sound in _ALIKE_IN_MANDARIN:
        reading = pattern.sub(sound, reading)
    return reading


# ---- Japanese -----------------------------------------------------------------------------------

_VOWELS = "aiueo"
_KANA_ROWS = {
    "": "あいうえお",
    "k": "かきくけこ",
    "g": "がぎぐげご",
    "s": "さしすせそ",
    "z": "ざじずぜぞ",
    "t": "たちつてと",
    "d": "だぢづでど",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
    "m": "まみむめも",
    "r": "らりるれろ",
    "f": "\0\0\0\0\0",
}
_KANA = {
    kana: consonant + vowel
    for consonant, row in _KANA_ROWS.items()
    for kana, vowel in zip(row, _VOWELS, strict=True)
    if kana != "\0"
} | {
    "し": "shi",
    "ち": "chi",
    "つ": "tsu",
    "ふ": "fu",
    "じ": "ji",
    "ぢ": "ji",
    "づ": "zu",
    "や": "ya",
    "ゆ": "yu",
    "よ": "yo",
    "わ": "wa",
    "を": "o",
    "ん": "n",
    "ゔ": "bu",
}
_SMALL_Y = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_SMALL_VOWELS = {"ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_LONG = ((re.compile("ou"), "o"), (re.compile("ei"), "e"), (re.compile(r"(.)\1+"), r"\1"))
"""Lengths are what recognizers and spellings differ in most."""


def hiragana(text: str) -> str:
    return "".join(chr(ord(s) - 0x60) if "ァ" <= s <= "ヶ" else s for s in text)


def japanese(text: str, words: Mapping[str, str]) -> str:
    longest = max(map(len, words), default=1)
    out: list[str] = []
    at = 0
    while at < len(text):
        # A single kanji is a word of its own only alone.
        least = 1 if _beside(text, at) else 0
        for size in range(min(longest, len(text) - at), least, -1):
            if found := words.get(text[at : at + size]):
                out.append(hiragana(found))
                at += size
                break
        else:
            out.append(_kanji(text, at))
            at += 1
    sounds = _romaji(hiragana("".join(out)))
    for pattern, sound in _LONG:
        sounds = pattern.sub(sound, sounds)
    return sounds


def _kanji(text: str, at: int) -> str:
    """A sign's reading: on beside another kanji, kun alone; what is no kanji stays."""
    sign = text[at]
    on, kun = _han().on.get(sign), _han().kun.get(sign)
    return (on or kun or sign) if _beside(text, at) else (kun or on or sign)


def _beside(text: str, at: int) -> bool:
    return any(_is_kanji(text[i]) for i in (at - 1, at + 1) if 0 <= i < len(text))


def _is_kanji(sign: str) -> bool:
    return "一" <= sign <= "鿿"


def _romaji(kana: str) -> str:
    out = ""
    double = False
    for sign in kana:
        if sign == "っ":
            double = True
            continue
        if sign == "ー":
            out += out[-1:]
            continue
        if sign in _SMALL_Y:
            stem = out.removesuffix("i")
            soft = stem.endswith(("sh", "ch", "j"))
            out = stem + ("" if soft else "y") + _SMALL_Y[sign]
            continue
        if sign in _SMALL_VOWELS:
            out = (out[:-1] if out[-1:] in _VOWELS else out) + _SMALL_VOWELS[sign]
            continue
        sound = _KANA.get(sign, sign)
        out += sound[0] + sound if double and sound else sound
        double = False
    return out


# ---- Korean -------------------------------------------------------------------------------------

_TENSE = str.maketrans(
    {
        "ᄁ": "ᄀ",
        "ᄄ": "ᄃ",
        "ᄈ": "ᄇ",
        "ᄊ": "ᄉ",
        "ᄍ": "ᄌ",
        "ᅢ": "ᅦ",
        "ᅤ": "ᅨ",
        "ᅫ": "ᅬ",
        "ᅰ": "ᅬ",
        "ᆩ": "ᆨ",
        "ᆻ": "ᆺ",
    }
)


def korean(text: str, words: Mapping[str, str]) -> str:
    """In jamo, with sounds that are spelt apart and said alike as one."""
    for written, said in words.items():
        text = text.replace(written, said)
    return unicodedata.normalize("NFD", text).translate(_TENSE)


_READINGS: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "zh": mandarin,
    "ja": japanese,
    "ko": korean,
}


def reading_of(language: str, words: Mapping[str, str]) -> Reading:
    """Reads that language; `words` are read as given there, before any rule."""
    read = _READINGS[language]
    return lru_cache(maxsize=8192)(lambda text: read(text, words).replace(GAP, ""))
