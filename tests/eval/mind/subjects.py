"""Who is evaluated: Alicia's understanding, and beside it plain hassil as the reference.

The reference is hassil's parse and our executor: the best reading by Home Assistant's own rule
(`recognize_best`, the longest name first) of Home Assistant's sentences as they are shipped, with
the names of the same home in the same language; what it read is carried out by
`alicia.language.intents.plan`. Nothing of ours is in the parse: no added sentences, no tidying, no
nearest sentence, no several commands, no conversation. Names are offered with their article and
without, so that none fails by it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from hassil.intents import Intents, SlotList, TextSlotList
from hassil.recognize import RecognizeResult, recognize_best
from home_assistant_intents import get_intents
from tests.eval.mind.judging import NOW, Understood

from alicia.contracts.devices import Area, Entity
from alicia.errors import AliciaError, NotUnderstoodError, UnsupportedLanguageError
from alicia.home.model import Home, names_of
from alicia.language.follow_ups import topic_of
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan
from alicia.language.plan import Plan
from alicia.language.schedule_requests import ScheduleRequest
from alicia.language.schedules import load_schedules
from alicia.language.tables import load_tables
from alicia.language.understanding import Understanding

DESCRIPTION = (
    "hassil and home-assistant-intents as they are shipped: hassil's best parse with this home's "
    "names, carried out by Alicia's executor"
)
_THEIR_NAME = {"zh": "zh-CN", "pt": "pt-BR"}


class Subject(Protocol):
    """Somebody who understands one language in one home."""

    def understand(
        self, text: str, area_id: str | None, after: Plan | None
    ) -> Plan | ScheduleRequest:
        """After what was said before. Raises AliciaError where nothing is to be done."""
        ...


class Alicia:
    """Loads and warms up on construction. Raises UnsupportedLanguageError."""

    def __init__(self, language: str, home: Home) -> None:
        self._home = home
        self._understanding = Understanding(language)
        self._understanding.prewarm(home)
        self._schedules = load_schedules(language)

    def understand(
        self, text: str, area_id: str | None, after: Plan | None
    ) -> Plan | ScheduleRequest:
        topic = topic_of(after) if after else None

        def recognize(said: str) -> Plan:
            return self._understanding.recognize(
                said, home=self._home, area_id=area_id, topic=topic
            )

        now = NOW.replace(tzinfo=None)
        return self._schedules.request(text, recognize, self._home, now) or recognize(text)


class Hassil:
    """Loads and warms up on construction. Raises UnsupportedLanguageError."""

    def __init__(self, language: str, home: Home) -> None:
        data = get_intents(_THEIR_NAME.get(language, language))
        if data is None:
            raise UnsupportedLanguageError(language=language)
        self._home = home
        self._language = language
        self._articles = load_tables(language).articles
        self._intents = Intents.from_dict(data)
        for intent in self._intents.intents.values():
            for block in intent.data:
                _ = block.sentences  # parsed on first use: part of the warm-up
        self._lists: dict[str, SlotList] = {
            "name": _list(
                "name",
                [
                    (text, e.entity_id, {"domain": e.domain, "device_class": e.device_class})
                    for e in home.entities()
                    for text in self._called(e)
                ],
            ),
            "area": _list(
                "area", [(text, a.area_id, {}) for a in home.areas() for text in self._called(a)]
            ),
            "floor": _list("floor", [(floor, floor, {}) for floor in home.floors()]),
        }
        self._parse(next(iter(names_of(home.entities()[0], language))), None)

    def understand(self, text: str, area_id: str | None, after: Plan | None) -> Plan:
        del after  # it has no conversation
        result = self._parse(text, area_id)
        if result is None:
            raise NotUnderstoodError
        return plan(_reading(result), self._home)

    def _parse(self, text: str, area_id: str | None) -> RecognizeResult | None:
        here = {"area": {"value": area_id, "text": ""}} if area_id else {}
        return recognize_best(
            text,
            self._intents,
            slot_lists=self._lists,
            intent_context=here,
            language=self._language,
            best_slot_name="name",
        )

    def _called(self, thing: Area | Entity) -> Iterator[str]:
        for name in names_of(thing, self._language):
            yield name
            article, gap, rest = name.partition("'" if "'" in name.split(" ")[0] else " ")
            if rest and (article + gap).strip().lower() in self._articles:
                yield rest


def heard(
    subject: Subject, text: str, area_id: str | None, before: Sequence[str] = ()
) -> Understood:
    """One sentence, timed once; after those that were said `before`, whose time does not count."""
    last: Plan | None = None
    for earlier in before:
        last = _heard(subject, earlier, area_id, last).plan
    return _heard(subject, text, area_id, last)


def _heard(subject: Subject, text: str, area_id: str | None, after: Plan | None) -> Understood:
    found: Plan | ScheduleRequest | None = None
    failed: AliciaError | None = None
    began = time.perf_counter()
    try:
        found = subject.understand(text, area_id, after)
    except AliciaError as error:
        failed = error
    took_ms = (time.perf_counter() - began) * 1000
    if isinstance(found, ScheduleRequest):
        return Understood(found.plan, failed, took_ms, found)
    return Understood(found, failed, took_ms)


def _list(name: str, values: list[tuple[str, str, dict[str, Any]]]) -> TextSlotList:
    return TextSlotList.from_tuples(values, allow_template=False, name=name)


def _reading(result: RecognizeResult) -> Reading:
    return Reading(
        intent=result.intent.name,
        response=result.response or "default",
        slots={
            name: Slot(entity.value, (entity.text or "").strip())
            for name, entity in result.entities.items()
        },
        literal=result.text_chunks_matched,
        wildcards=sum(1 for entity in result.entities_list if entity.is_wildcard),
    )
