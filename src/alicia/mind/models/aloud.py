"""Aloud: the beginning of an answer is said while the model still writes its end.

Clause by clause, and a clause only when the next has begun: a single sentence before a tool is
called ("I have turned it on") is never heard, as it is not known to be true.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from alicia.speech.clauses import settled

LONGEST = 600
"""Characters of a reply: nobody listens to more."""

Say = Callable[[int, str], Awaitable[None]]
"""Its number, from 0, and its words."""
_SENTENCE_END = re.compile(r"[.!?。！？](?=\s|$)|[。！？]")


class Aloud:
    """The reply to one sentence, over several completions."""

    def __init__(self, say: Say | None) -> None:
        """`say` is told each clause; None where the reply is wanted whole."""
        self._say = say
        self._number = 0
        self._before = ""
        """What is said of the completions before."""
        self.said = ""
        """As the reply begins, whatever comes."""

    async def take(self, text: str) -> None:
        """A completion's text so far."""
        if self._say is None:
            return
        whole = self._before + plain(text)
        if len(whole) > LONGEST:
            return
        clause = whole[len(self.said) : len(self._before) + settled(whole[len(self._before) :])]
        if clause.strip():
            self.said += clause
            self._number += 1
            await self._say(self._number - 1, clause)

    def again(self) -> None:
        """Another completion follows: what was not said of this one is no part of the reply."""
        self._before = self.said

    def reply(self, text: str) -> str:
        """All of it, whose last completion says `text`; it begins with what was said."""
        whole = cut(self._before + plain(text))
        return whole if whole.startswith(self.said.strip()) else self.said.strip()


def plain(text: str) -> str:
    """One paragraph without markup."""
    return " ".join(re.sub(r"[*_`#]+", "", text).split())


def cut(text: str) -> str:
    """Ended at a sentence where it is too long."""
    if len(text) <= LONGEST:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text[:LONGEST])]
    return text[: ends[-1]] if ends else text[:LONGEST].rpartition(" ")[0] or text[:LONGEST]
