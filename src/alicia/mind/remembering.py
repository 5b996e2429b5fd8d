"""Remembering: what becomes of a sentence that is for Alicia's memory, or that her memory answers.

    "remember that …", "forget that" -> kept, or erased; nothing else is ever done because of a fact
    "what's my daughter's name?"     -> the fact, where the home has no answer to it
    "forget everything about me"     -> a question is open at that satellite; "yes" there erases

What a person told is told to that person alone, by their voice; what was told for all, to anybody.
A voice that is not recognized, and a guest, leave nothing behind unless the home allows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alicia.contracts.devices import Origin
from alicia.contracts.memory import FORGOT, FORGOT_ALL, HOUSEHOLD, KEPT, LONGEST_FACT, TOLD, Fact
from alicia.contracts.voice import TurnRecord, Understand, Understood
from alicia.errors import (
    ConfirmationNeededError,
    MemoryFullError,
    NoSpeechError,
    NotKeptError,
    NotPermittedError,
    SecretNotKeptError,
    UnclearSpeechError,
    UtteranceTooLongError,
)
from alicia.language import remembering
from alicia.language.phrases import ended, phrase, text_of, word
from alicia.language.remembering import KEEPING, Wanted, Wish
from alicia.language.replies import is_yes
from alicia.storage.facts import FactStore

OPEN_S = 30.0
"""How long the question before all is erased waits for its yes."""
THAT_S = 90.0
"""How long "forget that" goes back to what was told or asked there."""
AT_ONCE = 6
"""Facts that are told in one answer."""
NOTES = 5
"""Facts that a model is told with a question."""
_UNHEARD = (NoSpeechError.code, UnclearSpeechError.code)


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence that is for the memory."""

    wanted: Wanted
    yes: bool | None = None
    """The reply to the question whether all is to be erased."""

    @property
    def keeps(self) -> bool:
        return self.wanted.wish in KEEPING


@dataclass(frozen=True, slots=True)
class _Question:
    turn_id: str
    origin: Origin
    speaker: str
    until: float


