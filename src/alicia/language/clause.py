"""Clause: what the morphemes of one sentence say, in no order.

Whom it is about, what is to be done, how much, and whether it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alicia.language.morphemes import Morpheme, Sense

_MORE = frozenset({"up", "brighter", "warmer", "stronger", "louder"})
_LESS = frozenset({"down", "dimmer", "cooler", "weaker", "quieter"})
_VAGUE = ("up", "down", "set")
"""Verbs that say less than any other beside them."""
_LISTS = {
    "kind": "kinds",
    "prop": "props",
    "verb": "verbs",
    "state": "states",
    "wondered": "states",
    "past": "pasts",
    "level": "levels",
    "color": "colors",
    "tone": "tones",
    "floor": "floors",
}


@dataclass
class Clause:
    things: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    """For each name that was said, the entities that have it; `shorts`: if the room is known."""
    shorts: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    rooms: list[str] = field(default_factory=list[str])
    floors: list[str] = field(default_factory=list[str])
    kinds: list[str] = field(default_factory=list[str])
    props: list[str] = field(default_factory=list[str])
    verbs: list[str] = field(default_factory=list[str])
    states: list[str] = field(default_factory=list[str])
    pasts: list[str] = field(default_factory=list[str])
    levels: list[str] = field(default_factory=list[str])
    colors: list[str] = field(default_factory=list[str])
    tones: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])
    asks: set[str] = field(default_factory=set[str])
    marks: set[str] = field(default_factory=set[str])
    numbers: list[float] = field(default_factory=list[float])
    unit: str | None = None
    aimed: bool = False
    """The number is where it ends, not how far it goes: "to 20"."""
    weak: bool = False
    """What is to be done is an adjective, which may as well describe: "bright"."""
    locking: bool = False
    """A lock was spoken of, and not the door alone."""
    stray: bool = False
    """A word is where it says something else than what it is known for."""
    topic: bool = False
    """It ends in what is spoken of: "the temperature in the bedroom?\""""

    ends_in_prop: bool = False
    """Its last word is what is measured: "the bathroom's temperature"."""

    ends_in_value: bool = False
    """Its last word is how much, or which colour."""

    @property
    def named(self) -> bool:
        return bool(self.things or self.shorts or self.kinds)

    @property
    def direction(self) -> int:
        """1 for more, -1 for less, 0 for neither, or for both."""
        said = set(self.verbs)
        return bool(said & _MORE) - bool(said & _LESS)

    @property
    def verb(self) -> str | None:
        """What is to be done; "" where nothing is said, None where it is several things."""
        said = list(dict.fromkeys(self.verbs))
        telling = [verb for verb in said if verb not in _VAGUE]
        if {"up", "down"} & set(said) and set(telling) - _MORE - _LESS:
            return None
        if (
            len(telling) > 1
            and not set(said) - {"set"} <= _MORE
            and not set(said) - {"set"} <= _LESS
        ):
            return None
        vague = [verb for verb in said if verb != "set"]
        if not telling and len(vague) > 1:
            return None
        return next(iter([*telling, *vague, *said]), "")


def clause(morphemes: Sequence[Morpheme], *, asked: bool) -> Clause:
    """What these morphemes say; `asked` where a question mark ended them."""
    made = Clause()
    if asked:
        made.asks.add("mark")
    names = sum(bool(m.which("thing") or m.which("kind")) for m in morphemes)
    many = names == 1 and any(m.which("mark") in ("all", "every") for m in morphemes)
    about = any(m.which("kind") or (m.which("thing") and not m.which("room")) for m in morphemes)
    for at, morpheme in enumerate(morphemes):
        if morpheme.which("mark") == "opener" and len(morpheme.senses) == 1:
            made.stray = made.stray or at > 0
            continue
        before = morphemes[at - 1] if at else None
        after = morphemes[at + 1 :]
        if morpheme.number is not None:
            _number(made, morpheme, before, after)
        elif not _named(made, morpheme, about=about, many=many):
            others = any(m.which("verb") for m in morphemes if m is not morpheme)
            asking = asked or any(m.which("ask") for m in morphemes)
            _said(made, morpheme, before, after, others=others, asking=asking)
    last, first = morphemes[-1], morphemes[0]
    if {which for kind, which in first.senses if kind == "mark"} & {"soften", "because"}:
        # What ends a sentence begins this one: it is another word.
        made.stray = made.stray or len({kind for kind, _ in first.senses}) == 1
    content = [m for m in morphemes if any(kind != "mark" for kind, _ in m.senses)]
    made.ends_in_value = bool(content) and any(
        content[-1].which(kind) is not None for kind in ("number", "unit", "level", "color", "tone")
    )
    made.ends_in_prop = last.which("prop") is not None
    made.topic = last.which("topic") is not None
    lone = {m.senses[0][1] for m in morphemes if len(m.senses) == 1 and m.which("mark")}
    made.marks |= {f"only {mark}" for mark in lone}
    return made


