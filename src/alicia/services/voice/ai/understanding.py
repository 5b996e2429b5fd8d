"""A sentence, from its words to the reply."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from alicia.contracts.devices import (
    CONTROL,
    Control,
    Origin,
    OutcomeKind,
    Result,
)
from alicia.contracts.voice import (
    PREPARE,
    PREVIEW,
    SENTENCES,
    TURN_ENDED,
    UNDERSTAND,
    Completeness,
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
    DeviceError,
    IntentError,
    MalformedMessageError,
    NotUnderstoodError,
)
from alicia.language.remembering import wanted
from alicia.mind import scheduling
from alicia.mind.carrying_out import actions_of, carried_out, pretended
from alicia.runtime.cancelling import commit
from alicia.runtime.logs import pii
from alicia.runtime.service import handles, serves
from alicia.services.voice.ai.thinking import ThinkingFurther

if TYPE_CHECKING:
    from alicia.home.model import Home
    from alicia.language.plan import Plan, PlannedAction
    from alicia.mind.confirmation_dialogue import Shown

LIKELY = 12
"""Sentences that are offered where words are no command."""
SURE = 0.9
"""Likeness from which a sentence that was misheard counts as whole."""


class Ai(ThinkingFurther):
    """Understanding, and what follows from it."""

    @serves(UNDERSTAND, concurrency=4)
    async def understand(self, ask: Understand) -> Understood:
        if ask.home is not None and not ask.dry_run:
            raise MalformedMessageError(schema="Understand", reason="another home, no dry run")
        if ask.picture is not None:
            return await self._seen(ask)
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
        """What came of an answer to what was asked back, and of wishes that no device is told of.

        None where it is none of these. Raises NoAlarmPanelError.
        """
        # What is interpreted is said again in another language: it is no reply and no command.
        answer = None if ask.between else self._dialogue.answer(ask)
        if answer is not None:
            return answer if isinstance(answer, Understood) else await self._go_on(ask, answer)
        if not ask.between:
            self._require_alarm_panel(ask)
        # "Speak normally again" may be about how much, or about the language.
        ways = [self._speaking_of_languages, self._herself]
        if not ask.between and self._casting.verbosity(ask.speaker, ask.area_id) is not None:
            ways.reverse()
        for way in (*ways, self._remembered):
            if (understood := await way(ask)) is not None:
                return understood
        return None

    async def _speaking_of_languages(self, ask: Understand) -> Understood | None:
        return await self._answered(ask, self.ask)

    async def _about_time(self, ask: Understand) -> Understood | None:
        """What came of a sentence about time; None where it is none."""
        await self.off_loop(scheduling.sentences_of, ask.language)
        async with self._grammar_of(ask.language, ask.home) as (understanding, home):
            requests = self._scheduling.requests(ask, understanding, home)
        if not requests:
            return None
        intent = requests[0].act.intent
        self.log.info("understood", intent=intent, text=pii(ask.text))

        async def do_now(plan: Plan) -> tuple[list[Result], str]:
            results = await self._results(plan, ask)
            return results, self._answer(plan, results, home, ask.language)

        commit()
        kept = await self._scheduling.keep(ask, requests, do_now)
        plan = requests[-1].plan
        return Understood(
            turn_id=ask.turn_id,
            heard=ask.text.strip(),
            intent=intent,
            actions=actions_of(kept.results, dry_run=ask.dry_run),
            reply=kept.reply,
            language=ask.language,
            topic=self._topic_of(plan) if plan else None,
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
