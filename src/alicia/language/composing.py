"""Composing: a sentence from what its words stand for, whatever their order.

    concepts -> a question, or what is to be done and to whom -> an act for each -> a plan

Where a word is unknown, or two of them don't go together, it is no sentence: this way asks for
less than the words or guesses nothing, and whoever talks of other things is let be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import Entity

from alicia.errors import AliciaError, AmbiguousError
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.asking import asked, asks
from alicia.language.candidates import fits
from alicia.language.chaining import chained
from alicia.language.concepts import Concept, Concepts, concept_table
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan as plan_of
from alicia.language.meaning import KEYS, Wanted, wanted
from alicia.language.plan import Plan
from alicia.language.several import together
from alicia.language.tables import Tables
from alicia.language.whom import Place, Scene, Target, chosen, targets
from alicia.language.wording import Wording

_NO_SPEECH = re.compile(r"[^\W\d][._][^\W\d]")
"""What nobody says: `lock.front_door`."""
_MOST_TARGETS = 6
_LIGHTS = {"floor": "lights_floor", "home": "light_all"}
"""The answer to what was done to the lights of a room, elsewhere."""
_OPEN = frozenset({"nothing", "set", "to", "at", "by", "all", "and", "cop", "asks", "dim"})
"""Concepts after which more follows, where a word of them may end no sentence."""
_NAMING = frozenset({"nothing", "entity", "area", "floor", "kind", "and", "to", "all", "plural"})
"""Concepts of a phrase that only names things."""
_SURE = frozenset({"and", "off", "close"})
"""Concepts beside which no word may mean nothing that could mean something: "an", "on the"."""
_BEFORE = {"ing": "mind", "done": "wish"}
"""Forms of verbs that ask for something only after such words: "I'd like it turned off"."""


class Composer:
    """One language's, with the names of one home."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._tables = tables
        self._concepts = Concepts(tables, wording)
        ending = tables.say.get("hanging", []) if wording.spaced else ()
        self._hanging = tuple(f" {word}" for word in ending)
        table = concept_table(tables.language)
        self._reasons = [re.compile(pattern) for pattern in table.get("reasons", [])]
        self._chains: bool = table.get("chains", False)

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._concepts.use(home)

    def plan(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """What a tidied sentence asks for; None where it can't be read so. Raises nothing."""
        if not self._concepts or not text or _NO_SPEECH.search(text):
            return None
        scene = Scene(home, area_id, self._tables.language, self._concepts.lamps)
        hangs = text.endswith(self._hanging)
        for alike in self._concepts.cuts(text):
            ways: list[Sequence[Concept]] = []
            for concepts in alike:
                if hangs and concepts[-1].name in _OPEN and not asks(concepts):
                    continue
                ways.append(concepts)
                try:
                    found = self._read(concepts, scene)
                except AmbiguousError:
                    return None  # Who has two things of a name is asked back.
                except AliciaError:
                    continue  # Another way to understand it tells better why it can't be.
                if found is not None:
                    return found
            found = chained(ways, partial(self._read_or_none, scene)) if self._chains else None
            if found is not None:
                return found
        return None

    def mentions(self, text: str) -> tuple[frozenset[str], frozenset[str]]:
        """The entities and the rooms that are named among any words."""
        return self._concepts.mentions(text)

    def knows(self, text: str) -> bool:
        """Whether every word stands for something: then it is no other sentence, misheard."""
        return bool(self._concepts) and self._concepts.knows(text)

    def reasonless(self, text: str) -> Iterator[str]:
        """The sentence without the reason that was given with it: "it's late, lights off"."""
        for pattern in self._reasons:
            if (found := pattern.search(text)) and found["rest"].strip(" ,，、"):
                yield found["rest"].strip(" ,，、")

    def names(self, text: str) -> bool:
        """Whether it says of which thing, or of which kind of thing, it speaks."""
        ways = islice(self._concepts.ways(text), 1)
        return any(c.name == "entity" or c.name.startswith("kind:") for way in ways for c in way)

    def about(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of what the turn before acted on: "darker", "down to 30 percent".

        Of those of their kinds in a room, where only a room is named: "the bedroom off, too".
        None where anything else is named, or any of them can't do it or is protected.
        """
        ids = dict.fromkeys(e for action in topic.actions for e in action.entities)
        ids |= dict.fromkeys(topic.question.entities if topic.question else ())
        those = [entity for i in ids if (entity := home.find(i))]
        if not self._concepts or not those:
            return None
        scene = Scene(home, None, self._tables.language, self._concepts.lamps)
        domains = {entity.domain for entity in those}
        for concepts in self._concepts.ways(text):
            if asks(concepts) or any(c.name.startswith(_PLACING) for c in concepts):
                continue
            want = self._wanted(concepts)
            places = _targets_or_none(concepts, scene)
            if want is None or want.complains or not places:
                continue
            named = [e for p in places if p.place.named for e in p.place.entities(scene)]
            every = _of(domains, named) if places[0].place.named else those
            if not every or any(entity.protected for entity in every):
                continue
            plans = [self._done(entity, want, scene) for entity in every]
            sure = [plan for plan in plans if plan is not None]
            if len(sure) == len(plans):
                actions = tuple(action for plan in sure for action in plan.actions)
                return replace(sure[0], actions=actions)
        return None

    def elsewhere(self, text: str, topic: Topic, home: Home) -> list[Entity] | None:
        """To whom the same is to be done: "the bathroom, too"; None where it says more.

        Of a room alone those that are of the kinds that were spoken of.
        """
        ids = [e for action in topic.actions for e in action.entities]
        domains = {entity.domain for i in ids if (entity := home.find(i))}
        scene = Scene(home, None, self._tables.language, self._concepts.lamps)
        for concepts in self._concepts.ways(text) if self._concepts else ():
            if any(c.name.partition(":")[0] not in _NAMING for c in concepts):
                continue
            found: list[Entity] = []
            for target in _targets_or_none(concepts, scene) or ():
                there = target.place.entities(scene)
                wanted = {target.domain} if target.domain else domains
                found += [target.entity] if target.entity else _of(wanted, there)
            if found and not any(entity.protected for entity in found):
                return found
        return None

    def among(self, text: str, entities: Sequence[str], home: Home) -> frozenset[str]:
        """Those of the entities that a phrase means, such as "the lamp and the hall"; or none."""
        if not self._concepts:
            return frozenset()
        scene = Scene(home, None, self._tables.language, self._concepts.lamps)
        every = [home.entity(entity_id) for entity_id in entities]
        for concepts in self._concepts.ways(text):
            if all(concept.name.partition(":")[0] in _NAMING for concept in concepts):
                meant = chosen(concepts, every, scene)
                if meant:
                    return meant
        return frozenset()

    def _done(self, entity: Entity, want: Wanted, scene: Scene) -> Plan | None:
        name = names_of(entity, scene.language)[0].lower()
        try:
            return self._plan(Target(Place(), entity, name), want, scene)
        except AliciaError:
            return None

    def _read_or_none(self, scene: Scene, concepts: Sequence[Concept]) -> Plan | None:
        try:
            return self._read(concepts, scene)
        except AliciaError:
            return None

    def _read(self, concepts: Sequence[Concept], scene: Scene) -> Plan | None:
        if asks(concepts):
            return asked(concepts, scene)
        names = {concept.name for concept in concepts}
        if "maybe" in names and names & _SURE:
            return None
        if any(form in names and before not in names for form, before in _BEFORE.items()):
            return None
        want = self._wanted(concepts)
        found = targets(concepts, scene, alone=want.implied) if want else None
        if want is None or not found or len(found) > _MOST_TARGETS:
            return None
        plans = [self._plan(target, want, scene) for target in found]
        sure = [plan for plan in plans if plan is not None]
        if (
            len(sure) < len(plans)
            or len({want.act(t.domain or "light", t.kind) for t in found}) > 1
        ):
            return None  # "The lights and the blinds down" dims nothing.
        return sure[0] if len(sure) == 1 else together(sure)

    def _wanted(self, concepts: Sequence[Concept]) -> Wanted | None:
        """What is to be done; None where two numbers or two colours were said."""
        numbers = [float(c.value) for c in concepts if isinstance(c.value, float)]
        shades = {c.name: c.of for c in concepts if c.name.startswith(("color:", "tone:"))}
        if len(numbers) > 1 or len(shades) > 1 or _repeats(concepts):
            return None
        color = next((of for name, of in shades.items() if name.startswith("color")), None)
        tone = next((float(of) for name, of in shades.items() if name.startswith("tone")), None)
        names = [
            c.name if c.name.startswith("adj:") else c.name.partition(":")[0] for c in concepts
        ]
        return wanted(names, next(iter(numbers), None), color, tone)

    def _plan(self, target: Target, want: Wanted, scene: Scene) -> Plan | None:
        if not target.domain and not (target.place.named and "percent" in want.marks):
            return None
        domain = target.domain or "light"
        found = want.act(domain, target.kind)
        if found is None or (target.entity and target.entity.protected and "told" in want.marks):
            return None
        key, value = found
        named, placed = KEYS[domain][key]
        act = NAMED.get(named) if target.entity else PLACED.get(placed)
        if act is None or (target.entity and not fits(target.entity, act)):
            return None
        return plan_of(self._reading(act, target, value, scene), scene.home)

    def _reading(
        self, act: Act, target: Target, value: str | float | None, scene: Scene
    ) -> Reading:
        slots = {name: Slot(fixed, "") for name, fixed in act.slots.items()}
        if target.entity is not None:
            slots["name"] = Slot(target.entity.entity_id, target.said)
        else:
            slots |= target.place.slots(scene)
            if "device_class" in slots:
                slots["device_class"] = replace(slots["device_class"], text=target.said)
        if act.takes and value is not None:
            slots[act.takes] = Slot(value, self._said(value))
        response = act.response
        if target.entity is None and response == "lights_area":
            response = _LIGHTS.get(target.place.extent, response)
        return Reading(act.intent, response, slots, 0, 0)

    def _said(self, value: str | float) -> str:
        """A colour by its word in this language, or a number."""
        if not isinstance(value, str):
            return f"{value:g}"
        words: list[str] = self._tables.say.get("color", {}).get(value, [])
        return words[0] if words else value


def _repeats(concepts: Sequence[Concept]) -> bool:
    """Whether it says on both sides of an "and" what is to be done: those are two commands."""
    names = [concept.name for concept in concepts]
    if "and" not in names:
        return False
    sides = " ".join(names).split(" and ")
    return sum(bool(_DOING & set(side.split())) for side in sides) > 1


def _targets_or_none(concepts: Sequence[Concept], scene: Scene) -> list[Target] | None:
    try:
        return targets(concepts, scene)
    except AmbiguousError:
        return None


def _of(domains: set[str], entities: Sequence[Entity]) -> list[Entity]:
    return [entity for entity in entities if entity.domain in domains]


_PLACING = ("entity", "kind", "here", "house", "all")
_DOING = frozenset({"set", "on", "off", "open", "close", "up", "down", "play", "start", "stop"})
