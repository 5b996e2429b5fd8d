"""Wishing: whether what a sentence's words stand for is an order, a question, or but told.

"Blinds closed" wishes for it, "closed the blinds" tells; "it's cold in the garden" can only ask.
"""

from __future__ import annotations

from collections.abc import Sequence

from alicia.language.asking import MEASURED, asks
from alicia.language.concepts import Concept
from alicia.language.meaning import EVERY_OP, Wanted
from alicia.language.whom import DOMAINS, Place, Scene

_ALL = "everything"
_OPEN = frozenset({"nothing", "set", "put", "to", "at", "by", "all", "and", "cop", "asks", "dim"})
"""Concepts after which more follows, where a word of them may end no sentence."""
_SURE = frozenset({"and", "off", "close"})
"""Concepts beside which no word may mean nothing that could mean something: "an", "on the"."""
_BEFORE = {"ing": "mind", "done": "wish"}
"""Forms of verbs that ask for something only after such words: "I'd like it turned off"."""
WISHES = frozenset({"set", "put", "wish", "let", "give"})
"""Concepts with which a state is wished for wherever it stands: "keep closed the blinds"."""
_FELT = frozenset({"adj:cold", "adj:hot", "adj:warm"})
"""How it may be in a room, whether somebody asks or complains."""
_OF_IT = frozenset({"adj:weak", "adj:strong"})
_MOVED = frozenset({"up", "down", "raise", "lower", "dim", "brighter", "dimmer"}) | frozenset(
    {"warmer", "cooler", "louder", "quieter", "faster", "slower", "increase", "decrease"}
)
"""Concepts of a direction, which may be gone on in."""
_FELT_OF = {
    "media_player": frozenset({"adj:loud", "adj:quiet"}),
    "light": frozenset({"adj:bright"}),
}
"""How only a thing itself can be."""
_NOT_OF_IT = frozenset(
    {"entity", "area", "floor", "here", "house", "all", "any", "and", "give", "what"}
)
"""Concepts of no sentence about what was spoken of before; nor are kinds, qualities, feelings."""
_OPENS = ("open", "unlock", "up", "free")
_DOING = frozenset(
    {"set", "put", "on", "off", "open", "close", "up", "down", "play", "start", "stop"}
)
_MOVING = frozenset({"on", "off", "open", "close", "up", "down", "play", "stop"})
_SHARED = frozenset({"number", "percent", "degree", "full", "half", "least"})
"""What both sides of an "and" may have said once: "the lamp and the light to 20 percent"."""


def dims_a_color(names: set[str]) -> bool:
    """Whether a colour is to be more or less, but not warmer: "the colour temperature down"."""
    return "attr:color" in names and not names & {"warmer", "cooler"}


def only_says(concepts: Sequence[Concept], want: Wanted) -> bool:
    """Whether it says but how it is: "it's too hot", "it's hot, it's turned on"."""
    adjectives = all(op.startswith("adj:") for op in want.ops)
    return adjectives or any(concept.name == "state" for concept in concepts)


def measures(concepts: Sequence[Concept], scene: Scene) -> bool:
    """Whether only what can be read is named: "bedroom temperature"."""
    said = [concept for concept in concepts if concept.name != "nothing"]
    if len(said) == 1 and said[0].name == "entity" and isinstance(said[0].value, tuple):
        return scene.home.entity(said[0].value[0]).domain == "sensor"
    names = sorted(c.name for c in said)
    if len(names) == 2 and names[1] == "entity" and names[0] in MEASURED:
        return True  # "soundbar volume"
    return names in (["area", "attr:humidity"], ["area", "attr:temperature"])


def told_last(concepts: Sequence[Concept]) -> bool:
    """Whether it is said what to do only after the thing was named."""
    things = [at for at, concept in enumerate(concepts) if concept.name == "entity"]
    opens = [at for at, concept in enumerate(concepts) if concept.name in _OPENS]
    return bool(things and opens) and min(opens) > things[0]


