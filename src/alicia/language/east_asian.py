"""East Asian: a plan from the morphemes of a sentence, whatever their order.

cut into morphemes, every sign in one -> what they say -> whom they are about -> what that does to
each -> a plan; or a question

For languages with a table in `data/morphemes`. Nothing is guessed: a sentence with a word that is
in no table is left to others, and so is one that says several things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alicia.contracts.conversation import Topic, TopicAction
from alicia.contracts.devices import Entity, Value
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.clause import Clause, clause
from alicia.language.east_asian_questions import Questions
from alicia.language.effects import Effect, about, effect
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan
from alicia.language.morphemes import Morpheme, Morphemes
from alicia.language.plan import Plan, PlannedAction
from alicia.language.several import together
from alicia.language.spoken_of import DOMAINS, of_domain, of_kind, placed
from alicia.language.targets import can

_INTENTS: dict[tuple[str, Value], str] = {
    ("power", False): "HassTurnOff",
    ("position", 0.0): "HassTurnOff",
    ("playing", False): "HassMediaPause",
    ("playing", True): "HassMediaUnpause",
}
"""Of what is done to others, too; HassTurnOn else."""
_MOST_COMMANDS = 4
_ASKING = frozenset(
    {
        "degrees",
        "much",
        "watts",
        "which",
        "count",
        "any",
        "person",
        "exists",
        "tell",
        "clock",
        "date",
    }
)


class EastAsian:
    """One language."""

    def __init__(self, language: str) -> None:
        self._morphemes = Morphemes(language)
        self._questions = Questions(language)
        self._reasons = [
            re.compile(pattern)
            for pattern in self._morphemes.known.get("reasons", {}).get("before", ())
        ]
        self._chinese = language == "zh"
        self._gap = " " if language == "ko" else ""

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._morphemes.use(home)

    def asked(self, text: str) -> bool:
        """Whether a question mark ends it."""
        return self._morphemes.asked(text)

    def hollow(self, text: str) -> bool:
        """Whether every word is known: what it says is then no other sentence, misheard."""
        return bool(self._morphemes) and self._morphemes.cut(text) is not None

    def partial(self, text: str) -> bool:
        """Whether it says what is to be done in a room, and not to what there."""
        morphemes = self._morphemes.cut(text) if self._morphemes else None
        if not morphemes:
            return False
        said = clause(morphemes, asked=self.asked(text))
        bare = not (said.named or said.props or said.marks & {"all", "every"})
        return bool(said.rooms) and bare and said.verb in ("on", "off", "start", "shut")

    def plan(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """What the sentence asks for; None where it says nothing, or not for certain."""
        if not self._morphemes:
            return None
        asked = self.asked(text)
        if morphemes := self._morphemes.cut(text):
            found = self._one(morphemes, home, area_id, asked=asked)
            return found or self._several(morphemes, home, area_id, _MOST_COMMANDS)
        for rest in self._after_reasons(text):
            morphemes = self._morphemes.cut(rest)
            said = clause(morphemes, asked=False) if morphemes else None
            if morphemes and said and said.verbs and said.named:
                found = self._one(morphemes, home, area_id, asked=False)
                found = found or self._several(morphemes, home, area_id, _MOST_COMMANDS)
                if found is not None and found.actions:
                    return found
        return None

    def _after_reasons(self, text: str) -> Iterator[str]:
        """What is left of a sentence without the reason that begins it: "it's late, lights off"."""
        joined = re.sub(r"[，、]", ",", re.sub(r"\s+", self._gap, text.strip()))
        for pattern in self._reasons:
            if found := pattern.match(joined):
                yield joined[found.end() :]

    def _one(
        self, morphemes: Sequence[Morpheme], home: Home, area_id: str | None, *, asked: bool
    ) -> Plan | None:
        said = clause(morphemes, asked=asked)
        if said.stray or "then" in said.marks:
            return None
        if self._asks(said):
            return self._questions.plan(said, home, area_id)
        return self._command(said, home, area_id)

    def _several(
        self, morphemes: Sequence[Morpheme], home: Home, area_id: str | None, most: int
    ) -> Plan | None:
        """Commands that follow one another; None where they can be parted in more than one way."""
        if most < 2 or sum(m.which("verb") is not None for m in morphemes) < 2:
            return None
        found: dict[tuple[PlannedAction, ...], Plan] = {}
        for at in range(1, len(morphemes)):
            first, rest = morphemes[:at], morphemes[at:]
            said = clause(first, asked=False)
            if said.stray or not _whole(said) or self._asks(said):
                continue
            one = self._command(said, home, area_id)
            if one is None:
                continue
            tail = clause(rest, asked=False)
            other = None
            if _whole(tail) and not self._asks(tail):
                other = self._one(rest, home, area_id, asked=False)
            other = other or self._several(rest, home, area_id, most - 1)
            if other is not None and other.actions:
                both = together([one, *(other.parts or (other,))])
                found.setdefault(both.actions, both)
        return next(iter(found.values())) if len(found) == 1 else None

    def _asks(self, said: Clause) -> bool:
        if said.states or said.pasts or said.asks & _ASKING:
            return True
        bare = said.topic or said.ends_in_prop
        if bare and not said.verbs and not said.complaints:
            return True
        if not self._chinese or not said.verbs:
            return bool(said.asks) and not said.verbs
        # "Is the light off?" and "can you switch the light off?" end in the same word.
        doing = bool(said.marks & {"may", "soften"}) and "done" not in said.marks
        return not doing and bool(
            said.asks & {"so", "whether"} or ("mark" in said.asks and "done" in said.marks)
        )

    def _command(self, said: Clause, home: Home, area_id: str | None) -> Plan | None:
        if not self._told(said):
            return None
        if not said.named and said.verb in ("off", "shut") and said.marks & {"all", "every"}:
            return _everything(said, home)
        entities = self._targets(said, home, area_id)
        return _plan(said, entities, sure=self._sure(said)) if entities else None

    def follow(self, text: str, topic: Topic, home: Home, area_id: str | None) -> Plan | None:
        """What is said of things that were just spoken of; None where it is about others.

        "Darker", of the lamp that was switched on; "the bedroom, too", to be done there as well.
        """
        morphemes = self._morphemes.cut(text) if self._morphemes else None
        if not morphemes:
            return None
        said = clause(morphemes, asked=self.asked(text))
        if said.stray or "then" in said.marks or self._asks(said) or said.complaints:
            return None
        where = bool(said.named or said.rooms or said.floors)
        if not where and not said.marks & {"all", "every", "home", "here"} and self._told(said):
            ids = dict.fromkeys(e for action in topic.actions for e in action.entities)
            found = [entity for i in ids if (entity := home.find(i))]
            if any(effect(entity, said) is None or entity.protected for entity in found):
                return None
            return _plan(said, found, sure=False)
        if where and topic.actions:
            return self._also(said, topic.actions[0], home, area_id)
        return None

    def _also(
        self, said: Clause, before: TopicAction, home: Home, area_id: str | None
    ) -> Plan | None:
        """The same done to others, or something else to those of the kind that are there."""
        amount = said.numbers or said.levels or said.colors or said.tones
        if said.named:
            if said.verbs or amount:
                return None  # It says all itself.
            found = self._targets(said, home, area_id) or []
        else:
            domains = {e.domain for i in before.entities if (e := home.find(i))}
            found = placed(said, home, area_id, lambda e: {e.domain} == domains)
        if not found or any(e.protected for e in found):
            return None
        if said.verbs or amount:
            return _plan(said, found, sure=False)
        able = [e for e in found if can(e, before.capability)]
        if not able or (said.named and len(able) < len(found)):
            return None
        ids = tuple(e.entity_id for e in able)
        action = PlannedAction(ids, before.capability, before.value, before.relative)
        intent = _INTENTS.get((before.capability, before.value), "HassTurnOn")
        return Plan(intent, actions=(action,))

    def _told(self, said: Clause) -> bool:
        """Whether it is a command at all, and no description."""
        if said.verb is None or "only still" in said.marks:
            return False
        if not self._chinese and said.verbs and "so" in said.asks and "soften" not in said.marks:
            return False
        if said.complaints:
            return bool(said.verbs) or _complains(said)
        amount = bool(said.numbers or said.levels)
        described = said.weak and not (said.marks & {"bit", "little", "more"} or amount)
        if described or said.marks & {"only feel", "only because"}:
            return False
        if "done" in said.marks and not said.marks & {"request", "soften", "may"}:
            return said.verb in ("shut", "off", "stop") and "you" not in said.marks
        told = amount or said.colors or said.tones
        return bool(said.verbs or (told and said.ends_in_value))

    def _sure(self, said: Clause) -> bool:
        """Whether something protected may obey: it was told, and not described.

        What opens must be told beyond doubt; "you have opened the garage" ends as a command may.
        """
        if said.verb in ("open", "start", "up", "unlock", "free"):
            return not said.marks & {"done", "you"} and ("may" not in said.marks or bool(said.asks))
        return bool(said.verbs) and ("done" not in said.marks or "request" in said.marks)

    def _targets(self, said: Clause, home: Home, area_id: str | None) -> list[Entity] | None:
        """Whom it is about; None where that is unclear."""
        named = self._named(said, home, area_id)
        if named is None:
            return None
        domains = {entity.domain for entity in named}
        if any(kind not in DOMAINS for kind in said.kinds):
            return None
        # "The lock of the door" is one thing.
        kinds = list({DOMAINS[k]: k for k in said.kinds if DOMAINS[k] not in domains}.values())
        if named and not kinds:
            return named if self._there(named, said, home) else None
        if (named or len(kinds) > 1) and "and" not in said.marks:
            return None
        found = list(named)
        for kind in kinds:
            some = of_kind(kind, said, home, area_id)
            if not some:
                return None
            found += some
        if not found and (domain := about(said)):
            found = of_domain(domain, said, home, area_id)
        return list({entity.entity_id: entity for entity in found}.values())

    def _named(self, said: Clause, home: Home, area_id: str | None) -> list[Entity] | None:
        found: list[Entity] = []
        for ids in (*said.things, *said.shorts):
            some = [home.entity(i) for i in dict.fromkeys(ids)]
            for room in (said.rooms, [area_id]) if len(some) > 1 or ids in said.shorts else ():
                there = [e for e in some if e.area_id in room]
                some = there if len(there) == 1 else some
            if len(some) != 1:
                return None
            found += some
        if len({e.entity_id for e in found}) > 1 and not said.marks & {"and", "all"}:
            return None
        return found

    def _there(self, named: Sequence[Entity], said: Clause, home: Home) -> bool:
        """Whether they are where it was said that they are."""
        if said.floors:
            there = {e.entity_id for f in said.floors for e in home.entities(floor=f)}
            return all(e.entity_id in there for e in named)
        return not said.rooms or all(e.area_id in said.rooms for e in named)


def _complains(said: Clause) -> bool:
    """Whether it is about this room, now: "too bright here", and not "cold today"."""
    mild = said.weak and not said.marks & {"too", "bit", "little", "more"}
    return not (said.asks or mild or said.marks & {"today", "you"})


def _plan(said: Clause, entities: Sequence[Entity], *, sure: bool) -> Plan | None:
    """What is done to each of them; None where one that was named can't do it.

    What is protected obeys only where it is `sure` that it was told to.
    """
    effects: dict[tuple[Effect, str | None], list[str]] = {}
    for entity in entities:
        done = effect(entity, said)
        if done is None:
            if said.things or said.shorts:
                return None
            continue  # "The lights blue": those that can be.
        if entity.protected and not sure:
            return None
        # Several rooms are told of one by one.
        place = entity.area_id if len(said.rooms) > 1 else None
        effects.setdefault((done, place), []).append(entity.entity_id)
    if not effects:
        return None
    if len({(e.capability, e.value) for e, _ in effects}) > 1 and not said.things:
        return None
    actions = tuple(
        PlannedAction(tuple(ids), done.capability, done.value, done.relative)
        for (done, _), ids in effects.items()
    )
    return Plan(next(iter(effects))[0].intent, actions=actions)


def _everything(said: Clause, home: Home) -> Plan | None:
    """All that can be switched off, in a room or on a floor or in the house."""
    bare = not (said.props or said.numbers or said.levels or said.colors or said.complaints)
    described = "done" in said.marks and not said.marks & {"request", "soften"}
    if not bare or described or len(said.rooms) + len(said.floors) > 1 or "here" in said.marks:
        return None
    slots = {"scope": Slot("everything", "")}
    if said.rooms:
        slots["area"] = Slot(said.rooms[0], said.rooms[0])
    if said.floors:
        slots["floor"] = Slot(said.floors[0], said.floors[0])
    try:
        return plan(Reading("HassTurnOff", "everything", slots, 1, 0), home)
    except AliciaError:
        return None


def _whole(said: Clause) -> bool:
    """Whether it says what is to be done, and to whom."""
    return bool(said.verbs) and (said.named or said.verb in ("light_on", "light_off"))
