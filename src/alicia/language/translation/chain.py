"""Translators in an order: who has the pair is asked, who fails is passed over for the next.

names masked -> the cache, or who translates -> checked to be a translation -> names put back
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alicia.errors import (
    AliciaError,
    BusError,
    DeadlineError,
    LanguageError,
    NoTranslatorError,
    TurnCancelledError,
    UpstreamError,
)
from alicia.language.translation.cache import Cached, TranslationCache
from alicia.language.translation.checks import checked, has_words
from alicia.language.translation.glossary import Glossary
from alicia.language.translation.port import Pair, Translator

Failed = Callable[[str, AliciaError], None]
NAMES_ONLY = "names"
"""Who "translated" what is only names and numbers."""


@dataclass(frozen=True, slots=True)
class Translated:
    text: str
    by: str
    """The translator's name."""
    cached: bool
    kept: tuple[str, ...]
    """Names of this home that are in it."""


class TranslatorChain:
    """All that can translate here."""

    def __init__(
        self,
        translators: Sequence[Translator],
        cache: TranslationCache,
        *,
        failed: Failed | None = None,
    ) -> None:
        """`failed` hears of each translator that did not do it."""
        self.translators = tuple(translators)
        self._cache = cache
        self._failed = failed

    def who(self, pair: Pair) -> list[Translator]:
        """Who has this pair now, in the order in which they are asked."""
        return [one for one in self.translators if pair in one.pairs]

    async def translate(
        self, text: str, pair: Pair, glossary: Glossary, *, within_s: float
    ) -> Translated:
        """Never the text itself in place of a translation.

        Raises NoTranslatorError where nobody has the pair, DeadlineError where there was no time to
        ask, else what the last one raised.
        """
        until = time.monotonic() + within_s
        masked = glossary.mask(text, pair.source, pair.to)
        if not has_words(masked.text):
            return Translated(
                masked.restored(masked.text), NAMES_ONLY, cached=False, kept=masked.kept
            )
        found = self._cache.get(masked.text, pair.source, pair.to)
        if found is not None:
            return Translated(masked.restored(found.text), found.by, cached=True, kept=masked.kept)
        error: AliciaError = NoTranslatorError(source_language=pair.source, target_language=pair.to)
        asked: Translator | None = None
        for translator in self.who(pair):
            left = until - time.monotonic()
            if left <= 0:
                error = DeadlineError(after_s=within_s) if asked is None else error
                break
            asked = translator
            try:
                said = await translator.translate(masked.text, pair, within_s=left)
                said = checked(masked.text, said, pair.source, pair.to)
                restored = masked.restored(said)
            except TurnCancelledError:
                raise
            except (LanguageError, UpstreamError, BusError) as failure:
                error = failure
                if self._failed is not None:
                    self._failed(translator.name, failure)
            else:
                self._cache.put(masked.text, pair.source, pair.to, Cached(said, translator.name))
                return Translated(restored, translator.name, cached=False, kept=masked.kept)
        raise error
