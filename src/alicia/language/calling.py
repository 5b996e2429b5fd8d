"""Calling: what people call the things of a home besides their names.

    "Left Bedside Lamp", "Right Bedside Lamp"  -> the bedside lamps, both bedside lamps
    "Aquarium Light"                           -> the aquarium, the light over the aquarium

None of it is a name, a room or a word that means something without the home.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, TypeAlias

from alicia.language.cutting import Phrase

_LEAST_LETTERS = 4
"""Letters of a word that is a thing's name alone, such as "aquarium"."""
_LEAST_SIGNS = 2
"""The same where no spaces part words."""
_PARTICLES = "の的里의"
"""What joins a room and a thing, where no spaces part words."""
_MOST_SHARED = 8
"""Things that one name is for."""
_VOWELS = frozenset("aeiouy")
_MOST_WORDS = 6
"""Words of a name of which some may be left out."""

Named: TypeAlias = Mapping[Phrase, frozenset[str]]
"""By its words each name, with the entities that have it."""


class Calling:
    """One language's, by its table of concepts.

    `lamps` are its nouns for lights, `kinds` those for all kinds of things.
    """

    def __init__(
        self,
        table: Mapping[str, Any],
        lamps: Collection[str],
        known: Iterable[Phrase],
        cut: Callable[[str], Phrase],
        *,
        spaced: bool,
        kinds: Collection[str] = (),
    ) -> None:
        self._lamps = sorted(lamps, key=len, reverse=True)
        self._known = frozenset(known)
        self._cut = cut
        self._spaced = spaced
        self._between = frozenset(w for text in table.get("between", ()) for w in cut(text))
        self._of_the = frozenset(w for text in table.get("of_the", ()) for w in cut(text))
        self._alone = frozenset(cut(text) for text in table.get("not_alone", ()))
        rows = [[word for noun in row for word in cut(noun)] for row in table.get("swaps", ())]
        self._least: int = table.get("least_letters", _LEAST_LETTERS)
        self._alike = {noun: row for row in rows for noun in row}
        """Nouns that are said for one another."""
        self._stands = [cut(text) for text in table.get("stands", ())]
        self._sides = sorted(map(cut, table.get("sides", ())), key=len, reverse=True)
        self._joins = [cut(text) for text in table.get("joins", ())]
        """What may stand before the noun of a name, or not: "天窗帘", "天窗的帘"."""
        self._kinds = sorted(map(cut, kinds), key=len, reverse=True)
        self._links: Sequence[str] = table.get("links", ())
        many: Sequence[Sequence[str]] = table.get("many", ())
        self._many = [(re.compile(ending), by) for ending, by in many]

    def called(
        self, named: Named, taken: Collection[Phrase], rooms: Collection[Phrase]
    ) -> Iterator[tuple[Phrase, tuple[str, ...], bool]]:
        """What they are called, whom it may mean, and whether it means all of those.

        Nothing that is `taken`, or means something without the home.
        """
        parts = self._unique(named, lambda words: self._parts(words, rooms), taken)
        described = self._unique(named, lambda words: self._described(words, rooms), taken)
        for words, ids in {**described, **parts}.items():
            yield words, tuple(ids), False
        for words, (ids, many) in self._shared({**named, **parts}, taken, rooms).items():
            yield words, tuple(sorted(ids)), many

    def _unique(
        self,
        named: Named,
        ways: Callable[[Phrase], Iterator[Phrase]],
        taken: Collection[Phrase],
    ) -> dict[Phrase, frozenset[str]]:
        """Each name in other words, where these mean one thing alone."""
        found: dict[Phrase, frozenset[str]] = {}
        for words, ids in named.items():
            for called in ways(words):
                if called not in taken and called not in self._known:
                    found[called] = found.get(called, frozenset()) | ids
        return {words: ids for words, ids in found.items() if len(ids) == 1}

    def _shared(
        self, named: Named, taken: Collection[Phrase], rooms: Collection[Phrase]
    ) -> dict[Phrase, tuple[frozenset[str], bool]]:
        """What several names have in common."""
        bare: dict[Phrase, frozenset[str]] = {}
        for words, ids in named.items():
            bare[self._apart(words)] = bare.get(self._apart(words), frozenset()) | ids
        alike: dict[tuple[Phrase, int], list[frozenset[str]]] = {}
        for words, ids in bare.items():
            for key in self._without_one(words):
                alike.setdefault(key, []).append(ids)
        found: dict[Phrase, tuple[frozenset[str], bool]] = {}
        for (key, _), those in alike.items():
            every = frozenset[str]().union(*those)
            if len(those) < 2 or not 1 < len(every) <= _MOST_SHARED or not self._own(key, rooms):
                continue
            for called, many in self._numbers(key):
                if called in taken or called in bare or called in self._known | self._alone:
                    continue
                found[called] = (every | found.get(called, (every, many))[0], many)
        return found

    def _without_one(self, words: Phrase) -> Iterator[tuple[Phrase, int]]:
        """The name without one of its words and where that stood; of signs, without its side."""
        if self._spaced:
            for at in range(len(words) if len(words) > 1 else 0):
                yield (*words[:at], *words[at + 1 :]), at
            return
        for side in self._sides:
            for at in (0, len(words) - len(side)):
                if words[at : at + len(side)] == side:
                    yield (*words[:at], *words[at + len(side) :]), int(at > 0)
                    return

    def _apart(self, words: Phrase) -> Phrase:
        return tuple(word for word in words if word not in self._between)

    def _parts(self, words: Phrase, rooms: Collection[Phrase]) -> Iterator[Phrase]:
        if not self._spaced:
            yield from map(tuple, self._own(words, rooms) if self._noun(words) else ())
            return
        if self._links:
            yield from self._halves(words, rooms)
        bare = self._apart(words)
        own = self._own(bare, rooms)
        if not 1 < len(bare) <= _MOST_WORDS:
            return
        for size in range(1, len(bare)):
            for called in combinations(bare, size):
                if own.isdisjoint(called):
                    continue
                if size > 1 or self._stands_alone(called[0], words, bare):
                    yield called

    def _halves(self, words: Phrase, rooms: Collection[Phrase]) -> Iterator[Phrase]:
        """Half of a compound: "Schreibtisch" of "Schreibtischlampe", "Spots" of "Deckenspots"."""
        stems = [rest for rest, _ in self._stems(words)]
        ends = [rest[-1:] for rest in stems]
        if not any(self._names_place(end, rooms) or end in self._known for end in ends):
            yield from (rest for rest in stems if len(rest[-1]) >= _LEAST_LETTERS)
        heads = (noun for noun in self._alike if words[-1].endswith(noun) and words[-1] != noun)
        yield from ((noun,) for noun in heads)

    def _own(self, words: Phrase, rooms: Collection[Phrase]) -> frozenset[str]:
        """Words that name this thing, and no room or kind of thing; of signs, all but the noun."""
        if self._spaced:
            placed = {word for room in rooms for word in room if self._contains(words, room)}
            return frozenset(w for w in words if (w,) not in self._known and w not in placed)
        rest = "".join(words[: len(words) - len(self._noun(words))]).strip(_PARTICLES)
        own = len(rest) >= _LEAST_SIGNS and not self._names_place(tuple(rest), rooms)
        return frozenset((rest,) if own and tuple(rest) not in self._known else ())

    def _stands_alone(self, word: str, words: Phrase, bare: Phrase) -> bool:
        """Whether a name may be cut down to this word."""
        if len(word) < self._least or (word,) in self._alone:
            return False
        if not self._between or word == bare[0]:
            return True
        # "La luz de la encimera" is the encimera, "la luz de noche" is no night.
        return bool(self._of_the) and words[words.index(word) - 1] in self._of_the

    def _contains(self, words: Phrase, room: Phrase) -> bool:
        room = self._apart(room)
        return any(words[at : at + len(room)] == room for at in range(len(words)))

    def _names_place(self, words: Phrase, rooms: Collection[Phrase]) -> bool:
        return words in rooms or words in self._alone

    def _noun(self, words: Phrase) -> Phrase:
        """The noun for a light with which a name of signs ends."""
        name = "".join(words)
        noun = next((n for n in self._lamps if name.endswith(n) and name != n), "")
        return tuple(noun)

    def _described(self, words: Phrase, rooms: Collection[Phrase]) -> Iterator[Phrase]:
        if not self._spaced:
            noun = self._noun(words)
            rest = words[: len(words) - len(noun)]
            if noun and rest and not self._names_place(rest, rooms):
                yield from ((*rest, *stands, *noun) for stands in self._stands)
            for noun in self._kinds if self._joins else ():
                rest = words[: len(words) - len(noun)]
                if rest and words[-len(noun) :] == noun and not self._names_place(rest, rooms):
                    yield from ((*rest, *joins, *noun) for joins in self._joins)
            return
        for rest, noun in self._stems(words) if self._stands else ():
            if not self._names_place(rest, rooms):
                forms = [rest] if self._links else self._forms(rest)
                every = product(self._alike.get(noun, (noun,)), self._stands, forms)
                yield from ((lamp, *stands, *form) for lamp, stands, form in every)

    def _stems(self, words: Phrase) -> Iterator[tuple[Phrase, str]]:
        """A light's name without its noun, which may be written together with it; and the noun."""
        if len(words) > 1 and words[-1] in self._lamps:
            yield words[:-1], words[-1]
        elif self._links:
            name = " ".join(words)
            noun = next((n for n in self._lamps if name.endswith(n) and name != n), None)
            stem = name.removesuffix(noun or "")
            for link in dict.fromkeys(("", *self._links)) if noun and stem.strip() else ():
                if noun and stem.endswith(link) and stem.removesuffix(link).strip():
                    yield tuple(stem.removesuffix(link).split()), noun
            if noun and stem[-1:] in _VOWELS and stem.strip():
                yield tuple((stem + noun[0]).split()), noun  # "Spiegellampe" is "spiegelampe".

    def _numbers(self, key: Phrase) -> Iterator[tuple[Phrase, bool]]:
        """The words for one of them, which may be any, and for all."""
        if not self._many:
            yield key, True
            return
        yield key, False
        yield from ((form, True) for form in self._forms(key) if form != key)

    def _forms(self, words: Phrase) -> Iterator[Phrase]:
        """In the singular and the plural."""
        forms = [
            dict.fromkeys((word, *(p.sub(by, word) for p, by in self._many if p.search(word))))
            for word in words
        ]
        if not self._between:  # their adjectives have one form
            forms[:-1] = [dict.fromkeys((word,)) for word in words[:-1]]
        yield from product(*forms)
