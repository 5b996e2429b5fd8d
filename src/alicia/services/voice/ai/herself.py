"""What is said to Alicia about herself, what she is to announce, and what this home lacks."""

from __future__ import annotations

from alicia.contracts.personas import (
    CHOOSE_VERBOSITY,
    AssignmentScope,
    ChooseVerbosity,
    ReplyKind,
)
from alicia.contracts.voice import AnnouncementWish, Understand, Understood
from alicia.errors import NoAlarmPanelError, NoResponderError, PersonaError
from alicia.language.alarm_panel import DOMAIN, about_alarm_panel
from alicia.language.announcing import to_announce
from alicia.language.herself import Herself, about_herself
from alicia.language.phrases import word
from alicia.services.voice.ai.remembering import RememberingFacts

INTENTS = {
    Herself.WHO: "AliciaWho",
    Herself.BRIEF: "AliciaVerbosity",
    Herself.FULL: "AliciaVerbosity",
    Herself.BEFORE: "AliciaVerbosity",
}
ANNOUNCE = "AliciaAnnounce"
_VERBOSITY = {Herself.BRIEF: 0.0, Herself.FULL: 1.0}
_SAID = {
    Herself.WHO: "herself.who",
    Herself.BRIEF: "herself.brief",
    Herself.FULL: "herself.full",
    Herself.BEFORE: "herself.as_before",
}


class AboutHerself(RememberingFacts):
    """Sentences that no device is told of."""

    async def _herself(self, ask: Understand) -> Understood | None:
        """What is said of herself, or what is to be announced; None where it is neither.

        Raises PersonaError where nobody keeps how much she is to say.
        """
        asked = about_herself(ask.text, ask.language)
        if asked is None:
            return self._announcing(ask)
        if asked is not Herself.WHO and not ask.dry_run:
            await self._choose_verbosity(ask, asked)
        name = self._casting.name(ask.speaker, ask.area_id, ask.answers_in)
        reply = word(_SAID[asked], ask.answers_in, name=name)
        return self._told(ask, INTENTS[asked], reply)

    async def _choose_verbosity(self, ask: Understand, asked: Herself) -> None:
        """For who speaks, if known; else for the room, or the home. Taken back for all of them."""
        place = (AssignmentScope.AREA, ask.area_id) if ask.area_id else (AssignmentScope.HOME, "")
        whose = [place] if ask.speaker is None else [(AssignmentScope.PERSON, ask.speaker)]
        if asked is Herself.BEFORE:
            whose = list(dict.fromkeys([*whose, place, (AssignmentScope.HOME, "")]))
        for scope, who in whose:
            choose = ChooseVerbosity(
                scope=scope, who=who, verbosity=_VERBOSITY.get(asked), by=ask.speaker or ""
            )
            try:
                await self.ask(CHOOSE_VERBOSITY, choose)
            except NoResponderError as error:
                # It would be taken for this service's own absence, and be waited for.
                raise PersonaError from error

    def _announcing(self, ask: Understand) -> Understood | None:
        wanted = to_announce(ask.text, ask.language, self._home)
        if wanted is None:
            return None
        reply = word("announcement.begun", ask.answers_in, text=wanted.text)
        said = self._told(ask, ANNOUNCE, reply)
        wish = AnnouncementWish(text=wanted.text, areas=list(wanted.areas))
        return said.model_copy(update={"announcement": wish})

    def _told(self, ask: Understand, intent: str, reply: str) -> Understood:
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.answers_in)
        return Understood(
            turn_id=ask.turn_id,
            heard=ask.text,
            intent=intent,
            reply=answerer.say(reply, ReplyKind.ANSWER, ask.answers_in),
            language=ask.answers_in,
        )

    def _require_alarm_panel(self, ask: Understand) -> None:
        """Raises NoAlarmPanelError for what is asked of an alarm system that is not here."""
        home = self._home if ask.home is None else None
        if home is None or home.entities(domain=DOMAIN):
            return
        if about_alarm_panel(ask.text, ask.language):
            raise NoAlarmPanelError
