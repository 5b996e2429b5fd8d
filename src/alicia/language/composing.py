"""Composing: a sentence from what its words stand for, whatever their order.

    concepts -> a question, or what is to be done and to whom -> an act for each -> a plan

Where a word is unknown, or two of them don't go together, it is no sentence: this way asks for
less than the words or guesses nothing, and whoever talks of other things is let be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import Entity
from alicia.errors import AliciaError, AmbiguousError
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.asking import ASKING, asked
from alicia.language.candidates import fits
from alicia.language.concepts import Concept, Concepts, concept_table
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan as plan_of
from alicia.language.intents import touches_protected
from alicia.language.meaning import KEYS, Wanted, wanted
from alicia.language.plan import Plan
from alicia.language.reasons import Reasons
from alicia.language.several import together
from alicia.language.tables import Tables
from alicia.language.whom import Place, Scene, Target, chosen, targets
from alicia.language.wording import Wording

_NO_SPEECH = re.compile(r"[^\W\d][._][^\W\d]")
"""What nobody says: `lock.front_door`."""
_MOST_TARGETS = 6
_LIGHTS = {"floor": "lights_floor", "home": "light_all"}
"""The answer to what was done to the lights of a room, elsewhere."""
_OPEN = frozenset({"nothing", "set", "put", "to", "at", "by", "all", "and", "cop", "asks", "dim"})
"""Concepts after which more follows, where a word of them may end no sentence."""
_NAMING = frozenset({"nothing", "entity", "area", "floor", "kind", "and", "to", "all"})
"""Concepts of a phrase that only names things."""
_SURE = frozenset({"and", "off", "close"})
"""Concepts beside which no word may mean nothing that could mean something: "an", "on the"."""
_BEFORE = {"ing": "mind", "done": "wish"}
"""Forms of verbs that ask for something only after such words: "I'd like it turned off"."""
_WISHES = frozenset({"set", "put", "wish", "let", "give"})
"""Concepts with which a state is wished for wherever it stands: "keep closed the blinds"."""
_FELT = frozenset({"adj:cold", "adj:hot", "adj:warm"})
"""How it may be in a room, whether somebody asks or complains."""
_OF_IT = frozenset({"adj:weak", "adj:strong"})
_NOT_OF_IT = frozenset(
    {"entity", "area", "floor", "here", "house", "all", "any", "and", "give", "what"}
)
"""Concepts of no sentence about what was spoken of before; nor are kinds, qualities, feelings."""


class Composer:
    """One language's, with the names of one home."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._tables = tables
        self._concepts = Concepts(tables, wording)
        self._hanging = tuple(f" {word}" for word in tables.say.get("hanging", []))
        self._reasons = Reasons(concept_table(tables.language))

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._concepts.use(home)

    def plan(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """What a tidied sentence asks for; None where it can't be read so. Raises nothing."""
        if not self._concepts or not text or _NO_SPEECH.search(text):
            return None
        scene = Scene(home, area_id, self._tables.language, self._concepts.lamps)
        hangs = text.endswith(self._hanging)
        for concepts in self._ways(text, scene):
            if hangs and concepts[-1].name in _OPEN and not _asks(concepts):
                continue
            try:
                found = self._read(concepts, scene)
            except AmbiguousError:
                return None  # Who has two things of a name is asked back.
            except AliciaError:
                continue  # Another way to understand it tells better why it can't be.
            if found is not None:
                return found
        return None

    def about(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of what the turn before acted on: "turn it off again", in other words.

        None where anything is named, or any of those can't do it or is protected. Raises nothing.
        """
        if not self._concepts or topic.which:
            return None
        entities = dict.fromkeys(e for action in topic.actions for e in action.entities)
        scene = Scene(home, None, self._tables.language, self._concepts.lamps)
        return self._done_to(text, [home.find(entity) for entity in entities], scene)

    def pointed(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """What is asked of what was just told of: "the lamp is far too bright, dim it".

        Raises nothing.
        """
        scene = Scene(home, area_id, self._tables.language, self._concepts.lamps)
        told, comma, asks = text.rpartition(", ")
        if not comma:
            told, _, asks = text.rpartition(" ")
        pointing = bool(comma) or self._concepts.pronounced(asks)
        thing = self._told_of(told, scene) if told and pointing else None
        return self._done_to(asks, [thing], scene) if thing else None

    def _told_of(self, text: str, scene: Scene) -> Entity | None:
        """The one thing that is named by words which tell how it is; None where they do not."""
        for concepts in self._concepts.ways(text):
            names = {concept.name for concept in concepts}
            things = [concept.value for concept in concepts if concept.name == "entity"]
            ids = things[0] if len(things) == 1 and isinstance(things[0], tuple) else ()
            if len(ids) == 1 and names & {"cop", "seems", "asks"} and "and" not in names:
                return scene.home.find(ids[0])
        return None

    def _done_to(self, text: str, entities: Sequence[Entity | None], scene: Scene) -> Plan | None:
        """What is asked of these, where it names none of them; not of what is protected."""
        things = [thing for thing in entities if thing and not thing.protected]
        if not things or len(things) < len(entities):
            return None
        for concepts in self._ways(text, scene):
            want = self._wanted(concepts) if _of_it(concepts) and _wished(concepts) else None
            if want is None:
                continue
            names = [names_of(thing, scene.language)[0] for thing in things]
            every = [Target(Place(), *one) for one in zip(things, names, strict=True)]
            try:
                plans = [self._plan(target, want, scene) for target in every]
            except AliciaError:
                continue
            sure = [plan for plan in plans if plan is not None]
            if sure and len(sure) == len(plans):
                actions = tuple(action for one in sure for action in one.actions)
                return replace(sure[0], actions=actions)
        return None

    def reasonless(self, text: str, home: Home, area_id: str | None) -> Iterator[str]:
        """A tidied sentence without a reason that was given with it: "it's cold, close them"."""
        scene = Scene(home, area_id, self._tables.language, self._concepts.lamps)
        first, comma, last = text.partition(", ")
        for reason, rest in ((first, last), (last, first)):
            if comma and self._complains(reason, scene):
                yield rest
        yield from self._reasons.without(text)
        words = text.split()
        for at in range(2, len(words)):
            if self._complains(" ".join(words[:at]), scene):
                yield " ".join(words[at:])

    def _complains(self, text: str, scene: Scene) -> bool:
        """Whether these words only tell how it is: "it's far too dark in here"."""
        for concepts in self._ways(text, scene):
            names = {concept.name for concept in concepts}
            want = (
                self._wanted(concepts) if names & {"cop", "too"} and not _asks(concepts) else None
            )
            if want is not None and want.complains and all(map(_tells, want.ops)):
                return True
        return False

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

    def _ways(self, text: str, scene: Scene) -> Iterator[list[Concept]]:
        """Each way to read a sentence, with what may ask or tell settled: "está", "fa"."""
        for concepts in self._concepts.ways(text):
            if not any(c.name == "seems" for c in concepts):
                yield concepts
                continue
            for name in _seen_as(concepts, scene):
                yield [replace(c, name=name) if c.name == "seems" else c for c in concepts]

    def _read(self, concepts: Sequence[Concept], scene: Scene) -> Plan | None:
        if _asks(concepts) or _measures(concepts, scene):
            return asked(concepts, scene)
        want = self._wanted(concepts) if _wished(concepts) else None
        done = self._done(concepts, want, scene) if want else None
        if want is None or done is None:
            return None
        late = self._concepts.noun_first and _told_last(concepts)
        if late and touches_protected(done, scene.home):
            return None  # "La puerta del garaje abre" tells as well.
        return replace(done, complaint=want.complains)

    def _done(self, concepts: Sequence[Concept], want: Wanted, scene: Scene) -> Plan | None:
        """What is wanted, of all that are meant; None where any of them is unclear."""
        alone = want.implied
        if alone is None and self._concepts.noun_first and _lit(concepts, want):
            alone = "light"
        found = targets(concepts, scene, alone=alone) or []
        swept = any(_sweeping(target, want) for target in found)
        # "The lights and the blinds down" dims nothing.
        alike = len({want.act(t.domain or "light", t.kind) for t in found}) == 1
        if len(found) > _MOST_TARGETS or swept or not alike:
            return None
        plans = [self._plan(target, want, scene) for target in found]
        sure = [plan for plan in plans if plan is not None]
        if len(sure) < len(plans):
            return None
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
        if found is None:
            return None
        key, value = found
        key = _rolled(key, target)
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


def _measures(concepts: Sequence[Concept], scene: Scene) -> bool:
    """Whether only what can be read is named: "bedroom temperature"."""
    said = [concept for concept in concepts if concept.name != "nothing"]
    if len(said) == 1 and said[0].name == "entity" and isinstance(said[0].value, tuple):
        return scene.home.entity(said[0].value[0]).domain == "sensor"
    return sorted(c.name for c in said) in (["area", "attr:humidity"], ["area", "attr:temperature"])


def _lit(concepts: Sequence[Concept], want: Wanted) -> bool:
    """Whether but a place is switched: "apaga la cocina"."""
    return want.switches and any(c.name in ("area", "floor", "here") for c in concepts)


def _tells(op: str) -> bool:
    return op.startswith("adj:")


def _rolled(key: str, target: Target) -> str:
    """Rolled up, a blind is open, and an awning closed."""
    if key not in ("roll", "unroll"):
        return key
    awning = target.entity is not None and target.entity.device_class == "awning"
    return "close" if (key == "roll") == awning else "open"


def _sweeping(target: Target, want: Wanted) -> bool:
    """Whether all that there is in the home would be turned on."""
    return target.domain == "everything" and "on" in want.ops and not target.place.named


def _told_last(concepts: Sequence[Concept]) -> bool:
    """Whether it is said what to do only after the thing was named."""
    things = [at for at, concept in enumerate(concepts) if concept.name == "entity"]
    opens = [at for at, concept in enumerate(concepts) if concept.name in ("open", "unlock", "up")]
    return bool(things and opens) and min(opens) > things[0]


def _asks(concepts: Sequence[Concept]) -> bool:
    return any(c.name in ASKING or c.name.startswith("ask:") for c in concepts)


def _seen_as(concepts: Sequence[Concept], scene: Scene) -> Sequence[str]:
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


def _wished(concepts: Sequence[Concept]) -> bool:
    """Whether no form of a verb in it only tells: "closed the blinds" does, "blinds closed" not."""
    names = {concept.name for concept in concepts}
    if "maybe" in names and names & _SURE:
        return False
    if any(form in names and before not in names for form, before in _BEFORE.items()):
        return False
    if "state" not in names or names & _WISHES:
        return True
    said = [concept.name.partition(":")[0] for concept in concepts]
    things = [at for at, name in enumerate(said) if name in ("entity", "kind")]
    places = [at for at, name in enumerate(said) if name in ("area", "floor")]
    return said.index("state") > max(things or places, default=-1)


def _of_it(concepts: Sequence[Concept]) -> bool:
    names = {concept.name for concept in concepts}
    kinds = {name for name in names - _OF_IT if name.startswith(("kind:", "attr:", "adj:"))}
    return not _asks(concepts) and not kinds and not names & _NOT_OF_IT


def _repeats(concepts: Sequence[Concept]) -> bool:
    """Whether it says on both sides of an "and" what is to be done: those are two commands."""
    names = [concept.name for concept in concepts]
    if "and" not in names:
        return False
    sides = " ".join(names).split(" and ")
    return sum(bool(_DOING & set(side.split())) for side in sides) > 1


_DOING = frozenset({"set", "on", "off", "open", "close", "up", "down", "play", "start", "stop"})
