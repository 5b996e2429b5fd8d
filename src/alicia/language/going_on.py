"""Going on: a sentence after another, whatever stands around what is meant.

    "no, 23" / "actually, make it blue instead"   -> the value, the act, without those words
    "a bit more" after "dim the lamp"             -> the same step again
    "and outside?" after a question               -> the same question there
    "the right one too", "turn the other one off" -> the thing that differs from the one before
    "too loud, turn it down"                      -> what is told beside it is let be

The words of each language are in `data/going_on.toml`, as regular expressions over tidied text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from itertools import islice
from typing import Any

from alicia.contracts.conversation import Topic, TopicAction
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.asides import asides_of
from alicia.language.composing import Composer
from alicia.language.concepts import Concept
from alicia.language.follow_ups import FollowUps
from alicia.language.intents import touches_protected
from alicia.language.others import Others
from alicia.language.plan import Plan

_MOST_WAYS = 6
_MOST_SPLITS = 12
_NOTHING = re.compile(r"(?!)")
_MORE = frozenset({"nothing", "and", "bit", "more", "by", "number", "degree", "percent"})
"""Concepts of a sentence that asks for the same step again, as big as it says."""
_VALUE = frozenset({"nothing", "and", "set", "put", "to", "at", "number", "degree", "percent"})
"""Concepts of a sentence that says but another number."""
_PLACE = frozenset({"nothing", "and", "area", "floor", "asks", "cop"})
_ORDERS = frozenset({"on", "off", "open", "close", "lock", "unlock", "entity", "area", "floor"})
_DIRECTION = frozenset({"nothing", "and", "bit", "more", "less", "too", "brighter", "dimmer"})
_PAUSE = re.compile(r"\s*[,;，、。]\s*|(?<=\w)\s*[.!]\s+")
_CHOSEN = ("color:", "tone:")
_UNITS = {
    "target_temperature": "degree",
    "brightness": "percent",
    "position": "percent",
    "speed": "percent",
    "volume": "percent",
}
"""What a number is said with, by what it is given to."""


class GoingOn:
    """One language's, with the names of the home that its parts took up."""

    def __init__(
        self, language: str, composer: Composer, follow_ups: FollowUps, *, spaced: bool
    ) -> None:
        own = _table(language)
        self._asides = asides_of(language, spaced=spaced)
        self._begins = _pattern(own, "begins")
        self._ends = _pattern(own, "ends")
        self._denies = _pattern(own, "denies")
        self._one_there = _pattern(own, "one_there")
        self._between = re.compile(own.get("between", "(?!)"), re.VERBOSE)
        self._others = Others(own, language, spaced=spaced)
        self._composer = composer
        self._follow_ups = follow_ups
        self._spaced = spaced

    def plan(self, said: str, tidied: str, topic: Topic, home: Home, *, whole: bool) -> Plan | None:
        """What a sentence asks for after this topic; None where it is no follow-up.

        `said` is what its concepts are read of, and `whole` whether it is a command by itself.
        Raises what `FollowUps.plan` does.
        """
        error: AliciaError | None = None
        texts = [self._asides.answer(tidied)] if self._spaced else [tidied, said]
        forms = list(dict.fromkeys(form for text in texts for form in self._forms(text)))
        for form in () if topic.which else forms:
            if (found := self._once_more(form, topic, home)) is not None:
                return found
        for form in forms:
            try:
                if (found := self._followed(form, topic, home)) is not None:
                    return found
            except AliciaError as incapable:
                error = error or incapable
        if topic.which:
            found = None
        else:
            found = (None if whole else self._other(forms, topic, home)) or self._told(
                tidied, topic, home
            )
        if found is None and error is not None:
            raise error
        return found

    def then(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """The same of a part of a sentence, after the part before. Raises as `plan` does."""
        return (
            self._follow_ups.plan(text, topic, home)
            or self._composer.about(text, topic, home)
            or self._composer.about_there(text, topic, home)
            or self._other([text], topic, home)
        )

    # ---- words around it ----

    def _forms(self, text: str) -> Iterator[str]:
        """The sentence, and without what begins and ends it: "no, actually", "instead"."""
        yield text
        begun = self._between.sub(" " if self._spaced else "", text).strip()
        yield begun
        while (found := self._begins.match(begun)) and found.end() < len(begun):
            begun = begun[found.end() :].lstrip(" ,、，.")
            yield begun
        ended = begun
        while (at := self._ends.search(ended)) and at.start():
            ended = ended[: at.start()].rstrip(" ,、，.")
            yield ended
        found = self._denies.match(ended)
        if found and self._is_value(ended[found.end() :]):
            yield ended[found.end() :]

    def _is_value(self, text: str) -> bool:
        """Whether it is a value alone: after "no" whatever else may deny what it says."""
        return any(
            all(c.name in _VALUE or c.name.startswith(_CHOSEN) for c in way)
            and any(c.name == "number" or c.name.startswith(_CHOSEN) for c in way)
            for way in self._ways(text)
        )

    def _ways(self, text: str) -> Iterator[Sequence[Concept]]:
        return islice(self._composer.ways(text), _MOST_WAYS)

    # ---- the same things, or the same elsewhere ----

    def _followed(self, text: str, topic: Topic, home: Home) -> Plan | None:
        if not topic.which and topic.actions and self._one_there.match(text):
            return self._one_of(text, topic, home)
        found = self._composer.about(text, topic, home)
        # "Down by twenty" is not "down to twenty", which the other way does not tell apart.
        if found is None or not all(action.relative for action in found.actions):
            try:
                found = self._follow_ups.plan(text, topic, home) or found
            except AliciaError:
                if found is None:
                    raise
        return found or self._gone_on(text, topic, home)

    def _gone_on(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """By its concepts: something else to the same things, or the same to others."""
        if topic.which:
            return None
        if (found := self._composer.about_there(text, topic, home)) is not None:
            return found
        others = self._composer.elsewhere(text, topic, home) if topic.actions else None
        try:
            if others:
                return self._follow_ups.again(topic, others, home)
            return self._asked_there(text, topic, home) or self._set_to(text, topic, home)
        except AliciaError:
            return None

    def _one_of(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """The same for one of a room's, if one was spoken of: "and the one in the bedroom"."""
        others = self._composer.elsewhere(text, topic, home) or ()
        others = self._others.of_its_room(others, topic, home)
        return self._follow_ups.again(topic, others, home) if others else None

    def _asked_there(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """The same question about another room, by whatever it is called: "and outside?"."""
        if topic.question is None:
            return None
        for way in self._ways(text):
            areas = [str(c.value) for c in way if c.name == "area"]
            if len(areas) == 1 and all(c.name in _PLACE for c in way):
                return self._follow_ups.elsewhere(topic, areas, home)
        return None

    def _once_more(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """The same step again: "a bit more" after "dim the lamp"; and by how much, if it says."""
        if not topic.actions or not all(action.relative for action in topic.actions):
            return None
        for way in self._ways(text):
            names = {concept.name for concept in way}
            numbers = [c.value for c in way if c.name == "number"]
            if not names <= _MORE or not names & {"bit", "more", "by"} or len(numbers) > 1:
                continue
            amount = next((n for n in numbers if isinstance(n, float)), None)
            return self._stepped(topic, amount, home)
        return None

    def _stepped(self, topic: Topic, amount: float | None, home: Home) -> Plan | None:
        those = [home.find(i) for action in topic.actions for i in action.entities]
        entities = [entity for entity in those if entity is not None and not entity.protected]
        try:
            return self._follow_ups.again(topic, entities, home, amount) if entities else None
        except AliciaError:
            return None

    def _set_to(self, text: str, topic: Topic, home: Home) -> Plan | None:
        """Another number for what was set to one: "rather 20.5", "make it 18"."""
        kinds = {action.capability for action in topic.actions}
        unit = _UNITS.get(next(iter(kinds)), "") if len(kinds) == 1 else ""
        if not unit or isinstance(topic.actions[0].value, str):
            return None
        for way in self._ways(text):
            names = {concept.name for concept in way}
            numbers = [c.value for c in way if c.name == "number" and isinstance(c.value, float)]
            if len(numbers) != 1 or not names <= _VALUE or names & (set(_UNITS.values()) - {unit}):
                continue
            actions = [_valued(action, numbers[0]) for action in topic.actions]
            those = [home.find(i) for action in topic.actions for i in action.entities]
            things = [entity for entity in those if entity is not None and not entity.protected]
            return self._follow_ups.again(
                topic.model_copy(update={"actions": actions}), things, home
            )
        return None

    # ---- other words beside it ----

    def _other(self, forms: Sequence[str], topic: Topic, home: Home) -> Plan | None:
        """What is said of a thing by how it differs from the one before; of nothing protected."""
        for form in dict.fromkeys(forms):
            for named in self._others.named(form, topic, home):
                plan = self._composer.plan(named, home, None) or self._gone_on(named, topic, home)
                if plan is not None and not touches_protected(plan, home):
                    return plan
        return None

    def _told(self, tidied: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of the same things, with something told beside it."""
        for text in dict.fromkeys(self._forms(tidied)):
            told = [(split.command, split.aside) for split in self._asides.splits(text)]
            for command, aside in (*told[:_MOST_SPLITS], *self._complained(text)):
                if any(self._composer.mentions(aside)) or self._placed(aside):
                    continue
                for form in dict.fromkeys(self._forms(command)):
                    plan = self._of_it(form, topic, home)
                    if plan is not None and not touches_protected(plan, home):
                        return plan
        return None

    def _complained(self, text: str) -> Iterator[tuple[str, str]]:
        """What is asked for beside a complaint or a direction: "too loud, down", "less, at 20".

        "Half that" may be half of what it was.
        """
        for pause in _PAUSE.finditer(text):
            parts = text[: pause.start()], text[pause.end() :]
            if not all(parts):
                continue
            for way in islice(self._composer.ways(parts[0]), _MOST_WAYS):
                names = {concept.name for concept in way}
                felt = any(name.startswith("adj:") for name in names) and names & {"too", "cop"}
                told = (felt and not names & _ORDERS) or names <= _DIRECTION
                if told and not any("half" in {c.name for c in w} for w in self._ways(parts[1])):
                    yield parts[1], parts[0]
                    break

    def _placed(self, text: str) -> bool:
        """Whether it tells of a place or of a kind of thing, and so not of "it"."""
        ways = islice(self._composer.ways(text), 1)
        return any(c.name == "here" or c.name.startswith("kind:") for way in ways for c in way)

    def _of_it(self, text: str, topic: Topic, home: Home) -> Plan | None:
        try:
            found = self._once_more(text, topic, home) or self._composer.about(text, topic, home)
            return (
                found
                or self._follow_ups.of_it(text, topic, home)
                or self._set_to(text, topic, home)
            )
        except AliciaError:
            return None


def _valued(action: TopicAction, number: float) -> TopicAction:
    return action.model_copy(update={"value": number, "relative": False})


def _pattern(own: dict[str, Any], key: str) -> re.Pattern[str]:
    if key not in own:
        return _NOTHING
    before, after = ("", r"\W*$") if key == "ends" else (r"\W*", "")
    return re.compile(f"{before}(?:{own[key]}){after}", re.VERBOSE)


@lru_cache(maxsize=9)
def _table(language: str) -> dict[str, Any]:
    source = resources.files("alicia.language").joinpath("data", "going_on.toml")
    return tomllib.loads(source.read_text("utf-8")).get(language, {})
