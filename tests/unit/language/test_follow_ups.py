"""Sentences that mean something only after another, in nine languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import OutcomeKind, Result
from alicia.errors import (
    AliciaError,
    AmbiguousError,
    MissingSlotError,
    NotCapableError,
    NotUnderstoodError,
    UnknownEntityError,
)
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.follow_ups import topic_of
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding

LAMP, CEILING = "light.living_room_lamp", "light.living_room_ceiling"
BEDROOM = ("light.bedroom_lamp", "light.bedside_lamp")

# By language: turn on the living room's lamp; then, each after that: off, blue, brighter, to forty
# percent, and the bedroom, and the desk lamp.
CONVERSATIONS = {
    "en": ("Turn on the living room lamp.", "Turn it off.", "Make it blue.", "A bit brighter.",
           "To forty percent.", "And the bedroom?", "What about the desk lamp?"),
    "es": ("Enciende la lámpara del salón.", "Apágala.", "Ponla en azul.", "Un poco más luz.",
           "Al cuarenta por ciento.", "¿Y en el dormitorio?", "Y la lámpara del escritorio."),
    "fr": ("Allume la lampe du salon.", "Éteins-la.", "Mets-la en bleu.", "Un peu plus de lumière.",
           "À quarante pour cent.", "Et dans la chambre ?", "Et la lampe de bureau."),
    "de": ("Mach die Wohnzimmerlampe an.", "Mach sie aus.", "Mach sie blau.", "Etwas heller.",
           "Auf vierzig Prozent.", "Und im Schlafzimmer?", "Und die Schreibtischlampe."),
    "it": ("Accendi la lampada del soggiorno.", "Spegnila.", "Mettila in blu.", "Un po' più luce.",
           "Al quaranta per cento.", "E in camera da letto?", "E la lampada della scrivania."),
    "pt": ("Acenda o abajur da sala.", "Apague-o.", "Deixe ele azul.", "Um pouco mais claro.",
           "Em quarenta por cento.", "E no quarto?", "E a lâmpada da mesa."),
    "zh": ("打开客厅的台灯。", "把它关掉。", "变成蓝色。", "再亮一点。",
           "调到百分之四十。", "那卧室呢？", "书桌灯呢？"),
    "ja": ("リビングのランプをつけて。", "消して。", "青にして。", "もう少し明るくして。",
           "40パーセントにして。", "寝室も。", "デスクランプも。"),
    "ko": ("거실 램프 켜 줘.", "꺼 줘.", "파란색으로 해 줘.", "좀 더 밝게 해 줘.",
           "40퍼센트로 해 줘.", "침실은?", "책상 램프도."),
}  # fmt: skip


def changes(plan: Plan) -> list[tuple[tuple[str, ...], str, object]]:
    return [(a.entities, a.capability, a.value) for a in plan.actions]


def after(understanding: Understanding, text: str, home: Home) -> Topic:
    topic = topic_of(understanding.recognize(text, home=home))
    assert topic is not None
    return topic


@pytest.mark.parametrize("language", CONVERSATIONS)
def test_it_is_what_was_spoken_of_before(
    language: str, understandings: Callable[[str], Understanding], home: Home
) -> None:
    understanding = understandings(language)
    first, off, blue, brighter, forty, bedroom, desk = CONVERSATIONS[language]
    topic = after(understanding, first, home)

    def then(text: str) -> list[tuple[tuple[str, ...], str, object]]:
        return changes(understanding.recognize(text, home=home, topic=topic))

    assert then(first) == [((LAMP,), "power", True)]
    assert then(off) == [((LAMP,), "power", False)]
    assert then(blue) == [((LAMP,), "color", "blue")]
    assert then(brighter) == [((LAMP,), "brightness", 20.0)]
    assert then(forty) == [((LAMP,), "brightness", 40.0)]
    assert then(bedroom) == [(BEDROOM, "power", True)]
    assert then(desk) == [(("light.office_desk",), "power", True)]


@pytest.mark.parametrize("language", CONVERSATIONS)
def test_an_answer_to_a_follow_up_is_told_in_its_language(
    language: str, understandings: Callable[[str], Understanding], home: Home
) -> None:
    understanding = understandings(language)
    first, *others = CONVERSATIONS[language]
    topic = after(understanding, first, home)
    for text in others:
        plan = understanding.recognize(text, home=home, topic=topic)
        results = [
            Result(
                entity_id=entity,
                capability=action.capability,
                value=action.value,
                outcome=OutcomeKind.CONFIRMED,
            )
            for action in plan.actions
            for entity in action.entities
        ]
        said = answer(plan, results, home, language)
        assert len(said) > 3, text
        assert "{" not in said
        assert "light." not in said


@pytest.mark.parametrize("language", CONVERSATIONS)
def test_without_a_topic_a_pronoun_moves_nothing(
    language: str, understandings: Callable[[str], Understanding], home: Home
) -> None:
    understanding = understandings(language)
    for text in CONVERSATIONS[language][1:3]:
        with pytest.raises(AliciaError):
            understanding.recognize(text, home=home)


def test_a_conversation_goes_on_in_another_language(
    understandings: Callable[[str], Understanding], home: Home
) -> None:
    topic = after(understandings("de"), "Mach die Wohnzimmerlampe an.", home)
    plan = understandings("ja").recognize("青にして", home=home, topic=topic)
    assert changes(plan) == [((LAMP,), "color", "blue")]


@pytest.mark.parametrize(
    ("first", "text", "wanted"),
    [
        ("Open the bedroom blinds.", "and the living room", "cover.living_room_blinds"),
        ("Open the bedroom blinds.", "close them again", "cover.bedroom_blinds"),
        ("Set the thermostat to 21 degrees.", "a bit more", "climate.thermostat"),
        ("Set the thermostat to 21 degrees.", "make it 19", "climate.thermostat"),
        ("Is the front door locked?", "lock it", "lock.front_door"),
    ],
)
def test_other_things_have_topics_too(
    first: str, text: str, wanted: str, english: Understanding, home: Home
) -> None:
    plan = english.recognize(text, home=home, topic=after(english, first, home))
    assert plan.entities == (wanted,)


def test_a_question_is_asked_again_about_another_room(english: Understanding, home: Home) -> None:
    topic = after(english, "What is the temperature in the bedroom?", home)
    plan = english.recognize("and in the living room?", home=home, topic=topic)
    assert plan.question is not None
    assert plan.question.capability == "temperature"
    rooms = {home.entity(entity).area_id for entity in plan.question.entities}
    assert rooms == {"living_room"}
    assert not plan.actions


@pytest.mark.parametrize("text", ["unlock it", "open it", "and the garage door", "to 50 percent"])
def test_nothing_protected_opens_because_of_a_pronoun(
    text: str, english: Understanding, home: Home
) -> None:
    locked = after(english, "Lock the front door.", home)
    closed = after(english, "Close the garage door.", home)
    opened = after(english, "Open the bedroom blinds.", home)
    for topic in (locked, closed, opened):
        try:
            plan = english.recognize(text, home=home, topic=topic)
        except AliciaError:
            continue
        opens = [
            action
            for action in plan.actions
            for entity in action.entities
            if home.entity(entity).protected and action.value not in (True, 0.0)
        ]
        assert not opens, text


def test_what_can_not_do_it_is_told_so(english: Understanding, home: Home) -> None:
    topic = after(english, "Turn on the kitchen light.", home)
    with pytest.raises(NotCapableError):
        english.recognize("make it blue", home=home, topic=topic)
    with pytest.raises(UnknownEntityError):
        english.recognize("and the garage", home=home, topic=topic)


def test_a_whole_command_is_none_of_it(english: Understanding, home: Home) -> None:
    topic = after(english, "Turn on the living room lamp.", home)
    plan = english.recognize("Turn off the coffee machine.", home=home, topic=topic)
    assert plan.entities == ("switch.coffee_machine",)
    with pytest.raises(NotUnderstoodError):
        english.recognize("we should paint it next summer", home=home, topic=topic)


def test_a_preview_of_a_follow_up_is_whole(english: Understanding, home: Home) -> None:
    topic = after(english, "Turn on the living room lamp.", home)
    assert english.preview("turn it off", home=home, topic=topic).complete
    assert not english.preview("turn it off", home=home).complete
    assert not english.preview("turn it", home=home, topic=topic).complete


def test_which_one_is_answered_by_what_tells_them_apart(english: Understanding, home: Home) -> None:
    lamps = [
        english.recognize(f"turn on the {name}", home=home)
        for name in ("bedroom lamp", "bedside lamp", "desk lamp")
    ]
    topic = topic_of(*lamps)
    assert topic is not None
    assert topic.which

    def then(text: str) -> tuple[str, ...]:
        return english.recognize(text, home=home, topic=topic).entities

    assert then("the desk lamp") == ("light.office_desk",)
    assert then("the one in the office, please") == ("light.office_desk",)
    assert then("the bedside lamp") == ("light.bedside_lamp",)
    assert set(then("all of them")) == {*BEDROOM, "light.office_desk"}
    with pytest.raises(NotUnderstoodError):
        then("the one in the bedroom")
    assert then("turn off the kitchen light") == ("light.kitchen",)


def test_a_question_back_tells_between_what(english: Understanding, home: Home) -> None:
    kitchen = home.entity("light.kitchen")
    twin = home.entity("light.office_desk").model_copy(
        update={"name": kitchen.name, "names": kitchen.names, "aliases": kitchen.aliases}
    )
    home.put_entity(twin)
    with pytest.raises(AmbiguousError) as raised:
        english.recognize("turn on the kitchen light", home=home)
    topic = Topic.model_validate(raised.value.fields["topic"])
    assert {e for action in topic.actions for e in action.entities} == {
        "light.kitchen",
        "light.office_desk",
    }
    plan = english.recognize("in the office", home=home, topic=topic)
    assert changes(plan) == [(("light.office_desk",), "power", True)]


WHERE = {
    "en": ("turn on the light", "in the kitchen please"),
    "de": ("mach das Licht an", "in der Küche"),
    "es": ("enciende la luz", "en la cocina"),
    "fr": ("allume la lumière", "dans la cuisine"),
    "it": ("accendi la luce", "in cucina"),
    "pt": ("acende a luz", "na cozinha"),
    "zh": ("打开灯", "厨房"),
    "ja": ("電気をつけて", "キッチンです"),
    "ko": ("불 켜 줘", "주방이요"),
}


@pytest.mark.parametrize("language", WHERE)
def test_in_which_room_is_answered_by_the_room(
    understandings: Callable[[str], Understanding], home: Home, language: str
) -> None:
    asked, answered = WHERE[language]
    understanding = understandings(language)
    with pytest.raises(MissingSlotError) as missing:
        understanding.recognize(asked, home=home)
    topic = Topic.model_validate(missing.value.fields["topic"])
    plan = understanding.recognize(answered, home=home, topic=topic)
    (action,) = plan.actions
    assert set(action.entities) == {"light.kitchen", "light.kitchen_counter"}
    assert (action.capability, action.value) == ("power", True)
    # Whoever wants something else instead has it.
    with pytest.raises(NotUnderstoodError):
        understanding.recognize("banana", home=home, topic=topic)


GOING_ON = [
    ("en", "set the heating to 19", "no, 23", "target_temperature", 23.0),
    ("en", "set the heating to 19", "make that twenty and a half", "target_temperature", 20.5),
    ("en", "make the living room lamp blue", "nah, try green", "color", "green"),
    ("es", "pon la lámpara del salón en rojo", "mejor en azul", "color", "blue"),
    ("es", "baja la persiana del dormitorio al 30", "no, al cincuenta", "position", 50.0),
    ("fr", "mets le chauffage à 22", "finalement plutôt 19", "target_temperature", 19.0),
    ("fr", "mets le lampadaire en bleu", "non, en jaune", "color", "yellow"),
    ("de", "stell die Heizung auf 22", "ach sagen wir lieber 20,5", "target_temperature", 20.5),
    ("it", "metti il riscaldamento a 21", "no, a 22", "target_temperature", 22.0),
    ("pt", "põe o abajur da sala azul", "não, verde", "color", "green"),
    ("zh", "厨房音箱放歌", "声音调到二十就好", "volume", 20.0),
    ("ja", "廊下の電気つけて", "やっぱり消して", "power", False),
    ("ko", "침대 램프 켜 줘", "아니 다시 꺼 줘", "power", False),
    # The same step again.
    ("en", "dim the hallway light", "a bit more", "brightness", -20.0),
    ("en", "turn up the heating", "a bit more", "target_temperature", 1.0),
    ("it", "abbassa la luce del corridoio", "ancora un po'", "brightness", -20.0),
    ("de", "mach das Licht im Flur dunkler", "noch etwas", "brightness", -20.0),
]


@pytest.mark.parametrize(("language", "before", "text", "capability", "value"), GOING_ON)
def test_what_was_set_is_set_anew(
    language: str,
    before: str,
    text: str,
    capability: str,
    value: object,
    understandings: Callable[[str], Understanding],
    home: Home,
) -> None:
    understanding = understandings(language)
    topic = after(understanding, before, home)
    found = understanding.recognize(text, home=home, topic=topic)
    assert [(a.capability, a.value) for a in found.actions] == [(capability, value)]
    assert found.entities == tuple(topic.actions[0].entities)


OTHERS = [
    ("en", "turn on the bedroom lamp", "turn the other one off", "light.bedside_lamp", False),
    ("en", "turn on the bedroom lamp", "and the other one too", "light.bedside_lamp", True),
    ("es", "enciende la lámpara del dormitorio", "apaga la otra", "light.bedside_lamp", False),
    ("de", "mach die Schlafzimmerlampe an", "die andere auch", "light.bedside_lamp", True),
    ("pt", "acende o abajur da cabeceira", "apaga o outro", "light.bedroom_lamp", False),
]


@pytest.mark.parametrize(("language", "before", "text", "entity", "on"), OTHERS)
def test_the_other_one_is_the_only_other_one_there(
    language: str,
    before: str,
    text: str,
    entity: str,
    on: bool,
    understandings: Callable[[str], Understanding],
    home: Home,
) -> None:
    understanding = understandings(language)
    topic = after(understanding, before, home)
    found = understanding.recognize(text, home=home, topic=topic)
    assert changes(found) == [((entity,), "power", on)]


@pytest.mark.parametrize(
    ("language", "first", "then"),
    [
        ("en", "how warm is it in the bedroom", "and outside?"),
        ("de", "wie warm ist es im Schlafzimmer", "und draußen?"),
    ],
)
def test_outside_is_asked_about_too(
    language: str,
    first: str,
    then: str,
    understandings: Callable[[str], Understanding],
    home: Home,
) -> None:
    understanding = understandings(language)
    topic = after(understanding, first, home)
    found = understanding.recognize(then, home=home, topic=topic)
    assert found.question is not None
    assert {home.entity(e).area_id for e in found.question.entities} == {"garden"}


def test_a_complaint_beside_a_follow_up_is_why(english: Understanding, home: Home) -> None:
    topic = after(english, "turn up the living room speaker", home)
    found = english.recognize("that's too loud, turn it down", home=home, topic=topic)
    assert [(a.capability, a.value) for a in found.actions] == [("volume", -10.0)]
    with pytest.raises(AliciaError):  # half of what it was
        english.recognize("that's too loud, half that", home=home, topic=topic)


@pytest.mark.parametrize(
    "text",
    [
        "no more light",
        "no, don't turn it off",
        "I turned it off",
        "the other one was off",
        "not 23",
        "honey, turn it off",
        'he shouted "turn it off"',
    ],
)
def test_talk_after_a_turn_moves_nothing(text: str, english: Understanding, home: Home) -> None:
    topic = after(english, "turn on the bedroom lamp", home)
    with pytest.raises(AliciaError):
        english.recognize(text, home=home, topic=topic)


def test_a_thing_that_is_named_is_meant_alone_whatever_was_spoken_of(
    understandings: Callable[[str], Understanding], home: Home
) -> None:
    korean = understandings("ko")
    topic = after(korean, "침대 램프 켜 줘", home)
    found = korean.recognize("주방 불 좀 켜 주세요.", home=home, topic=topic)
    assert changes(found) == [(("light.kitchen",), "power", True)]
