"""Misheard numbers: "10 nauf" may be 19, "avant 2" 22. Each is offered; the audio decides."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rapidfuzz import fuzz, process

from alicia.language.wording import Wording

_FROM = 70
"""Likeness in percent of a written-out number to what was heard."""
_WITHOUT_DIGITS_FROM = 80
_MOST = 3
_WINDOW = 3
"""Words that a number may have been heard as."""
_INTEGER = re.compile(r"\d+")
_BEHIND_COMMA = re.compile(r"\b\d+[.,](\d{2,3})(?=\s*%)")


class MisheardNumbers:
    """The numbers of one language. Only of one whose words stand apart."""

    def __init__(self, wording: Wording) -> None:
        self._values: dict[str, int] = {}
        self._written: dict[int, str] = {}
        values: Mapping[str, int] = wording.number_words if wording.spaced else {}
        for word, value in values.items():
            joined = word.replace(" ", "")
            self._values.setdefault(joined, value)
            self._written.setdefault(value, joined)
        self._plain = wording.plain
        self._dropped = wording.drops

    def readings(self, text: str) -> list[str]:
        """The sentence with each number that it may have had, the likeliest first."""
        found: dict[str, float] = {}
        for match in _BEHIND_COMMA.finditer(text):
            found[text[: match.start()] + match[1] + text[match.end() :]] = 100.0
        words = text.split(" ")
        digits = [any(map(str.isdigit, word)) for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + _WINDOW) + 1):
                if any(digits[start:end]) != any(digits):
                    continue
                self._window(
                    words, start, end, _FROM if any(digits) else _WITHOUT_DIGITS_FROM, found
                )
        best = sorted(found, key=lambda reading: -found[reading])
        return [reading for reading in best if reading != text][:_MOST]

    def _window(
        self, words: list[str], start: int, end: int, least: int, found: dict[str, float]
    ) -> None:
        said = "".join(self._sound(word) for word in words[start:end])
        if not self._values or len(said) < 3 or self._dropped(" ".join(words[start:end])):
            return
        for _, score, written in process.extract(
            said,
            {written: written for written in self._values},
            scorer=fuzz.ratio,
            score_cutoff=least,
            limit=_MOST,
        ):
            unit = "%" if words[end - 1].endswith("%") else ""
            value = f"{self._values[written]}{unit}"
            reading = " ".join([*words[:start], value, *words[end:]])
            found[reading] = max(found.get(reading, 0.0), score)

    def _sound(self, word: str) -> str:
        plain = self._plain(word.rstrip("%"))
        return _INTEGER.sub(lambda m: self._written.get(int(m[0]), m[0]), plain).replace(" ", "")
