"""What may have been said where nothing was understood, in words that can be weighed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.home.model import Home
from alicia.language.understanding import Understanding

MOST = 12

HEARD = [
    ("fr", "qui est la température dans la chambre,", "Quelle est la température dans la chambre."),
    ("fr", "Et tant la machine à la verre.", "Éteins la machine à laver."),
    ("pt", "Qual é a temperatura no Quest?", "Qual é a temperatura no quarto?"),
    ("ja", "大族頃の電気をつけてください。", "台所の電気をつけてください。"),
    ("ja", "新静の先歩器をつけて", "寝室の扇風機をつけて。"),
    ("zh", "管教科停地台等。", "关掉客厅的台灯。"),
    ("de", "Wie Wann ist es im Schlafzimmer?", "Wie warm ist es im Schlafzimmer?"),
    ("de", "Mach das Licht im Body Zimmer an.", "Mach das Licht im Badezimmer an."),
]
"""As a recognizer misheard it, and as it was said."""

NUMBERS = [
    ("fr", "Règle le thermostat avant 2 degrés.", "Règle le thermostat à 22 degrés."),
    ("de", "Stelle den Thermostat auf sie ben zehn Grad.", "Stelle den Thermostat auf 17 Grad."),
]


@pytest.mark.parametrize(("language", "heard", "said"), [*HEARD, *NUMBERS])
def test_a_guess_keeps_the_words_that_were_heard(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    heard: str,
    said: str,
) -> None:
    found = understandings(language).likely(heard, home=home, most=MOST)
    assert said in [text for text, _ in found]


@pytest.mark.parametrize(("language", "heard"), [row[:2] for row in HEARD])
def test_every_guess_is_understood_and_guesses_of_one_meaning_do_the_same(
    understandings: Callable[[str], Understanding], home: Home, language: str, heard: str
) -> None:
    understanding = understandings(language)
    done: dict[str, set[str]] = {}
    for text, meaning in understanding.likely(heard, home=home, most=MOST):
        plan = understanding.recognize(text, home=home, area_id="kitchen")
        assert not plan.snapped
        done.setdefault(meaning, set()).add(str(plan.does))
    assert all(len(does) == 1 for does in done.values())


@pytest.mark.parametrize(
    ("language", "heard"),
    [("pt", "Destrunque a porta da frente."), ("fr", "D'éverrouilles la porte d'entrée.")],
)
def test_no_guess_opens_or_locks_a_door_that_was_to_be_opened(
    understandings: Callable[[str], Understanding], home: Home, language: str, heard: str
) -> None:
    understanding = understandings(language)
    for text, _ in understanding.likely(heard, home=home, most=MOST):
        plan = understanding.recognize(text, home=home, area_id="kitchen")
        assert not any(home.entity(e).protected for a in plan.actions for e in a.entities)


def test_a_door_may_be_locked_by_a_guess(
    understandings: Callable[[str], Understanding], home: Home
) -> None:
    found = understandings("pt").likely("Trunque a porta da frente.", home=home, most=MOST)
    assert "Tranque a porta da frente." in [text for text, _ in found]


def test_a_guess_has_a_place_for_all_that_was_heard(
    understandings: Callable[[str], Understanding], home: Home
) -> None:
    heard = "Spenni tutte le luci oppure domani."
    found = understandings("it").likely(heard, home=home, most=MOST)
    assert "Spegni tutte le luci." not in [text for text, _ in found]


def test_a_unit_tells_what_a_number_is_for(
    understandings: Callable[[str], Understanding], home: Home
) -> None:
    found = understandings("fr").likely("Règle le thermostat avant 2 degrés.", home=home, most=MOST)
    assert found
    assert not [text for text, _ in found if "ventilateur" in text or "volume" in text]


POLITE = [
    ("en", "Excuse me,"),
    ("en", "can you"),
    ("es", "Por favor,"),
    ("fr", "Siltoplaita"),
    ("it", "Per favore."),
    ("pt", "Você pode"),
    ("de", "Kannst du bitte"),
    ("ja", "すみません、"),
    ("zh", "请"),
    ("ko", "죄송한데"),
]


@pytest.mark.parametrize(("language", "said"), POLITE)
def test_a_polite_opening_waits_for_more(
    understandings: Callable[[str], Understanding], home: Home, language: str, said: str
) -> None:
    preview = understandings(language).preview(said, home=home, area_id="kitchen")
    assert (preview.open, preview.whole) == (True, False)


WHOLE = [
    ("fr", "Allume la lampe de chevets."),
    ("pt", "Acenda a luz de cabeseira"),
    ("it", "spagni tutte le luci"),
    ("es", "abri todas las percianas"),
]


@pytest.mark.parametrize(("language", "heard"), WHOLE)
def test_a_misheard_whole_command_need_not_go_on(
    understandings: Callable[[str], Understanding], home: Home, language: str, heard: str
) -> None:
    preview = understandings(language).preview(heard, home=home, area_id="kitchen")
    assert preview.whole
    assert preview.score >= 0.9


@pytest.mark.parametrize(
    ("language", "heard", "both"),
    [
        ("fr", "Qualume la lampe de burau.", {"on", "off"}),
        ("en", "Turn off the whole wheel light.", {"on", "off"}),
        ("es", "Sierra las percianas del salon.", {"open", "close"}),
    ],
)
def test_whatever_is_offered_first_has_its_opposite_beside_it(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    heard: str,
    both: set[str],
) -> None:
    understanding = understandings(language)
    offered = understanding.likely(heard, home=home, most=12)
    _, first = offered[0]
    about = first.partition(" ")[2]
    assert both <= {meaning.split(" ")[0] for _, meaning in offered if meaning.endswith(about)}
