"""Stopping: the few sentences that mean "be quiet" in nine languages, and nothing else.

No grammar and no model: they work while everything else is busy or gone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from alicia.errors import UnsupportedLanguageError
from alicia.language.tables import base_language

_STOPS = {
    "en": "stop|stop it|stop talking|stop that|cancel|cancel that|cancel it|be quiet|quiet|"
    "shut up|silence|enough|that's enough|never mind|nevermind|okay stop|please stop|stop please",
    "de": "stop|stopp|halt|hör auf|aufhören|abbrechen|sei still|sei ruhig|ruhe|still|genug|"
    "schon gut|vergiss es|stopp bitte|bitte stopp",
    "es": "para|párate|basta|cancela|cancelar|cállate|silencio|déjalo|detente|alto|para ya|stop",
    "fr": "stop|arrête|arrête toi|arrêtez|annule|annuler|tais toi|silence|ça suffit|assez|"
    "laisse tomber|chut",
    "it": "stop|basta|fermati|ferma|annulla|zitta|zitto|silenzio|stai zitta|smettila|lascia stare",
    "pt": "pare|para|parar|chega|cancela|cancelar|cala a boca|silêncio|quieta|quieto|fica quieta|"
    "deixa pra lá|esquece|stop",
    "zh": "停|停下|停止|停一下|取消|安静|闭嘴|别说了|不要说了|够了|算了",
    "ja": "止めて|とめて|ストップ|やめて|中止|キャンセル|静かにして|静かに|うるさい|もういい|"
    "黙って",
    "ko": "그만|그만해|멈춰|중지|취소|취소해|조용히 해|조용히|됐어|스톱|정지",
}


class Sentences:
    """A few whole sentences of each language. Called: whether one of them is all that was said."""

    def __init__(self, told: Mapping[str, str]) -> None:
        """By language, with a bar between two."""
        self._known = {
            language: frozenset(_plain(sentence) for sentence in sentences.split("|"))
            for language, sentences in told.items()
        }

    def __call__(self, text: str, language: str) -> bool:
        said = _plain(text)
        try:
            base = base_language(language)
        except UnsupportedLanguageError:
            base = "en"
        return bool(said) and said in self._known[base]


def _plain(text: str) -> str:
    """Case, accents of punctuation and the name of who is spoken to left out."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("-", " ")
    kept = "".join(c if c.isalnum() or c in " '" or unicodedata.combining(c) else " " for c in text)
    words = [
        word for word in kept.split() if word not in ("alicia", "alisia", "アリシア", "알리시아")
    ]
    return " ".join(words)


is_stop = Sentences(_STOPS)
"""Whether this is all that was said: stop. "Stop the music" is not."""