def _number(
    made: Clause, morpheme: Morpheme, before: Morpheme | None, after: Sequence[Morpheme]
) -> None:
    """Takes a number, with what stands around it."""
    value = morpheme.number or 0.0
    rest = [m for m in after[:3] if not m.which("unit")]
    united = bool(after) and after[0].which("unit") is not None
    half = united and len(after) > 1 and after[1].which("level") == "half"
    if before is not None and (before.which("mark") == "to" or before.which("verb") == "set"):
        made.aimed = True
    if before is not None and before.which("mark") == "percent_before":
        made.unit = "percent"
    if rest and ("mark", "to") in rest[0].senses:
        made.aimed = True
    made.numbers.append(value + (0.5 if half else 0.0))
    if united and after[0].which("unit") == "tenths":
        made.numbers[-1] *= 10
    if half:
        made.unit = after[0].which("unit")
        # The unit is taken here, and the half after it must not be a level.
        made.marks.add("and a half")


def _named(made: Clause, morpheme: Morpheme, *, about: bool, many: bool) -> bool:
    if many and (whole := morpheme.which("whole")):
        # "All the kitchen lights", though one of them is called "the kitchen light".
        room, kind = whole.split(" ")
        made.rooms.append(room)
        made.kinds.append(kind)
        return True
    things = tuple(which for kind, which in morpheme.senses if kind == "thing")
    shorts = tuple(which for kind, which in morpheme.senses if kind == "short")
    room = morpheme.which("room")
    if room and (about or not things):
        made.rooms.append(room)
    elif things:
        made.things.append(things)
        made.locking = made.locking or morpheme.which("locking") is not None
    elif shorts:
        made.shorts.append(shorts)
    return bool(room or things or shorts)


def _said(
    made: Clause,
    morpheme: Morpheme,
    before: Morpheme | None,
    after: Sequence[Morpheme],
    *,
    others: bool,
    asking: bool,
) -> None:
    """Takes what is no name: `others` where another word says what is to be done."""
    complaint = morpheme.which("complaint") or morpheme.which("reason")
    described = before is not None and before.which("mark") == "too"
    if complaint and (described or not morpheme.which("verb")):
        made.complaints.append(complaint)
        made.weak = made.weak or morpheme.which("weak") is not None
        made.stray = made.stray or bool(made.verbs)
        return
    if "and a half" in made.marks and morpheme.which("level") == "half":
        made.marks.discard("and a half")
        return
    for kind, which in _meant(morpheme, others=others, asking=asking):
        if kind in _LISTS:
            getattr(made, _LISTS[kind]).append(which)
        elif kind == "unit" and before is not None and before.number is not None:
            made.unit = "percent" if which == "tenths" else which
        elif kind == "mark":
            made.marks.add(which)
        elif kind == "ask":
            _asked(made, morpheme, which, after)
        made.weak = made.weak or kind == "weak"
        made.locking = made.locking or kind == "locking"


def _meant(morpheme: Morpheme, *, others: bool, asking: bool) -> list[Sense]:
    """Its senses, but for those that it can't have here."""
    drop: set[str] = set()
    if morpheme.which("verb"):
        if morpheme.which("kind"):
            # "The lock" where something else is done, and else "to lock".
            drop.add("verb" if others else "kind")
        if morpheme.which("state"):
            drop.add("verb" if asking else "state")
    return [sense for sense in morpheme.senses if sense[0] not in drop]


def _asked(made: Clause, morpheme: Morpheme, which: str, after: Sequence[Morpheme]) -> None:
    """A word that makes a question at the end of a sentence is another word in its middle."""
    trailing = all(
        m.which("mark") in ("soft", "soften") or m.which("topic") or m.which("ask") == "tell"
        for m in after
    )
    if which != "so" or trailing:
        made.asks.add(which)
    elif len(morpheme.senses) == 1:
        made.stray = True
