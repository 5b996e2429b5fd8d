"""The reference page of all messages, derived from the contract and the roster.

What a field means is written once, as the string under the field; it is read from the source, so
that no process pays for it while it runs.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alicia.bus.bus import Declaration
from alicia.contracts import MODULES, declared
from alicia.contracts.kinds import AnyTopic, AudioPayload, Command, Stream
from alicia.runtime.roster import declarations

HEAD = """\
# Messages

Generated from `alicia.contracts` by `make generate`; not edited by hand.

Topics stand under the root of the house (`alicia`, unless its settings say otherwise). A `{place}`
is a field of the payload. A field marked *personal* is somebody's own: never in a log, hidden in a
tap unless asked for. Optional fields may be left out; unknown fields are ignored.

| kind | what it is | QoS | retained |
|---|---|---|---|
| Event | something happened; to everyone who hears it | 1 | no |
| State | what is true now; one writer | 1 | yes |
| Stream | ordered and lossy, binary | 0 | no |
| Command | one is asked, and answers or says why not | 1 | no |
"""


# ---- reading the source -------------------------------------------------------------------------


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _definition(kind: type) -> ast.ClassDef | None:
    return _classes(kind.__module__).get(kind.__name__)


def _is_ours(kind: type) -> bool:
    return kind.__module__.split(".")[0] not in ("builtins", "pydantic", "enum", "typing")


def described(kind: type) -> dict[str, str]:
    """What each field or member means: the string under it, bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        node = _definition(base) if _is_ours(base) else None
        body = node.body if node else []
        for field, below in pairwise(body):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name))
                    | ast.Assign(targets=[ast.Name(id=name)]),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
                case _:
                    pass
    return found


def annotated(kind: type[BaseModel]) -> dict[str, str]:
    """The type of each field as its author wrote it."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        node = _definition(base) if _is_ours(base) else None
        for field in node.body if node else []:
            match field:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    found[name] = ast.unparse(annotation)
                case _:
                    pass
    return found


def sentence(kind: type) -> str:
    """What a class says of itself, not what it inherits."""
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")


@cache
def aliases() -> dict[str, tuple[str, str]]:
    """Types that the contract names without a class: how they are written, what they mean."""
    found: dict[str, tuple[str, str]] = {}
    for module in MODULES:
        body = ast.parse(inspect.getsource(module)).body
        for field, below in pairwise(body):
            match field, below:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = (ast.unparse(value), " ".join(text.split()))
                case _:
                    pass
    return found


def is_personal(annotation: str) -> bool:
    return "Personal" in annotation


# ---- walking the contract -----------------------------------------------------------------------


def payloads(topic: AnyTopic) -> tuple[type[Any], ...]:
    """What travels on a topic, the reply last."""
    return (topic.payload, topic.reply) if isinstance(topic, Command) else (topic.payload,)


def models() -> list[type[BaseModel]]:
    """Every payload once, in the order of the topics."""
    return list(dict.fromkeys(kind for t in declared().values() for kind in payloads(t)))


@cache
def parts() -> list[type]:
    """What payloads are made of: the models and enums that no topic carries itself."""
    named: dict[str, type] = {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, (BaseModel, Enum))
    }
    whole = models()
    found: list[type] = []
    todo: list[type] = list(whole)
    while todo:
        kind = todo.pop(0)
        if not issubclass(kind, BaseModel):
            continue
        for text in annotated(kind).values():
            for name in _names_in(text):
                part = named.get(name)
                if part is not None and part not in found and part not in whole:
                    found.append(part)
                    todo.append(part)
    return sorted(found, key=lambda kind: kind.__name__)


def _names_in(annotation: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(annotation, mode="eval")):
        if isinstance(node, ast.Name):
            yield node.id


def who(verb: str, topic: AnyTopic, everyone: dict[str, Declaration]) -> list[str]:
    """The identities that say, hear, ask or serve a topic, in the roster's order."""
    return [name for name, mine in everyone.items() if topic in getattr(mine, verb)]


def kind_of(topic: AnyTopic) -> str:
    return type(topic).__name__


# ---- the page -----------------------------------------------------------------------------------


