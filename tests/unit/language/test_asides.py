"""What is said beside a command is let be, and what only tells of commands does nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.errors import NotUnderstoodError
from alicia.home.model import Home
from alicia.language.understanding import Understanding

Get = Callable[[str], Understanding]

LIGHT, FAN, COFFEE = "light.bathroom", "fan.bedroom", "switch.coffee_machine"
BEDSIDE, HALL, LOCK = "light.bedside_lamp", "light.hallway", "lock.front_door"
DESK, HEATING = "light.office_desk", "climate.thermostat"

SAID: list[tuple[str, str, str | None, set[tuple[str, str, object]]]] = [
    ("en", "turn the fan off, it's keeping me awake", "bedroom", {(FAN, "power", False)}),
    ("en", "turn the fan off it's keeping me awake", "bedroom", {(FAN, "power", False)}),
    ("en", "my hands are full, turn the bathroom light on", None, {(LIGHT, "power", True)}),
    ("en", "I'm off to work, lock the front door", None, {(LOCK, "locked", True)}),
    (
        "en",
        "we're out of coffee anyway turn the coffee machine off",
        None,
        {(COFFEE, "power", False)},
    ),
    (
        "en",
        "it's pitch dark in the bathroom, turn the light on",
        "office",
        {(LIGHT, "power", True)},
    ),
    ("en", "I'm going to the garden, turn the light off", "bathroom", {(LIGHT, "power", False)}),
    ("en", "the hall light's been on all day, turn it off", None, {(HALL, "power", False)}),
    ("en", "turn on the hall light, no wait, the bathroom light", None, {(LIGHT, "power", True)}),
    ("en", "set the bedside lamp to 20, no, 40 percent", None, {(BEDSIDE, "brightness", 40.0)}),
    ("de", "Ich geh duschen, mach das Licht im Bad an", None, {(LIGHT, "power", True)}),
    ("de", "Mach die Kaffeemaschine aus, wir haben genug", None, {(COFFEE, "power", False)}),
    ("de", "Schließ die Haustür ab, wir sind alle da", None, {(LOCK, "locked", True)}),
    ("de", "Mach das Licht im Flur, nee warte, im Bad an", None, {(LIGHT, "power", True)}),
    ("es", "enciende la luz del baño, no, perdona, la del pasillo", None, {(HALL, "power", True)}),
    (
        "es",
        "pon la calefacción a 20, no, mejor a 21",
        None,
        {(HEATING, "target_temperature", 21.0)},
    ),
    ("it", "metti il riscaldamento a 20, no, a 21", None, {(HEATING, "target_temperature", 21.0)}),
    ("fr", "mets le chauffage à 20, non 21", None, {(HEATING, "target_temperature", 21.0)}),
    ("pt", "põe o aquecimento em 20, não, 21", None, {(HEATING, "target_temperature", 21.0)}),
    ("es", "apaga la luz del pasillo, que me duermo", None, {(HALL, "power", False)}),
    ("es", "apaga el flexo que ya he terminado de trabajar", None, {(DESK, "power", False)}),
    ("fr", "éteins la lumière du couloir, les enfants dorment", None, {(HALL, "power", False)}),
    ("it", "spegni la luce del corridoio che usciamo", None, {(HALL, "power", False)}),
    ("pt", "apaga a luz do corredor que a gente vai sair", None, {(HALL, "power", False)}),
]


@pytest.mark.parametrize(("language", "text", "area", "wanted"), SAID, ids=lambda v: str(v)[:60])
def test_a_command_is_done_whatever_is_told_beside_it(
    language: str,
    text: str,
    area: str | None,
    wanted: set[tuple[str, str, object]],
    understandings: Get,
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home, area_id=area)
    done = {(e, a.capability, a.value) for a in plan.actions for e in a.entities}
    assert done == wanted


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "he said, turn on the bathroom light"),
        ("en", "turn on the bathroom light, she told me"),
        ("en", "turn on the bathroom light, if it's dark"),
        ("en", "turn on the bathroom light, no don't"),
        ("en", "don't, turn on the bathroom light"),
        ("en", "I wish I could turn on the bathroom light"),
        ("en", "we used to turn the coffee machine off"),
        ("en", "yesterday it was dark, turn on the light was all he did"),
        ("en", "my wife is outside unlock the front door"),
        ("en", "I wouldn't open the garage now"),
        ("en", "good night, Austin, Texas, wherever you are"),
        ("en", "papa, turn on the bathroom light"),
        ("en", "unlock the hall, no, the front door"),
        ("en", "close the curtains of the theatre, turn off the bathroom light"),
        ("de", "Er sagte, mach das Licht im Bad an"),
        ("de", "Mach das Licht im Bad an, wenn es dunkel ist"),
        ("de", "Mach das Licht im Bad an, hat sie gemeint"),
        ("de", "Mach das Licht im Bad an, nein lass"),
        ("de", "Gestern war es dunkel, mach das Licht an"),
        ("de", "Papa, mach das Licht im Bad an"),
        ("de", "Sag dem Paul, er soll im Bad das Licht ausmachen"),
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
def test_talk_of_commands_does_nothing(
    language: str, text: str, understandings: Get, home: Home
) -> None:
    with pytest.raises(NotUnderstoodError):
        understandings(language).recognize(text, home=home, area_id="office")


def test_a_greeting_that_names_a_scene_sets_it_where_a_reason_is_given(
    understandings: Get, home: Home
) -> None:
    plan = understandings("en").recognize("good night, we're off to bed", home=home)
    assert plan.response == "scene"
