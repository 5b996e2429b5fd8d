"""Several commands in one sentence: "turn on the kitchen light and close the blinds".

cut at "and", "then" and the like -> each part a whole command, or with the words it shares with
the first or the last, or a follow-up of the part before -> one plan of all, or none at all
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from alicia.language.plan import Plan, PlannedAction
from alicia.language.tables import follow_up_table

INTENT = "AliciaSeveral"
_MOST = 6
_CUT = re.compile(r"\|")
"""What a table's `rewrites` leave where a command ends."""
_EDGES = " ,、，"
_SHARED = 4
"""Words, or three times as many signs, that a part may share with the first or the last."""

_VALUED = frozenset({"brightness", "color", "color_temperature", "volume", "speed"})

Whole = Callable[[str], Plan | None]
"""The plan of a sentence that is a whole command by itself."""
After = Callable[[str, Plan], Plan | None]
"""The plan of a sentence that goes on about another."""


class Several:
    """One language's."""

    def __init__(self, language: str, *, spaced: bool) -> None:
        own = follow_up_table(language)
        self._cuts = [re.compile(pattern) for pattern, _ in own.get("cuts", [])]
        self._cuts.insert(0, _CUT)
        self._rewrites = [(re.compile(pattern), by) for pattern, by in own.get("rewrites", [])]
        self._spaced = spaced

    def plan(
        self, text: str, whole: Whole, later: After, quick: Whole, after: After
    ) -> Plan | None:
        """The plan of a tidied sentence of several commands; None where any part is none.

        `quick` is `whole` for what is tried often. Raises what `after` raises.
        """
        for parts in self.ways(text):
            plans = narrowed(without_reasons(self._plans(parts, whole, later, quick, after) or ()))
            if contradict(plans):
                continue
            # "Turn it off, no, never mind" takes it back.
            taken_back = any(plan.intent == "HassNevermind" for plan in plans or ())
            if plans and not taken_back and _asks_last(plans):
                return plans[0] if len(plans) == 1 else together(plans)
        return None

    def ways(self, text: str) -> Iterator[list[str]]:
        """Cut wherever it may be, and at each place alone."""
        for pattern, by in self._rewrites:
            text = pattern.sub(by, text)
        pieces = self._pieces(text)
        parts = pieces[::2]
        if not 1 < len(parts) <= _MOST:
            return
        yield parts
        if len(parts) > 2:
            for at in range(2, len(pieces), 2):
                both = ("".join(pieces[: at - 1]), "".join(pieces[at:]))
                yield [_CUT.sub(" " if self._spaced else "", part) for part in both]

    def _pieces(self, text: str) -> list[str]:
        """Its parts, and between them what stood there."""
        found = [text]
        for pattern in self._cuts:
            cut: list[str] = []
            for at, piece in enumerate(found):
                cut += [piece] if at % 2 else _split(pattern, piece)
            found = cut
        parts: list[str] = []
        between = ""
        for at, piece in enumerate(found):
            bare = piece if at % 2 else piece.strip(_EDGES)
            if at % 2 or not bare:
                between += piece
                continue
            parts += [between, bare] if parts else [bare]
            between = ""
        return parts

    def _plans(
        self, parts: Sequence[str], whole: Whole, later: After, quick: Whole, after: After
    ) -> list[Plan] | None:
        plans: list[Plan] = []
        shared: Plan | None = None
        for at, part in enumerate(parts):
            found = later(part, plans[-1]) if at else whole(part)
            if found is None and at == 0:
                found = self._with_ends(part, parts[1:], quick)
            elif found is None:
                found = shared = self._with_start(part, parts[0], quick)
                found = (
                    found
                    or self._with_ends(part, parts[at + 1 :], quick)
                    or self._with_both(part, parts[0], parts[-1], quick)
                    or after(part, plans[-1])
                    or self._told_as(part, parts[0], whole)
                )
            if found is None:
                return None
            if plans and _turns(plans[0], on=False) and _turns(found, on=True):
                # "Off with the lamp and music in the kitchen" plays none.
                stopped = self._with_start(part, parts[0], whole)
                found = stopped if stopped and _turns(stopped, on=False) else found
            plans.append(found)
        if shared is not None and _sets(shared) and not _sets(plans[0]):
            # "The lights in the kitchen and in the hall to 50": both of them are set.
            both = self._with_end(parts[0], parts[-1], quick)
            if both is None or _sets(both) != _sets(shared):
                return None
            plans[0] = both
        return plans

    def _with_start(self, part: str, first: str, quick: Whole) -> Plan | None:
        """With the words that begin the first: "turn on the desk lamp and the bedside lamp"."""
        return next(filter(None, (quick(s + part) for s in self._starts(first))), None)

    def _told_as(self, part: str, first: str, whole: Whole) -> Plan | None:
        """By a name that no pattern has: "turn off the TV, the tree and the LED strip"."""
        found = self._with_start(part, first, whole) if self._spaced else None
        return found if found is not None and found.question is None else None

    def _with_ends(self, part: str, rest: Sequence[str], quick: Whole) -> Plan | None:
        """With the words that end the next, or else the last: "A and B off, C on"."""
        ends = dict.fromkeys((*rest[:1], *rest[-1:]))
        return next(filter(None, (self._with_end(part, end, quick) for end in ends)), None)

    def _with_end(self, part: str, last: str, quick: Whole) -> Plan | None:
        """With the words that end the last: "turn on the kitchen and bedroom lights"."""
        return next(filter(None, (quick(part + e) for e in self._ends(last) if part != last)), None)

    def _with_both(self, part: str, first: str, last: str, quick: Whole) -> Plan | None:
        tried = (
            quick(s + part + e)
            for s in self._starts(first)
            for e in self._ends(last)
            if part != last
        )
        return next(filter(None, tried), None)

    # The more that is shared, the less is guessed: with its end alone, "the lights and blinds in
    # the kitchen off" would be everything in the kitchen.

    def _starts(self, text: str) -> list[str]:
        if not self._spaced:
            return [text[:count] for count in range(min(3 * _SHARED, len(text) - 1), 0, -1)]
        words = text.split(" ")
        return [" ".join(words[:n]) + " " for n in range(min(_SHARED, len(words) - 1), 0, -1)]

    def _ends(self, text: str) -> list[str]:
        if not self._spaced:
            return [text[-count:] for count in range(min(3 * _SHARED, len(text) - 1), 0, -1)]
        words = text.split(" ")
        return [" " + " ".join(words[-n:]) for n in range(min(_SHARED, len(words) - 1), 0, -1)]


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    """The text parted there, with what parts it."""
    parts: list[str] = []
    at = 0
    for found in pattern.finditer(text):
        parts += [text[at : found.start()], found.group()]
        at = found.end()
    return [*parts, text[at:]]


