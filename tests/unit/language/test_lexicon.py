"""A sentence that is not parsed is one that no template fits."""

from __future__ import annotations

import pytest

from alicia.home.model import Home
from alicia.language.grammar import Grammar, tidy
from alicia.language.tables import load_tables


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "turn on the kitchen light"),
        ("en", "set the thermostat to twenty two degrees"),
        ("de", "Wohnzimmerlautsprecher auf dreißig Prozent"),
        ("es", "sube el termostato a veintidós"),
    ],
)
def test_no_reading_is_lost(home: Home, language: str, said: str) -> None:
    tables = load_tables(language)
    grammar = Grammar(tables)
    grammar.use(home)
    assert grammar.readings(tidy(said, tables), "kitchen")


def test_a_word_of_no_template_leaves_those_for_any_words(home: Home) -> None:
    tables = load_tables("en")
    grammar = Grammar(tables)
    grammar.use(home)
    assert not grammar.readings("turn on the kitchen zeppelin", None)
    assert [r.intent for r in grammar.readings("add zeppelin to the shopping list", None)]
