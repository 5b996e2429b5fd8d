"""What was said instead, where the words that were heard are no whole command (ADR 0033).

another engine's words -> the likely sentence that the audio bears out
                       -> what a wider search finds -> the likely sentences near to that
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

import numpy as np

from alicia.speech.guessing import Decoded
from alicia.speech.recognizer import Guess, Recognizer

# How much less likely a sentence of this home may be than the words that were heard, and how much
# likelier than one that asks for something else; natural logarithms.
_FARTHEST, _MARGIN = 9.0, 4.0
# The same before a wider search, which may bring sentences that fit better.
_EARLY_FARTHEST, _EARLY_MARGIN = 5.0, 6.0
# Sentences near to what a wider search finds that are weighed: more than these take too long.
_MOST_MORE = 12


class Finish(Enum):
    """How finished the words so far are."""

    COMPLETE = "complete"  # a whole command, and no longer one begins with it
    OPEN = "open"  # they demand more
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guess is worth."""

    finish: Finish
    likely: tuple[tuple[str, str], ...] = ()
    """Sentences that may have been said instead, each with its meaning. Of a whole command: those
    that differ from it in the number of one noun."""
    meant: bool = False
    """The words come to something, if not surely to what was said."""


Judge: TypeAlias = Callable[[Guess], Awaitable[Verdict]]


class Doubt:
    """Whether one guess is what was said."""

    def __init__(self, recognizer: Recognizer, judge: Judge, decoded: Decoded) -> None:
        self._recognizer = recognizer
        self._judge = judge
        self._decoded = decoded
        self._meanings: dict[str, str] = {}
        """Of the sentences that may have been said instead."""
        self._weights: dict[str, float] = {}

    async def settle(self, verdict: Verdict) -> Guess | None:
        """What was said instead, given the verdict on what was heard; None where nothing is better.

        Raises what the recognizer and the judge raise.
        """
        if verdict.finish is Finish.COMPLETE:
            return await self._tell_apart(verdict)
        self._meanings |= dict(verdict.likely)
        another = await self._second_opinion(wider=False)
        searches = another is None and not verdict.meant
        found = await self._whole(another) or await self._choose(early=searches)
        if found is None and searches:
            # It takes longer than all else, so it comes last.
            found = await self._whole(await self._second_opinion(wider=True))
            found = found or await self._choose()
        return found

    async def _second_opinion(self, *, wider: bool) -> Guess | None:
        """Another engine's guess for the same audio, or the same one's after a wider search."""
        decoded = self._decoded
        language = decoded.guess.language
        return await self._recognizer.reconsider(decoded.speech, language, wider=wider)

    async def _whole(self, other: Guess | None) -> Guess | None:
        """Which of another guess's texts is a whole command; what is near to them is likely too."""
        if other is None or not other.text:
            return None
        heard = self._decoded.guess.text
        known = {_letters(heard)}
        for rank, text in enumerate((other.text, *other.alternatives), other.rank):
            if _letters(text) in known:
                continue
            known.add(_letters(text))
            verdict = await self._judge(replace(other, text=text, rank=rank))
            if verdict.finish is Finish.COMPLETE:
                return replace(other, text=text, alternatives=(heard,))
            for sentence, meaning in verdict.likely:
                self._meanings.setdefault(sentence, meaning)
        return None

    async def _choose(self, *, early: bool = False) -> Guess | None:
        """Which of the likely sentences was said, where the audio leaves no doubt about it."""
        guess = self._decoded.guess
        new = [text for text in self._meanings if text not in self._weights]
        if new and self._recognizer.capabilities.weighs:
            await self._weigh(new[:_MOST_MORE] if self._weights else new)
        weighed = [text for text in self._meanings if text in self._weights]
        if not weighed:
            return None
        ranked = sorted(((self._weights[text], text) for text in weighed), reverse=True)
        best, text = ranked[0]
        meaning = self._meanings[text]
        rival = max((w for w, other in ranked if self._meanings[other] != meaning), default=-np.inf)
        farthest, margin = (_EARLY_FARTHEST, _EARLY_MARGIN) if early else (_FARTHEST, _MARGIN)
        if best < self._weights[guess.text] - farthest or best < rival + margin:
            return None
        return replace(guess, text=text, alternatives=(guess.text, *guess.alternatives))

    async def _tell_apart(self, verdict: Verdict) -> Guess:
        """Which was said: the words that were heard, or one that hardly sounds different."""
        guess = self._decoded.guess
        if not self._recognizer.capabilities.weighs:
            return guess
        await self._weigh([text for text, _ in verdict.likely])
        text = max(self._weights, key=lambda text: (self._weights[text], text))
        return guess if text == guess.text else replace(guess, text=text)

    async def _weigh(self, texts: list[str]) -> None:
        """How likely each was said, and what was heard."""
        decoded = self._decoded
        heard = decoded.guess.text
        texts = texts if heard in self._weights else [heard, *texts]
        weights = await self._recognizer.weigh(decoded.speech, decoded.guess.language, texts)
        self._weights |= dict(zip(texts, weights, strict=True))


def _letters(text: str) -> str:
    """What is the same where the words are."""
    return "".join(character for character in text.casefold() if character.isalnum())