def without_reasons(plans: Sequence[Plan]) -> Sequence[Plan]:
    """What is to be done: a complaint beside a command is why, and the narrower of two is meant.

    "Turn everything off upstairs, just the lights" is the lights.
    """
    plans = [plan for plan in plans if not plan.complaint] or plans
    done = [_changes(plan) for plan in plans]
    if len(plans) == 2 and done[1] and done[1] < done[0]:
        return plans[1:]
    return plans


def narrowed(plans: Sequence[Plan]) -> Sequence[Plan]:
    """Without those among many that are told otherwise later.

    "All lights off and the lamp to 20 percent" leaves the lamp on.
    """
    done = list(plans)
    for at, later in enumerate(plans):
        theirs = frozenset(later.entities)
        for before, early in enumerate(done[:at]):
            if theirs < frozenset(early.entities) and _undoes(later, early):
                done[before] = replace(early, actions=tuple(_left(early, theirs)))
    return done


def _undoes(later: Plan, early: Plan) -> bool:
    """Whether the later acts on what the earlier one turned off, or says the opposite."""
    off = any(a.capability == "power" and a.value is False for a in early.actions)
    lit = any(a.capability in _VALUED for a in later.actions)
    return (off and lit) or contradict((early, later))


def _left(plan: Plan, spared: frozenset[str]) -> Iterator[PlannedAction]:
    for action in plan.actions:
        entities = tuple(entity for entity in action.entities if entity not in spared)
        if entities:
            yield replace(action, entities=entities)


def contradict(plans: Sequence[Plan]) -> bool:
    """Whether a thing is to be two things at once: "lights on, lights off, all day long"."""
    done: dict[tuple[str, str], object] = {}
    for entity, capability, value in (change for plan in plans for change in _changes(plan)):
        if done.setdefault((entity, capability), value) != value:
            return True
    return False


def _asks_last(plans: Sequence[Plan]) -> bool:
    """Whether nothing is to be done after a question: "did you close the blinds and open them"."""
    asked = [plan.question is not None for plan in plans]
    return asked == sorted(asked)


def _changes(plan: Plan) -> frozenset[tuple[str, str, object]]:
    return frozenset((e, a.capability, a.value) for a in plan.actions for e in a.entities)


def _turns(plan: Plan, *, on: bool) -> bool:
    """Whether it turns things on, or off, and no more."""
    return bool(plan.actions) and all(action.value is on for action in plan.actions)


def _sets(plan: Plan) -> frozenset[str]:
    """The capabilities that it gives a value of their own, such as a brightness or a colour."""
    return _VALUED.intersection(a.capability for a in plan.actions if not a.relative)


def together(plans: Sequence[Plan]) -> Plan:
    """One plan of several, which are told of one by one."""
    actions = tuple(action for plan in plans for action in plan.actions)
    every = tuple(plans)
    one = replace(plans[0], intent=INTENT, response="default", slots={}, question=None)
    return replace(one, actions=actions, parts=every)
