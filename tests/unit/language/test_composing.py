"""Sentences by what their words stand for: amounts, complaints, places, and what is let be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import EntityState, Value
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding

Changes = list[tuple[frozenset[str], str, object, bool]]

BEDROOM = frozenset({"light.bedroom_lamp", "light.bedside_lamp"})
LAMP = "light.living_room_lamp"
SPEAKER = "media_player.kitchen_speaker"


def changes(plan: Plan) -> Changes:
    return [(frozenset(a.entities), a.capability, a.value, a.relative) for a in plan.actions]


def one(entity: str, capability: str, value: object, *, by: bool = False) -> Changes:
    return [(frozenset({entity}), capability, value, by)]


CEILING_OFF = one("light.living_room_ceiling", "power", False)


def heating(value: float, *, by: bool = False) -> Changes:
    return one("climate.thermostat", "target_temperature", value, by=by)


@pytest.mark.parametrize(
    ("language", "said", "area", "wanted"),
    [
        ("en", "two degrees warmer", None, heating(2.0, by=True)),
        ("de", "zwei Grad kälter", None, heating(-2.0, by=True)),
        (
            "en",
            "make the desk lamp 20 percent brighter",
            None,
            one("light.office_desk", "brightness", 20.0, by=True),
        ),
        ("de", "Stehlampe um 15 Prozent dunkler", None, one(LAMP, "brightness", -15.0, by=True)),
        ("en", "turn the heating up to 23", None, heating(23.0)),
        ("de", "fünf Prozent leiser", "kitchen", one(SPEAKER, "volume", -5.0, by=True)),
        ("en", "make the fan go faster", None, one("fan.bedroom", "speed", 20.0, by=True)),
        (
            "en",
            "it's far too dark in here",
            "bathroom",
            one("light.bathroom", "power", True),
        ),
        (
            "de",
            "hier ist es viel zu hell",
            "hallway",
            one("light.hallway", "brightness", -20.0, by=True),
        ),
        ("en", "would you turn the lamp on", "office", one("light.office_desk", "power", True)),
        ("en", "bedside light off", None, one("light.bedside_lamp", "power", False)),
        ("de", "Küchenrollo auf", None, None),
        ("de", "dreh die Heizung ein bisschen auf", None, heating(1.0, by=True)),
        ("de", "halt bitte die Musik an", "kitchen", one(SPEAKER, "playing", False)),
        ("en", "give us some light in the bedroom", None, [(BEDROOM, "power", True, False)]),
        (
            "de",
            "Licht im Schlafzimmer so hell wie möglich",
            None,
            [(BEDROOM, "brightness", 100.0, False)],
        ),
        ("en", "all the lights in the lounge except the lamp off", None, None),
        ("en", "lights off in the lounge except the lamp", None, CEILING_OFF),
        ("pt", "apaga as luzes da sala menos o abajur", None, CEILING_OFF),
        ("pt", "sala apagada menos o abajur", None, CEILING_OFF),
        ("pt", "acende o abajur", "living_room", one(LAMP, "power", True)),
        ("pt", "acende o abajur", "kitchen", one("light.bedside_lamp", "power", True)),
        ("pt", "me dá uma luz azul no abajur da sala", None, one(LAMP, "color", "blue")),
        ("pt", "quero luz na bancada", None, one("light.kitchen_counter", "power", True)),
        ("pt", "acende o abajur da sala em 40", None, one(LAMP, "brightness", 40.0)),
        ("de", "Licht im Wohnzimmer aus, nur die Stehlampe nicht", None, CEILING_OFF),
    ],
)
def test_a_sentence_does_what_its_words_stand_for(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    said: str,
    area: str | None,
    wanted: Changes | None,
) -> None:
    understanding = understandings(language)
    if wanted is None:
        with pytest.raises(AliciaError):
            understanding.recognize(said, home=home, area_id=area)
        return
    assert changes(understanding.recognize(said, home=home, area_id=area)) == wanted


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "turn the kitchen light on and the bedroom fan off"),
        ("en", "turn on the kitchen light and the bedroom fan off"),
        ("de", "mach das Küchenlicht an und den Schlafzimmerventilator aus"),
        ("de", "schalte das Küchenlicht ein und den Ventilator aus"),
    ],
)
def test_what_an_and_parts_is_never_done_to_both(
    understandings: Callable[[str], Understanding], home: Home, language: str, said: str
) -> None:
    try:
        plan = understandings(language).recognize(said, home=home)
    except AliciaError:
        return  # to refuse is safe
    assert changes(plan) == [
        *one("light.kitchen", "power", True),
        *one("fan.bedroom", "power", False),
    ]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "you turned off the lights"),
        ("en", "turn the light on at seven"),
        ("en", "open the blinds at 8"),
        ("en", "that's hot"),
        ("en", "turn on the light in the"),
        ("pt", "acende a luz da"),
        ("pt", "apaga a luz principal"),  # which of the two?
        ("pt", "todas as luzes menos a do corredor"),
        ("pt", "devia ter apagado a luz"),
        ("en", "the kitchen light is on"),
        ("en", "never open the garage at night"),
        ("en", "unlocked the front door"),
        ("de", "das Licht ist an"),
        ("de", "du hast das Licht angelassen"),
        ("de", "Heizlüfter um sechs an"),
        ("de", "lass die Garage zu"),
        ("de", "schließ die Haustür nicht auf"),
        ("de", "das Wohnzimmer ist schön warm"),
    ],
)
def test_what_asks_for_nothing_changes_nothing(
    understandings: Callable[[str], Understanding], home: Home, language: str, said: str
) -> None:
    try:
        plan = understandings(language).recognize(said, home=home, area_id="bedroom")
    except AliciaError:
        return
    assert not plan.actions  # an answer about how things are harms nobody


@pytest.mark.parametrize(
    ("language", "said", "capability", "entities"),
    [
        ("en", "how far open are the living room blinds", "position", {"cover.living_room_blinds"}),
        ("en", "what's the volume", "volume", {"media_player.kitchen_speaker"}),
        ("de", "wie laut ist die Musik", "volume", {"media_player.kitchen_speaker"}),
        ("de", "wie viel Grad hat es draußen", "temperature", {"sensor.garden_temperature"}),
        ("de", "sind die Rollos im Wohnzimmer unten", "position", {"cover.living_room_blinds"}),
        ("en", "did I forget to turn off the hall light", "power", {"light.hallway"}),
    ],
)
def test_a_question_is_about_what_its_words_stand_for(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    said: str,
    capability: str,
    entities: set[str],
) -> None:
    question = understandings(language).recognize(said, home=home, area_id="kitchen").question
    assert question is not None
    assert question.capability == capability
    assert set(question.entities) == entities


@pytest.mark.parametrize(("said", "kelvin"), [("a bit colder", 3700.0), ("warmer", 2000.0)])
def test_warmer_light_is_warmer_than_it_was(
    said: str, kelvin: float, english: Understanding, home: Home
) -> None:
    plan = english.recognize(f"make the living room lamp {said}", home=home)
    assert changes(plan) == one(LAMP, "color_temperature", kelvin)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "lock up"), ("de", "schließ ab"), ("fr", "verrouille"), ("ja", "鍵かけて")],
)
def test_who_locks_up_locks_whatever_has_a_lock(
    language: str, said: str, home: Home, understandings: Callable[[str], Understanding]
) -> None:
    plan = understandings(language).recognize(said, home=home, area_id="kitchen")
    assert changes(plan) == one("lock.front_door", "locked", True)


@pytest.mark.parametrize(
    "said",
    ["set the heating to 20 and the speaker", "heating and music to 20"],
)
def test_one_number_is_not_for_two_kinds_of_things(
    said: str, english: Understanding, home: Home
) -> None:
    with pytest.raises(AliciaError):
        english.recognize(said, home=home, area_id="kitchen")


def test_what_is_off_gets_no_darker(english: Understanding, home: Home) -> None:
    lamp, ceiling = LAMP, "light.living_room_ceiling"
    for light, on in ((lamp, True), (ceiling, False)):
        values: dict[str, Value] = {"power": on, "brightness": 40.0}
        home.put_state(EntityState(entity_id=light, available=True, values=values, changed_at=0))
    plan = english.recognize("dim the lights", home=home, area_id="living_room")
    assert changes(plan) == one(lamp, "brightness", -20.0, by=True)
    plan = english.recognize("make it brighter in here", home=home, area_id="living_room")
    assert plan.entities == (lamp, ceiling)


def test_what_was_said_before_is_read_by_how_the_home_is_now(
    english: Understanding, home: Home
) -> None:
    said = "make the living room lamp a bit colder"
    assert changes(english.recognize(said, home=home)) == one(LAMP, "color_temperature", 3700.0)
    values: dict[str, Value] = {"power": True, "color_temperature": 3700.0}
    home.put_state(EntityState(entity_id=LAMP, available=True, values=values, changed_at=0))
    assert changes(english.recognize(said, home=home)) == one(LAMP, "color_temperature", 4700.0)
