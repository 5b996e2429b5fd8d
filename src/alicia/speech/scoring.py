"""How wrong a transcript is: by words, or by characters where spaces are a matter of taste."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from alicia.speech.english_numbers import ONES, TENS

_BY_CHARACTER = frozenset({"zh", "ja", "ko"})
"""Languages whose spaces are a matter of taste: characters are compared."""
_NOT_SPOKEN = re.compile(r"[^\w%°]+")
_MARKS = {"%": " percent ", "°": " degrees "}


@dataclass(frozen=True, slots=True)
class Errors:
    """Words or characters that were inserted, left out or exchanged, of how many there are."""

    wrong: int
    of: int

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.wrong + other.wrong, self.of + other.of)

    @property
    def rate(self) -> float:
        """From 0; above 1 where more was invented than said."""
        return self.wrong / self.of if self.of else float(self.wrong > 0)


NONE = Errors(0, 0)


def errors(said: str, heard: str, language: str) -> Errors:
    """Compare as a listener would: case, punctuation and how a number is written don't count."""
    wanted, got = tokens(said, language), tokens(heard, language)
    return Errors(Levenshtein.distance(wanted, got), len(wanted))


def tokens(text: str, language: str) -> Sequence[str]:
    """What is compared: words, or characters where spaces are a matter of taste."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    if language in _BY_CHARACTER:
        return _NOT_SPOKEN.sub("", text)
    for mark, word in _MARKS.items():
        text = text.replace(mark, word) if language == "en" else text
    words = _NOT_SPOKEN.sub(" ", text).split()
    return list(_in_digits(words)) if language == "en" else words


def _in_digits(words: Sequence[str]) -> Iterator[str]:
    """English numbers up to 99 as digits, and `per cent` as one word."""
    at = 0
    while at < len(words):
        word, after = words[at], words[at + 1] if at + 1 < len(words) else ""
        at += 1
        if word in TENS:
            number = 10 * (TENS.index(word) + 2)
            if after in ONES[1:10]:
                number += ONES.index(after)
                at += 1
            yield str(number)
        elif word in ONES:
            yield str(ONES.index(word))
        elif (word, after) == ("per", "cent"):
            yield "percent"
            at += 1
        else:
            yield word
