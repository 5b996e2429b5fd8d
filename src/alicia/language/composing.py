"""Composing: a sentence from what its words stand for, whatever their order.

    concepts -> a question, or what is to be done and to whom -> an act for each -> a plan

Where a word is unknown, or two of them don't go together, it is no sentence: this way asks for
less than the words or guesses nothing, and whoever talks of other things is let be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import Entity
from alicia.errors import AliciaError, AmbiguousError, NotUnderstoodError
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.asking import asked, asks, doubted, wondered
from alicia.language.candidates import fits
from alicia.language.chaining import chained, resumes
from alicia.language.concepts import Concept, Concepts, concept_table
from alicia.language.doing import each, fitted, implied, parts
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import opens_protected, touches_protected
from alicia.language.intents import plan as plan_of
from alicia.language.meaning import KEYS, Wanted, wanted
from alicia.language.plan import Plan
from alicia.language.several import together
from alicia.language.tables import Tables
from alicia.language.whom import DOMAINS, Mark, Place, Scene, Target, chosen, only, targets
from alicia.language.wishing import (
    WISHES,
    dims_a_color,
    may_end,
    measures,
    of_it,
    only_says,
    plain,
    repeats,
    seen_as,
    shades,
    spares,
    told_last,
    wished,
)
from alicia.language.wording import Wording

_NO_SPEECH = re.compile(r"[^\W\d][._][^\W\d]")
"""What nobody says: `lock.front_door`."""
_ALL = "everything"
_MOST_TARGETS = 6
_MOST_LOOKED_AT = 8
"""Ways to read a sentence of which one may say what it is about."""
_LIGHTS = {"floor": "lights_floor", "home": "light_all"}
"""The answer to what was done to the lights of a room, elsewhere."""
_PLACED = frozenset({"entity", "area", "floor", "here", "house", "all"})
_NAMING = frozenset(
    {"nothing", "entity", "area", "floor", "kind", "and", "to", "all", "plural", "two", "near"}
)
"""Concepts of a phrase that only names things."""


class Composer:
    """One language's, with the names of one home."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._tables = tables
        self._concepts = Concepts(tables, wording)
        ending = tables.say.get("hanging", []) if wording.spaced else ()
        self._hanging = tuple(f" {word}" for word in ending)
        table = concept_table(tables.language)
        self._chains: bool = table.get("chains", False)
        """Whether commands follow one another with no word between."""
        self._verb_last: bool = table.get("verb_last", False)
        """Whether what is named after a verb is told something else than what stood before it."""

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._concepts.use(home)

    def plan(self, text: str, home: Home, area_id: str | None, mark: Mark = "") -> Plan | None:
        """What a tidied sentence asks for; None where it can't be read so.

        Raises NotUnderstoodError where a `mark` makes a question of it that can't be answered, or
        where it names a light that has no such colour.
        """
        if not self._concepts or not text or _NO_SPEECH.search(text):
            return None
        scene = self._scene(home, area_id, mark)
        hangs = text.endswith(self._hanging)
        named = False
        for alike in self._concepts.cuts(text):
            ways: list[Sequence[Concept]] = []
            for concepts in (w for w in self._seen(alike, scene) if not hangs or may_end(w)):
                ways.append(concepts)
                named = named or (shades(concepts) and _names(concepts, text))
                try:
                    found = self._read(concepts, scene)
                except NotUnderstoodError:
                    raise
                except AmbiguousError:
                    return None  # Who has two things of a name is asked back.
                except AliciaError:
                    continue  # Another way to understand it tells better why it can't be.
                if found is None:
                    continue
                if named and not _names(concepts):
                    raise NotUnderstoodError  # "Kids' light red" colours no other of their lights.
                return found
            found = self._chained(text, ways, scene) if self._chains else None
            if found is not None:
                return found
        return None

    def _scene(self, home: Home, area_id: str | None = None, mark: Mark = "") -> Scene:
        named = self._concepts
        return Scene(home, area_id, self._tables.language, named.lamps, mark, named.mains)

    def _names_two(self, concepts: Sequence[Concept]) -> bool:
        """Whether a noun beside a name is another's: "the spots, the aquarium" are two."""
        nouns: list[str] = []
        ids: list[str] = []
        for concept in (*concepts, Concept("and")):
            if concept.name == "kind:light":
                nouns.append(concept.said)
            elif concept.name == "entity" and isinstance(concept.value, tuple):
                ids += concept.value
            elif concept.name == "and":
                if ids and any(self._concepts.names_another(noun, ids) for noun in nouns):
                    return True
                nouns, ids = [], []
        return False

    def mentions(self, text: str) -> tuple[frozenset[str], frozenset[str]]:
        """The entities and the rooms that are named among any words."""
        return self._concepts.mentions(text)

    def about(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of what the turn before acted on: "turn it off again", in other words.

        None where anything is named, or any of those can't do it or is protected. Raises nothing.
        """
        if not self._concepts or topic.which:
            return None
        entities = dict.fromkeys(e for action in topic.actions for e in action.entities)
        asked_of = topic.question.entities if topic.question and not entities else ()
        return self.done_to(text, [*entities, *asked_of], home)

    def done_to(self, text: str, entities: Sequence[str], home: Home) -> Plan | None:
        """What is asked of these by words that name nothing: "a bit darker". Raises nothing."""
        scene = self._scene(home)
        return self._done_to(text, [home.find(entity) for entity in entities], scene)

    def _done_to(self, text: str, entities: Sequence[Entity | None], scene: Scene) -> Plan | None:
        """What is asked of these, where it names none of them; it opens nothing protected."""
        things = [thing for thing in entities if thing]
        if not things or len(things) < len(entities):
            return None
        plans = (self._asked_of(concepts, things, scene) for concepts in self._ways(text, scene))
        found = next(filter(None, plans), None)
        return None if found is None or opens_protected(found, scene.home) else found

    def _asked_of(
        self, said: Sequence[Concept], things: Sequence[Entity], scene: Scene
    ) -> Plan | None:
        """What is asked of these by concepts that name none of them."""
        concepts = plain(said)
        domains = {thing.domain for thing in things}
        it = of_it(concepts, domains) and wished(concepts)
        want = self._wanted(concepts) if it else None
        if want is None:
            return None
        names = [names_of(thing, scene.language)[0] for thing in things]
        every = [Target(Place(), *one) for one in zip(things, names, strict=True)]
        try:
            plans = [self._plan(target, want, scene) for target in every]
        except AliciaError:
            return None
        sure = [plan for plan in plans if plan is not None]
        if not sure or len(sure) < len(plans):
            return None
        return replace(sure[0], actions=tuple(action for one in sure for action in one.actions))

    def spoken_of(self, text: str, home: Home, area_id: str | None = None) -> list[str]:
        """The things that any words speak of: the one that is named, or a room's of one kind.

        "The light in the bathroom is still on" speaks of all lights there, "I love this song" of
        what plays here.
        """
        entities, rooms = self._concepts.mentions(text)
        rooms = rooms or frozenset((area_id,) if area_id else ())
        if entities or len(rooms) != 1:
            return list(entities) if len(entities) == 1 else []
        domains = {DOMAINS.get(kind) for kind in self._concepts.kinds_in(text)}
        if not domains and self._lit(text):
            domains = {"light"}  # "The kitchen is still on."
        there = home.entities(area_id=next(iter(rooms)))
        return [e.entity_id for e in there if {e.domain} == domains]

    def _lit(self, text: str) -> bool:
        """Whether it says of what it names but no kind of that it is on."""
        names = ({c.name for c in way} for way in islice(self._concepts.ways(text), 1))
        return any("on" in way and way & {"cop", "seems", "asks", "state"} for way in names)

    def tells(self, text: str) -> bool:
        """Whether every word is known and it says how something is: "the lamp is on"."""
        names = ({c.name for c in way} for way in self._concepts.ways(text))
        return any(way & {"cop", "seems", "asks", "state"} for way in names)

    def states(self, text: str) -> bool:
        """Whether it only says how a thing is to be, or was left: "luces apagadas"."""
        names = ({c.name for c in way} for way in islice(self._concepts.ways(text), 1))
        return any("state" in way and not way & WISHES for way in names)

    def orders(self, text: str) -> bool:
        """Whether the words say of what kind of thing they speak, be it by what is to be done."""
        ways = islice(self._concepts.ways(text), _MOST_LOOKED_AT)
        wants = ((way, self._wanted(way)) for way in ways)
        placed = ("entity", "area", "floor", "here")
        return any(
            any(c.name in placed or c.name.startswith("kind:") for c in way)
            or (want is not None and not want.complains and want.implied is not None)
            for way, want in wants
        )

    def ways(self, text: str) -> Iterator[list[Concept]]:
        """Each way to read a sentence by what its words stand for; none where one is unknown."""
        return self._concepts.ways(text) if self._concepts else iter(())

    def knows(self, text: str) -> bool:
        """Whether every word stands for something: then it is no other sentence, misheard."""
        return bool(self._concepts) and self._concepts.knows(text)

    def names(self, text: str) -> bool:
        """Whether it says of which thing, or of which kind of thing, it speaks."""
        ways = islice(self._concepts.ways(text), 1)
        return any(c.name == "entity" or _of_things(c) for way in ways for c in way)

    def amounts(self, text: str) -> bool:
        """Whether it is but an amount, with a word before it at most: "like ten percent"."""
        words = text.strip(" ,.!?…").split(" ")
        ends = (" ".join(words[at:]) for at in (0, 1))
        ways = (way for end in ends for way in islice(self._concepts.ways(end), 1))
        return any(
            {c.name for c in way} <= _AMOUNT and any(c.name == "number" for c in way)
            for way in ways
        )

    def nameless(self, text: str) -> bool:
        """Whether it names no thing, no kind of thing and no place: "a bit quieter"."""
        ways = islice(self._concepts.ways(text), 1)
        return any(
            not any(c.name in _PLACED or c.name.startswith("kind:") for c in way) for way in ways
        )

    def places(self, text: str) -> bool:
        """Whether it names a thing or a place, and not only kinds of things."""
        ways = islice(self._concepts.ways(text), 1)
        return any(c.name in _PLACED for way in ways for c in way)

    def room_first(self, text: str) -> str | None:
        """The room that it begins with: "in the bedroom the blinds down and the light off"."""
        return self._concepts.room_first(text)

    def about_there(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of those of the same kinds in a room: "the bedroom off, too".

        None where anything else is named, or any of them can't do it or is protected.
        """
        ids = dict.fromkeys(e for action in topic.actions for e in action.entities)
        ids |= dict.fromkeys(topic.question.entities if topic.question else ())
        those = [entity for i in ids if (entity := home.find(i))]
        if not self._concepts or not those or topic.which or self.names(text):
            return None
        scene = self._scene(home)
        domains = {entity.domain for entity in those}
        for concepts in self._concepts.ways(text):
            if asks(concepts) or any(c.name.startswith(_PLACING) for c in concepts):
                continue
            want = self._wanted(concepts)
            places = _targets_or_none(concepts, scene)
            if want is None or want.complains or not places or not places[0].place.named:
                continue
            named = [e for p in places if p.place.named for e in p.place.entities(scene)]
            every = _of(domains, named)
            if not every or any(entity.protected for entity in every):
                continue
            plans = [self._done_by(entity, want, scene) for entity in every]
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
        scene = self._scene(home)
        for concepts in self._concepts.ways(text) if self._concepts and not topic.which else ():
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
        parts = [part for part in re.split("[,、，]", text) if part.strip()]
        if len(parts) > 1:
            each_of = [self.among(part.strip(), entities, home) for part in parts]
            return frozenset().union(*each_of) if all(each_of) else frozenset()
        scene = self._scene(home)
        every = [home.entity(entity_id) for entity_id in entities]
        for concepts in self._concepts.ways(text):
            if all(concept.name.partition(":")[0] in _NAMING for concept in concepts):
                meant = chosen(concepts, every, scene)
                if meant:
                    return meant
        return frozenset()

    def _ways(self, text: str, scene: Scene) -> Iterator[list[Concept]]:
        """Each way to read a sentence, with what may ask or tell settled: "está", "fa"."""
        return self._seen(self._concepts.ways(text), scene)

    def _seen(self, ways: Iterable[list[Concept]], scene: Scene) -> Iterator[list[Concept]]:
        for concepts in ways:
            if not any(c.name == "seems" for c in concepts):
                yield concepts
                continue
            for name in seen_as(concepts, scene):
                yield [replace(c, name=name) if c.name == "seems" else c for c in concepts]

    def _done_by(self, entity: Entity, want: Wanted, scene: Scene) -> Plan | None:
        name = names_of(entity, scene.language)[0].lower()
        try:
            return self._plan(Target(Place(), entity, name), want, scene)
        except AliciaError:
            return None

    def _chained(self, text: str, ways: Sequence[Sequence[Concept]], scene: Scene) -> Plan | None:
        """Several commands in a row; of words those with no "and", and that spare nothing."""
        spaced = self._concepts.spaced
        if spaced:
            ways = [way for way in ways if not spares(way)]
            scene = replace(scene, area_id=self.room_first(text) or scene.area_id)
        read = partial(self._read_or_none, scene)
        return chained(ways, read, verb_last=self._verb_last)

    def _read_or_none(
        self, scene: Scene, concepts: Sequence[Concept], before: Plan | None
    ) -> Plan | None:
        """Of a command in a row; what says no room is in that of the command before.

        What names nothing is asked of what that one turned on.
        """
        if before and not any(c.name.startswith(_ABOUT) for c in concepts):
            things = [scene.home.entity(entity) for entity in before.entities]
            turned_on = all(action.value is True for action in before.actions)
            found = self._asked_of(concepts, things, scene) if turned_on else None
            return found if found and not touches_protected(found, scene.home) else None
        rooms = {scene.home.entity(e).area_id for e in before.entities} if before else set()
        there = replace(scene, area_id=rooms.pop()) if len(rooms) == 1 else scene
        # Of words, what says no room is here.
        for where in dict.fromkeys((scene, there) if self._concepts.spaced else (there, scene)):
            try:
                if (found := self._read(concepts, where)) is not None:
                    return found
            except AliciaError:
                continue
        return None

    def _read(self, concepts: Sequence[Concept], scene: Scene) -> Plan | None:
        if asks(concepts) or measures(concepts, scene):
            return asked(concepts, scene)
        if (told := wondered(concepts, scene, noun_first=self._concepts.noun_first)) is not None:
            return told
        whole = wished(concepts) and not (self._verb_last and resumes(concepts))
        want = self._wanted(concepts) if whole and not self._names_two(concepts) else None
        done = self._done(concepts, want, scene) if want else None
        if want is None or done is None:
            return None
        if scene.mark and want.complains and only_says(concepts, want):
            return doubted(concepts, scene)
        late = self._concepts.noun_first and told_last(concepts)
        if late and touches_protected(done, scene.home):
            return None  # "La puerta del garaje abre" tells as well.
        return replace(done, complaint=want.complains)

    def _done(self, concepts: Sequence[Concept], want: Wanted, scene: Scene) -> Plan | None:
        """What is wanted, of all that are meant; None where any of them is unclear."""
        alone = implied(concepts, want, scene, noun_first=self._concepts.noun_first)
        found = targets(concepts, scene, alone=alone) or []
        found = [one for target in found for one in each(target, want, scene)]
        swept = any(_sweeping(target, want) for target in found)
        # "The lights and the blinds down" dims nothing.
        alike = len({want.act(t.domain or "light", t.kind) for t in found}) == 1
        if len(found) > _MOST_TARGETS or swept or not alike or _mixes(found, want):
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
        if len(numbers) > 1 or len(shades) > 1 or repeats(concepts):
            return None
        if not numbers and not shades and dims_a_color({c.name for c in concepts}):
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
        fit = fitted(target, want, scene)
        plans = [self._plan_of(target, part, scene) for part in parts(fit)]
        sure = [plan for plan in plans if plan is not None]
        if not sure or len(sure) < len(plans):
            return None
        return sure[0] if len(sure) == 1 else together(sure)

    def _plan_of(self, target: Target, want: Wanted, scene: Scene) -> Plan | None:
        domain = target.domain or "light"
        found = want.act(domain, target.kind)
        if found is None or (target.entity and target.entity.protected and "told" in want.marks):
            return None
        key, value = found
        key = _rolled(key, target, want)
        named, placed = KEYS[domain][key]
        if not placed and target.entity is None and (one := only(target, scene)) is not None:
            target = replace(target, entity=one)
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


def _of_things(concept: Concept) -> bool:
    """Whether it is a noun for a kind of thing; "everything" and "somebody" are for none."""
    return concept.name.startswith("kind:") and concept.of in DOMAINS and concept.of != _ALL


def _rolled(key: str, target: Target, want: Wanted) -> str:
    """Rolled up, or moved up, a blind is open, and an awning closed."""
    awning = target.entity is not None and target.entity.device_class == "awning"
    if key in ("roll", "unroll"):
        return "close" if (key == "roll") == awning else "open"
    if awning and key in ("open", "close") and want.ops & _UP_OR_DOWN:
        return "close" if key == "open" else "open"
    return key


def _sweeping(target: Target, want: Wanted) -> bool:
    """Whether all that there is in the home would be turned on."""
    return target.domain == "everything" and "on" in want.ops and not target.place.named


def _mixes(found: Sequence[Target], want: Wanted) -> bool:
    """Whether one number is for two kinds of things: "the heating to 20 and the music"."""
    several = len({target.domain for target in found}) > 1
    return several and want.number is not None and "percent" not in want.marks


_UP_OR_DOWN = frozenset({"up", "down", "raise", "lower"})


def _names(concepts: Sequence[Concept], text: str = "") -> bool:
    """Whether it names a thing; by its whole name, where there is a `text`."""
    return any(c.name == "entity" and (not text or c.said in text) for c in concepts)


def _targets_or_none(concepts: Sequence[Concept], scene: Scene) -> list[Target] | None:
    try:
        return targets(concepts, scene)
    except AmbiguousError:
        return None


def _of(domains: set[str], entities: Sequence[Entity]) -> list[Entity]:
    return [entity for entity in entities if entity.domain in domains]


_AMOUNT = frozenset({"nothing", "number", "percent", "degree", "to", "at"})
_ABOUT = ("entity", "kind", "attr", "area", "floor", "here", "house", "all")
_PLACING = ("entity", "kind", "here", "house", "all")
