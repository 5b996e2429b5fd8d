"""Japanese in Kokoro's phonemes: Open JTalk reads the text in kana, here they become IPA."""

import re

_VOWELS = "a", "i", "ɯ", "e", "o"
_ROWS = {
    "アイウエオ": ("", "", "", "", ""), "カキクケコ": ("k", "kʲ", "k", "k", "k"),
    "ガギグゲゴ": ("ɡ", "ɡʲ", "ɡ", "ɡ", "ɡ"), "サシスセソ": ("s", "ɕ", "s", "s", "s"),
    "ザジズゼゾ": ("ʣ", "ʥ", "z", "ʣ", "ʣ"), "タチツテト": ("t", "ʨ", "ʦ", "t", "t"),
    "ダヂヅデド": ("d", "ʥ", "z", "d", "d"), "ナニヌネノ": ("n", "ɲ", "n", "n", "n"),
    "ハヒフヘホ": ("h", "ç", "ɸ", "h", "h"), "バビブベボ": ("b", "bʲ", "b", "b", "b"),
    "パピプペポ": ("p", "pʲ", "p", "p", "p"), "マミムメモ": ("m", "mʲ", "m", "m", "m"),
    "ラリルレロ": ("ɾ", "ɾʲ", "ɾ", "ɾ", "ɾ"),
}  # fmt: skip
_KANA = {
    kana: consonant + ("ɨ" if kana in "スズツヅ" else vowel)
    for row, consonants in _ROWS.items()
    for kana, consonant, vowel in zip(row, consonants, _VOWELS, strict=True)
} | {"ヤ": "ja", "ユ": "jɯ", "ヨ": "jo", "ワ": "βa", "ヲ": "o", "ヴ": "vɯ"}
_SMALL = {"ャ": "a", "ュ": "ɨ", "ョ": "o", "ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o"}
_SPECIAL = {
    "ティ": "tʲi", "ディ": "dʲi", "テュ": "tʲɨ", "デュ": "dʲɨ", "トゥ": "tɯ", "ドゥ": "dɯ",
    "ウィ": "βi", "ウェ": "βe", "ウォ": "βo", "イェ": "je",
}  # fmt: skip
_MARKS = {"、": ", ", "。": ". ", "？": "? ", "！": "! ", "・": " "}
_END_VOWEL = re.compile(r"[aiɯɨeo]$")


def ipa(text: str) -> str:
    """The phonemes. Raises ImportError."""
    import pyopenjtalk  # noqa: PLC0415 - heavy

    parts: list[str] = []
    for word in pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False):
        said = word["string"] if word["pos"] == "記号" else word["pron"]
        # A word that continues a phrase is written with it, as a reader breathes.
        space = "" if word["chain_flag"] == 1 or said in _MARKS else " "
        parts.append(space + phonemes(said.replace("’", "")))
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def phonemes(kana: str) -> str:
    """Katakana in IPA; other signs stay as they are."""
    parts: list[str] = []
    at = 0
    while at < len(kana):
        pair = kana[at : at + 2]
        if pair in _SPECIAL:
            parts.append(_SPECIAL[pair])
            at += 2
        elif len(pair) == 2 and pair[1] in _SMALL and pair[0] in _KANA:
            parts.append(_END_VOWEL.sub("", _KANA[pair[0]]) + _SMALL[pair[1]])
            at += 2
        else:
            parts.append(_one(kana[at], kana[at + 1 : at + 2]))
            at += 1
    return "".join(parts)


def _one(kana: str, following: str) -> str:
    if kana == "ー":
        return "ː"
    if kana == "ッ":
        return "ʔ"
    if kana == "ン":
        after = _KANA.get(following, "")[:1]
        if after and after in "mbp":
            return "m"
        if after and after in "kɡ":
            return "ŋ"
        return "n" if after and after in "tdnɾzʣʨʥʦɲ" else "ɴ"
    return _KANA.get(kana) or _SMALL.get(kana) or _MARKS.get(kana, kana)
