"""Mandarin in Kokoro's phonemes.

Characters to pinyin (pypinyin, MIT), pinyin to IPA with the tone as an arrow after the vowel.
"""

import re

_CHARACTERS = re.compile(r"([㐀-鿿]+)")
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zü]+?)([1-5])")
_MARKS = str.maketrans({"，": ", ", "。": ". ", "、": ", ", "！": "! ", "？": "? ", "：": ": ",
                        "；": "; "})  # fmt: skip
_INITIALS = {
    "": "", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l",
    "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ",
    "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s",
}  # fmt: skip
_FINALS = {
    "a": "a*", "o": "wo*", "e": "ɤ*", "ai": "ai*", "ei": "ei*", "ao": "au*", "ou": "ou*",
    "an": "a*n", "en": "ə*n", "ang": "a*ŋ", "eng": "ə*ŋ", "ong": "ʊ*ŋ", "er": "ɚ*",
    "i": "i*", "ia": "ja*", "ie": "je*", "iao": "jau*", "iu": "jou*", "ian": "jɛ*n", "in": "i*n",
    "iang": "ja*ŋ", "ing": "i*ŋ", "iong": "jʊ*ŋ", "io": "jo*", "u": "u*", "ua": "wa*",
    "uo": "wo*", "uai": "wai*", "ui": "wei*", "uan": "wa*n", "un": "wə*n", "uang": "wa*ŋ",
    "ueng": "wə*ŋ", "ü": "y*", "üe": "ɥe*", "üan": "ɥɛ*n", "ün": "y*n",
}  # fmt: skip
"""`*` is where the tone stands."""
_WHOLE = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in",
    "yang": "iang", "ying": "ing", "yong": "iong", "yo": "io", "wu": "u", "wa": "ua", "wo": "uo",
    "wai": "uai", "wei": "ui", "wan": "uan", "wen": "un", "wang": "uang", "weng": "ueng",
    "yu": "ü", "yue": "üe", "yuan": "üan", "yun": "ün",
}  # fmt: skip
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_BUZZING = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})


def ipa(text: str) -> str:
    """The phonemes; other scripts and punctuation stay as they are. Raises ImportError."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - heavy
    from pypinyin.seg.mmseg import seg  # noqa: PLC0415 - heavy

    parts: list[str] = []
    for part in _CHARACTERS.split(text):
        if not _CHARACTERS.fullmatch(part):
            parts.append(part.translate(_MARKS))
            continue
        words = [
            "".join(
                syllable(one)
                for one in lazy_pinyin(
                    word,
                    style=Style.TONE3,
                    neutral_tone_with_five=True,
                    tone_sandhi=True,
                    v_to_u=True,
                )
            )
            for word in seg.cut(part)
        ]
        parts.append(" ".join(words))
    return "".join(parts).strip()


def syllable(pinyin: str) -> str:
    """`kai1` in phonemes; what is no syllable stays as it is."""
    found = _SYLLABLE.fullmatch(pinyin)
    if found is None:
        return pinyin
    initial, final, tone = found[1], found[2], found[3]
    if initial + final in _WHOLE:
        initial, final = "", _WHOLE[initial + final]
    elif initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    if final == "i" and initial in _BUZZING:
        return f"{_INITIALS[initial]}ɨ{_TONES[tone]}"
    if final not in _FINALS or initial not in _INITIALS:
        return pinyin
    return _INITIALS[initial] + _FINALS[final].replace("*", _TONES[tone])
