"""Every message survives its way over the bus, whatever it holds."""

import json
import types
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MinLen, MultipleOf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.rows import rows

from alicia.contracts import declared, name_of
from alicia.contracts.kinds import AnyTopic, AudioPayload, Command
from alicia.errors import MalformedMessageError

SAMPLES = Path(__file__).parent / "samples"
TOPICS = list(declared().values())

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEVEL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/+#"),
    min_size=1,
    max_size=12,
)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

scarce = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def of_type(  # noqa: PLR0911 - one line per type
    annotation: Any, limits: tuple[Any, ...] = ()
) -> st.SearchStrategy[Any]:
    """Values of a field's type within its limits."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return of_type(arguments[0], (*limits, *arguments[1:]))
    if origin in (Union, types.UnionType):
        return st.one_of([of_type(option, limits) for option in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        least = max((limit.min_length for limit in limits if isinstance(limit, MinLen)), default=0)
        return st.lists(of_type(arguments[0]), min_size=least, max_size=least + 3)
    if origin is dict:
        return st.dictionaries(TEXT, of_type(arguments[1]), max_size=3)
    if annotation is Any:
        return JSON
    if annotation is type(None):
        return st.none()
    if issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if issubclass(annotation, BaseModel):
        return instances(annotation)
    return _plain(annotation, limits)


def _short(text: str) -> str:
    return text[:32]


def _limit(limits: tuple[Any, ...], kind: type, name: str) -> Any:
    return next((getattr(limit, name) for limit in limits if isinstance(limit, kind)), None)


def _plain(kind: type, limits: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    least, most = _limit(limits, Ge, "ge"), _limit(limits, Le, "le")
    above = _limit(limits, Gt, "gt")
    least = above + 1 if least is None and above is not None else least
    if kind is bool:
        return st.booleans()
    if kind is int:
        step = _limit(limits, MultipleOf, "multiple_of") or 1
        low = -(2**53) if least is None else least
        high = 2**53 if most is None else most
        return st.integers(-(-low // step), high // step).map(lambda n: n * step)
    if kind is float:
        return st.floats(least, most, allow_nan=False, allow_infinity=False)
    if kind is str:
        pattern = next((p for limit in limits if (p := getattr(limit, "pattern", None))), None)
        return TEXT if pattern is None else st.from_regex(pattern, fullmatch=True).map(_short)
    if kind is bytes:
        return st.binary(max_size=640).map(lambda raw: raw[: len(raw) // 2 * 2])
    raise NotImplementedError(kind)


def instances(kind: type[BaseModel], places: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Whole messages; a place of the topic can be a level of it."""
    fields = {
        name: LEVEL if name in places else of_type(field.annotation, tuple(field.metadata))
        for name, field in kind.model_fields.items()
    }
    return st.fixed_dictionaries(fields).map(kind.model_validate)


@rows("topic", TOPICS, ids=name_of)
def test_a_message_comes_out_as_it_went_in_and_a_newer_peers_optional_field_does_no_harm(
    topic: AnyTopic,
) -> None:
    binary = issubclass(topic.payload, AudioPayload)
    if binary:
        assert topic.payload.schema_version == 1  # there a new field is a new version

    @scarce
    @given(instances(topic.payload, topic.places))
    def check(message: Any) -> None:
        places = topic.match(topic.name(message))
        assert places is not None
        assert topic.payload.decode(message.encode(), places) == message
        if not binary:
            newer = {**json.loads(message.encode()), "a_field_of_release_9": [1, "two"]}
            assert topic.payload.decode(json.dumps(newer).encode(), places) == message

    check()


@rows("command", [topic for topic in TOPICS if isinstance(topic, Command)], ids=name_of)
def test_a_reply_comes_out_as_it_went_in(command: Command[Any, Any]) -> None:
    @scarce
    @given(instances(command.reply))
    def check(message: Any) -> None:
        assert command.reply.decode(message.encode(), {}) == message

    check()


@rows("topic", TOPICS, ids=name_of)
def test_noise_is_refused_as_malformed_and_nothing_else(topic: AnyTopic) -> None:
    @scarce
    @given(st.binary(max_size=60))
    def check(noise: bytes) -> None:
        try:
            topic.payload.decode(noise, dict.fromkeys(topic.places, "x"))
        except MalformedMessageError:
            return

    check()


# ---- samples of earlier releases ----------------------------------------------------------------


def samples() -> list[Path]:
    return sorted(SAMPLES.glob("*/*.json"))


def test_every_topic_has_a_sample_of_this_release() -> None:
    missing = set(declared()) - {path.stem for path in samples()}
    assert not missing, "write them: .venv/bin/python scripts/samples.py"


@rows("path", samples(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_sample_of_a_release_still_decodes(path: Path) -> None:
    sample = json.loads(path.read_text("utf-8"))
    topic = declared()[path.stem]
    places = topic.match(sample["topic"])
    assert places is not None, "the topic has changed: that is a new message"
    message = topic.payload.decode(_raw(sample, "payload"), places)
    assert topic.name(message) == sample["topic"]
    if isinstance(topic, Command):
        topic.reply.decode(_raw(sample, "reply"), {})


def _raw(sample: dict[str, Any], part: str) -> bytes:
    if f"{part}_hex" in sample:
        return bytes.fromhex(sample[f"{part}_hex"])
    return json.dumps(sample[part]).encode()
