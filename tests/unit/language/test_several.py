"""Several commands in one sentence, in nine languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import OutcomeKind, Result
from alicia.errors import AliciaError, NotCapableError
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding

KITCHEN = ("light.kitchen",)
KITCHEN_LIGHTS = ("light.kitchen", "light.kitchen_counter")
LIVING_ROOM_LIGHTS = ("light.living_room_lamp", "light.living_room_ceiling")
BEDROOM_LIGHTS = ("light.bedroom_lamp", "light.bedside_lamp")
BLINDS = ("cover.bedroom_blinds",)
LIGHT_AND_BLINDS = [(KITCHEN, "power", True), (BLINDS, "position", 0.0)]

TWO_COMMANDS = {
    "en": "Turn on the kitchen light and close the bedroom blinds.",
    "es": "Enciende la luz de la cocina y cierra las persianas del dormitorio.",
    "fr": "Allume la lumière de la cuisine et ferme les volets de la chambre.",
    "de": "Schalte das Küchenlicht ein und schließ die Jalousien im Schlafzimmer.",
    "it": "Accendi la luce della cucina e chiudi le tapparelle della camera.",
    "pt": "Acenda a luz da cozinha e feche as persianas do quarto.",
    "zh": "打开厨房的灯，然后关上卧室的窗帘。",
    "ja": "キッチンの電気をつけて、寝室のカーテンを閉めて。",
    "ko": "주방 불 켜고 침실 블라인드 닫아 줘.",
}
SHARED = [
    ("en", "Turn off the kitchen and living room lights.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("en", "Turn off the lights in the kitchen and in the living room.", KITCHEN_LIGHTS,
     LIVING_ROOM_LIGHTS),
    ("en", "Turn off the desk lamp and the coffee machine.", ("light.office_desk",),
     ("switch.coffee_machine",)),
    ("es", "Apaga las luces de la cocina y del salón.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("fr", "Éteins les lumières de la cuisine et du salon.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("de", "Mach das Licht in der Küche und im Wohnzimmer aus.", KITCHEN_LIGHTS,
     LIVING_ROOM_LIGHTS),
    ("de", "Mach die Schreibtischlampe und die Kaffeemaschine aus.", ("light.office_desk",),
     ("switch.coffee_machine",)),
    ("it", "Spegni le luci della cucina e del soggiorno.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("pt", "Apague as luzes da cozinha e da sala.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("zh", "关掉厨房和客厅所有的灯。", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("ja", "キッチンとリビングの電気を全部消して。", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
    ("ko", "주방이랑 거실 불 다 꺼 줘.", KITCHEN_LIGHTS, LIVING_ROOM_LIGHTS),
]  # fmt: skip
WHAT_IS_NO_COMMAND = [
    ("en", "I like the kitchen light and the bedroom lamp."),
    ("en", "Turn on the kitchen light and don't close the blinds."),
    ("en", "Turn on the kitchen light and the radio."),
    ("en", "She opened the blinds and turned on the kitchen light."),
    ("es", "Enciende la luz de la cocina y no cierres las persianas."),
    ("fr", "Allume la lumière de la cuisine et ne ferme pas les volets."),
    ("de", "Schalte das Küchenlicht ein und mach die Jalousien nicht zu."),
    ("it", "Accendi la luce della cucina e non chiudere le tapparelle."),
    ("pt", "Acenda a luz da cozinha e não feche as persianas."),
    ("zh", "打开厨房的灯，别关窗帘。"),
    ("ja", "キッチンの電気をつけて、カーテンは閉めないで。"),
    ("ko", "주방 불 켜고 블라인드는 닫지 마."),
]


def changes(plan: Plan) -> list[tuple[tuple[str, ...], str, object]]:
    return [(a.entities, a.capability, a.value) for a in plan.actions]


def done(plan: Plan) -> list[Result]:
    return [
        Result(
            entity_id=entity,
            capability=action.capability,
            value=action.value,
            outcome=OutcomeKind.CONFIRMED,
        )
        for action in plan.actions
        for entity in action.entities
    ]


@pytest.mark.parametrize("language", TWO_COMMANDS)
def test_two_commands_are_both_done_and_told(
    language: str, understandings: Callable[[str], Understanding], home: Home
) -> None:
    plan = understandings(language).recognize(TWO_COMMANDS[language], home=home)
    assert changes(plan) == LIGHT_AND_BLINDS
    said = answer(plan, done(plan), home, language)
    parts = [answer(part, done(part), home, language) for part in plan.parts]
    assert len(parts) == 2
    assert len(set(parts)) == 2
    assert all(part in said for part in parts)


@pytest.mark.parametrize(("language", "text", "first", "second"), SHARED)
def test_words_that_both_share_are_said_once(
    language: str,
    text: str,
    first: tuple[str, ...],
    second: tuple[str, ...],
    understandings: Callable[[str], Understanding],
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home)
    assert changes(plan) == [(first, "power", False), (second, "power", False)]


@pytest.mark.parametrize(("language", "text"), WHAT_IS_NO_COMMAND)
def test_all_of_it_must_be_a_command(
    language: str, text: str, understandings: Callable[[str], Understanding], home: Home
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(text, home=home, area_id="kitchen")


def test_what_failed_is_told_apart_from_what_was_done(english: Understanding, home: Home) -> None:
    plan = english.recognize(TWO_COMMANDS["en"], home=home)
    light, blinds = done(plan)
    dead = blinds.model_copy(update={"outcome": OutcomeKind.UNREACHABLE})
    said = answer(plan, [light, dead], home, "en")
    assert said.startswith("Turned on the kitchen light.")
    assert "blind" in said
    assert "Closed" not in said


def test_the_second_may_be_about_the_first(english: Understanding, home: Home) -> None:
    lamp = ("light.living_room_lamp",)
    plan = english.recognize("Turn on the living room lamp and make it blue.", home=home)
    assert changes(plan) == [(lamp, "power", True), (lamp, "color", "blue")]
    with pytest.raises(NotCapableError):
        english.recognize("Turn on the kitchen light and make it blue.", home=home)


def test_three_commands(english: Understanding, home: Home) -> None:
    text = "Turn off the kitchen light, the desk lamp and the coffee machine, "
    plan = english.recognize(f"{text}then lock the front door.", home=home)
    assert plan.entities == (
        "light.kitchen", "light.office_desk", "switch.coffee_machine", "lock.front_door",
    )  # fmt: skip
    assert [part.actions[0].value for part in plan.parts] == [False, False, False, True]


def test_a_preview_of_several_is_whole_and_half_of_the_second_is_not(
    english: Understanding, home: Home
) -> None:
    assert english.preview(TWO_COMMANDS["en"], home=home).complete
    half = english.preview("turn on the kitchen light and close the", home=home)
    assert (half.complete, half.open) == (False, True)


PLACES = [
    ("en", "lights on in the bathroom and off in the bedroom", None,
     {"light.bathroom": True, "light.bedroom_lamp": False, "light.bedside_lamp": False}),
    ("de", "lichter im Bad an und im Schlafzimmer aus", None,
     {"light.bathroom": True, "light.bedroom_lamp": False, "light.bedside_lamp": False}),
    ("ja", "リビングの電気を消して音楽も止めて", "kitchen",
     {"light.living_room_lamp": False, "light.living_room_ceiling": False,
      "media_player.living_room_speaker": False}),
    ("fr", "lampe de bureau et lampe du salon éteintes, la lumière du couloir allumée", None,
     {"light.office_desk": False, "light.living_room_lamp": False, "light.hallway": True}),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "area", "wanted"), PLACES)
def test_the_room_of_one_is_that_of_the_next_or_another(
    language: str,
    text: str,
    area: str | None,
    wanted: dict[str, bool],
    understandings: Callable[[str], Understanding],
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home, area_id=area)
    assert {e: a.value for a in plan.actions for e in a.entities} == wanted


TWO_QUESTIONS = {
    "en": "is the front door locked and is the hallway light on",
    "de": "ist die Haustür abgeschlossen und ist das Flurlicht an",
    "es": "¿está cerrada con llave la puerta principal y está encendida la luz del pasillo?",
    "fr": "la porte d'entrée est verrouillée et la lumière du couloir est allumée ?",
    "it": "la porta d'ingresso è chiusa a chiave e la luce del corridoio è accesa?",
    "pt": "a porta da frente está trancada e a luz do corredor está acesa?",
}


@pytest.mark.parametrize(("language", "said"), TWO_QUESTIONS.items())
def test_two_questions_are_both_answered(
    language: str, said: str, home: Home, understandings: Callable[[str], Understanding]
) -> None:
    plan = understandings(language).recognize(said, home=home)
    assert [part.question and part.question.entities for part in plan.parts] == [
        ("lock.front_door",),
        ("light.hallway",),
    ]
    assert not plan.actions
    first, second = (answer(part, [], home, language) for part in plan.parts)
    assert answer(plan, [], home, language).startswith(first)
    assert first != second


def test_what_is_asked_after_a_command_is_answered_beside_it(
    english: Understanding, home: Home
) -> None:
    said = "turn off the hallway light and tell me if the front door is locked"
    plan = english.recognize(said, home=home)
    assert [action.entities for action in plan.actions] == [("light.hallway",)]
    assert plan.parts[1].question is not None
    with pytest.raises(AliciaError):  # what stands after a question may be told, too
        english.recognize("did you turn off the hallway light and close the blinds", home=home)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "turn the living room lights off and turn the living room lamp on"),
        ("de", "mach das Licht im Wohnzimmer aus und mach die Wohnzimmerlampe an"),
        ("ko", "거실 불 다 끄고 거실 램프만 켜줘"),
    ],
)
def test_what_is_told_last_of_one_counts_for_it(
    understandings: Callable[[str], Understanding], home: Home, language: str, text: str
) -> None:
    plan = understandings(language).recognize(text, home=home)
    done = {(e, a.value) for a in plan.actions for e in a.entities}
    assert done == {("light.living_room_ceiling", False), ("light.living_room_lamp", True)}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "turn off the living room lights and set the living room lamp to 20 percent"),
        ("pt", "apaga as luzes da sala e deixa o abajur da sala em 20"),
    ],
)
def test_one_of_many_that_is_told_otherwise_later_is_left_out_before(
    understandings: Callable[[str], Understanding], home: Home, language: str, said: str
) -> None:
    plan = understandings(language).recognize(said, home=home)

    assert [(a.entities, a.capability, a.value) for a in plan.actions] == [
        (("light.living_room_ceiling",), "power", False),
        (("light.living_room_lamp",), "brightness", 20.0),
    ]


BEDSIDE, LIVING = "light.bedside_lamp", "media_player.living_room_speaker"
SPEAKER = "media_player.kitchen_speaker"


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        (
            "en",
            "set the bedside lamp to blue and to 20 percent",
            {(BEDSIDE, "color"): "blue", (BEDSIDE, "brightness"): 20.0},
        ),
        (
            "fr",
            "mets la lampe de chevet en bleu et à 20 pour cent",
            {(BEDSIDE, "color"): "blue", (BEDSIDE, "brightness"): 20.0},
        ),
        (
            "fr",
            "allume la lampe de chevet et mets-la en bleu",
            {(BEDSIDE, "power"): True, (BEDSIDE, "color"): "blue"},
        ),
        (
            "en",
            "turn on the bedside lamp and make it blue",
            {(BEDSIDE, "power"): True, (BEDSIDE, "color"): "blue"},
        ),
        (
            "fr",
            "mets de la musique dans la cuisine et monte le son",
            {(SPEAKER, "playing"): True, (SPEAKER, "volume"): 10.0},
        ),
        (
            "fr",
            "allume le couloir et mets de la musique",
            {("light.hallway", "power"): True, (LIVING, "playing"): True},
        ),
        (
            "fr",
            "baisse le volume et la lampe du salon",
            {(LIVING, "volume"): -10.0, ("light.living_room_lamp", "brightness"): -20.0},
        ),
        (
            "fr",
            "baisse le son et le chauffage d'un degré",
            {(LIVING, "volume"): -10.0, ("climate.thermostat", "target_temperature"): -1.0},
        ),
    ],
)
def test_a_value_is_that_of_what_was_named_and_of_nothing_else(
    language: str,
    said: str,
    wanted: dict[tuple[str, str], object],
    home: Home,
    understandings: Callable[[str], Understanding],
) -> None:
    plan = understandings(language).recognize(said, home=home, area_id="living_room")
    done = {(e, a.capability): a.value for a in plan.actions for e in a.entities}
    assert done == wanted


@pytest.mark.parametrize(
    ("language", "said", "wanted"),
    [
        ("en", "bedroom blinds down and the desk lamp to ten percent",
         [("cover.bedroom_blinds", 0.0), ("light.office_desk", 10.0)]),
        ("it", "tapparelle giù in camera e abat-jour al venti per cento",
         [("cover.bedroom_blinds", 0.0), ("light.bedside_lamp", 20.0)]),
        ("it", "spegni lampadario, piantana e musica in salotto",
         [("light.living_room_ceiling", False), ("light.living_room_lamp", False),
          ("media_player.living_room_speaker", False)]),
        ("it", "lampadario al 30, piantana rossa",
         [("light.living_room_ceiling", 30.0), ("light.living_room_lamp", "red")]),
        ("it", "spegni le luci in cucina e in salotto, lascia il corridoio",
         [(entity, False) for entity in (*KITCHEN_LIGHTS, *LIVING_ROOM_LIGHTS)]),
        ("it", "spegni la stufetta, il ventilatore e la macchinetta",
         [("switch.office_heater", False), ("fan.bedroom", False),
          ("switch.coffee_machine", False)]),
    ],
)  # fmt: skip
def test_each_of_several_is_told_what_was_said_of_it(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    said: str,
    wanted: list[tuple[str, object]],
) -> None:
    plan = understandings(language).recognize(said, home=home)

    assert [(e, action.value) for action in plan.actions for e in action.entities] == wanted
