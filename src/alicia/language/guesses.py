"""Guesses: what may have been said where nothing was understood, in words that can be weighed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rapidfuzz import fuzz

from alicia.home.model import Home, names_of
from alicia.language.acts import Act
from alicia.language.candidates import Candidate
from alicia.language.grammar import tidy
from alicia.language.misheard_numbers import MisheardNumbers
from alicia.language.readings import Reading as ToSound
from alicia.language.readings import reading_of
from alicia.language.snap import Snap, Snapped
from alicia.language.spelling import SignSpelling, Spelt, WordSpelling
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER

_WORDINGS = 3
"""Of one meaning."""
_UNDONE, _OPPOSITES = 3, 4
"""Of the first few meanings the opposite is offered too, in no more sentences than that."""
_LOOKED_AT = 4
"""Sentences looked at for each that is offered: many are wordings of one meaning."""
_LEFT_OUT = 3
"""Letters of what was heard that a sentence may have no place for: shorter ones weigh less."""
_UNLIKE = 0.4
"""How much of a sentence may be replaced: a short one fits any audio about as well as noise."""
_DEGREES = re.compile(r"\d\s*(?:°|度|도)|\b(?:degr|grad|graus)", re.IGNORECASE)
_PERCENT = re.compile(r"%|パーセント|퍼센트|百分|\b(?:per|por|pour|pro)\s?[cz]ent", re.IGNORECASE)
"""Heard as whatever number, units are heard well."""
_STOPS = ".!?。！？"
_AROUND = " ,.!?;:、。，！？¿¡…"


class Guesses:
    """Of one language and one home."""

    def __init__(self, tables: Tables, snap: Snap) -> None:
        self._tables = tables
        self._snap = snap
        say: dict[str, Any] = tables.say
        self._nouns = {noun.lower(): noun for noun in say.get("nouns", [])}
        self._numbers = MisheardNumbers(snap.wording)
        self._rooms: dict[str, Sequence[str]] = {}
        self._room_words: dict[str, frozenset[str]] = {}
        self._by_words = WordSpelling(snap.wording)
        self._by_signs: SignSpelling | None = None
        self._read: ToSound | None = None
        if not snap.wording.spaced:
            self._read = reading_of(tables.language, say.get("readings", {}))
            self._by_signs = SignSpelling(snap.wording, self._read, say.get("linking", ""))
        self._fillers = sorted(tables.tidy.fillers, key=len, reverse=True)

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        language = self._tables.language
        every = {area.area_id: names_of(area, language) for area in home.areas()}
        self._rooms = {e.entity_id: every.get(e.area_id or "", ()) for e in home.entities()}
        bare = self._snap.wording.bare
        self._room_words = {
            entity: frozenset(word for name in names for word in bare(name).text.split())
            for entity, names in self._rooms.items()
        }
        if self._nouns:
            named = " ".join(n for e in home.entities() for n in names_of(e, language))
            words = " ".join([named, *(n for names in every.values() for n in names)]).split()
            self._nouns |= {word.lower(): word for word in words if word[:1].isupper()}

    def likely(self, text: str, *, most: int) -> list[tuple[str, str]]:
        """Sentences and their meanings, the likeliest first. Each is understood as it is."""
        near = [
            (one, heard)
            for heard in self._heard_as(text)
            for one in self._snap.likely(tidy(heard, self._tables), most=_LOOKED_AT * most)
            if _fits_unit(heard, one.candidate.act)
        ]
        near.sort(key=lambda pair: -pair[0].score)
        meanings: dict[str, dict[str, float]] = {}
        for one, heard in near[: _LOOKED_AT * most]:
            wordings = meanings.setdefault(_meaning(one), {})
            for written in self._written(heard, one):
                wordings.setdefault(written, self._alike(written, heard))
        found: list[tuple[float, str, str]] = []
        for meaning, wordings in meanings.items():
            best = sorted(wordings, key=lambda written: -wordings[written])[:_WORDINGS]
            found.extend((wordings[written], written, meaning) for written in best)
        found.sort(reverse=True)
        kept = [(written, meaning) for _, written, meaning in found[:most]]
        return kept + self._undoing(kept, near)

    def _undoing(
        self, kept: Sequence[tuple[str, str]], near: Sequence[tuple[Snapped, str]]
    ) -> list[tuple[str, str]]:
        """The opposites of what is offered: "on" is not to win because nobody offered "off"."""
        offered = {meaning for _, meaning in kept}
        first = list(dict.fromkeys(meaning for _, meaning in kept))[:_UNDONE]
        found: dict[str, str] = {}
        for one, heard in near:
            other = self._snap.opposite(one) if _meaning(one) in first else None
            if other is None or _meaning(other) in offered:
                continue
            for written in self._written(heard, other):
                if len(found) < _OPPOSITES:
                    found.setdefault(written, _meaning(other))
        return list(found.items())

    def _alike(self, written: str, heard: str) -> float:
        if self._read is None:
            return fuzz.ratio(written, heard)
        return fuzz.ratio(self._read(written.strip(_AROUND)), self._read(heard.strip(_AROUND)))

    def _heard_as(self, text: str) -> Iterator[str]:
        yield text
        yield from self._numbers.readings(text.rstrip(_AROUND))

    def _written(self, heard: str, near: Snapped) -> Iterator[str]:
        """As it was heard but for what differs, where that means the same; and in bare form."""
        ends = heard.rstrip()[-1:]
        stop = "。" if self._tables.language in ("zh", "ja") else "."
        stop = ends if ends in _STOPS else stop
        opening, core, closing = self._cut(heard)
        spelt = self._spelt(core, near)
        if spelt is not None:
            if spelt.left_out > _LEFT_OUT or spelt.unlike > _UNLIKE:
                return
            core = spelt.text if opening.strip(_AROUND) else _capital(spelt.text)
            whole = opening + core + closing
            exact = self._snap.exact(tidy(whole, self._tables))
            if exact is not None and _same(exact, near):
                yield whole + stop
        shown = self._snap.shown(near)
        if shown:
            yield _capital(" ".join(map(self._cased, shown.split(" ")))) + stop

    def _spelt(self, core: str, near: Snapped) -> Spelt | None:
        number = "" if near.number is None else f"{near.number:g}"
        parts = [part.replace(NUMBER, number) for part in near.candidate.parts]
        targets = near.candidate.targets
        one = next(iter(targets)) if len(targets) == 1 else ""
        if self._by_signs is not None:
            signs = core.replace(" ", "")
            return self._by_signs.spelt(
                signs, [word for part in parts for word in part.split()], self._rooms.get(one, ())
            )
        wanted = " ".join(map(self._cased, " ".join(parts).split(" ")))
        return self._by_words.spelt(
            self._by_words.words(core),
            self._by_words.words(wanted),
            self._room_words.get(one, frozenset()),
        )

    def _cased(self, word: str) -> str:
        return self._nouns.get(word, word)

    def _cut(self, heard: str) -> tuple[str, str, str]:
        """What was heard without politeness around it, and that."""
        core = heard.strip(_AROUND)
        opening = closing = ""
        changed = True
        while changed:
            changed = False
            for filler in self._fillers:
                lower = core.lower()
                if len(lower) != len(core) or len(core) <= len(filler) + 1:
                    continue
                size = len(filler)
                if lower.startswith(filler) and lower[size] in _AROUND:
                    rest = core[size:].lstrip(_AROUND)
                    opening += core[: len(core) - len(rest)]
                    core, changed = rest, True
                elif lower.endswith(filler) and lower[-size - 1] in _AROUND:
                    rest = core[:-size].rstrip(_AROUND)
                    closing = core[len(rest) :] + closing
                    core, changed = rest, True
        return opening, core, closing


def _fits_unit(heard: str, act: Act) -> bool:
    """Whether the unit that was heard is one of what the act takes."""
    heat = act.takes == "temperature"
    return not (_PERCENT.search(heard) if heat else act.takes and _DEGREES.search(heard))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _meaning(near: Snapped) -> str:
    return f"{near.candidate.does} {sorted(near.candidate.targets)} {near.number}"


def _key(candidate: Candidate) -> tuple[str, frozenset[str]]:
    return candidate.does, candidate.targets


def _same(one: Snapped, other: Snapped) -> bool:
    return one.number == other.number and _key(one.candidate) == _key(other.candidate)