def page() -> str:
    """`docs/reference/messages.md`."""
    everyone = declarations()
    shown: dict[type, str] = {}
    out = [HEAD]
    for module in MODULES:
        mine = {name: t for name, t in declared().items() if vars(module).get(name) is t}
        out.append(f"## {module.__name__.rpartition('.')[2].capitalize()}\n")
        out.append((module.__doc__ or "").strip().partition("\n")[0] + "\n")
        out.append(_contents(mine))
        for name, topic in mine.items():
            out.append(_section(name, topic, everyone, shown))
    out.append("## Parts\n")
    out.append("What the payloads above are made of.\n")
    out.extend(_part(kind) for kind in parts())
    for name, (written, text) in sorted(aliases().items()):
        out.append(f"### {name}\n\n`{written}`\n\n{text}\n")
    return "\n".join(out).rstrip() + "\n"


def _contents(topics: dict[str, AnyTopic]) -> str:
    rows = [
        (f"[{name}](#{name.lower()})", kind_of(topic), f"`{topic.pattern}`")
        for name, topic in topics.items()
    ]
    return _table(("constant", "kind", "topic"), rows)


def _section(
    name: str, topic: AnyTopic, everyone: dict[str, Declaration], shown: dict[type, str]
) -> str:
    out = [f"### {name}\n", _line(topic) + "\n"]
    if topic.doc:
        out.append(topic.doc + "\n")
    out.append(_people(topic, everyone) + "\n")
    for label, kind in zip(("Payload", "Reply"), payloads(topic), strict=False):
        out.append(_payload(label, kind, name, shown))
    return "\n".join(out)


def _line(topic: AnyTopic) -> str:
    facts = [f"**{kind_of(topic)}** `{topic.pattern}`"]
    if isinstance(topic, Command):
        facts.append(f"deadline {topic.deadline_s:g} s")
        facts.append("may be asked again" if topic.idempotent else "asked once")
    elif topic.expiry_s:
        facts.append(f"fades after {topic.expiry_s:g} s")
    if isinstance(topic, Stream):
        facts.append("binary")
    return ", ".join(facts)


def _people(topic: AnyTopic, everyone: dict[str, Declaration]) -> str:
    verbs = (
        (("asks", "asked by"), ("serves", "served by"))
        if isinstance(topic, Command)
        else (("says", "said by"), ("hears", "heard by"))
    )
    told: list[str] = []
    for verb, words in verbs:
        names = who(verb, topic, everyone)
        if len(names) == len(everyone):
            text = "everyone, for itself" if topic.each_own and verb != "hears" else "everyone"
        else:
            text = ", ".join(names) or "nobody yet"
        told.append(f"{words} {text}")
    return "; ".join(told).capitalize() + "."


def _payload(label: str, kind: type[BaseModel], topic: str, shown: dict[type, str]) -> str:
    title = f"{label} `{kind.__name__}`, version {getattr(kind, 'schema_version', 1)}"
    if kind in shown:
        return f"{title}: as in [{shown[kind]}](#{shown[kind].lower()}).\n"
    shown[kind] = topic
    text = sentence(kind)
    if issubclass(kind, AudioPayload):
        text = " ".join(filter(None, (text, sentence(AudioPayload))))
    out = [f"{title}{': ' + ' '.join(text.split()) if text else ''}\n"]
    if kind.model_fields:
        out.append(_fields(kind))
    else:
        out.append("It has no fields.\n")
    return "\n".join(out)


def _part(kind: type) -> str:
    out = [f"### {kind.__name__}\n"]
    if text := sentence(kind):
        out.append(" ".join(text.split()) + "\n")
    if issubclass(kind, Enum):
        means = described(kind)
        rows = [(f"`{m.value}`", means.get(m.name, "")) for m in kind]
        out.append(_table(("value", "meaning"), rows))
    elif issubclass(kind, BaseModel):
        out.append(_fields(kind))
    return "\n".join(out)


def _fields(kind: type[BaseModel]) -> str:
    means, types = described(kind), annotated(kind)
    elsewhere = {part.__name__ for part in parts()} | aliases().keys()
    rows: list[tuple[str, ...]] = []
    for name, field in kind.model_fields.items():
        meaning = means.get(name, "")
        if is_personal(types[name]):
            meaning = f"*Personal.* {meaning}"
        links = [f"[{n}](#{n.lower()})" for n in _names_in(types[name]) if n in elsewhere]
        meaning = " ".join(filter(None, (meaning.strip(), *links)))
        rows.append((f"`{name}`", f"`{types[name]}`", _needed(field), meaning))
    return _table(("field", "type", "required", "meaning"), rows)


def _needed(field: FieldInfo) -> str:
    if field.is_required():
        return "yes"
    plain = isinstance(field.default, (str, bool, int, float))
    return f"else `{str(field.default).lower()}`" if plain else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )
