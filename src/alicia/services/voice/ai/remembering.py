"""What people told to be remembered."""

from __future__ import annotations

from alicia.contracts.devices import (
    GET_ROLE,
    GetRole,
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
from alicia.contracts.personas import ReplyKind
from alicia.contracts.voice import (
    Understand,
    Understood,
)
from alicia.errors import (
    InvalidValueError,
    SecretNotKeptError,
)
from alicia.language.remembering import is_secret
from alicia.runtime.service import serves
from alicia.services.voice.ai.following import FollowingHome


class RememberingFacts(FollowingHome):
    """The memory, as people speak to it and as it is looked after."""

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
