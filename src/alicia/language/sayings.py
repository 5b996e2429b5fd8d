"""Sayings: answers made of a language's own words, where its table has them under `words.did`.

What was done is told from the changes themselves, not from the template that understood them, so
one sentence does for all ways to ask. Names agree with articles: `la luz` is `encendida`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alicia.contracts.devices import Result, Value
from alicia.home.model import Home, names_of
from alicia.language.phrases import listing, number, word
from alicia.language.plan import Plan, PlannedAction, PlannedQuestion, QuestionKind
from alicia.language.tables import Tables

_PARTICLES = re.compile(r"(\S)(을\(를\)|이\(가\)|은\(는\))")
_WITH_FINAL = {"을(를)": "을", "이(가)": "이", "은(는)": "은"}
_WITHOUT_FINAL = {"을(를)": "를", "이(가)": "가", "은(는)": "는"}
_HANGUL = "가"
_FINALS = 28


class Sayings:
    """The answers of one language."""

    def __init__(self, tables: Tables) -> None:
        self._words: Mapping[str, Any] = tables.words
        self._language = tables.language
        self._articles = tables.articles
        self._plural = re.compile(self._words.get("plural", "(?!)"))

    # ---- what was done ----

    def done(self, plan: Plan, results: Sequence[Result], home: Home) -> str:
        """What all these confirmed changes come to, in one sentence; "" where there is no word."""
        action = plan.actions[0]
        key = _key(plan, action, results[0].value)
        template = self._words["did"].get(key) or self._words["did"].get(action.capability)
        if template is None:
            return ""
        entities = list(dict.fromkeys(result.entity_id for result in results))
        name = self.name(entities[0], home) if len(entities) == 1 else self._noun(entities)
        value = results[0].value
        return self.finished(
            template.format(
                name=name,
                thing=self._bare(name),
                value=number(value, self._language) if isinstance(value, float) else value,
                color=plan.slots.get("color", value),
            )
        )

    def _noun(self, entities: Sequence[str]) -> str:
        nouns: Mapping[str, str] = self._words["nouns"]
        domains = {entity.partition(".")[0] for entity in entities}
        return nouns.get(domains.pop(), nouns["other"]) if len(domains) == 1 else nouns["other"]

    # ---- questions ----

    def is_so(self, entity: str, state: str, *, so: bool | None, home: Home) -> str:
        """How a thing is (`state`: on, closed, …), after a yes or a no where one was asked for."""
        key = "one" if so is None else "yes" if so else "no"
        name = self.name(entity, home)
        form = self._form(name)
        return self.finished(
            self._words[key].format(
                name=name, are=_form(self._words["are"], form), state=self._state(state, form)
            )
        )

    def several(
        self, kind: QuestionKind, matched: Sequence[str], unmatched: Sequence[str], home: Home
    ) -> str:
        """Which, whether any, whether all, or how many of the things are as was asked."""
        words = self._words
        names = listing([self.name(e, home) for e in matched], self._language)
        match kind:
            case QuestionKind.COUNT:
                text = str(len(matched))
            case QuestionKind.WHICH:
                text = names or words["none"]
            case QuestionKind.ANY:
                text = words["any_yes"].format(names=names) if matched else words["any_no"]
            case _:
                others = listing([self.name(e, home) for e in unmatched], self._language)
                text = words["all_no"].format(names=others) if unmatched else words["all_yes"]
        return self.finished(text)

    def clock(self, question: PlannedQuestion, now: datetime) -> str:
        words = self._words
        weekdays, months = words["weekdays"], words.get("months", [])
        fields: dict[str, Any] = {
            "hour": now.hour,
            "minute": f"{now.minute:02}",
            "minute_plain": now.minute,
            "minute_after": f" {now.minute}" if now.minute else "",
            "is_hour": words.get("time_one" if now.hour in (1, 13) else "time_many", ""),
            "day": now.day,
            "month": months[now.month - 1] if months else "",
            "month_number": now.month,
            "weekday": weekdays[now.weekday()],
        }
        if question.kind is QuestionKind.DATE:
            return self.finished(words["date"].format(**fields))
        template = words.get(f"time_{now.hour}", words["time"])
        return self.finished(template.format(**fields).replace("' ", "'"))

    # ---- words ----

    def name(self, entity_id: str, home: Home) -> str:
        """What a thing is called in this language, with its article where it has one."""
        entity = home.find(entity_id)
        return names_of(entity, self._language)[0] if entity else entity_id

    def finished(self, text: str) -> str:
        """As a sentence: particles agree, it begins with a capital and ends with a stop."""
        text = " ".join(text.split())
        if self._language == "ko":
            text = agreeing(text)
        text = text[:1].upper() + text[1:]
        if text and text[-1] not in ".!?。！？":
            text += "。" if self._language in ("zh", "ja") else "."
        return text

    def _bare(self, name: str) -> str:
        """Without its article, as a headline begins."""
        article, _, rest = name.partition(" ")
        return rest if rest and article.lower() in self._articles else name

    def _form(self, name: str) -> int:
        """0 and 1, masculine and feminine; 2 and 3, their plurals; by the article or the ending."""
        if self._plural.search(name.lower()):
            return 2
        genders: Mapping[str, int] = self._words.get("genders", {})
        first = name.partition(" ")[0].lower()
        elided = first.partition("'")[0] + "'" if "'" in first else first
        return genders.get(elided, 0)

    def _state(self, state: str, form: int) -> str:
        forms = self._words.get("state", {}).get(state)
        return _form(forms, form) if forms else word(f"state.{state}", self._language)


def agreeing(text: str) -> str:
    """Korean with each particle in the form that the syllable before it takes."""
    return _PARTICLES.sub(_particle, text)


def _form(forms: Sequence[str], form: int) -> str:
    """Of one, two (singular, plural) or four forms."""
    if len(forms) == 2:
        return forms[1 if form >= 2 else 0]
    return forms[min(form, len(forms) - 1)]


def _key(plan: Plan, action: PlannedAction, value: Value) -> str:
    """`power_true`, `position_0`, `volume_up`: how a change is called in the table."""
    if plan.response == "everything" and value is False:
        return "everything_off"
    if action.relative and isinstance(action.value, float):
        return f"{action.capability}_{'up' if action.value > 0 else 'down'}"
    said = f"{value:g}" if isinstance(value, float) else str(value).lower()
    return f"{action.capability}_{said}"


def _particle(found: re.Match[str]) -> str:
    """The form of a particle after this syllable: 을 after a final consonant, 를 after a vowel."""
    sign, pair = found[1], found[2]
    closed = "가" <= sign <= "힣" and (ord(sign) - ord(_HANGUL)) % _FINALS != 0
    return sign + (_WITH_FINAL if closed else _WITHOUT_FINAL)[pair]
