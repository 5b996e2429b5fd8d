"""Which language a text is in: by its script where that tells, else by py3langid (ADR 0093).

Hangul is Korean and kana are Japanese; Han without kana may be Chinese or Japanese, and letters of
Latin are any of six. The model comes inside its package, and takes some 80 MB once it was needed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from alicia.errors import UndetectedLanguageError
from alicia.language.tables import LANGUAGES, base_language

_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")),
    ("ja", re.compile("[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9d]")),
    ("han", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")),
    ("latin", re.compile("[A-Za-z\u00c0-\u024f]")),
)
_WEIGHT = {"latin": 1, "han": 3, "ja": 3, "ko": 3}
"""A syllable or a character says as much as about three letters."""
LATIN = ("en", "es", "fr", "de", "it", "pt")
_EAST_ASIAN = ("zh", "ja")
_IDEOGRAPHIC_WORDS = 2
"""Characters that are about a word, in Chinese and Japanese."""
LEAST_WORDS = 4
"""A text of fewer words is often the same in two languages, or nearly."""
LEAST_PROBABILITY = 0.9


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    language: str
    probability: float
    """Among those that were considered. Not calibrated: of a short text it is often too high."""
    likely: tuple[tuple[str, float], ...] = ()
    """All that were considered, the likeliest first."""


def detect(text: str, among: Sequence[str] = ()) -> DetectedLanguage:
    """The likeliest of these languages, of all nine where none is named.

    Blocks, the first time for about a second. Raises UndetectedLanguageError where there is no
    letter, or none of these languages is written like that; UnsupportedLanguageError.
    """
    considered = tuple(dict.fromkeys(map(base_language, among))) or LANGUAGES
    script = _script(text)
    if script in ("ko", "ja"):
        candidates: tuple[str, ...] = (script,)
    else:
        written_so = {"latin": LATIN, "han": _EAST_ASIAN}.get(script, ())
        candidates = written_so
    candidates = tuple(one for one in candidates if one in considered)
    if not candidates:
        raise UndetectedLanguageError
    if len(candidates) == 1:
        return DetectedLanguage(candidates[0], 1.0, ((candidates[0], 1.0),))
    likely = _ranked(text, candidates)
    return DetectedLanguage(likely[0][0], likely[0][1], likely)


def source_of(
    text: str, to: str, spoken_in: str | None = None, household: Sequence[str] = ()
) -> str:
    """The language that a text to be translated into `to` is in.

    A text of few words is in the language of who asks (`spoken_in`), where its script allows that:
    "gift" said by somebody who speaks English is not German. Otherwise it is rather one of the
    household's. Blocks. Raises UndetectedLanguageError, UnsupportedLanguageError.
    """
    found = detect(text)
    spoken = base_language(spoken_in) if spoken_in is not None else to
    if spoken != to and spoken in dict(found.likely):
        sure = is_long_enough(text, found.language) and found.probability >= LEAST_PROBABILITY
        return found.language if sure else spoken
    if found.language == to and not is_long_enough(text, to):
        # Who asks for French hardly says it in French.
        others = [language for language, _ in found.likely if language != to]
        others.sort(key=lambda one: one not in household)
        return others[0] if others else to
    if household and not is_long_enough(text, found.language):
        usual = [language for language, _ in found.likely if language in household]
        return next((language for language in usual if language != to), found.language)
    return found.language


def is_long_enough(text: str, language: str) -> bool:
    """Whether a text has so many words that `detect` can be relied on."""
    return words_in(text, language) >= LEAST_WORDS


def words_in(text: str, language: str) -> int:
    """About how many words a text has; two characters count for one where no space parts them."""
    if base_language(language) in ("zh", "ja"):
        return len(re.findall(r"\w", text)) // _IDEOGRAPHIC_WORDS
    return len(re.findall(r"[^\W\d_]+", text))


def _script(text: str) -> str:
    """The script that most of a text is in; "" where there is no letter."""
    counts = {name: len(found.findall(text)) * _WEIGHT[name] for name, found in _SCRIPTS}
    if counts["ja"]:  # kana among characters
        counts["ja"] += counts.pop("han")
    name = max(counts, key=lambda one: counts[one])
    return name if counts[name] else ""


def _ranked(text: str, among: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The likeliest first, with probabilities that add up to 1."""
    with _reading:
        # One that is kept lower case: "HELLO" has other bytes than what the model learned.
        ranked: list[tuple[str, float]] = _identifier().rank(text.lower())
    found = {language: float(score) for language, score in ranked if language in among}
    total = sum(found.values())
    if total <= 0:  # all of it went to languages that are not among these
        return tuple((language, 1 / len(among)) for language in among)
    shares = ((language, score / total) for language, score in found.items())
    return tuple(sorted(shares, key=lambda one: -one[1]))


class _Identifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


_reading = threading.Lock()


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - heavy

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
