"""Understanding: a sentence and a home become a plan.

tidy -> its concepts, our own patterns, every reading of the templates -> what this home can do
     -> each alternative, strictly -> the nearest sentence that this home can be told
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from alicia.contracts.conversation import Topic
from alicia.errors import (
    AliciaError,
    MissingSlotError,
    NotUnderstoodError,
    UnsupportedIntentError,
)
from alicia.home.model import Home
from alicia.language.beside import Beside
from alicia.language.candidates import candidates, opens_something
from alicia.language.choosing import best_of
from alicia.language.composing import Composer
from alicia.language.follow_ups import FollowUps, topic_of
from alicia.language.going_on import GoingOn
from alicia.language.grammar import Grammar, Reading, tidy
from alicia.language.guesses import Guesses
from alicia.language.intents import plan, touches_protected
from alicia.language.plan import Plan
from alicia.language.plurals import plurals
from alicia.language.several import Several
from alicia.language.snap import Snap, Snapped
from alicia.language.sparing import Sparing, without
from alicia.language.tables import load_tables
from alicia.language.whom import Mark

_POLITE = 75
"""Likeness in percent from which words are taken for a polite opening that was misheard."""
_LONG_FILLER = 6
"""Letters of one from which it may be."""
_KEPT = 128
"""Sentences whose meaning is remembered."""


@dataclass(frozen=True)
class Preview:
    """What the words so far come to, while somebody is still speaking."""

    complete: bool
    """They are a whole command, word for word."""
    open: bool
    """More is likely to come: they begin a longer command, or end in a word that asks for more."""
    plan: Plan | None
    """What they would do now; a guess where they are not complete. Nothing has been done."""
    score: float
    """1 for a whole command, less for one that was snapped, 0 for none."""
    whole: bool
    """Complete, or misheard and nothing is missing: more may follow, and need not."""


class Understanding:
    """One language. Loads on construction; raises UnsupportedLanguageError.

    Not for several threads at once: it keeps the names of the home it saw last.
    """

    def __init__(self, language: str) -> None:
        self._tables = load_tables(language)
        self.language = self._tables.language
        self._grammar = Grammar(self._tables)
        self._snap = Snap(self._tables)
        self._composer = Composer(self._tables, self._snap.wording)
        self._sparing = Sparing(self._tables, self._snap.wording)
        self._guesses = Guesses(self._tables, self._snap)
        self._beside = Beside(
            self._tables, self._composer, self._snap, self._quick, self._severally
        )
        self._several = Several(self._tables.language, spaced=self._snap.wording.spaced)
        self._follow_ups = FollowUps(self._tables, self._snap.wording)
        self._going_on = GoingOn(
            self.language, self._composer, self._follow_ups, spaced=self._snap.wording.spaced
        )
        letters = self._snap.wording.letters
        self._asking = re.compile(self._tables.say.get("asking", ""))
        """Of these signs a question has at least one; in languages that say so."""
        self._fillers = [letters(f).replace(" ", "") for f in self._tables.tidy.fillers]
        self._fillers = [f for f in self._fillers if len(f) >= _LONG_FILLER]
        self._known_of: tuple[Home | None, int] = (None, 0)
        self._known: dict[tuple[str, str | None, Mark], Plan | AliciaError | None] = {}

    def prewarm(self, home: Home) -> None:
        """Takes up the home's names and runs each path once, so that no person waits for it."""
        self._use(home)
        for text in ("", *self._tables.words.get("prewarm", [])):
            self._grammar.readings(tidy(text, self._tables), None)
            self._snap.nearest(tidy(text, self._tables))

    def recognize(
        self,
        text: str,
        *,
        home: Home,
        area_id: str | None = None,
        alternatives: Sequence[str] = (),
        topic: Topic | None = None,
    ) -> Plan:
        """What the sentence asks for in this home; after the `topic` of the turn before.

        Alternatives (a recognizer's other guesses) count only where they parse exactly. A lock or
        a garage door is opened only where all of `text` parses exactly, and locked or closed also
        where something is told beside the order, after a pause.
        Raises NotUnderstoodError, UnsupportedIntentError, AmbiguousError, MissingSlotError,
        UnknownEntityError or NotCapableError.
        """
        self._use(home)
        try:
            return self._recognized(text, home, area_id, alternatives, topic)
        except MissingSlotError as missing:
            topic = self._places(text, home) if missing.fields.get("slot") == "area" else None
            if topic is None:
                raise
            raise MissingSlotError(slot="area", topic=topic.model_dump(mode="json")) from None

    def _places(self, text: str, home: Home) -> Topic | None:
        """What the sentence would do in each room, where it says none; None where nothing."""
        plans = [self._strict_or_none(text, home, area.area_id) for area in home.areas()]
        topics = topic_of(*found) if (found := [plan for plan in plans if plan]) else None
        return topics and topics.model_copy(update={"which": True, "where": True})

    def _recognized(
        self,
        text: str,
        home: Home,
        area_id: str | None,
        alternatives: Sequence[str],
        topic: Topic | None,
    ) -> Plan:
        if topic is None:
            return self._recognize(text, home, area_id, alternatives)
        try:
            followed = self._followed(text, topic, home, area_id)
        except AliciaError as incapable:
            if self._follow_ups.points(tidy(text, self._tables)):
                raise
            try:
                return self._recognize(text, home, area_id, alternatives)
            except (NotUnderstoodError, UnsupportedIntentError):
                raise incapable from None
        return followed or self._recognize(text, home, area_id, alternatives)

    def _followed(self, text: str, topic: Topic, home: Home, area_id: str | None) -> Plan | None:
        """The plan of a follow-up; None where it is none. Raises what `FollowUps.plan` does."""
        if self._beside.talks(text, home, area_id):
            return None
        if topic.which and self._strict_or_none(text, home, area_id) is not None:
            return None  # Who was asked "which one?" wants something else now.
        tidied = tidy(text, self._tables)
        said = tidied if self._snap.wording.spaced else text
        whole = self._strict_or_none(text, home, area_id) is not None
        found = self._going_on.plan(said, tidied, topic, home, whole=whole)
        return found and replace(found, heard=text.strip())

    def _recognize(
        self, text: str, home: Home, area_id: str | None, alternatives: Sequence[str]
    ) -> Plan:
        exact = self._strict(text, home, area_id)
        if exact is not None:
            return replace(exact, heard=text.strip())
        for other in alternatives:
            guessed = self._strict_or_none(other, home, area_id)
            if guessed is not None and not touches_protected(guessed, home):
                return replace(guessed, heard=other.strip())
        half = self._snap.unfinished(tidy(text, self._tables))
        snapped = None if half else self._snapped(text, home, area_id)
        if snapped is not None:
            return snapped
        loose = self._loose(text, home, area_id)
        if loose is None:
            raise NotUnderstoodError
        return replace(loose, heard=text.strip())

    def complete(self, text: str, *, home: Home, area_id: str | None = None) -> bool:
        """Whether the words so far are a whole command: the utterance may end here."""
        self._use(home)
        return self._whole(text, home, area_id) is not None

    def preview(
        self,
        text: str,
        *,
        home: Home,
        area_id: str | None = None,
        guessed: bool = False,
        topic: Topic | None = None,
    ) -> Preview:
        """What the words so far come to, and whether more is likely to come. Raises nothing.

        Words that are only `guessed` come to nothing where something protected would obey.
        """
        self._use(home)
        exact = self._followed_or_none(text, topic, home, area_id) or self._whole(
            text, home, area_id
        )
        if guessed and exact is not None and touches_protected(exact, home):
            return Preview(complete=False, open=False, plan=None, score=0.0, whole=False)
        heard = tidy(text, self._tables)
        if exact is not None:
            plan, complete = replace(exact, heard=text.strip()), True
        else:
            plan, complete = self._snapped(text, home, area_id), False
        begins = not complete and (
            self._snap.goes_on(heard, None) or (not plan and self._opens_politely(text, heard))
        )
        follows = plan is not None and self._snap.goes_on(
            heard if complete else plan.heard, plan.entities
        )
        return Preview(
            complete,
            begins or follows,
            plan,
            plan.score if plan else 0.0,
            whole=plan is not None and not begins,
        )

    def _opens_politely(self, text: str, heard: str) -> bool:
        """Whether all that was said is a "please" or a "can you", be it misheard."""
        said = self._snap.wording.letters(text).replace(" ", "")
        if not heard:
            return bool(said)
        best = process.extractOne(said, self._fillers, scorer=fuzz.ratio, score_cutoff=_POLITE)
        return best is not None

    def likely(self, text: str, *, home: Home, most: int) -> list[tuple[str, str]]:
        """What may have been said where nothing was understood: sentences with their meanings.

        Sentences of one meaning do the same. They are spelt as a recognizer would.
        """
        self._use(home)
        return self._guesses.likely(text, most=most)

    def twins(self, text: str, *, home: Home, area_id: str | None = None) -> list[tuple[str, str]]:
        """The same whole command in the singular or plural, where that asks for something else.

        "Turn on the kitchen light" has "turn on the kitchen lights", where there are several.
        Sentences with their meanings; none acts on what is protected.
        """
        self._use(home)
        this = self._whole(text, home, area_id)
        if this is None:
            return []
        found: list[tuple[str, str]] = []
        for other in plurals(text, self._tables.say.get("plurals", [])):
            plan = self._whole(other, home, area_id)
            if plan is not None and plan.does != this.does and not touches_protected(plan, home):
                found.append((other, str(plan.does)))
        return found

    def sentences(self, home: Home) -> tuple[list[str], list[str]]:
        """The plain sentences that this home can be told, `#` for a number; and the others.

        Others act on what is protected, are seldom said, or are understood but never guessed.
        """
        plain: dict[str, None] = {}
        others: dict[str, None] = {}
        for one in candidates(self._tables, home):
            if one.as_said:
                continue
            guessed = not (one.protected or one.unlikely or one.foreign)
            lists = plain if guessed and not opens_something(one, home) else others
            lists.setdefault(one.text)
        return [text for text in plain if text not in others], list(others)

    def _followed_or_none(
        self, text: str, topic: Topic | None, home: Home, area_id: str | None
    ) -> Plan | None:
        try:
            return self._followed(text, topic, home, area_id) if topic else None
        except AliciaError:
            return None

    def _whole(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """The plan of an exact parse of a sentence that does not end in an article or the like."""
        if self._snap.unfinished(tidy(text, self._tables)):
            return None
        return self._strict_or_none(text, home, area_id)

    def _use(self, home: Home) -> None:
        if self._grammar.use(home):
            self._snap.use(home)
            self._composer.use(home)
            self._sparing.use(home)
            self._guesses.use(home)
            self._follow_ups.use(home)
            self._known.clear()
        if self._known_of != (home, home.moved):
            # "A bit warmer" is another colour each time that it is said.
            self._known.clear()
            self._known_of = (home, home.moved)

    def _strict(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """The plan of an exact parse; None where nothing parses. Raises like `recognize`."""
        tidied = tidy(text, self._tables)
        if not tidied:
            return None
        # The words of a partial come again as those of the transcript.
        said = self._as_said(text, tidied)
        if self._beside.talks(text, home, area_id):
            return None
        mark = self._mark(text, tidied)
        key = (said[0], area_id, mark)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            try:
                self._known[key] = self._parsed(tidied, said, home, area_id, mark)
            except AliciaError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, AliciaError):
            raise known.with_traceback(None)
        return known

    def _as_said(self, text: str, tidied: str) -> tuple[str, ...]:
        """What concepts are read of: where no spaces part them, the signs as they were said too."""
        if self._snap.wording.spaced:
            return (tidied,)
        asked = "?" if text.rstrip(" .!。！").endswith(("?", "？")) else ""
        return tuple(dict.fromkeys((text, tidied + asked)))

    def _mark(self, text: str, tidied: str) -> Mark:
        """The question mark of a sentence of words; of signs it is one that stands for itself."""
        words = text.rstrip(" .!")
        if self.language in ("zh", "ja", "ko") or not words.endswith("?"):
            return ""
        return "plain" if len(words.split()) == len(tidied.split()) else "polite"

    def _parsed(
        self, tidied: str, said: Sequence[str], home: Home, area_id: str | None, mark: Mark
    ) -> Plan | None:
        for one in said:
            if (composed := self._composer.plan(one, home, area_id, mark)) is not None:
                # "All lights off, only the garden's should stay on" turns none on.
                spared = self._spared(tidied, home, area_id) if composed.parts else None
                return spared or composed
        error: AliciaError | None = None
        ours = [self._said, self._read]
        if self._tables.grammar_first:
            ours.reverse()
        told = self._with_pauses(said[0], tidied)
        ways = [(way, tidied) for way in (*ours, self._spared)]
        ways += [(self._beside.complained, told), (self._severally, tidied)]
        ways += [(self._beside.corrected, told), (self._beside.told, told)]
        for way, text in ways:
            try:
                found = way(text, home, area_id)
                if found is not None and not (mark and found.complaint):
                    return found  # "How's the bathroom, is it warm?" complains of nothing.
            except AliciaError as failed:
                error = error or failed
        if error is not None:
            raise error
        return None

    def _with_pauses(self, text: str, tidied: str) -> str:
        """The tidied sentence; with a comma for each space where no words are parted by one."""
        parts = text.split()
        if self._snap.wording.spaced or len(parts) <= 1 or " " in tidied:
            return tidied
        return ",".join(filter(None, (tidy(part, self._tables) for part in parts)))

    def _composed(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """By the concepts that its words stand for. Raises nothing."""
        return self._composer.plan(tidied, home, area_id)

    def _said(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """By our own patterns, but for half a sentence. Raises like `recognize`."""
        found = None if self._snap.unfinished(tidied) else self._snap.exact(tidied)
        return self._planned(found, home, area_id) if found else None

    def _read(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """By the templates. Raises like `recognize`."""
        if self._snap.garbled(tidied):
            return None
        readings = self._grammar.readings(tidied, area_id)
        return self._best([r for r in readings if not r.wildcards], home, area_id)

    def _loose(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """By templates with a place for any words; last, for what was misheard fits them too.

        Raises like `recognize`.
        """
        if self._beside.talks(text, home, area_id):
            return None
        readings = self._grammar.readings(tidy(text, self._tables), area_id)
        return self._best([r for r in readings if r.wildcards], home, area_id)

    def _best(self, readings: Sequence[Reading], home: Home, area_id: str | None) -> Plan | None:
        return best_of(readings, home, area_id, self.language)

    def _spared(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """All but some: the sentence without its exception must be whole. Raises nothing."""
        for text, but in self._sparing.halves(tidied):
            for whole in (self._strict_or_none(text, home, area_id), self._several_of(text, home)):
                if whole is not None and (plan := self._without(whole, but, home)):
                    return plan
        return None

    def _several_of(self, text: str, home: Home) -> Plan | None:
        """By what its words say: "the lamps of the bedroom", where one has that name too."""
        return self._composer.plan(text, home, None)

    def _quick(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """One command by what is tried soonest: its concepts, or our patterns. Raises nothing."""
        try:
            return self._composed(text, home, area_id) or self._said(text, home, area_id)
        except AliciaError:
            return None

    def _without(self, whole: Plan, but: str, home: Home) -> Plan | None:
        named = self._sparing.spared(but)
        if named is None or named.isdisjoint(whole.entities):
            # "The lamp" may be the name of another one elsewhere.
            named = self._composer.among(but, whole.entities, home) or named
        if named and named.isdisjoint(whole.entities) and whole.question is None:
            return whole  # "Everything off but the heating" leaves it as it is anyway.
        return without(whole, named) if named else None

    def _severally(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """Several commands, each of them whole. Raises what `FollowUps.plan` does."""
        room = self._composer.room_first(tidied)

        def whole(text: str) -> Plan | None:
            return self._quick(text, home, area_id)

        def later(text: str, before: Plan) -> Plan | None:
            if (found := self._same(text, before, home, room)) is not None:
                return found
            plan = whole(text)
            return self._meant(text, before, plan, home, area_id) if plan else None

        def quick(text: str) -> Plan | None:
            try:
                return self._said(text, home, area_id)
            except AliciaError:
                return None

        def after(text: str, before: Plan) -> Plan | None:
            return self._after(text, before, home)

        return self._several.plan(tidied, whole, later, quick, after)

    def _same(self, text: str, before: Plan, home: Home, room: str | None) -> Plan | None:
        """Of the things of the command before, or of the room that was named first; or None."""
        # "The kitchen speaker on and quieter" is not the speaker here.
        topic = topic_of(before) if self._composer.nameless(text) else None
        if topic and (found := self._composer.about(text, topic, home)):
            return found
        # "In the bedroom the blinds down and the light off": the light in there.
        there = room is not None and not self._composer.places(text)
        return self._quick(text, home, room) if there else None

    def _meant(self, text: str, before: Plan, plan: Plan, home: Home, area_id: str | None) -> Plan:
        """What a command with this plan means after another: "it" may be of that one."""
        kinds = [{home.entity(e).domain for e in p.entities} for p in (before, plan)]
        topic = topic_of(before)
        if topic is None or kinds[0] != kinds[1] or any(self._composer.mentions(text)):
            return plan
        if (same := self._composer.about(text, topic, home)) is not None:
            return same  # "Turn on the bedside lamp and make it blue."
        rooms = {home.entity(e).area_id for e in before.entities}
        there = rooms.pop() if kinds[0] == {"media_player"} and len(rooms) == 1 else area_id
        # "Music in the kitchen, and turn the volume up": in there.
        return self._composed(text, home, there) or plan if there != area_id else plan

    def _after(self, text: str, before: Plan, home: Home) -> Plan | None:
        """A follow-up of the command before, or a command in its room; or None."""
        topic = topic_of(before)
        followed = self._going_on.then(text, topic, home) if topic else None
        rooms = {home.entity(e).area_id for e in before.entities}
        if followed is not None or len(rooms) != 1:
            return followed
        # "Close the bedroom blinds and turn on the lamp": the one in there.
        return self._composed(text, home, rooms.pop())

    def _planned(self, found: Snapped, home: Home, area_id: str | None) -> Plan:
        return plan(found.candidate.reading(found.number, area_id), home)

    def _strict_or_none(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        try:
            return self._strict(text, home, area_id)
        except AliciaError:
            return None

    def _snapped(self, text: str, home: Home, area_id: str | None) -> Plan | None:
        """The nearest sentence that can be said; or all but those who are named exactly."""
        if self._beside.talks(text, home, area_id):
            return None
        tidied = tidy(text, self._tables)
        unparted = not self._snap.wording.spaced
        if unparted and self._composer.knows(text):
            return None  # It says what it says, and is no other sentence that was misheard.
        if (plan := self._guessed(tidied, home, area_id)) is not None:
            return plan
        for rest, but in self._sparing.halves(tidied):
            whole = self._guessed(rest, home, area_id)
            if whole is not None and (plan := self._without(whole, but, home)):
                return plan
        return None

    def _guessed(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        near = self._snap.nearest(tidied)
        if near is None or near.candidate.protected or self._snap.breaks_off(tidied, near):
            return None
        guessed: Plan | None = None
        if self._tables.grammar_first:
            guessed = self._strict_or_none(near.text, home, area_id)
        if guessed is None:
            try:
                guessed = self._planned(near, home, area_id)
            except AliciaError:
                return None
        if touches_protected(guessed, home):
            return None
        if guessed.question is not None and not self._asking.search(tidied):
            return None  # No order is a question that was misheard.
        return replace(guessed, heard=self._snap.shown(near), score=near.score, snapped=True)
