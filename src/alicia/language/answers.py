"""Answers: what is said about what became of a plan, from confirmed outcomes and known states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from alicia.contracts.devices import OutcomeKind, Result, Value
from alicia.home.model import Home, names_of
from alicia.language.comparing import place_of
from alicia.language.phrases import listing, number, phrase, text_of, word
from alicia.language.plan import Plan, PlannedQuestion, QuestionKind
from alicia.language.rendering import Query, SpokenState, render
from alicia.language.sayings import Sayings
from alicia.language.shades import color_word, is_pale, tone_word
from alicia.language.tables import Tables, load_tables

_CODE = {
    OutcomeKind.REFUSED: "device.not_capable",
    OutcomeKind.UNREACHABLE: "device.unavailable",
    OutcomeKind.TIMED_OUT: "device.unconfirmed",
}
_TELLING = ("device.", "security.")
"""Families of errors whose own phrase tells more than what became of it."""
_SWITCH_WORDS = {
    "power": ("on", "off"),
    "position": ("open", "closed"),
    "open": ("open", "closed"),
    "locked": ("locked", "unlocked"),
    "playing": ("playing", "paused"),
    "motion": ("motion", "still"),
}
_UNITS = {"%": "percent", "°C": "celsius", "K": "kelvin", "W": "watt"}


def answer(
    plan: Plan,
    results: Sequence[Result],
    home: Home,
    language: str,
    *,
    now: datetime | None = None,
) -> str:
    """One sentence, or two, for a person to hear; "" where there is nothing to say.

    Raises UnsupportedLanguageError.
    """
    if plan.parts:
        told = _shared(plan, results)
        said = [answer(part, mine, home, language, now=now) for part, mine in told]
        return text_of(said, language)
    speech = _Speech(plan, home, load_tables(language))
    if plan.question is not None:
        return speech.reply(plan.question, now or datetime.now().astimezone())
    if not plan.actions:
        return phrase("answer.hello" if plan.response == "hello" else "answer.okay", language)
    return speech.report(results)


def _shared(plan: Plan, results: Sequence[Result]) -> Iterator[tuple[Plan, list[Result]]]:
    """Each part with what became of it."""
    left = list(results)
    for part in plan.parts:
        wanted = {(e, action.capability) for action in part.actions for e in action.entities}
        mine: list[Result] = []
        for result in list(left):
            changed = (result.entity_id, result.capability)
            if changed in wanted:
                wanted.remove(changed)
                mine.append(result)
                left.remove(result)
        yield part, mine


class _Speech:
    def __init__(self, plan: Plan, home: Home, tables: Tables) -> None:
        self.plan = plan
        self.home = home
        self.tables = tables
        self.language = tables.language
        self.sayings = Sayings(tables) if "did" in tables.words else None
        """Of a language that brings words of its own."""

    # ---- what became of commands ----------------------------------------------------------------

    def report(self, results: Sequence[Result]) -> str:
        done = [r for r in results if r.outcome is OutcomeKind.CONFIRMED]
        failed = [r for r in results if r.outcome is not OutcomeKind.CONFIRMED]
        name = self.plan.slots.get("name")
        if not failed and name and self.plan.response == "scene":
            return word("answer.scene", self.language, name=name[:1].upper() + name[1:])
        if not failed:
            said = self.sayings.done(self.plan, done, self.home) if self.sayings and done else ""
            return said or self._success(done)
        failure = self._failure(failed)
        if not done:
            return failure
        succeeded = self._some(done, len(results))
        succeeded = succeeded[:1].upper() + succeeded[1:]
        if self.tables.words.get("lower_names"):
            return f"{succeeded}; {failure[:1].lower()}{failure[1:]}"
        # A name keeps its capital, so it begins a sentence.
        return f"{self._ended(succeeded)} {failure}"

    def _success(self, done: Sequence[Result]) -> str:
        template = self.tables.response(self.plan.intent, self.plan.response)
        if not done or template is None:
            return phrase("answer.done", self.language)
        first = self.plan.actions[0]
        value = done[0].value
        said = ""
        if not isinstance(value, (bool, str)) and not first.relative:
            said = number(value, self.language)
        slots: dict[str, object] = dict(self.plan.slots)
        if said:
            # "22", where "twenty two" or "22°" was said.
            slots |= {k: said for k in ("temperature", "brightness", "position") if k in slots}
        name = self._thing(done[0].entity_id)
        text = render(
            template,
            slots=slots,
            state=self._state(done[0].entity_id, done[0].capability, value),
            name=name,
            plural=name.endswith("s"),
            value=said,
        )
        return self._ended(text) or phrase("answer.done", self.language)

    def _some(self, done: Sequence[Result], everything: int) -> str:
        """The part that worked: "two lights are on"."""
        words = self.tables.words
        if "some" not in words:
            return word("answer.partial", self.language, done=len(done), all=everything)
        many = int(len(done) > 1)
        if not many:
            things, count = self._thing(done[0].entity_id), ""
        else:
            domains = {r.entity_id.partition(".")[0] for r in done}
            nouns = words["nouns"]
            things = nouns.get(domains.pop() if len(domains) == 1 else "other", nouns["other"])[1]
            known = words["numbers"]
            count = known[len(done)] if len(done) < len(known) else str(len(done))
        became = {_key(result) for result in done}
        key = became.pop() if len(became) == 1 else "other"
        are = words["are"].get(key, words["are"]["other"])[many]
        return " ".join(words["some"].format(count=count, things=things, are=are).split())

    def _failure(self, failed: Sequence[Result]) -> str:
        by_code: dict[str, list[str]] = {}
        for result in failed:
            code = result.error or _CODE[result.outcome]
            if not code.startswith(_TELLING):
                code = _CODE[result.outcome]
            by_code.setdefault(code, []).append(self._thing(result.entity_id))
        return " ".join(
            phrase(code, self.language, name=names[0])
            if len(names) == 1
            else phrase(code, self.language, names=listing(names, self.language))
            for code, names in by_code.items()
        )

    # ---- questions ------------------------------------------------------------------------------

    def reply(self, question: PlannedQuestion, now: datetime) -> str:
        if question.kind in (QuestionKind.TIME, QuestionKind.DATE):
            if self.sayings:
                return self.sayings.clock(question, now)
            template = self.tables.response(self.plan.intent, "default") or ""
            text = render(template, slots={"time": now.time(), "date": now.date()})
            plain = f"{now:%H:%M}" if question.kind is QuestionKind.TIME else f"{now:%Y-%m-%d}"
            return self._ended(text or plain)
        known = {
            entity: value
            for entity in question.entities
            if (value := self.home.value(entity, question.capability or "")) is not None
        }
        if not known:
            return self._unknown(question)
        if question.kind in (QuestionKind.VALUE, QuestionKind.EACH):
            told = self._value if question.kind is QuestionKind.VALUE else self._each
            return told(question, known)
        if self.sayings:
            return self._said(self.sayings, question, known)
        states = {e: self._state(e, question.capability or "", v) for e, v in known.items()}
        query = Query(
            matched=[states[e] for e, v in known.items() if _is(v) == question.wanted],
            unmatched=[states[e] for e, v in known.items() if _is(v) != question.wanted],
        )
        return self._render_state(question.entities[0], query, next(iter(states.values())))

    def _said(self, sayings: Sayings, question: PlannedQuestion, known: dict[str, Value]) -> str:
        """In the language's own words."""
        matched = [e for e, v in known.items() if _is(v) == question.wanted]
        if question.kind is not QuestionKind.IS:
            others = [e for e in known if e not in matched]
            return sayings.several(question.kind, matched, others, self.home)
        entity = next(iter(known))
        return sayings.is_so(
            entity,
            _state_word(question.capability or "", known[entity]),
            so=bool(matched),
            home=self.home,
        )

    def _unknown(self, question: PlannedQuestion) -> str:
        if len(question.entities) != 1:
            return phrase("answer.unknown", self.language)
        entity = question.entities[0]
        state = self.home.state(entity)
        code = "device.unavailable" if state and not state.available else "answer.unknown"
        return phrase(code, self.language, name=self._thing(entity))

    def _value(self, question: PlannedQuestion, known: dict[str, Value]) -> str:
        capability = question.capability or ""
        readings = [v for v in known.values() if not isinstance(v, (bool, str))]
        entity = next(iter(known))
        worded = capability in _SWITCH_WORDS and self.plan.intent != "AliciaGetReading"
        if self.sayings and worded:
            key = _state_word(capability, known[entity])
            return self.sayings.is_so(entity, key, so=None, home=self.home)
        if (shade := self._shade(entity, capability, known[entity])) is not None:
            return self._ended(shade[:1].upper() + shade[1:])
        if worded or not readings:
            state = self._state(entity, capability, known[entity])
            return self._render_state(entity, Query([state]), state)
        mean = sum(readings) / len(readings)
        return self._ended(self._measured(entity, capability, mean))

    def _measured(self, entity: str, capability: str, value: float) -> str:
        """A number with its unit."""
        declared = self.home.capability(entity, capability)
        unit = _UNITS.get((declared.unit if declared else None) or "")
        said = number(value, self.language)
        return word(f"unit.{unit}", self.language, value=said) if unit else said

    def _shade(self, entity: str, capability: str, value: Value) -> str | None:
        """The word for the colour of a light, or for its white with the kelvin."""
        tone = self.home.value(entity, "color_temperature")
        if isinstance(value, str) and capability == "color":
            if not (is_pale(value) and isinstance(tone, float)):
                return color_word(value, self.tables)
            value, capability = tone, "color_temperature"
        if capability != "color_temperature" or not isinstance(value, float):
            return None
        white = tone_word(value, self.tables)
        said = self._measured(entity, capability, value)
        return f"{white} ({said})" if white else said

    def _each(self, question: PlannedQuestion, known: dict[str, Value]) -> str:
        """Room by room, the warmest first, or the coldest."""
        capability = question.capability or ""
        readings = [(v, e) for e, v in known.items() if isinstance(v, float)]
        readings.sort(reverse=bool(question.wanted))
        if len(readings) == 1:
            return self._ended(self._measured(readings[0][1], capability, readings[0][0]))
        told = [
            f"{place_of(e, self.plan.slots.get(e), self.home, self.language)}: "
            f"{self._measured(e, capability, v)}"
            for v, e in readings
        ]
        text = ("、" if self.language in ("zh", "ja") else ", ").join(told)
        return self._ended(text[:1].upper() + text[1:])

    def _render_state(self, entity: str, query: Query, state: SpokenState) -> str:
        template = self.tables.own_response("HassGetState", self.plan.response)
        if template is None:
            # A language without this answer: what was asked for, in so many names.
            count = self.plan.response == "how_many"
            names = listing([s.name for s in query.matched], self.language)
            said = str(len(query.matched)) if count else names
            one = self.plan.response in ("one", "one_yesno")
            return self._ended(state.state if one else said or "0")
        slots: dict[str, object] = {"name": state.name, **self.plan.slots}
        name = self._thing(entity)
        text = render(
            template, slots=slots, state=state, query=query, name=name, plural=name.endswith("s")
        )
        return self._ended(text)

    # ---- words ----------------------------------------------------------------------------------

    def _ended(self, text: str) -> str:
        """As a sentence, which a voice lets fall at its end."""
        if not text or text[-1] in ".!?。！？":
            return text
        return text + ("。" if self.language in ("zh", "ja") else ".")

    def _thing(self, entity_id: str) -> str:
        """What a thing is called: as it was just called, or else by its name."""
        entity = self.home.find(entity_id)
        name = names_of(entity, self.language)[0] if entity else entity_id
        if self.sayings is None and len(self.plan.entities) == 1:
            name = self.plan.slots.get("name", name)
        if self.tables.words.get("lower_names"):
            name = name.lower()
        return self.tables.words.get("thing", "{name}").format(name=name)

    def _state(self, entity_id: str, capability: str, value: Value) -> SpokenState:
        entity = self.home.find(entity_id)
        name = names_of(entity, self.language)[0] if entity else entity_id
        if self.tables.words.get("lower_names"):
            name = name.lower()
        return SpokenState(
            entity_id=entity_id,
            domain=entity_id.partition(".")[0],
            name=name,
            state=self._spoken(capability, value),
        )

    def _spoken(self, capability: str, value: Value) -> str:
        if capability in _SWITCH_WORDS:
            return word(f"state.{_state_word(capability, value)}", self.language)
        if isinstance(value, str):
            return value
        return number(value, self.language)


def _state_word(capability: str, value: Value) -> str:
    """How a state is called in the tables: `on`, `closed`."""
    return _SWITCH_WORDS[capability][0 if _is(value) else 1]


def _is(value: Value) -> bool:
    """Whether a state counts as yes; a cover that is open at all is open."""
    return value > 0 if isinstance(value, float) else bool(value)


def _key(result: Result) -> str:
    """`power_true`, `position_100`: how a confirmed change is called in a language's table."""
    value = result.value
    said = f"{value:g}" if isinstance(value, float) else str(value).lower()
    return f"{result.capability}_{said}"
