"""What is understood by its words alone, in Spanish, French, Italian and Portuguese."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import Value
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.concepts import Concepts, concept_table
from alicia.language.follow_ups import topic_of
from alicia.language.plan import QuestionKind
from alicia.language.tables import load_tables
from alicia.language.understanding import Understanding
from alicia.language.wording import Wording

Understandings = Callable[[str], Understanding]
ROMANCE = ("es", "fr", "it", "pt")
_SHARED = (
    ("on", "off", "open", "close", "raise", "up", "down", "increase", "decrease", "more", "less"),
    ("brighter", "dimmer", "dim", "warmer", "cooler", "louder", "quieter", "faster", "slower"),
    ("play", "pause", "mute", "unmute", "lock", "unlock", "start", "stop"),
)
_MARKED = (
    ("set", "to", "by", "bit", "full", "half", "least", "percent", "degree", "kelvin", "number"),
    ("too", "cop", "asks", "what", "all", "here", "house", "and", "give", "wish", "nothing"),
)

LAMP = "light.living_room_lamp"
HEATING = "climate.thermostat"
BLINDS = "cover.living_room_blinds"

DONE: list[tuple[str, str, str, Value, bool]] = [
    ("es", "que se encienda la luz del pasillo", "light.hallway", True, False),
    ("es", "sube la calefacción dos grados", HEATING, 2.0, True),
    ("es", "baja la lámpara de pie un veinte por ciento", LAMP, -20.0, True),
    ("es", "en el salón pon la lámpara al treinta por ciento", LAMP, 30.0, False),
    ("es", "hace frío, sube la calefacción", HEATING, 1.0, True),
    ("es", "apaga la cafetera que nos vamos", "switch.coffee_machine", False, False),
    ("fr", "vingt pour cent de plus pour le lampadaire", LAMP, 20.0, True),
    ("fr", "baisse le chauffage de trois degrés", HEATING, -3.0, True),
    ("fr", "la lampe du bureau, tu peux l'allumer", "light.office_desk", True, False),
    ("fr", "mets du rose sur la lampe du salon", LAMP, "pink", False),
    ("it", "lascia accesa la piantana", LAMP, True, False),
    ("it", "alza la piantana del dieci per cento", LAMP, 10.0, True),
    ("it", "giù le tapparelle in soggiorno", BLINDS, 0.0, False),
    ("it", "ti spiace spegnere la luce del corridoio", "light.hallway", False, False),
    ("pt", "liga o candeeiro da sala", LAMP, True, False),
    ("pt", "baixa o aquecimento em dois graus", HEATING, -2.0, True),
    ("pt", "abre pela metade as persianas da sala", BLINDS, 50.0, False),
    ("pt", "quero um café, liga a cafeteira", "switch.coffee_machine", True, False),
]


@pytest.mark.parametrize(("language", "text", "entity", "value", "relative"), DONE)
def test_words_in_any_order_are_a_command(
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
    ("language", "text"),
    [
        ("es", "él apaga la luz de la cocina"),
        ("es", "enciende la luz de la cocina a las siete"),
        ("es", "sube a tu cuarto"),
        ("es", "si hace frío, sube la calefacción"),
        ("es", "no hace falta que enciendas la luz del baño"),
        ("es", "ábreme ya la puerta de la calle, que llego"),
        ("fr", "il allume la lumière de la cuisine"),
        ("fr", "baisse les lumières du salon de moitié"),
        ("fr", "monte dans ta chambre"),
        ("it", "il riscaldamento è troppo alto, no?"),
        ("it", "metti la luce della cucina alle sette"),
        ("it", "scendi in cucina"),
        ("pt", "eu já liguei a luz da cozinha"),
        ("pt", "acende a luz da cozinha às sete"),
        ("pt", "desce pra cozinha"),
    ],
)
def test_a_word_that_says_something_else_keeps_it_from_being_done(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(text, home=home)


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        ("es", "¿se ha quedado encendida la luz del pasillo?", QuestionKind.IS),
        ("es", "¿está echada la llave?", QuestionKind.IS),
        ("fr", "c'est fermé à clé ?", QuestionKind.IS),
        ("it", "ho chiuso a chiave?", QuestionKind.IS),
        ("pt", "me fala quantos graus tá lá fora", QuestionKind.VALUE),
        ("fr", "on a combien dehors ?", QuestionKind.VALUE),
    ],
)
def test_a_question_changes_nothing(
    language: str, text: str, kind: QuestionKind, understandings: Understandings, home: Home
) -> None:
    plan = understandings(language).recognize(text, home=home)

    assert plan.question is not None
    assert (plan.question.kind, plan.actions) == (kind, ())


@pytest.mark.parametrize(
    ("language", "first", "then", "value"),
    [
        ("es", "enciende la lámpara de pie", "ahora bájala un veinte por ciento", -20.0),
        ("fr", "allume le lampadaire", "un peu moins fort", -20.0),
        ("it", "accendi la piantana", "adesso spegnila di nuovo", False),
        ("pt", "acende o abajur da sala", "deixa no máximo", 100.0),
    ],
)
def test_it_is_what_the_turn_before_was_about(
    language: str,
    first: str,
    then: str,
    value: Value,
    understandings: Understandings,
    home: Home,
) -> None:
    understanding = understandings(language)
    topic = topic_of(understanding.recognize(first, home=home))

    plan = understanding.recognize(then, home=home, topic=topic)

    assert [(a.entities, a.value) for a in plan.actions] == [((LAMP,), value)]


@pytest.mark.parametrize(
    ("first", "then"),
    [("cierra la puerta del garaje", "ábrela ya otra vez"), ("enciende la cafetera", "más alta")],
)
def test_it_is_not_opened_and_not_asked_what_it_cannot_do(
    first: str, then: str, understandings: Understandings, home: Home
) -> None:
    understanding = understandings("es")
    topic = topic_of(understanding.recognize(first, home=home))

    with pytest.raises(AliciaError):
        understanding.recognize(then, home=home, topic=topic)


def test_lights_of_a_floor_are_those_of_its_rooms(
    understandings: Understandings, home: Home
) -> None:
    plan = understandings("es").recognize("apaga las luces de arriba", home=home)

    upstairs = {e.entity_id for e in home.entities(floor="Upstairs") if e.domain == "light"}
    assert set(plan.entities) == upstairs


def test_the_lamp_is_the_only_one_of_the_room_that_is_called_so(
    understandings: Understandings, home: Home
) -> None:
    plan = understandings("es").recognize("apaga la lámpara", home=home, area_id="living_room")

    assert plan.entities == (LAMP,)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "la puerta del garaje ábrela ya otra vez"),
        ("es", "ya la puerta de la calle desbloquéala"),
        ("fr", "la porte du garage ouvre maintenant vite"),
        ("it", "la porta del garage adesso apri subito"),
        ("pt", "o portão da garagem abre aí de novo"),
    ],
)
def test_a_protected_thing_is_opened_by_no_order_of_words(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    with pytest.raises(AliciaError):
        understandings(language).recognize(text, home=home)


@pytest.mark.parametrize("language", [*ROMANCE, "en", "de"])
def test_each_language_has_words_for_all_that_can_be_done(language: str) -> None:
    said = {part for key in concept_table(language)["words"] for part in key.split("+")}

    assert not {op for ops in (*_SHARED, *_MARKED) for op in ops} - said


@pytest.mark.parametrize("language", ROMANCE)
def test_what_is_between_words_and_what_is_cut_away_is_told(language: str) -> None:
    own = concept_table(language)

    assert all(own[key] for key in ("between", "swaps", "never", "respell", "floors"))


def test_an_unknown_word_leaves_no_concepts(home: Home) -> None:
    tables = load_tables("es")
    concepts = Concepts(tables, Wording(tables))
    concepts.use(home)

    assert list(concepts.ways("apaga la luz del vecino")) == []
    found = next(iter(concepts.ways("la luz de la cocina apágala ya")))
    assert {concept.name for concept in found} == {"entity", "off", "nothing"}


@pytest.mark.parametrize(
    ("language", "text", "entity"),
    [
        ("es", "apaga la luz mesita", "light.bedside_lamp"),
        ("fr", "éteins la lumière de chevet", "light.bedside_lamp"),
        ("it", "spegni la luce scrivania", "light.office_desk"),
        ("pt", "apaga o candeeiro na mesa", "light.office_desk"),
    ],
)
def test_a_name_is_known_with_other_words_between_and_another_noun(
    language: str, text: str, entity: str, understandings: Understandings, home: Home
) -> None:
    assert understandings(language).recognize(text, home=home).entities == (entity,)
