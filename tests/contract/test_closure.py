"""Nothing is forgotten: what is heard is said, what is asked is served, all has one owner."""

import inspect
from collections import Counter
from importlib import resources

import pytest
from tests.rows import rows

from alicia import errors
from alicia.contracts import declared, name_of
from alicia.contracts.kinds import AnyTopic, Command, State, Stream
from alicia.language.phrases import phrase
from alicia.runtime.roster import PEERS, ROOMS, Room, built, declarations, needs, room
from alicia.runtime.service import Service, background, handled, served

LANGUAGES = sorted(
    path.name.removesuffix(".toml")
    for path in resources.files("alicia.language").joinpath("data", "phrases").iterdir()
)
SPOKEN = {
    "bus",
    "contract",
    "setup",
    "security",
    "voice",
    "intent",
    "device",
    "persona",
    "schedule",
    "upstream",
}
"""Families that a person can meet; the others end as "something went wrong"."""
GROUPS = {"core": 6, "voice": 4, "devices": 4, "advanced": 4, "supporting": 5}


def everyone_who(verb: str, topic: AnyTopic) -> list[str]:
    return [name for name, mine in declarations().items() if topic in getattr(mine, verb)]


def topics(*kinds: type[AnyTopic]) -> list[AnyTopic]:
    return [topic for topic in declared().values() if isinstance(topic, kinds)]


# ---- the roster ---------------------------------------------------------------------------------


def test_the_house_has_its_23_rooms_in_five_groups() -> None:
    assert Counter(entry.group for entry in ROOMS) == GROUPS
    assert len({entry.name for entry in ROOMS}) == 23


def test_a_name_is_taken_once() -> None:
    names = Counter(entry.name for entry in (*ROOMS, *PEERS))
    assert [name for name, count in names.items() if count > 1] == []


@rows("entry", built(), ids=lambda entry: entry.name)
def test_a_room_is_where_the_roster_says(entry: Room) -> None:
    found = entry.load()
    assert issubclass(found, Service)
    assert found.name == entry.name


@rows("entry", built(), ids=lambda entry: entry.name)
def test_a_room_says_what_it_is_for(entry: Room) -> None:
    kind = entry.load()
    module = inspect.getmodule(kind)
    assert module is not None
    assert (module.__doc__ or "").strip(), f"{module.__name__} has no docstring"


@rows("entry", built(), ids=lambda entry: entry.name)
def test_a_room_does_something(entry: Room) -> None:
    kind = entry.load()
    assert served(kind) or handled(kind) or background(kind) or kind.says or kind.asks


# ---- who does what ------------------------------------------------------------------------------


@rows("topic", topics(State), ids=name_of)
def test_a_state_has_one_writer(topic: AnyTopic) -> None:
    writers = everyone_who("says", topic)
    if topic.each_own:
        assert "service" in topic.places, "each writes under its own name"
        assert writers == list(declarations())
    else:
        assert len(writers) == 1, writers


@rows("topic", topics(Command), ids=name_of)
def test_a_command_is_served_by_one_service(topic: AnyTopic) -> None:
    servers = everyone_who("serves", topic)
    if topic.each_own:
        assert servers == list(declarations())
    else:
        assert len(servers) == 1, servers


@rows("topic", list(declared().values()), ids=name_of)
def test_a_topic_is_used_from_both_sides(topic: AnyTopic) -> None:
    if isinstance(topic, Command):
        assert everyone_who("asks", topic), "nobody asks it"
        assert everyone_who("serves", topic), "nobody serves it"
    else:
        assert everyone_who("says", topic), "nobody says it"
        assert everyone_who("hears", topic), "nobody hears it"


@rows("name", sorted(entry.name for entry in built()))
def test_a_verb_fits_the_kind_of_message(name: str) -> None:
    mine = declarations()[name]
    for topic in (*mine.says, *mine.hears):
        assert not isinstance(topic, Command), name_of(topic)
    for topic in (*mine.asks, *mine.serves):
        assert isinstance(topic, Command), name_of(topic)


