"""AI: a sentence becomes an intent, the changes it asks for, and a reply from what was confirmed.

    PREVIEW asked -> whether the words so far are a whole command (nothing is done),
                     PREPARE asked: its answer is spoken into memory before it is needed
    UNDERSTAND asked -> a plan from the home's own grammar; where it knows none, what was told to
                        be remembered, or THINK asked
                     -> CONTROL asked -> Understood replied
    LIST_FACTS | PUT_FACT | FORGET_FACTS asked -> reply

The home is known from retained states, so a turn completes while the registry is away. Changes
carry ids made from the turn's, so a turn that is understood again after a crash is not carried out
twice. What needs a PIN or a yes is asked for, and done when the next sentence there gives it:
`alicia.mind.confirmation_dialogue`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from alicia.contracts.advanced import (
    CLAUSE,
    SPEAKER_RECOGNIZED,
    THINK,
    Clause,
    SpeakerRecognized,
    Think,
    Thought,
)
from alicia.contracts.devices import (
    AREA,
    CONTROL,
    ENTITY,
    GET_ROLE,
    STATE,
    Control,
    GetRole,
    HomeSnapshot,
    Origin,
    OutcomeKind,
    Result,
)
from alicia.contracts.languages import (
    CHOOSE_LANGUAGE,
    DETECT_LANGUAGE,
    INTERPRET,
    TRANSLATE_TEXT,
)
from alicia.contracts.memory import (
    FORGET_FACTS,
    LIST_FACTS,
    LONGEST_FACT,
    PUT_FACT,
    Fact,
    Facts,
    FactsForgotten,
    ForgetFacts,
    ListFacts,
    PutFact,
)
from alicia.contracts.personas import CAST, Cast, ReplyKind
from alicia.contracts.schedules import HOME_TIME
from alicia.contracts.voice import (
    CANCEL,
    GET_HOME,
    PREPARE,
    PREVIEW,
    SENTENCES,
    TURN_ENDED,
    UNDERSTAND,
    Completeness,
    GetHome,
    GetSentences,
    Likely,
    Prepare,
    Preview,
    Previewed,
    Sentences,
    TurnRecord,
    Understand,
    Understood,
)
from alicia.errors import (
    AliciaError,
    BrokeOffError,
    DeviceError,
    IntentError,
    InvalidValueError,
    MalformedMessageError,
    NotUnderstoodError,
    SecretNotKeptError,
    TimeNotUnderstoodError,
    TurnCancelledError,
)
from alicia.language.remembering import is_secret, wanted
from alicia.mind import scheduling
from alicia.mind.carrying_out import actions_of, carried_out, pretended
from alicia.runtime.cancelling import commit
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, handles, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.home.model import Home
    from alicia.language.plan import Plan, PlannedAction
    from alicia.language.understanding import Understanding
    from alicia.mind.casting import Answerer
    from alicia.mind.confirmation_dialogue import Shown
    from alicia.mind.consulting import Consulted

QUIET_S = 0.1
HOME_WITHIN_S = 1.5
"""How long to wait at the start for the home to be described."""
REWARM_AFTER_S = 0.5
LIKELY = 12
"""Sentences that are offered where words are no command."""
SURE = 0.9
"""Likeness from which a sentence that was misheard counts as whole."""


class AiSettings(Settings):
    shared = frozenset({"languages"})

    languages: str = "en"
    """Loaded at the start, separated by commas; others when they are first heard."""
    think_within_s: float = Field(default=1.7, ge=0)
    """How long a language model may take where the home's grammar knows no answer, so that
    something is heard within 2 s; 0 asks none."""
    remember_anyone: bool = False
    """Keep also what guests tell, and, for everybody here, what voices tell that nobody knows."""
    notes_to_models: bool = True
    """A question that goes to a language model takes along what its speaker told about it."""


class Ai(Service[AiSettings]):
    """Understanding, and what follows from it."""

    name = "ai"
    hears = (ENTITY, AREA, STATE, CANCEL, HOME_TIME)
    asks = (CONTROL, GET_ROLE)
    does_without = (
        PREPARE,
        THINK,
        CHOOSE_LANGUAGE,
        DETECT_LANGUAGE,
        INTERPRET,
        TRANSLATE_TEXT,
        *scheduling.TOPICS,
    )

    # ---- the home ----

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy
        from alicia.language.answers import answer  # noqa: PLC0415 - heavy
        from alicia.language.follow_ups import topic_of  # noqa: PLC0415 - heavy
        from alicia.language.relating import related  # noqa: PLC0415 - heavy
        from alicia.language.repertoire import expected_results  # noqa: PLC0415 - heavy
        from alicia.mind.casting import Casting  # noqa: PLC0415 - heavy
        from alicia.mind.confirmation_dialogue import ConfirmationDialogue  # noqa: PLC0415 - heavy
        from alicia.mind.consulting import Consulting  # noqa: PLC0415 - heavy
        from alicia.mind.linguist import answered  # noqa: PLC0415 - heavy
        from alicia.mind.remembering import Remembering  # noqa: PLC0415 - heavy
        from alicia.mind.supposed import Supposed  # noqa: PLC0415 - heavy

        self._answer = answer
        self._related = related
        self._answered = answered
        self._topic_of = topic_of
        self._expected = expected_results
        self._home = Home()
        self._casting = Casting()
        self._consulting = Consulting(self._ask_to_think)
        self._changed_at = time.monotonic()
        self._languages: dict[str, Understanding] = {}
        self._grammar = asyncio.Lock()
        self._supposed = Supposed()
        self._dialogue = ConfirmationDialogue()
        self._memory = Remembering(
            self.folder.state(self.name), keep_of_anyone=self.settings.remember_anyone
        )
        self._scheduling = scheduling.Scheduling(self.ask)
        async with asyncio.TaskGroup() as self._speculating, asyncio.TaskGroup() as group:
            loading = [
                group.create_task(self._load(language.strip()))
                for language in self.settings.languages.split(",")
            ]
            followers = [
                group.create_task(self._follow_areas()),
                group.create_task(self._follow_entities()),
                group.create_task(self._follow_states()),
                group.create_task(self._follow_home_time()),
            ]
            await asyncio.gather(*loading)
            await self._home_is_described()
            await self._prewarm()
            followers.append(group.create_task(self._rewarm()))
            yield
            for follower in followers:
                follower.cancel()

    async def _follow_areas(self) -> None:
        async with self.hear(AREA, limit=1024) as areas:
            async for area in areas:
                self._home.put_area(area)
                self._changed_at = time.monotonic()

    async def _follow_entities(self) -> None:
        async with self.hear(ENTITY, limit=1024) as entities:
            async for entity in entities:
                self._home.put_entity(entity)
                self._changed_at = time.monotonic()

    async def _follow_states(self) -> None:
        async with self.hear(STATE, limit=1024) as states:
            async for state in states:
                self._home.put_state(state)

    async def _follow_home_time(self) -> None:
        async with self.hear(HOME_TIME) as times:
            async for time_ in times:
                self._scheduling.take(time_)

    async def _home_is_described(self) -> None:
        until = time.monotonic() + HOME_WITHIN_S
        while time.monotonic() < until:
            known = bool(self._home.entities)
            if known and time.monotonic() - self._changed_at > QUIET_S:
                return
            await asyncio.sleep(0.02)
        self.log.warning("the home is not described yet")

    async def _load(self, language: str) -> Understanding:
        from alicia.language.understanding import Understanding  # noqa: PLC0415 - heavy

        if language not in self._languages:
            loaded = await self.off_loop(Understanding, language)
            await self.off_loop(loaded.prewarm, self._home)
            self._languages[language] = loaded
        return self._languages[language]

    async def _prewarm(self) -> None:
        async with self._grammar:
            for language, understanding in self._languages.items():
                await self.off_loop(understanding.prewarm, self._home)
                await self.off_loop(scheduling.sentences_of, language)
        self._warm = self._home.revision

    async def _rewarm(self) -> None:
        """Take changed names up before somebody says them."""
        while True:
            await asyncio.sleep(REWARM_AFTER_S)
            if (
                self._home.revision != self._warm
                and time.monotonic() - self._changed_at > REWARM_AFTER_S
            ):
                await self._prewarm()

    # ---- who answers ----

    @handles(CAST)
    async def cast(self, cast: Cast) -> None:
        self._casting.take(cast)

    @handles(SPEAKER_RECOGNIZED)
    async def recognized(self, who: SpeakerRecognized) -> None:
        self._casting.recognized(who.utterance_id, who.speaker_id)

    def _as_said(
        self,
        answerer: Answerer,
        plain: str,
        plan: Plan,
        results: Sequence[Result],
        home: Home,
        language: str,
    ) -> str:
        if answerer.persona is None:
            return plain
        with self.span("persona") as span:
            if span is not None:
                span.attributes["persona"] = answerer.persona_id
            return answerer.reply(plain, plan, results, home, language)

    # ---- the home, as others see it ----

    @serves(GET_HOME)
    async def get_home(self, _: GetHome) -> HomeSnapshot:
        return self._home.snapshot(time.time())

    @asynccontextmanager
    async def _grammar_of(
        self, language: str, then: HomeSnapshot | None
    ) -> AsyncGenerator[tuple[Understanding, Home], None]:
        """The language, and the home to understand it by: this one, or that of another time.

        The latter has a grammar of its own, so that nobody who speaks now waits for it.
        """
        if then is None:
            async with self._grammar:
                yield await self._load(language), self._home
            return
        async with self._supposed.grammar:
            home = self._supposed.take(then)
            if language not in self._supposed.languages:
                from alicia.language.understanding import Understanding  # noqa: PLC0415 - heavy

                self._supposed.languages[language] = await self.off_loop(Understanding, language)
            understanding = self._supposed.languages[language]
            await self.off_loop(understanding.prewarm, home)
            yield understanding, home

    # ---- a sentence ----

    @serves(UNDERSTAND, concurrency=4)
    async def understand(self, ask: Understand) -> Understood:
        if ask.home is not None and not ask.dry_run:
            raise MalformedMessageError(schema="Understand", reason="another home, no dry run")
        if (understood := await self._about_no_device(ask)) is not None:
            return understood
        said, untrusted, on_its_word = "", False, ask
        try:
            if (kept := await self._about_time(ask)) is not None:
                return kept
            plan, home = await self._plan(ask)
        except (IntentError, DeviceError) as error:
            # Before any model is asked: it may be a PIN that was misheard.
            if (again := self._dialogue.again(ask)) is not None:
                return again
            if (told := await self.off_loop(self._memory.recall, ask)) is not None:
                return self._in_their_manner(ask, told)
            if not isinstance(error, NotUnderstoodError):
                raise
            thought = await self._thought(ask, error)
            plan, home, said, untrusted = thought.plan, self._home, thought.said, thought.untrusted
            on_its_word = ask.model_copy(update={"origin": Origin.MODEL})
        topic = self._topic_of(plan)
        plan = self._related(plan, home, ask.language, ask.answers_in)
        commit()
        now = datetime.fromtimestamp(ask.home.taken_at).astimezone() if ask.home else None
        results = await self._results(plan, on_its_word)
        with self.span("answer"):
            reply = said or self._answer(plan, results, home, ask.answers_in, now=now)
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.answers_in, now)
        if not said:  # a model has its manner from what it was told
            reply = self._as_said(answerer, reply, plan, results, home, ask.answers_in)
        understood = Understood(
            turn_id=ask.turn_id,
            heard=plan.heard,
            intent=plan.intent,
            actions=actions_of(results, dry_run=ask.dry_run),
            reply=reply,
            language=ask.answers_in,
            topic=topic,
            untrusted=untrusted,
        )
        return self._dialogue.asking(ask, plan, results, understood)

    async def _about_no_device(self, ask: Understand) -> Understood | None:
        """What came of an answer to what was asked back, and of wishes about languages and memory.

        None where it is none of these.
        """
        # What is interpreted is said again in another language: it is no reply and no command.
        answer = None if ask.between else self._dialogue.answer(ask)
        if answer is not None:
            return answer if isinstance(answer, Understood) else await self._go_on(ask, answer)
        return await self._answered(ask, self.ask) or await self._remembered(ask)

    async def _about_time(self, ask: Understand) -> Understood | None:
        """What came of a sentence about time; None where it is none."""
        await self.off_loop(scheduling.sentences_of, ask.language)
        async with self._grammar_of(ask.language, ask.home) as (understanding, home):
            request = self._scheduling.request(ask, understanding, home)
        if request is None:
            return None
        self.log.info("understood", intent=request.act.intent, text=pii(ask.text))

        async def do_now(plan: Plan) -> tuple[list[Result], str]:
            results = await self._results(plan, ask)
            return results, self._answer(plan, results, home, ask.language)

        commit()
        kept = await self._scheduling.keep(ask, request, do_now)
        return Understood(
            turn_id=ask.turn_id,
            heard=request.heard,
            intent=request.act.intent,
            actions=actions_of(kept.results, dry_run=ask.dry_run),
            reply=kept.reply,
            language=ask.language,
            topic=self._topic_of(request.plan) if request.plan else None,
        )

    async def _go_on(self, ask: Understand, shown: Shown) -> Understood:
        """Carry out what was refused before, with what its person has shown since."""
        commit()
        results = await carried_out(
            shown.plan, lambda at, action: self._carry_out(ask, at, action, shown)
        )
        understood = Understood(
            turn_id=ask.turn_id,
            heard="" if shown.pin is not None else ask.text,
            intent=shown.plan.intent,
            actions=actions_of(results),
            reply=self._answer(shown.plan, results, self._home, ask.answers_in),
            language=ask.answers_in,
            secret=shown.pin is not None,
            topic=self._topic_of(shown.plan),
        )
        return self._dialogue.asking(ask, shown.plan, results, understood)

    @handles(TURN_ENDED)
    async def turn_ended(self, record: TurnRecord) -> None:
        self._dialogue.ended(record)
        self._memory.ended(record)

    @serves(PREVIEW, concurrency=4)
    async def preview(self, ask: Preview) -> Previewed:
        found = await self._previewed(ask)
        # Of another time nobody keeps the sentences.
        revision = self._home.fingerprint if ask.home is None else None
        return found.model_copy(update={"revision": revision})

    @serves(SENTENCES)
    async def sentences(self, ask: GetSentences) -> Sentences:
        async with self._grammar_of(ask.language, None) as (understanding, home):
            revision = home.fingerprint
            plain, others = await self.off_loop(understanding.sentences, home)
        return Sentences(sentences=plain, others=others, revision=revision)

    async def _previewed(self, ask: Preview) -> Previewed:
        if wanted(ask.text, ask.language) is not None:
            # Nothing else is meant, whatever this home can be told that is like it.
            return Previewed(completeness=Completeness.UNKNOWN, meant=True)
        async with self._grammar_of(ask.language, ask.home) as (understanding, home):
            with self.span("preview"):
                found = understanding.preview(
                    ask.text,
                    home=home,
                    area_id=ask.area_id,
                    guessed=ask.guessed,
                    topic=ask.topic,
                )
            if not found.complete and self._scheduling.forbids(ask):
                # A likely sentence would be without its time, and what follows may belong to it.
                return Previewed(completeness=Completeness.UNKNOWN)
            if found.plan is None and not found.open:
                near = understanding.likely(ask.text, home=home, most=LIKELY)
                return Previewed(
                    completeness=Completeness.UNKNOWN,
                    likely=[Likely(text=text, meaning=meaning) for text, meaning in near],
                )
            twins = (
                understanding.twins(ask.text, home=home, area_id=ask.area_id)
                if found.complete
                else []
            )
        if found.plan is not None:
            self._prepare(ask, found.plan, home)
        if found.open:
            # Whole as they are, but a longer command begins with them: neither one nor the other.
            whole = found.whole
            return Previewed(
                completeness=Completeness.UNKNOWN if whole else Completeness.OPEN,
                meant=found.plan is not None,
            )
        sure = found.plan is not None and found.score >= SURE
        return Previewed(
            completeness=Completeness.COMPLETE if sure else Completeness.UNKNOWN,
            meant=found.plan is not None,
            likely=[Likely(text=text, meaning=meaning) for text, meaning in twins],
        )

    def _prepare(self, ask: Preview, plan: Plan, home: Home) -> None:
        """Have ready what would be said if all goes well; nobody waits for it."""
        results = self._expected(plan, home, OutcomeKind.CONFIRMED)
        text = self._answer(plan, results, home, ask.language)
        speaker = self._casting.speaker(ask.utterance_id)
        answerer = self._casting.answerer(speaker, ask.area_id, ask.language)
        text = self._as_said(answerer, text, plan, results, home, ask.language)
        prepare = Prepare(
            turn_id=ask.turn_id, text=text, language=ask.language, **answerer.style.model_dump()
        )
        self._speculating.create_task(self._ask_to_prepare(prepare))

    async def _ask_to_prepare(self, ask: Prepare) -> None:
        try:
            await self.ask(PREPARE, ask)
        except AliciaError as error:
            self.log.debug("nothing prepared", code=error.code)

    async def _plan(self, ask: Understand) -> tuple[Plan, Home]:
        async with self._grammar_of(ask.language, ask.home) as (understanding, home):
            with self.span("parse") as span:
                plan = understanding.recognize(
                    ask.text,
                    home=home,
                    area_id=ask.area_id,
                    alternatives=ask.alternatives,
                    topic=ask.topic,
                )
                if span is not None:
                    span.attributes.update(
                        intent=plan.intent,
                        score=round(plan.score, 3),
                        snapped=plan.snapped,
                        speaker_known=ask.speaker is not None,
                    )
        self.log.info("understood", intent=plan.intent, snapped=plan.snapped, text=pii(plan.heard))
        return plan, home

    async def _thought(self, ask: Understand, why: NotUnderstoodError) -> Consulted:
        """What a language model makes of it: changes, or what to say.

        Raises `why` where nobody has an answer in time that is valid here; BrokeOffError where one
        was begun to be said.
        """
        within_s = self.settings.think_within_s
        if not within_s or ask.home is not None:
            raise why
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.answers_in)
        facts: list[str] = []
        if self.settings.notes_to_models:
            facts = await self.off_loop(self._memory.notes, ask)
        try:
            thought = await self._consulting.consult(ask, answerer, self._home, within_s, facts)
        except (TurnCancelledError, BrokeOffError):
            raise
        except AliciaError as error:
            self.log.info("no model helped", code=error.code)
            raise why from error
        if facts and thought.plan.actions:
            # Words that were told once never move anything: it was a question.
            self.log.info("a change refused that notes may have asked for")
            raise why
        if thought.plan.actions and self._scheduling.forbids(ask):
            raise TimeNotUnderstoodError  # What was asked for then is not done now.
        return thought

    async def _ask_to_think(self, think: Think, within_s: float) -> Thought:
        return await self.ask(THINK, think, deadline_s=within_s)

    @handles(CLAUSE)
    async def clause(self, clause: Clause) -> None:
        self._consulting.begun(clause.turn_id)

    # ---- what is remembered ----

    async def _remembered(self, ask: Understand) -> Understood | None:
        """What the memory says to it; None where it is a sentence like any other."""
        heard = self._memory.heard(ask)
        if heard is None:
            return None
        guest = False
        if heard.keeps and ask.speaker is not None:
            guest = (await self.ask(GET_ROLE, GetRole(person_id=ask.speaker))).role == "guest"
        with self.span("memory"):
            said = await self.off_loop(lambda: self._memory.answer(ask, heard, guest=guest))
        self.log.info("remembered", intent=said.intent)
        return self._in_their_manner(ask, said)

    def _in_their_manner(self, ask: Understand, said: Understood) -> Understood:
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.language)
        reply = answerer.say(said.reply, ReplyKind.ERROR, ask.language)
        return said.model_copy(update={"reply": reply})

    @serves(LIST_FACTS, concurrency=4)
    async def list_facts(self, ask: ListFacts) -> Facts:
        whose = () if ask.person_id is None else (ask.person_id,)
        return Facts(facts=await self.off_loop(self._memory.store.all, *whose))

    @serves(PUT_FACT)
    async def put_fact(self, ask: PutFact) -> Fact:
        """Raises UnknownFactError, MemoryFullError, SecretNotKeptError, InvalidValueError."""
        if is_secret(ask.text, ask.language):
            raise SecretNotKeptError
        text = " ".join(ask.text.split())
        if not 0 < len(text) <= LONGEST_FACT:
            raise InvalidValueError(f"A fact has 1 to {LONGEST_FACT} characters.")
        return await self.off_loop(
            self._memory.store.put, text, ask.language, ask.person_id, ask.fact_id
        )

    @serves(FORGET_FACTS)
    async def forget_facts(self, ask: ForgetFacts) -> FactsForgotten:
        count = await self.off_loop(
            lambda: self._memory.store.forget(ask.fact_ids, person_id=ask.person_id)
        )
        return FactsForgotten(count=count)

    async def _results(self, plan: Plan, ask: Understand) -> list[Result]:
        """What became of a plan; in a dry run, as if every device had confirmed it."""
        if ask.dry_run:
            return pretended(plan)
        return await carried_out(plan, lambda at, action: self._carry_out(ask, at, action))

    async def _carry_out(
        self, ask: Understand, number: int, action: PlannedAction, shown: Shown | None = None
    ) -> list[Result]:
        outcome = await self.ask(
            CONTROL,
            Control(
                command_id=f"{ask.turn_id}:{number}",
                entities=list(action.entities),
                capability=action.capability,
                value=action.value,
                relative=action.relative,
                turn_id=ask.turn_id,
                on_behalf_of=shown.on_behalf_of if shown else ask.speaker,
                origin=ask.origin,
                pin=shown.pin if shown else None,
                confirmed=shown is not None and shown.confirmed,
            ),
        )
        return outcome.results
