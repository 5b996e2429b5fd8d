"""Questions: this or that, by their mark alone, outside, rooms compared, colours, what plays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alicia.errors import NotUnderstoodError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.shades import color_word, is_pale
from alicia.language.tables import load_tables
from alicia.language.understanding import Understanding

Understandings = Callable[[str], Understanding]

NOW = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
HOMES = Path(__file__).parents[2] / "eval" / "mind" / "sentences"


@pytest.fixture(scope="module")
def flat() -> Home:
    return demo.load(HOMES / "flat" / "home.toml").picture()


@pytest.fixture(scope="module")
def house() -> Home:
    return demo.load(HOMES / "house" / "home.toml").picture()


def told(language: str, said: str, home: Home, understandings: Understandings) -> str:
    plan = understandings(language).recognize(said, home=home)
    assert plan.actions == ()
    return answer(plan, [], home, language, now=NOW)


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        ("en", "are the bedroom blinds up or down", "open"),
        ("de", "sind die Jalousien im Wohnzimmer oben oder unten", "offen"),
        ("es", "¿las persianas del dormitorio están abiertas o cerradas?", "abiertas"),
        ("fr", "les volets de la chambre, ils sont ouverts ou fermés", "ouverts"),
        ("it", "La luce del comodino è accesa o spenta?", "spenta"),
        ("pt", "as persianas do quarto estão abertas ou fechadas", "abertas"),
        ("zh", "走廊的灯开着还是关着", "开着"),
        ("ja", "廊下の電気ついてる?消えてる?", "ついています"),
        ("ko", "복도 불 켜져 있어 아니면 꺼져 있어", "켜져 있어요"),
        ("fr", "le garage est fermé ou pas", "fermée"),
        ("es", "la cafetera está apagada verdad?", "Sí"),
        ("it", "la luce in studio è spenta vero", "Sì"),
    ],
)
def test_this_or_that_asks_how_it_is(
    language: str, said: str, wanted: str, understandings: Understandings, home: Home
) -> None:
    assert wanted in told(language, said, home, understandings)


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        ("en", "is the dishwasher finished or still running", "on"),
        ("de", "ist die Spülmaschine noch dran oder schon fertig", "an"),
        ("es", "¿Ha terminado ya la secadora o sigue en marcha?", "encendida"),
        ("pt", "Tá muito quente no sótão?", "25"),
        ("en", "too hot in the attic?", "25"),
        ("es", "qué temperatura hay fuera", "6,5"),
        ("fr", "ça donne quoi dehors la température", "6,5"),
        ("ko", "바깥 기온 몇 도니", "6.5"),
        ("en", "what colour is the led strip", "Pink"),
        ("en", "what color is the left bedside lamp", "Warm white"),
        ("de", "welche Farbe hat das Aquariumlicht", "Blau"),
        ("zh", "水族箱的灯是什么颜色", "蓝色"),
        ("en", "which room is the coldest", "Conservatory: 18.5 degrees, Shower Room: 20.5"),
    ],
)
def test_a_house_tells(
    language: str, said: str, wanted: str, understandings: Understandings, house: Home
) -> None:
    assert wanted in told(language, said, house, understandings)


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        ("en", "bedroom window shut?", "Yes"),
        ("de", "schlafzimmerfenster zu", "geschlossen"),
        ("en", "balcony door open?", "Yes"),
        ("de", "Flurlicht an?", "Ja"),
        ("it", "dimmi il volume della soundbar", "35"),
        ("de", "was spielt gerade", "Soundbar"),
        ("ja", "外の気温は?", "8"),
    ],
)
def test_a_flat_tells(
    language: str, said: str, wanted: str, understandings: Understandings, flat: Home
) -> None:
    assert wanted in told(language, said, flat, understandings)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "which is warmer, the bathroom or the bedroom"),
        ("de", "wo ist es wärmer, im Bad oder im Schlafzimmer"),
        ("es", "dónde hace más calor, en el baño o en el dormitorio"),
        ("fr", "il fait plus chaud dans la salle de bain ou dans la chambre ?"),
        ("it", "dove fa più caldo, in bagno o in camera"),
        ("pt", "onde está mais quente, no banheiro ou no quarto"),
        ("zh", "卧室和浴室哪个暖和"),
        ("ja", "寝室と浴室どっちが暖かい"),
        ("ko", "침실이랑 욕실 중에 어디가 더 따뜻해"),
    ],
)
def test_rooms_are_compared(
    language: str, said: str, understandings: Understandings, home: Home
) -> None:
    answered = told(language, said, home, understandings)

    warmest, _, other = answered.replace("、", ", ").partition(", ")
    assert "21" in warmest
    assert "18" in other


@pytest.mark.parametrize("said", ["turn on the hallway light?", "hallway light on please?"])
def test_who_asks_for_something_is_no_less_obeyed(
    said: str, understandings: Understandings, home: Home
) -> None:
    assert understandings("en").recognize(said, home=home).actions


def test_a_doubt_that_cannot_be_told_does_nothing(
    understandings: Understandings, house: Home
) -> None:
    with pytest.raises(NotUnderstoodError):
        understandings("en").recognize("too dark in the attic?", home=house)


def test_a_colour_is_told_by_whatever_the_device_calls_it() -> None:
    tables = load_tables("en")
    assert color_word("blue", tables) == color_word("#0000ff", tables) == "blue"
    assert color_word("no colour at all", tables) is None
    assert is_pale("beige")
    assert not is_pale("navy")


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        ("fr", "lesquels des volets sont ouverts", "chambre"),
        ("fr", "les volets sont-ils tous fermés", "Non"),
        ("fr", "lesquelles des fenêtres sont ouvertes", "Aucune"),
        ("fr", "quels appareils sont en marche", "machine à laver"),
        ("fr", "est-ce que tout est éteint", "machine à laver"),
        ("fr", "quelles lampes sont éteintes dans le salon", "plafonnier"),
    ],
)
def test_which_of_a_kind_are_so_is_asked_of_more_than_lights(
    language: str, said: str, wanted: str, understandings: Understandings, home: Home
) -> None:
    assert wanted in told(language, said, home, understandings)
