"""Beside: the command in a sentence that tells something else, too, or corrects itself.

asides -> each way to part the sentence -> the first whose command is whole -> may it be obeyed?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alicia.errors import AliciaError
from alicia.home.model import Home, names_of
from alicia.language.asides import Split, asides_of
from alicia.language.composing import Composer
from alicia.language.grammar import tidy
from alicia.language.intents import opens_protected, touches_protected
from alicia.language.plan import Plan
from alicia.language.snap import Snap
from alicia.language.tables import Tables

Way = Callable[[str, Home, str | None], Plan | None]
"""The plan of a tidied sentence in a home, said in a room; None where it is no command."""


class Beside:
    """One language's. `quick` reads one command and raises nothing, `several` many."""

    def __init__(
        self, tables: Tables, composer: Composer, snap: Snap, quick: Way, several: Way
    ) -> None:
        self._tables = tables
        self._composer = composer
        self._snap = snap
        self._asides = asides_of(tables.language, spaced=snap.wording.spaced)
        self._quick = quick
        self._several = several

    def answer(self, text: str) -> str:
        """What is said after another turn, without the words that take it back."""
        return self._asides.answer(text)

    def talks(self, text: str, home: Home, area_id: str | None) -> bool:
        """Whether it only talks of commands, or quotes one: `he shouted "turn it off"`."""
        if self._asides.talks(text):
            return True
        quoted = (tidy(part, self._tables) for part in self._asides.quoted(text))
        plans = (self._quick(part, home, area_id) for part in quoted)
        return any(plan is not None and plan.response != "scene" for plan in plans)

    def corrected(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """Somebody corrects themselves: what they mean must be whole. Raises nothing."""
        for text in self._asides.corrected(tidied):
            if (plan := self._quick(text, home, area_id)) is not None:
                return plan if not touches_protected(plan, home) else None
        return None

    def complained(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """A command with a complaint that is the reason for it. Raises nothing."""
        splits = [split for split in self._asides.splits(tidied) if split.complains]
        return self._first_of(splits, home, area_id)

    def told(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """A command with something told beside it. Raises nothing."""
        return self._first_of(self._asides.splits(tidied), home, area_id)

    def _first_of(self, splits: Iterable[Split], home: Home, area_id: str | None) -> Plan | None:
        for split in splits:
            if (plan := self._told_with(split, home, area_id)) is not None:
                return plan if self._obeys(plan, split, home) else None
        return None

    def _obeys(self, plan: Plan, split: Split, home: Home) -> bool:
        """Whether a command is done with other words beside it.

        What is protected obeys where the order comes first; it closes also after a pause, and opens
        so in languages whose reasons always stand before the order. A scene whose name alone is
        said, which may be a greeting, too ("good night"), is set where the words say that somebody
        goes to bed or the like.
        """
        if plan.response == "scene" and self._names_scene(split.command, home):
            return self._asides.sets_scene(split.aside)
        if split.first or not touches_protected(plan, home):
            return True
        opens = opens_protected(plan, home) and self._snap.wording.spaced
        return split.paused and not opens

    def _names_scene(self, command: str, home: Home) -> bool:
        """Whether the command is but the name of a scene, without so much as a "please"."""
        words = command.casefold().strip(" ,.!?…、，。！").split(" ")
        bare = words[1:] if words[0] in self._tables.articles else words
        scenes = [entity for entity in home.entities() if entity.domain == "scene"]
        names = [name for scene in scenes for name in names_of(scene, self._tables.language)]
        called = {name.casefold() for name in names}
        return " ".join(words) in called or " ".join(bare) in called

    def _told_with(self, split: Split, home: Home, area_id: str | None) -> Plan | None:
        """The command; of what was told beside it the thing is "it", and the room is where."""
        command = tidy(split.command, self._tables)
        # "Lights off, door shut, I've gone up to bed" tells how things were left.
        tells = self._snap.unfinished(command) or any(
            map(self._composer.states, command.split(", "))
        )
        if tells or self._strange(split.aside, command, split.complains):
            return None
        entities, rooms = self._composer.mentions(split.aside)
        spoken_of = self._composer.spoken_of(split.aside, home, area_id)
        if spoken_of and (plan := self._composer.done_to(command, spoken_of, home)):
            return plan
        if len(entities) == 1 and not self._composer.orders(command):
            return None  # It is said of that thing, which can't do it.
        if len(rooms) == 1 and (not split.moves or self._asides.points_there(command)):
            area_id = next(iter(rooms))
        try:
            found = self._commanded(command, split, home, area_id)
        except AliciaError:
            return None
        if found is None and split.moves and area_id is None and len(rooms) == 1:
            return self._lit_there(command, home, next(iter(rooms)))
        return found

    def _lit_there(self, command: str, home: Home, area_id: str) -> Plan | None:
        """What is turned on where somebody goes: "I'm off to the kitchen, turn the light on"."""
        there = self._quick(command, home, area_id)
        return there if there and all(a.value is True for a in there.actions) else None

    def _commanded(
        self, command: str, split: Split, home: Home, area_id: str | None
    ) -> Plan | None:
        """One command or several. Raises what several do."""
        # Where no spaces part words, commas part commands.
        said = (command,) if self._snap.wording.spaced else (command, split.command)
        found = (self._quick(text, home, area_id) for text in said)
        return next(filter(None, found), None) or self._several(said[-1], home, area_id)

    def _strange(self, aside: str, command: str, complains: bool) -> bool:
        """Whether what is told beside it is none of the things that are let be.

        It complains of what the home has not ("the screen is too bright, dim it"); or it is a
        command of its own that is not understood ("the lamp off, the curtain half").
        """
        if self._composer.amounts(aside):
            return True  # "As low as it goes, like ten": one of them is not what is meant.
        known = self._composer.knows(aside)
        if complains:
            named = known or self._composer.orders(command)
            return not named and not any(self._composer.mentions(aside))
        return known and self._composer.names(aside) and not self._composer.tells(aside)
