"""Follow-ups: sentences that mean something only after another, such as "make it blue".

    what the last turn was about (Topic) + "turn it off"       -> the same things, another act
                                         + "and the bedroom?"  -> the same act, other things
                                         + "the desk lamp"     -> an answer to "which one?"

A topic holds no words, so it can be taken up in another language, and by another person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from alicia.contracts.conversation import Topic, TopicAction, TopicQuestion
from alicia.contracts.devices import Entity, Value
from alicia.errors import NotCapableError, UnknownEntityError
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.candidates import fits
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan as plan_of
from alicia.language.patterns import expand
from alicia.language.plan import Plan, PlannedAction, PlannedQuestion, QuestionKind
from alicia.language.tables import Tables, follow_up_table
from alicia.language.wording import NUMBER, Bare, Wording

_CHOSEN = ("color", "tone")
_BY_DOMAIN: Mapping[str, Mapping[str, str]] = {
    "set": {
        "light": "brightness",
        "cover": "position",
        "fan": "speed",
        "climate": "temperature",
        "media_player": "volume",
    },
    "more": {"light": "brighter", "climate": "warmer", "media_player": "louder"},
    "less": {"light": "dimmer", "climate": "cooler", "media_player": "quieter"},
}
"""What "to forty" or "a bit more" asks of each kind of thing."""
_STEPS = {
    ("brightness", True): "brighter",
    ("brightness", False): "dimmer",
    ("target_temperature", True): "warmer",
    ("target_temperature", False): "cooler",
    ("volume", True): "louder",
    ("volume", False): "quieter",
    ("position", True): "raise",
    ("position", False): "lower",
    ("speed", True): "faster",
    ("speed", False): "slower",
}
_SET = {
    "brightness": "brightness",
    "color": "color",
    "color_temperature": "kelvin",
    "speed": "speed",
    "target_temperature": "temperature",
    "volume": "volume",
    "position": "position",
}
_SWITCHED = {
    "power": ("off", "on"),
    "locked": ("unlock", "lock"),
    "playing": ("pause", "play"),
    "muted": ("unmute", "mute"),
}
_LONGEST_REST = 20
"""Letters beside a name in an answer to "which one?": "the one in the kitchen please"."""
_OPENS = frozenset({"unlock", "open", "half", "position"})


def topic_of(plan: Plan, *others: Plan) -> Topic | None:
    """What a plan is about; None where it is about nothing, or too much.

    With others: it is asked back which of these plans is meant.
    """
    if not plan.entities or plan.response == "scene":
        return None  # Nobody calls all that a scene has set "it".
    question = plan.question
    return Topic(
        intent=plan.intent,
        response=plan.response,
        actions=[
            TopicAction(
                entities=list(action.entities),
                capability=action.capability,
                value=action.value,
                relative=action.relative,
            )
            for one in (plan, *others)
            for action in one.actions
        ],
        question=TopicQuestion(
            kind=question.kind.value,
            entities=[e for one in (plan, *others) if one.question for e in one.question.entities],
            capability=question.capability,
            wanted=question.wanted,
        )
        if question
        else None,
        which=bool(others),
    )


@dataclass(frozen=True)
class _Act:
    key: str
    chosen: str | float | None = None
    said: str = ""


class FollowUps:
    """One language's, with the names of one home."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        own = follow_up_table(tables.language)
        self._language = tables.language
        self._say: dict[str, Any] = tables.say
        self._wording = wording
        self._bare_of = lru_cache(maxsize=None)(lambda text: wording.bare(text).text)
        self._also = {
            (self._bare_of(before), self._bare_of(after))
            for pattern in own.get("also", [])
            for text in expand(pattern)
            for before, _, after in [text.partition("{target}")]
        }
        """What is said before and after the name."""
        self._points = frozenset(own.get("points", []))
        self._each = {self._bare_of(t) for p in own.get("each", []) for t in expand(p)}
        self._asking = frozenset(map(wording.plain, own.get("asking", [])))
        """Words that are left out of bare forms, and make a question of them."""
        self._acts: dict[tuple[str, bool], list[_Act]] = {}
        for key, patterns in own.get("it", {}).items():
            for pattern in patterns:
                for text, act in self._said(key, pattern):
                    if bare := self._bare_of(text):
                        acts = self._acts.setdefault((bare, self._asks(text)), [])
                        acts += [act] if act not in acts else []
        self._targets: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        """By entity: the bare names of the thing and of its room."""

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._targets = {}
        self._names = {}
        for entity in home.entities():
            area = home.area(entity.area_id or "")
            rooms = names_of(area, self._language) if area else ()
            self._names[entity.entity_id] = [
                bare
                for name in (*names_of(entity, self._language), *rooms)
                if (bare := self._bare_of(name))
            ]
        for thing, own_id in (
            *((area, area.area_id) for area in home.areas()),
            *((entity, entity.entity_id) for entity in home.entities()),
        ):
            for name in names_of(thing, self._language):
                named = self._bare_of(name)
                for before, after in self._also if named else ():
                    bare = self._wording.gap.join(filter(None, (before, named, after)))
                    known = self._targets.setdefault(bare, [])
                    if own_id not in known:
                        known.append(own_id)

    def plan(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """What a tidied sentence asks for after this topic; None where it is no follow-up.

        Raises UnknownEntityError where there is nothing of the kind in the room that is named, and
        NotCapableError where nothing that it is about can do it.
        """
        bare = self._wording.bare(text)
        if topic.which:
            return self._chosen(bare.text, topic, home)
        if self._acts_of(text, bare):
            return self.of_it(text, topic, home)
        found = self._targets.get(bare.text)
        return self.elsewhere(topic, found, home) if found else None

    def of_it(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """The same where it can only be about the same things."""
        bare = self._wording.bare(text)
        acts = self._acts_of(text, bare)
        # In a bare form "rosa" is "rossa".
        heard = self._wording.letters(text)
        acts = [act for act in acts if self._wording.letters(act.said) in heard]
        return self._done_to(topic, acts, next(iter(bare.numbers), None), home)

    def _acts_of(self, text: str, bare: Bare) -> Sequence[_Act]:
        acts = self._acts.get((bare.text, self._asks(text)), ())
        return acts if len(bare.numbers) <= 1 else ()

    def points(self, text: str) -> bool:
        """Whether a tidied sentence has a word for what was spoken of before."""
        return not self._points.isdisjoint(text.split())

    # ---- "turn it off" ----

    def _done_to(
        self, topic: Topic, acts: Sequence[_Act], number: float | None, home: Home
    ) -> Plan | None:
        """The first of the acts that any of the things can do, by all that can."""
        entities = _found(_about(topic), home)
        for said in acts:
            value: Value | None = said.chosen if said.chosen is not None else number
            able = [
                (entity, act)
                for entity in entities
                if (act := _act_for(said.key, entity)) and not _opens(act, entity)
            ]
            if able:
                return _merged([self._one(act, e, value, said.said, home) for e, act in able])
        if acts and entities:
            raise NotCapableError(entity=entities[0].entity_id)
        return None

    def _one(self, act: Act, entity: Entity, value: Value | None, said: str, home: Home) -> Plan:
        slots = {name: Slot(fixed, "") for name, fixed in act.slots.items()}
        slots["name"] = Slot(entity.entity_id, names_of(entity, self._language)[0])
        if act.takes and value is not None:
            slots[act.takes] = Slot(value, said or _shown(value))
        return plan_of(Reading(act.intent, act.response, slots, 0, 0), home)

    # ---- "and the bedroom?" ----

    def elsewhere(self, topic: Topic, found: Sequence[str], home: Home) -> Plan:
        """The same of these things, or of the first of these rooms. Raises as `plan` does."""
        areas = [own_id for own_id in found if home.area(own_id)]
        if areas:
            return self._in_area(topic, areas[0], home)
        here = [e for e in _found(found, home) if _takes(e, topic)]
        if not here:
            raise NotCapableError(entity=found[0])
        return self.again(topic, here[:1], home)

    def _in_area(self, topic: Topic, area_id: str, home: Home) -> Plan:
        before = _found(_about(topic), home)
        kinds = {(entity.domain, entity.device_class) for entity in before}
        domains = {domain for domain, _ in kinds}
        there = [e for e in home.entities(area_id=area_id) if _takes(e, topic)]
        alike = [e for e in there if (e.domain, e.device_class) in kinds]
        alike = alike or [e for e in there if e.domain in domains]
        if not alike and topic.question is not None:
            alike = there
        if not alike:
            area = home.area(area_id)
            raise UnknownEntityError(area=names_of(area, self._language)[0] if area else area_id)
        return self.again(topic, alike, home)

    def again(
        self,
        topic: Topic,
        entities: Sequence[Entity],
        home: Home,
        amount: float | None = None,
    ) -> Plan:
        """The same as before, to these; a step by this amount.

        Raises NotCapableError where none of them can do it.
        """
        ids = tuple(entity.entity_id for entity in entities)
        if topic.question is not None:
            question = _asked(topic.question, ids)
            return Plan(topic.intent, topic.response, question=question)
        plans: list[Plan] = []
        for action in topic.actions:
            able = [entity for entity in entities if _can(entity, action.capability)]
            plans += [
                self._again(action, entity, home, amount)
                for entity in able
                if not ((key := _key(action, entity)) and _opens(NAMED[key], entity))
            ]
        merged = _merged(plans)
        if merged is None:
            raise NotCapableError(entity=ids[0])
        placed = _placed(merged)
        return replace(merged, response=placed) if placed else merged

    def _again(
        self, action: TopicAction, entity: Entity, home: Home, amount: float | None = None
    ) -> Plan:
        key = _key(action, entity)
        if amount is not None and action.relative:
            key = f"{key}_by" if f"{key}_by" in NAMED else None
        if key is None or not fits(entity, NAMED[key]):
            raise NotCapableError(entity=entity.entity_id, capability=action.capability)
        value = amount if action.relative else action.value
        return self._one(NAMED[key], entity, value, self._word(action), home)

    def _word(self, action: TopicAction) -> str:
        """How a colour is called in this language."""
        words = self._say.get("color", {}).get(action.value) if action.capability == "color" else ()
        return words[0] if words else ""

    # ---- "which one?" ----

    def _chosen(self, bare: str, topic: Topic, home: Home) -> Plan | None:
        entities = _found(_about(topic), home)
        if bare not in self._each:
            entities = self._meant(bare, entities)
            kept_apart = {e.area_id if topic.where else e.entity_id for e in entities}
            if len(kept_apart) != 1:
                return None
        by_id = {entity.entity_id: entity for entity in entities}
        plans = [
            self._again(action, by_id[own_id], home)
            for action in topic.actions
            for own_id in action.entities
            if own_id in by_id
        ]
        if topic.question is not None:
            question = _asked(topic.question, tuple(by_id))
            return Plan(topic.intent, topic.response, question=question)
        merged = _merged(plans)
        placed = _placed(merged) if merged and topic.where else None
        return replace(merged, response=placed) if merged and placed else merged

    def _meant(self, bare: str, entities: Sequence[Entity]) -> list[Entity]:
        """Those of whom something was said that is not true of the others."""
        told = {e.entity_id: self._told(bare, self._names.get(e.entity_id, [])) for e in entities}
        most = max((len(name) for name in told.values()), default=0)
        if not most or len(bare) - most > _LONGEST_REST:
            return []
        return [e for e in entities if len(told[e.entity_id]) == most]

    def _told(self, bare: str, names: Iterable[str]) -> str:
        gap = self._wording.gap
        padded = f"{gap}{bare}{gap}"
        return max((n for n in names if f"{gap}{n}{gap}" in padded), key=len, default="")

    # ---- words ----

    def _said(self, key: str, pattern: str) -> Iterator[tuple[str, _Act]]:
        for text in expand(pattern.replace("{number}", NUMBER)):
            kind = next((kind for kind in _CHOSEN if f"{{{kind}}}" in text), None)
            if kind is None:
                yield text, _Act(key)
                continue
            for value, words in self._say.get(kind, {}).items():
                chosen = value if kind == "color" else float(value)
                for word in words:
                    yield text.replace(f"{{{kind}}}", word), _Act(key, chosen, word)

    def _asks(self, text: str) -> bool:
        return bool(self._asking) and not self._asking.isdisjoint(self._wording.plain(text).split())


def _about(topic: Topic) -> list[str]:
    """Every entity it is about, once."""
    found = [entity for action in topic.actions for entity in action.entities]
    found += topic.question.entities if topic.question else []
    return list(dict.fromkeys(found))


def _asked(question: TopicQuestion, entities: Sequence[str]) -> PlannedQuestion:
    """The same question about these."""
    kind = QuestionKind(question.kind)
    return PlannedQuestion(kind, tuple(entities), question.capability, question.wanted)


def _found(ids: Iterable[str], home: Home) -> list[Entity]:
    return [entity for own_id in ids if (entity := home.find(own_id)) is not None]


def _act_for(key: str, entity: Entity) -> Act | None:
    """The act of a key that this thing can do; a door that can be locked is closed so."""
    key = "lock" if key == "close" and entity.domain == "lock" else key
    act = NAMED.get(_BY_DOMAIN[key].get(entity.domain, "") if key in _BY_DOMAIN else key)
    return act if act is not None and fits(entity, act) else None


def _opens(act: Act, entity: Entity) -> bool:
    """Whether it would open what is protected, which takes more than a pronoun."""
    return entity.protected and act.does in _OPENS


def _can(entity: Entity, capability: str) -> bool:
    return any(c.name == capability for c in entity.capabilities)


def _takes(entity: Entity, topic: Topic) -> bool:
    wanted = {action.capability for action in topic.actions}
    if topic.question is not None and topic.question.capability:
        wanted.add(topic.question.capability)
    return any(_can(entity, capability) for capability in wanted)


def _key(action: TopicAction, entity: Entity) -> str | None:
    """The act by a name that makes this change."""
    value = action.value
    if action.relative and isinstance(value, float):
        return _STEPS.get((action.capability, value > 0))
    if entity.domain == "cover" and action.capability == "position" and value in (0.0, 100.0):
        return "open" if value else "close"
    if action.capability in _SWITCHED:
        return _SWITCHED[action.capability][bool(value)]
    return _SET.get(action.capability)


def _merged(plans: Sequence[Plan]) -> Plan | None:
    """One plan for all: equal changes become one of several things."""
    if not plans:
        return None
    together: dict[tuple[str, Value, bool], list[str]] = {}
    for plan in plans:
        for action in plan.actions:
            same = together.setdefault((action.capability, action.value, action.relative), [])
            same += [own_id for own_id in action.entities if own_id not in same]
    first = plans[0]
    actions = tuple(
        PlannedAction(tuple(ids), capability, value, relative)
        for (capability, value, relative), ids in together.items()
    )
    question = first.question
    if question is not None:
        ids = tuple(i for plan in plans if plan.question for i in plan.question.entities)
        question = replace(question, entities=ids)
    slots = (
        first.slots if len(plans) == 1 else {k: v for k, v in first.slots.items() if k != "name"}
    )
    return replace(first, actions=actions, question=question, slots=slots)


def _placed(merged: Plan) -> str | None:
    """The answer's key for several things of one kind, as where a room's were named."""
    if len(merged.entities) < 2:
        return None
    domains = {own_id.partition(".")[0] for own_id in merged.entities}
    for act in PLACED.values():
        if act.intent == merged.intent and set(act.domains) == domains:
            return act.response
    return None


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