@rows("name", sorted(entry.name for entry in built()))
def test_a_method_takes_what_its_command_carries(name: str) -> None:
    for method, how in served(room(name).load()).items():
        hints = inspect.get_annotations(getattr(room(name).load(), method), eval_str=True)
        takes = [hint for parameter, hint in hints.items() if parameter != "return"]
        assert takes == [how.command.payload], method
        assert hints["return"] is how.command.reply, method


def test_what_a_service_needs_is_in_the_house() -> None:
    names = {entry.name for entry in built()}
    for name in names:
        assert set(needs(name)) <= names


# ---- the contract itself ------------------------------------------------------------------------


def test_no_two_topics_take_each_others_messages() -> None:
    patterns = list(declared().values())
    for one in patterns:
        example = "/".join(_levels(one))
        assert [name_of(t) for t in patterns if t.match(example) is not None] == [name_of(one)]


@rows("topic", list(declared().values()), ids=name_of)
def test_a_place_is_a_field_of_the_payload(topic: AnyTopic) -> None:
    fields = getattr(topic.payload, "model_fields")  # noqa: B009 - Payload is a Protocol
    for place in topic.places:
        assert fields[place].annotation is str
        assert fields[place].is_required()


@rows("topic", list(declared().values()), ids=name_of)
def test_a_topic_is_written_in_lower_snake_case(topic: AnyTopic) -> None:
    for level in _levels(topic):
        assert level == level.lower()
        assert level.replace("_", "a").isalnum()
    assert topic.pattern.split("/")[0] in ("system", "voice", "devices", "advanced")


def test_a_payloads_name_is_taken_once() -> None:
    kinds = {t.payload for t in declared().values()}
    kinds |= {t.reply for t in declared().values() if isinstance(t, Command)}
    names = Counter(kind.__name__ for kind in kinds)
    assert [name for name, count in names.items() if count > 1] == []


@rows("topic", topics(Stream), ids=name_of)
def test_a_stream_fades(topic: AnyTopic) -> None:
    assert topic.expiry_s


def _levels(topic: AnyTopic) -> list[str]:
    return [level.strip("{}") for level in topic.pattern.split("/")]


# ---- errors -------------------------------------------------------------------------------------


@rows("code", sorted(errors.all_codes()))
def test_an_error_is_a_sentence_with_a_code_in_its_family(code: str) -> None:
    kind = errors.all_codes()[code]
    assert kind.code == code
    assert kind.__name__.endswith("Error")
    text = inspect.cleandoc(kind.__doc__ or "")
    assert text[:1].isupper(), text
    assert text.endswith("."), text
    parent = kind.__bases__[0]
    if parent not in (errors.AliciaError, Exception):
        assert code.startswith(f"{getattr(parent, 'code')}.")  # noqa: B009


@rows("code", sorted(errors.all_codes()))
def test_an_error_crosses_the_bus_as_the_same_class(code: str) -> None:
    kind = errors.all_codes()[code]
    wire = kind(entity="lamp").to_wire()
    raised = errors.from_wire(wire["code"], wire["message"], wire["fields"])
    assert type(raised) is kind
    assert raised.fields == {"entity": "lamp"}


def test_an_error_of_a_newer_release_is_the_nearest_family_we_know() -> None:
    raised = errors.from_wire("device.on_strike", "The lamp is on strike.")
    assert type(raised) is errors.DeviceError
    assert raised.fields["code"] == "device.on_strike"


def test_a_code_is_taken_once() -> None:
    with pytest.raises(TypeError, match="taken"):
        type("AgainError", (errors.DeviceError,), {}, code=".unavailable")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_has_a_phrase_of_its_own_or_of_its_family(language: str) -> None:
    unspecific = phrase("alicia", language)
    silent = {
        code
        for code in errors.all_codes()
        if code.partition(".")[0] in SPOKEN and phrase(code, language) in ("", unspecific)
    }
    assert not silent


def test_there_are_phrases_in_nine_languages() -> None:
    assert len(LANGUAGES) == 9