class Remembering:
    """The facts, and where the conversation about them is. Its methods block, but for `heard`."""

    def __init__(
        self,
        folder: Path,
        *,
        keep_of_anyone: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = FactStore(folder)
        self._of_anyone = keep_of_anyone
        self._clock = clock
        self._open: dict[str, _Question] = {}
        self._last: dict[str, tuple[str | None, list[str], float]] = {}
        """By satellite: who was told of which facts, or told them, and when."""

    def heard(self, ask: Understand) -> Heard | None:
        """What it is for the memory; None for any other sentence. Whatever was open is closed.

        Raises UnsupportedLanguageError.
        """
        if not ask.dry_run:
            question = self._open.pop(ask.satellite, None)
            if question and question.origin is ask.origin and self._clock() < question.until:
                yes = is_yes(ask.text, ask.language)
                if yes is not None:
                    return Heard(Wanted(Wish.FORGET_ALL, question.speaker), yes)
        wanted = remembering.wanted(ask.text, ask.language)
        return None if wanted is None else Heard(wanted)

    def ended(self, record: TurnRecord) -> None:
        """A turn is over: a question that an earlier one has asked there is closed."""
        question = self._open.get(record.satellite)
        if question is None or question.turn_id == record.turn_id or record.error in _UNHEARD:
            return
        del self._open[record.satellite]

    def answer(self, ask: Understand, heard: Heard, *, guest: bool) -> Understood:
        """Do it, and say so. Raises SetupError where the memory can't be read or written."""
        if heard.yes is not None:
            return self._confirmed(ask, heard)
        wish, text = heard.wanted.wish, heard.wanted.text
        match wish:
            case Wish.KEEP | Wish.KEEP_FOR_ALL | Wish.LIKE:
                return self._keep(ask, heard.wanted, guest=guest)
            case Wish.ALL | Wish.ABOUT:
                known = self._known_to(ask) if wish is Wish.ALL else self._about(ask, text)
                return self._tell(ask, known) if known else self._nothing(ask, TOLD)
            case Wish.FORGET_THAT | Wish.FORGET_ABOUT:
                that = wish is Wish.FORGET_THAT
                return self._forget(ask, self._that(ask) if that else self._about(ask, text))
            case Wish.FORGET_ALL:
                return self._ask_to_forget_all(ask)

    def recall(self, ask: Understand) -> Understood | None:
        """The facts that a question is about; None where there are none. Raises SetupError."""
        if not remembering.is_question(ask.text, ask.language):
            return None
        found = self._about(ask, ask.text)
        return self._tell(ask, found) if found else None

    def notes(self, ask: Understand) -> list[str]:
        """What a model may know to answer a question; nothing where something may be changed."""
        if not remembering.is_question(ask.text.rstrip(" ?？"), ask.language):
            return []
        known = self._known_to(ask)
        near = remembering.bearing(ask.text, known, ask.language, most=NOTES)
        return [one.text for one in near]

    # ---- keeping ----

    def _keep(self, ask: Understand, wanted: Wanted, *, guest: bool) -> Understood:
        refusal = self._refusal(ask, wanted.text, guest=guest)
        if refusal is not None:
            return _said(ask, phrase(refusal, ask.language), KEPT)
        for_all = wanted.wish is Wish.KEEP_FOR_ALL or ask.speaker is None
        if not ask.dry_run:
            owner = HOUSEHOLD if for_all or ask.speaker is None else ask.speaker
            try:
                fact = self.store.put(wanted.text, ask.language, owner)
            except MemoryFullError as error:
                return _said(ask, phrase(error.code, ask.language), KEPT)
            self._note(ask, [fact])
        key = "remember.kept_for_all" if for_all else "remember.kept"
        told = word(key, ask.language, text=ended(wanted.text, ask.language))
        return _said(ask, told, KEPT)

    def _refusal(self, ask: Understand, text: str, *, guest: bool) -> str | None:
        if (guest or ask.speaker is None) and not self._of_anyone:
            return NotKeptError.code
        if remembering.is_secret(text, ask.language):
            return SecretNotKeptError.code
        return UtteranceTooLongError.code if len(text) > LONGEST_FACT else None

    # ---- telling ----

    def _known_to(self, ask: Understand) -> list[Fact]:
        """What this person told, and what was told for all."""
        return self.store.all(*{HOUSEHOLD, ask.speaker or HOUSEHOLD})

    def _about(self, ask: Understand, text: str) -> list[Fact]:
        return remembering.about(text, self._known_to(ask), ask.language)

    def _tell(self, ask: Understand, facts: Sequence[Fact]) -> Understood:
        """What is the person's own before what is for all; the newest, where they are many."""
        told = facts[-AT_ONCE:]
        own = [one for one in told if one.person_id != HOUSEHOLD]
        for_all = [one for one in told if one.person_id == HOUSEHOLD]
        sentences = [
            word(key, ask.language, text=_listed(some, ask.language))
            for key, some in (("remember.told", own), ("remember.told_for_all", for_all))
            if some
        ]
        if len(facts) > len(told):
            count = str(len(facts) - len(told))
            sentences.append(word("remember.more", ask.language, count=count))
        self._note(ask, told)
        return _said(ask, text_of(sentences, ask.language), TOLD)

    @staticmethod
    def _nothing(ask: Understand, intent: str) -> Understood:
        return _said(ask, word("remember.nothing", ask.language), intent)

    # ---- forgetting ----

    def _note(self, ask: Understand, facts: Sequence[Fact]) -> None:
        if not ask.dry_run:
            ids = [one.fact_id for one in facts]
            self._last[ask.satellite] = ask.speaker, ids, self._clock()

    def _that(self, ask: Understand) -> list[Fact]:
        """The one fact that was told or asked there just now, by the same person."""
        speaker, ids, at = self._last.get(ask.satellite, (None, [], 0.0))
        if speaker != ask.speaker or len(ids) != 1 or self._clock() - at > THAT_S:
            return []
        return [one for one in self._known_to(ask) if one.fact_id in ids]

    def _forget(self, ask: Understand, facts: Sequence[Fact]) -> Understood:
        if not facts:
            return _said(ask, word("remember.which", ask.language), FORGOT)
        if ask.speaker is None and not self._of_anyone:
            # What was told for all is not erased by a voice that nobody knows.
            return _said(ask, phrase(NotPermittedError.code, ask.language), FORGOT)
        if not ask.dry_run:
            self.store.forget(one.fact_id for one in facts)
        told = word("remember.forgotten", ask.language, text=_listed(facts, ask.language))
        return _said(ask, told, FORGOT)

    def _ask_to_forget_all(self, ask: Understand) -> Understood:
        own = [] if ask.speaker is None else self.store.all(ask.speaker)
        if ask.speaker is None or not own:
            return self._nothing(ask, FORGOT)
        if not ask.dry_run:
            self._open[ask.satellite] = _Question(
                ask.turn_id, ask.origin, ask.speaker, self._clock() + OPEN_S
            )
        sentences = [
            word("remember.forget_all", ask.language, count=str(len(own))),
            phrase(ConfirmationNeededError.code, ask.language),
        ]
        asked = _said(ask, text_of(sentences, ask.language), FORGOT)
        return asked.model_copy(update={"expects_reply": True})

    def _confirmed(self, ask: Understand, heard: Heard) -> Understood:
        if not heard.yes:
            return _said(ask, phrase("answer.okay", ask.language), FORGOT)
        speaker = heard.wanted.text
        # A voice that is not recognized may be the same: "yes" is too short to know by.
        if ask.speaker not in (None, speaker):
            return _said(ask, phrase(NotPermittedError.code, ask.language), FORGOT)
        self.store.forget(person_id=speaker)
        return _said(ask, word("remember.forgotten_all", ask.language), FORGOT_ALL)


def _listed(facts: Sequence[Fact], language: str) -> str:
    return text_of([ended(one.text, language) for one in facts], language)


def _said(ask: Understand, reply: str, intent: str) -> Understood:
    """What was said is kept in the memory or nowhere: not in a transcript, nor as a recording."""
    return Understood(
        turn_id=ask.turn_id,
        heard="",
        intent=intent,
        reply=reply,
        language=ask.language,
        secret=True,
    )
