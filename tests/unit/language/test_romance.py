"""French, Spanish, Italian and Portuguese as spoken: short, by the way, or as a question."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import Value
from alicia.errors import AliciaError, NotCapableError
from alicia.home.model import Home
from alicia.language.plan import QuestionKind
from alicia.language.understanding import Understanding

Understandings = Callable[[str], Understanding]

BLINDS = "cover.living_room_blinds"
LAMP = "light.living_room_lamp"
GARAGE = "cover.garage_door"

COMMANDS: list[tuple[str, str, str, Value, bool]] = [
    ("fr", "ouvre le garage", GARAGE, 100.0, False),
    ("es", "cierra el garaje", GARAGE, 0.0, False),
    ("it", "apri il garage", GARAGE, 100.0, False),
    ("pt", "feche a garagem", GARAGE, 0.0, False),
    ("fr", "monte un peu les volets du salon", BLINDS, 20.0, True),
    ("es", "sube un poco las persianas del salón", BLINDS, 20.0, True),
    ("it", "abbassa un po' le tapparelle del soggiorno", BLINDS, -20.0, True),
    ("pt", "sobe um pouco a persiana da sala", BLINDS, 20.0, True),
    ("fr", "le ventilateur à fond", "fan.bedroom", 100.0, False),
    ("es", "pon el ventilador al máximo", "fan.bedroom", 100.0, False),
    ("it", "ventilatore al massimo", "fan.bedroom", 100.0, False),
    ("pt", "ventilador no máximo", "fan.bedroom", 100.0, False),
    ("pt", "o ventilador no mínimo", "fan.bedroom", 10.0, False),
    ("pt", "volume da sala no mínimo", "media_player.living_room_speaker", 5.0, False),
    ("pt", "põe o abajur da sala a 20", LAMP, 20.0, False),
    ("pt", "dá uma baixada na luz do corredor", "light.hallway", -20.0, True),
    ("pt", "vê se apagas a luz do corredor", "light.hallway", False, False),
    ("pt", "baixa a luz do corredor pra uns 20", "light.hallway", 20.0, False),
    ("fr", "le lampadaire au minimum", LAMP, 1.0, False),
    ("es", "la lámpara de pie está demasiado fuerte", LAMP, -20.0, True),
    ("it", "la piantana è troppo forte", LAMP, -20.0, True),
    ("pt", "o abajur da sala no mínimo", LAMP, 1.0, False),
    ("fr", "on n'y voit rien, allume euh le lampadaire", LAMP, True, False),
    ("es", "pon la lámpara de pie", LAMP, True, False),
    ("it", "attacca la stufetta nello studio", "switch.office_heater", True, False),
    ("it", "stacca la stufetta nello studio", "switch.office_heater", False, False),
    ("pt", "a cafeteira, desliga", "switch.coffee_machine", False, False),
    ("es", "quiero diecinueve grados y medio", "climate.thermostat", 19.5, False),
    ("it", "un grado in meno, per favore", "climate.thermostat", -1.0, True),
]


@pytest.mark.parametrize(("language", "text", "entity", "value", "relative"), COMMANDS)
def test_what_is_said_in_short_is_done(
    language: str,
    text: str,
    entity: str,
    value: Value,
    relative: bool,
    understandings: Understandings,
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home)

    assert [(a.entities, a.value, a.relative) for a in plan.actions] == [
        ((entity,), value, relative)
    ]


@pytest.mark.parametrize(
    ("language", "text", "entity", "capability"),
    [
        ("fr", "est-ce que j'ai bien fermé le garage ?", GARAGE, "position"),
        ("es", "¿he cerrado el garaje?", GARAGE, "position"),
        ("it", "ho chiuso il garage?", GARAGE, "position"),
        ("pt", "fechei a garagem?", GARAGE, "position"),
        ("fr", "la cafetière tourne encore ?", "switch.coffee_machine", "power"),
        ("es", "¿sigue funcionando la cafetera?", "switch.coffee_machine", "power"),
        ("it", "la lavatrice sta ancora andando?", "switch.washing_machine", "power"),
        ("pt", "será que deixei a cafeteira ligada?", "switch.coffee_machine", "power"),
        ("fr", "à combien est réglé le lampadaire ?", LAMP, "brightness"),
        ("es", "¿qué brillo tiene la lámpara de pie?", LAMP, "brightness"),
        ("it", "che luminosità ha la piantana?", LAMP, "brightness"),
        ("pt", "qual o brilho do abajur da sala?", LAMP, "brightness"),
        ("fr", "il y a de la musique dans la cuisine ?", "media_player.kitchen_speaker", "playing"),
        ("es", "¿hay música en la cocina?", "media_player.kitchen_speaker", "playing"),
        ("it", "c'è musica in cucina?", "media_player.kitchen_speaker", "playing"),
        ("pt", "tem música na cozinha?", "media_player.kitchen_speaker", "playing"),
    ],
)
def test_a_question_is_answered_and_nothing_is_done(
    language: str,
    text: str,
    entity: str,
    capability: str,
    understandings: Understandings,
    home: Home,
) -> None:
    plan = understandings(language).recognize(text, home=home)

    assert plan.question is not None
    assert plan.actions == ()
    assert (plan.question.entities, plan.question.capability) == ((entity,), capability)
    assert plan.question.kind in (QuestionKind.IS, QuestionKind.VALUE, QuestionKind.ANY)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "j'ai fermé le garage"),
        ("fr", "la lampe du salon est rouge"),
        ("fr", "éteins l'ordinateur du bureau"),
        ("fr", "allume la cuisinière"),
        ("fr", "hier soir la lumière du salon était trop forte"),
        ("es", "ya apagué la luz del baño"),
        ("es", "bajé las persianas del salón"),
        ("es", "deja la lámpara del salón"),
        ("es", "la luz del techo no está demasiado fuerte"),
        ("it", "ho chiuso il garage"),
        ("it", "la piantana è rossa"),
        ("it", "spegni la luce in soffitta"),
        ("pt", "apaguei a luz do banheiro"),
        ("pt", "para a cozinha"),
        ("pt", "quero a lâmpada da cozinha"),
    ],
)
def test_what_is_told_or_means_something_else_does_nothing(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(text, home=home)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "monte un peu le garage"),
        ("es", "sube un poco el garaje"),
        ("it", "alza un po' il garage"),
        ("pt", "sobe um pouco a garagem"),
    ],
)
def test_a_garage_door_is_never_opened_a_bit(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    with pytest.raises(NotCapableError):
        understandings(language).recognize(text, home=home)


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "ouvre le garrage"), ("es", "abre el garache")]
)
def test_a_garage_is_never_opened_by_a_guess(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    understanding = understandings(language)
    preview = understanding.preview(text, home=home, guessed=True)
    assert preview.plan is None
    # Doubled letters are one letter in French.
    guesses = understanding.likely(text, home=home, most=5)
    assert all("garage" not in guess and "garaje" not in guess for guess, _ in guesses)


@pytest.mark.parametrize(
    ("text", "entity", "capability", "value"),
    [
        ("metti la piantana di un bell'azzurro", LAMP, "color", "skyblue"),
        ("piantana fucsia", LAMP, "color", "magenta"),
        ("abbassa di un terzo le tapparelle del soggiorno", BLINDS, "position", -33.0),
        ("chiudi per un terzo le tapparelle del soggiorno", BLINDS, "position", 67.0),
        ("chiudi le tapparelle in soggiorno lasciando uno spiraglio", BLINDS, "position", 15.0),
        ("le tapparelle del soggiorno sono ancora su, tirale giù", BLINDS, "position", 0.0),
        ("il portone del garage aprilo per favore che sto arrivando", GARAGE, "position", 100.0),
        ("ventilatore al minimo", "fan.bedroom", "speed", 10.0),
        ("non in cucina, accendi nello studio", "light.office_desk", "power", True),
        ("la luce del corridoio è da spegnere", "light.hallway", "power", False),
        ("togli la corrente alla stufetta", "switch.office_heater", "power", False),
        ("fammi un caffè", "switch.coffee_machine", "power", True),
    ],
)
def test_italian_says_it_in_many_ways(
    text: str,
    entity: str,
    capability: str,
    value: Value,
    understandings: Understandings,
    home: Home,
) -> None:
    plan = understandings("it").recognize(text, home=home)

    assert [(a.entities, a.capability, a.value) for a in plan.actions] == [
        ((entity,), capability, value)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "spegni la lampada blu",
        "togli il colore alla piantana",
        "com'è la situazione in bagno, fa caldo?",
        "ventilatore a velocità due",
        "spegni la luce rossa in cucina",
        "metti su l'acqua per la pasta",
    ],
)
def test_what_italian_leaves_open_moves_nothing(
    text: str, understandings: Understandings, home: Home
) -> None:
    try:
        plan = understandings("it").recognize(text, home=home)
    except AliciaError:
        return
    assert not plan.actions
