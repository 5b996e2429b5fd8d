"""Who corrects himself is understood by his last word; a reason is no part of the command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.concepts import concept_table
from alicia.language.mending import Mending
from alicia.language.reasons import Reasons
from alicia.language.understanding import Understanding

Understandings = Callable[[str], Understanding]

HALL, DESK, HEATING = "light.hallway", "light.office_desk", "climate.thermostat"


@pytest.mark.parametrize(
    ("language", "text", "entity", "value"),
    [
        ("es", "enciende la luz del baño, no, perdona, la del pasillo", HALL, True),
        ("es", "pon la calefacción a 20, no, mejor a 21", HEATING, 21.0),
        ("it", "metti il riscaldamento a 20, no, a 21", HEATING, 21.0),
        ("fr", "mets le chauffage à 20, non 21", HEATING, 21.0),
        ("pt", "põe o aquecimento em 20, não, 21", HEATING, 21.0),
        ("es", "apaga la luz del pasillo, que me duermo", HALL, False),
        ("es", "apaga el flexo que ya he terminado de trabajar", DESK, False),
        ("fr", "éteins la lumière du couloir, les enfants dorment", HALL, False),
        ("it", "spegni la luce del corridoio che usciamo", HALL, False),
        ("pt", "apaga a luz do corredor que a gente vai sair", HALL, False),
    ],
)
def test_the_last_word_counts_and_a_reason_does_not(
    language: str,
    text: str,
    entity: str,
    value: float | bool,
    understandings: Understandings,
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home)

    assert [(a.entities, a.value) for a in plan.actions] == [((entity,), value)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "deja, no enciendas la luz del pasillo"),
        ("es", "apaga la luz del pasillo, dice mi hermana"),
        ("es", "quité la música"),
        ("fr", "j'ai déjà éteint la cafetière"),
        ("fr", "éteins la lumière du couloir, non laisse"),
        ("it", "accendi la luce del bagno, no, non accenderla"),
        ("it", "lei accende la luce della cucina"),
        ("pt", "eu apago a luz do corredor"),
        ("pt", "não precisa fechar a persiana do quarto"),
    ],
)
def test_what_takes_the_command_back_keeps_it_from_being_done(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(text, home=home)


def test_a_clause_with_a_but_is_no_reason() -> None:
    reasons = Reasons(concept_table("es"))

    assert list(reasons.without("apaga la luz, que me duermo")) == ["apaga la luz"]
    assert list(reasons.without("apaga la luz, me voy pero vuelvo")) == []
    assert list(Reasons({}).without("apaga la luz, que me duermo")) == []


def test_fewest_words_are_taken_back_first() -> None:
    mending = Mending({"mends": ["no(?=,)", "digo"], "mended": ["la"]})

    ways = list(mending.ways("enciende la luz del baño, digo, la del pasillo"))

    assert ways[0] == "la del pasillo"
    assert ways.index("enciende la luz del la del pasillo") < ways.index(
        "enciende la luz del pasillo"
    )
    assert mending.answer("no, más fuerte") == "más fuerte"
    assert list(mending.ways("apaga la luz")) == []
