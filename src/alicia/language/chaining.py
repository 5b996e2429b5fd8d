"""Chaining: commands that follow one another with no word between: "電気消してカーテン閉めて"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from alicia.language.asking import asks
from alicia.language.concepts import Concept
from alicia.language.meaning import EVERY_OP
from alicia.language.plan import Plan
from alicia.language.several import contradict, narrowed, together, without_reasons

_MOST_COMMANDS = 4
_MOST_WAYS = 6
"""Ways to read a sentence that are looked at."""
_DOING = EVERY_OP | {"set"}
_TELLING = _DOING | {"to", "percent", "degree", "kelvin", "half", "full", "least"}
_NAMING = frozenset({"entity", "kind"})
_PLACING = _NAMING | {"area", "floor", "and"}
_NO_THING = frozenset({"kind:everything", "kind:sound", "kind:someone"})
_ACTS = frozenset({"on", "off", "open", "close", "lock", "unlock", "play", "pause", "roll"})
_NOT_GOING_ON = _PLACING | _ACTS | {"here", "house", "all", "attr", "start", "stop"}

Read = Callable[[Sequence[Concept], "Plan | None"], "Plan | None"]
"""The plan of a whole command, after another; None where it is none."""


def chained(
    ways: Iterable[Sequence[Concept]], read: Read, *, verb_last: bool = False
) -> Plan | None:
    """One plan of several commands, each of which says what is to be done, and to whom.

    What sets something and names nothing is said of what the one before it turned on.

    None where they can be parted in more than one way that comes to something else. Where verbs
    stand last, nothing is named after the one of a command that another follows.
    """
    for concepts in islice(ways, _MOST_WAYS):
        if asks(concepts) or sum(map(_tells, concepts)) <= 1:
            continue
        plans = _parted(concepts, read, _MOST_COMMANDS, None, verb_last)
        plans = [plan for plan in plans if not contradict(plan.parts)]
        if len({plan.actions for plan in plans}) == 1:
            return plans[0]
    return None


def _parted(
    concepts: Sequence[Concept], read: Read, most: int, before: Plan | None, verb_last: bool
) -> list[Plan]:
    """Each way to part them into commands; a complaint among them is why."""
    found: list[Plan] = []
    for at in range(1, len(concepts) if most > 1 else 0):
        if verb_last and _trails(concepts[:at]):
            continue
        first = _whole(concepts[:at], read, before)
        if first is None:
            continue
        then = concepts[at + 1 :] if concepts[at].name == "and" else concepts[at:]
        last = _whole(then, read, first)
        rests = [last] if last else _parted(then, read, most - 1, first, verb_last)
        for rest in rests:
            plans = narrowed(without_reasons([first, *(rest.parts or (rest,))]))
            found.append(plans[0] if len(plans) == 1 else together(plans))
    return found


def _whole(concepts: Sequence[Concept], read: Read, before: Plan | None) -> Plan | None:
    """The plan of a command that names something, or goes on about what the one before did."""
    names = {concept.name.partition(":")[0] for concept in concepts}
    goes_on = before is not None and names.isdisjoint(_NOT_GOING_ON)
    whole = (names & _NAMING or goes_on) and any(map(_tells, concepts))
    return read(concepts, before) if whole else None


def resumes(concepts: Sequence[Concept]) -> bool:
    """Whether something is named, told what to do, and something else is named: two commands."""
    named = told = False
    for concept in concepts:
        naming = concept.name.partition(":")[0] in _NAMING and concept.name not in _NO_THING
        if naming and told:
            return True
        named = named or naming
        told = told or (named and concept.name in _ACTS)
    return False


def _trails(concepts: Sequence[Concept]) -> bool:
    """Whether something is named after all that it says is to be done."""
    told = max((at for at, concept in enumerate(concepts) if _tells(concept)), default=-1)
    return any(c.name.partition(":")[0] in _PLACING for c in concepts[told + 1 :])


def _tells(concept: Concept) -> bool:
    """Whether it says what is to be done, or to be so."""
    return concept.name in _TELLING or concept.name.startswith(("color:", "tone:"))