def seen_as(concepts: Sequence[Concept], scene: Scene) -> Sequence[str]:
    """What a word that may ask or tell is: asking comes first, but for "it's cold"."""
    names = {concept.name for concept in concepts}
    if "what" in names or any(name.startswith("ask:") for name in names):
        return ("cop",)
    if not names & _FELT:
        return ("asks", "cop")
    place = next((c for c in concepts if c.name in ("area", "floor")), None)
    if place is None:
        return ("cop", "asks")
    there = (Place(area=place) if place.name == "area" else Place(floor=place)).entities(scene)
    # "It is cold in the garden" can only ask.
    return ("cop",) if any(entity.domain == "climate" for entity in there) else ("asks",)


def wished(concepts: Sequence[Concept]) -> bool:
    """Whether no form of a verb in it only tells: "closed the blinds" does, "blinds closed" not."""
    names = {concept.name for concept in concepts}
    if "maybe" in names and names & _SURE:
        return False
    if any(form in names and before not in names for form, before in _BEFORE.items()):
        return False
    if "state" not in names or names & WISHES:
        return True
    said = [concept.name.partition(":")[0] for concept in concepts]
    things = [at for at, name in enumerate(said) if name in ("entity", "kind")]
    places = [at for at, name in enumerate(said) if name in ("area", "floor")]
    return said.index("state") > max(things or places, default=-1)


def of_it(concepts: Sequence[Concept], domains: set[str]) -> bool:
    """Whether it names nothing, but for a quality that all these kinds of things have.

    How it is where one is says nothing of them, unless it says what is to be done as well.
    """
    names = {concept.name for concept in concepts}
    if "half" in names and any(name.startswith("adj:") for name in names):
        return False  # "Too loud, half that" is half of what it was.
    theirs = {f"attr:{kind}" for kind, domain in DOMAINS.items() if {domain} == domains}
    theirs |= _FELT_OF.get(next(iter(domains)), frozenset()) if len(domains) == 1 else set()
    if any(name in EVERY_OP and not name.startswith("adj:") for name in names):
        theirs |= {name for name in names if name.startswith("adj:")}
    kinds = {n for n in names - _OF_IT - theirs if n.startswith(("kind:", "attr:", "adj:"))}
    return not asks(concepts) and not kinds and not names & _NOT_OF_IT


def plain(concepts: Sequence[Concept]) -> Sequence[Concept]:
    """Without a "more" that only says on: "down more" is down."""
    moved = any(concept.name in _MOVED for concept in concepts)
    return [c for c in concepts if c.name != "more"] if moved else concepts


def repeats(concepts: Sequence[Concept]) -> bool:
    """Whether it says on both sides of an "and" what is to be done: those are two commands."""
    names = [concept.name for concept in concepts]
    if "and" not in names:
        return False
    sides = [set(side.split()) for side in " ".join(names).split(" and ")]
    if "set" not in sides[-1]:
        sides[0].discard("set")  # "Turn the lamp and the ceiling light off" says it once.
    if sum(bool(_DOING & side) for side in sides) > 1:
        return True
    # "The lamp to ten percent and the blinds down" are two; "… and the blinds to ten" are one.
    if sides[-1] & _MOVING:
        return any(side & _SHARED for side in sides[:-1])
    # "The blinds down and the lamp to ten percent" are two; "down the blinds and …" is one.
    first = [concept.name for concept in concepts[: names.index("and")]]
    return bool(sides[-1] & _SHARED) and _told_of(first)


def may_end(concepts: Sequence[Concept]) -> bool:
    """Whether no more must follow, where the last word may end no sentence."""
    return concepts[-1].name not in _OPEN or asks(concepts)


def shades(concepts: Sequence[Concept]) -> bool:
    return any(concept.name.startswith(("color:", "tone:")) for concept in concepts)


def _told_of(names: Sequence[str]) -> bool:
    """Whether what is to be done is said after what it is done to."""
    things = [at for at, name in enumerate(names) if name.startswith(("entity", "kind:"))]
    moved = [at for at, name in enumerate(names) if name in _MOVING]
    return bool(things and moved) and things[0] < moved[0]


def spares(concepts: Sequence[Concept]) -> bool:
    """Whether it says "and", or may leave some of all as they are: "all off, the lamp on"."""
    names = {concept.name for concept in concepts}
    every = names & {"all", "house", f"kind:{_ALL}"}
    return "and" in names or bool(every and {"on", "off"} <= names)
