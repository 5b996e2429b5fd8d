"""Whether what came back is a translation at all."""

from __future__ import annotations

import re
import unicodedata

from alicia.errors import UndetectedLanguageError, UntranslatedError
from alicia.language.detection import LEAST_PROBABILITY, detect, is_long_enough

_SAME_IN_ALL = re.compile(r"\[\d+\]|\d+(?:[.,:]\d+)*|[^\w\s]+")
_LENGTHS = (0.1, 12.0)
"""A translation is at least and at most so many times as long: beyond that it is something else."""
_SHORT = 12
"""Characters below which lengths tell nothing."""


def has_words(text: str) -> bool:
    """Whether there is something to translate: more than marks, numbers and signs."""
    return bool(re.search(r"[^\W\d_]", _SAME_IN_ALL.sub(" ", text)))


def checked(text: str, translated: str, source: str, to: str) -> str:
    """The translation. Raises UntranslatedError for what is none.

    A single word may be the same in two languages ("hotel"); a text of several is not.
    """
    said = translated.strip()
    if not said:
        raise UntranslatedError(reason="empty")
    if not has_words(text):
        return said
    if _core(said) == _core(text) and not _may_be_the_same(text, source, to):
        raise UntranslatedError(reason="unchanged")
    least, most = (len(text) * factor for factor in _LENGTHS)
    if len(text) > _SHORT and not least <= len(said) <= most:
        raise UntranslatedError(reason="of another length")
    _require_language(said, to)
    return said


def _may_be_the_same(text: str, source: str, to: str) -> bool:
    """One word that is written with the same letters in both: "hotel", "pizza", "Radio"."""
    latin = {"en", "es", "fr", "de", "it", "pt"}
    return {source, to} <= latin and len(re.findall(r"[^\W\d_]+", text)) == 1


def _require_language(said: str, to: str) -> None:
    """Raises UntranslatedError for a text that is surely in another language."""
    try:
        found = detect(said)
    except UndetectedLanguageError:
        return
    if found.language == to:
        return
    shares = dict(found.likely)
    another_script = to not in shares and not ({to, found.language} <= {"zh", "ja"})
    sure = found.probability >= LEAST_PROBABILITY and shares.get(to, 0.0) < 1 - LEAST_PROBABILITY
    if another_script or (sure and is_long_enough(said, found.language)):
        raise UntranslatedError(reason="in another language", found=found.language)


def _core(text: str) -> str:
    """Without what a person does not hear: case, signs, spaces."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
