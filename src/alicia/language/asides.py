"""Asides: what people say beside a command, and how they correct themselves.

    "it's late, turn everything off"                      -> turn everything off
    "turn the fan off it's keeping me awake"              -> turn the fan off
    "turn on the kitchen, no, the bathroom light"         -> turn on the bathroom light

Whatever tells of another's words, of another time, of a wish or of a condition is no aside: it
makes talk of the whole sentence, and nothing of it is a command. A language's words for it are in
`data/asides`, as regular expressions over tidied text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import combinations

_MOST_PARTS = 5
"""Parts of a sentence that are told apart; who says more tells a story."""
_LEAST_WORDS = 2
"""Words of an aside; shorter ones must be a greeting or the like."""
_LEAST_SIGNS = 4
"""The same where no spaces part words."""
_MOST_KEPT = 24
"""Signs of what was said first that a correction keeps, where no spaces part words."""
_MOST_WORDS = 10
"""Words of what was said first; a correction takes the place of any of them."""
_PAUSE = re.compile(r"\s*(?:[;:!?…–—、，。；！？]+|(?<!\d)[.,]+|[.,]+(?!\d))\s*")
_GAP = re.compile(r"\s+")
_QUOTED = re.compile(r"[«\"„“「『]\s*(.{3,}?)\s*[»\"“”」』]")
_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Split:
    """One way to tell a command from what was said beside it."""

    command: str
    aside: str
    moves: bool
    """The aside says where somebody goes: the room that it names is not where they are."""
    complains: bool
    """The aside would be a command by itself, and is but the reason: "it's dark, turn it on"."""
    paused: bool
    """There are pauses between them."""
    first: bool
    """The command comes first: nothing was told before it."""


@dataclass(frozen=True)
class _Cut:
    at: int
    """Where the part before ends."""
    to: int
    """Where the part after begins."""
    before: bool
    """An aside may stand before it."""
    after: bool
    """An aside may stand after it."""
    pause: bool = True


class Asides:
    """One language's; without a table there are none."""

    def __init__(self, language: str, *, spaced: bool) -> None:
        own = _table(language)
        self._known = bool(own)
        self._spaced = spaced
        self._never = _pattern(own, "never")
        self._tells = _pattern(own, "tells") if "tells" in own else re.compile("")
        self._talk = _pattern(own, "talk")
        self._begins = _pattern(own, "begins")
        self._ends = _pattern(own, "ends")
        self._stops = _pattern(own, "stops")
        self._orders = _pattern(own, "orders")
        self._moves = _pattern(own, "moves")
        self._there = _pattern(own, "there")
        self._scenes = _pattern(own, "scenes")
        self._greets = _pattern(own, "greets")
        self._corrects = _pattern(own, "corrects")
        self._ones = _pattern(own, "ones")
        self._answers = re.compile(rf"^(?:{self._corrects.pattern})+", re.VERBOSE)
        self._complains = _pattern(own, "complains")

    def talks(self, text: str) -> bool:
        """Whether somebody talks, whatever else is said: to a person, or of what was or is not."""
        return bool(self._talk.search(text.casefold()))

    def quoted(self, text: str) -> list[str]:
        """What stands between quotation marks, where there is more than that."""
        found = _QUOTED.findall(text)
        return found if _QUOTED.sub("", text).strip(" ,.!?…、，。！？") else []

    def splits(self, text: str) -> Iterator[Split]:
        """Each way to read a tidied sentence as a command with asides, long commands first."""
        if not self._known:
            return
        cuts = self._cuts(text)
        if not 0 < len(cuts) < _MOST_PARTS or self._corrects.search(text):
            return
        borders = [_Cut(0, 0, False, False), *cuts, _Cut(len(text), len(text), False, False)]
        for first, last in sorted(
            combinations(range(len(borders)), 2), key=lambda pair: pair[0] - pair[1]
        ):
            before, after = borders[first], borders[last]
            if (first, last) == (0, len(borders) - 1):
                continue
            if (first and not before.before) or (last < len(borders) - 1 and not after.after):
                continue
            asides = [part for part in (text[: before.at], text[after.to :]) if part.strip()]
            command = text[before.to : after.at].strip()
            if command and all(map(self._tolerable, asides)):
                aside = " ".join(asides)
                moves, complains = self._moves.search(aside), self._complains.search(aside)
                paused = before.pause and after.pause
                yield Split(command, aside, bool(moves), bool(complains), paused, first == 0)

    def corrected(self, text: str) -> Iterator[str]:
        """What somebody who corrects themselves may mean: their last words, in place of others.

        The fewer of the first words are given up, the sooner it comes.
        """
        for said, meant in self._corrections(text):
            yield meant
            for last in dict.fromkeys((meant, self._ones.sub("", meant))):
                yield from self._replaced(said, last)

    def _corrections(self, text: str) -> Iterator[tuple[str, str]]:
        """What was said first and what is meant, at each place where it may be corrected."""
        marks = [(found.start(), found.end()) for found in self._corrects.finditer(text)]
        if marks and marks[-1][1] == len(text):
            text = text[: marks.pop()[0]]
            if not marks:
                marks = [(found.start(), found.end()) for found in _PAUSE.finditer(text)][-1:]
        for start, end in marks:
            said, meant = text[:start].strip(" ,、，"), text[end:].strip(" ,、，")
            if said and meant and not any(map(self._corrects.search, (said, meant))):
                yield said, meant

    def _replaced(self, said: str, meant: str) -> Iterator[str]:
        if not self._spaced:
            longest = min(_MOST_KEPT, len(said))
            yield from (said[:kept] + meant for kept in range(longest, 0, -1))
            # "거실 불 켜줘, 아니 안방 불": what is to be done was said first, at the end.
            yield from (meant + said[found.start() :] for found in _GAP.finditer(said))
            return
        words = said.split(" ")
        if len(words) > _MOST_WORDS:
            return
        for given_up in range(len(words)):
            for at in range(len(words) - given_up, -1, -1):
                if self._never.search(" ".join(words[at : at + given_up])):
                    continue  # "Off everywhere but here, the lights I mean" spares it still.
                yield " ".join((*words[:at], meant, *words[at + given_up :]))

    def sets_scene(self, aside: str) -> bool:
        """Whether these words say why a scene is set by its bare name: "we're off to bed"."""
        return bool(self._scenes.fullmatch(aside.strip(" ,.!?…")))

    def there(self, command: str) -> bool:
        """Whether it is for where somebody goes: "I'm off to the kitchen, light on in there"."""
        return bool(self._there.search(command))

    def answer(self, text: str) -> str:
        """What is said after another turn, without the words that take it back: "no, the hall"."""
        return self._answers.sub("", text) or text

    def _cuts(self, text: str) -> list[_Cut]:
        pauses = [_Cut(f.start(), f.end(), True, True) for f in _PAUSE.finditer(text)]
        cuts = {cut.to: cut for cut in pauses if cut.at > 0 and cut.to < len(text)}
        for pattern, where in ((self._begins, "after"), (self._orders, "before")):
            for found in pattern.finditer(text):
                at = found.start()
                if at and at not in cuts:
                    cuts[at] = _Cut(at, at, where == "before", where == "after", pause=False)
        for pattern, pause in ((self._stops, True), (self._ends, False)):
            for found in pattern.finditer(text):
                at = found.end()
                known = cuts.get(at)
                if at < len(text) and (known is None or not known.before):
                    cuts[at] = _Cut(at, at, True, known is not None, pause=pause)
        return sorted(cuts.values(), key=lambda cut: cut.at)

    def _tolerable(self, aside: str) -> bool:
        if self._never.search(aside) or self._orders.search(aside):
            return False
        return all(self._told(part) for part in _PAUSE.split(aside) if part.strip())

    def _told(self, part: str) -> bool:
        part = part.strip(" ,.!?…")
        if self._spaced and len(part.split()) < _LEAST_WORDS:
            # "Papa, turn the lamp on" is said to somebody else.
            return bool(self._greets.fullmatch(part))
        if not self._spaced and len(part) < _LEAST_SIGNS and not self._complains.search(part):
            return bool(self._greets.fullmatch(part))
        return bool(self._tells.search(part))


@lru_cache(maxsize=16)
def asides_of(language: str, *, spaced: bool) -> Asides:
    """One language's; one for all who ask, for its patterns take long to compile."""
    return Asides(language, spaced=spaced)


def _pattern(own: Mapping[str, str], key: str) -> re.Pattern[str]:
    return re.compile(own[key], re.VERBOSE) if key in own else _NOTHING


@lru_cache(maxsize=16)
def _table(language: str) -> Mapping[str, str]:
    source = resources.files("alicia.language").joinpath("data", "asides", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8")) if source.is_file() else {}
