"""Concepts: what each word of a sentence stands for, in any order.

    "could you make it two degrees warmer" -> nothing, set, nothing, number 2, degree, warmer

A language's words are in `data/concepts/`, by concept; names of things and rooms come from the
home. Every word must stand for something: with one that is unknown there is no way to read it.
Where a language has no spaces, that is true of every sign (`cutting.py`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import islice, product
from typing import Any, TypeAlias

from alicia.contracts.devices import Area, Entity
from alicia.home.model import Home, names_of
from alicia.language.calling import Calling
from alicia.language.cutting import Cut, Cutter, Phrase, cost_of
from alicia.language.patterns import expand
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER, Wording

NO_SENTENCE = "×"
"""What a table's `rewrites` leave of words that turn a meaning round, or of half a sentence."""
_MOST_CUTS = 12
"""Ways to cut a sentence into phrases that are looked at."""
_MOST_WAYS = 48
"""Ways to read one cut."""
_MOST_BETWEEN = 2
"""Words that may stand between two words of a name: "de la"."""
_NO_VERBS = ("nothing", "kind:", "attr:", "color:", "tone:", "adj:", "bit", "all", "any", "here")

_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b")

_LIGHT = "kind:light"
Value: TypeAlias = "str | float | tuple[str, ...] | None"


@dataclass(frozen=True)
class Concept:
    """One thing that a phrase stands for."""

    name: str
    """`on`, `percent`, `entity`; `kind:light`, `color:red`."""
    value: Value = None
    """Of an entity those that have this name; of a room its id, of a number the number."""
    said: str = ""
    """How a thing, a kind of thing or a room was called."""

    @property
    def of(self) -> str:
        """What stands after the colon."""
        return self.name.partition(":")[2]


Meaning: TypeAlias = tuple[Concept, ...]
"""All that one phrase stands for at once: "too dark" is `too` and `dark`."""

_Phrases: TypeAlias = dict[Phrase, list[Meaning]]


class _Layered(_Phrases):
    """The phrases of one home over those of a language, which stay as they are."""

    def __init__(self, language: _Phrases) -> None:
        super().__init__()
        self._language = language

    def own(self, words: Phrase) -> list[Meaning]:
        """What these words stand for, to be changed for this home."""
        if words not in self:
            self[words] = list(self._language.get(words, ()))
        return self[words]

    def of(self, words: Phrase) -> Sequence[Meaning]:
        """What these words stand for; nothing where they are unknown."""
        return self.get(words) or self._language.get(words, ())


OUTDOORS = frozenset(
    {"garden", "yard", "backyard", "terrace", "patio", "balcony", "deck", "porch", "outdoors"}
    | {"outside", "roof terrace"}
)
"""Rooms that are none: all of them are outside."""
_LIGHTS = ("light", "lamp", "bulb")
_TOLD = frozenset({"light", "switch", "fan", "cover", "climate", "media_player"})
"""Kinds of things that are called by less than their names."""
_DOMAINS = {"climate": "climate", "fan": "fan", "speaker": "media_player", "blind": "cover"}
"""Nouns of which there is another kind in some home: a heater, a fan at a plug."""
_UNITS = ("percent", "degree", "kelvin")


@lru_cache(maxsize=9)
def concept_table(language: str) -> Mapping[str, Any]:
    """The words of a language by concept; empty where it has none."""
    source = resources.files("alicia.language").joinpath("data", "concepts", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8")) if source.is_file() else {}


class Concepts:
    """One language's, with the names of one home."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._language = tables.language
        self._articles = tables.articles
        self._wording = wording
        self._table = concept_table(tables.language)
        units = [u for key in _UNITS for u in self._table.get("words", {}).get(key, ())]
        self._cutter = None if wording.spaced else Cutter(tables.language, units)
        self._words: _Phrases = {}
        self._verbs: set[str] = set()
        """Words to which a pronoun may be written."""
        self._kinds: list[tuple[str, Meaning]] = []
        """Nouns that a room's name may be written together with."""
        for key, patterns in self._table.get("words", {}).items():
            self._add_words(key, patterns)
        for kind in ("color", "tone"):
            for value, words in (tables.say.get(kind) or {}).items():
                self._add_words(f"{kind}:{value}", words)
        self._nouns: Mapping[str, list[str]] = tables.say.get("kinds", {})
        self._links: Sequence[str] = self._table.get("links", ())
        self._between = frozenset(map(wording.plain, self._table.get("between", ())))
        self._swaps = [tuple(map(wording.plain, nouns)) for nouns in self._table.get("swaps", [])]
        self._forms = [tuple(map(wording.plain, row)) for row in self._table.get("forms", [])]
        self._clitics = tuple(map(wording.plain, self._table.get("clitics", ())))
        self._never = [re.compile(pattern) for pattern in self._table.get("never", [])]
        self._respelt = [(re.compile(p), by) for p, by in self._table.get("respell", [])]
        self._rewrites = [(re.compile(p), by) for p, by in self._table.get("rewrites", [])]
        self._phrases = _Layered(self._words)
        self._names_apart: _Phrases = {}
        """Names of several words without those that may stand between them."""
        self._costs: dict[Phrase, float] = {}
        """Of this home's phrases; of the language's own ones it is worked out once."""
        self._word_costs = self._costs_of(self._words) if self._cutter else {}
        self._longest_word = max(map(len, self._words), default=1)
        self._longest = self._longest_word
        self._lamp = tuple(word for word, meaning in self._kinds if meaning[0].name == "kind:lamp")
        self.lamps: frozenset[str] = frozenset()
        """Entities that are called a lamp."""
        self.mains: frozenset[str] = frozenset()
        """Lights that are called after the ceiling or the like."""

    @property
    def spaced(self) -> bool:
        """Whether spaces part its words."""
        return self._cutter is None

    @property
    def noun_first(self) -> bool:
        """Whether names begin with their noun: "the kitchen" then begins no other name."""
        return bool(self._between)

    def _costs_of(self, phrases: _Phrases) -> dict[Phrase, float]:
        return {
            words: cost_of(empty=all(c.name == "nothing" for m in meanings for c in m))
            for words, meanings in phrases.items()
        }

    def _cost(self, words: Phrase) -> float | None:
        return self._costs.get(words) or self._word_costs.get(words)

    def __bool__(self) -> bool:
        return bool(self._words) and bool(self._table)

    def _add_words(self, key: str, patterns: Iterable[str]) -> None:
        for pattern in patterns:
            for text in expand(pattern):
                words = self._cut(text)
                meaning = _meaning(key, text if "kind:" in key else "")
                known = self._words.setdefault(words, [])
                if meaning in known:
                    continue
                # Folded, "rossa" is "rosa": what is spelt so comes first.
                spelt = key.startswith("color:") and self._wording.letters(text) == " ".join(words)
                known.insert(0 if spelt else len(known), meaning)
                if len(words) == 1 and not key.startswith(_NO_VERBS):
                    self._verbs.add(words[0])
                one = len(meaning) == 1 and key.startswith(("kind:", "attr:"))
                if one and (len(words) == 1 or self._cutter):
                    self._kinds.append(("".join(words), meaning))

    def _cut(self, text: str) -> Phrase:
        if self._cutter is not None:
            return self._cutter.phrase(text)
        return tuple(self._wording.plain(text).split())

    # ---- the names of a home ----

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        if not self:
            return
        phrases = _Layered(self._words)
        self._names_apart = {}
        self._name_entities(phrases, home)
        self._name_places(phrases, home)
        self._phrases = phrases
        apart = (len(words) * (1 + _MOST_BETWEEN) for words in self._names_apart)
        self._longest = max(*map(len, phrases), *apart, self._longest_word, 1)
        self._costs = self._costs_of(phrases)

    def _name_entities(self, phrases: _Layered, home: Home) -> None:
        named = self._all_names(home)
        rooms = self._rooms(home)
        for words, by_id in named.items():
            meaning = (Concept("entity", tuple(by_id), next(iter(by_id.values()))),)
            # A name comes before what its words mean otherwise; no noun is said of what it is not.
            domains = {home.entity(entity_id).domain for entity_id in by_id}
            known = phrases.own(words)
            known[:] = [meaning, *(m for m in known if not self._of_another(m, domains))]
            self._name_apart(words, meaning)
        for words, by_id in named.items():
            meaning = (Concept("entity", tuple(by_id), next(iter(by_id.values()))),)
            for other in self._swapped(words, rooms):
                if other not in named:
                    phrases.own(other).append(meaning)
                    self._name_apart(other, meaning)
        for words, ids in self._shortened(named, rooms).items():
            thing = (Concept("entity", ids, "".join(words)),)
            # "The big light" is that of another room only where this is said.
            meaning = (*thing, Concept("near")) if self._common(words) else thing
            phrases.own(words).insert(0, meaning)
        self._call(phrases, named, home)

    def _of_another(self, meaning: Meaning, domains: set[str]) -> bool:
        """Whether it is the noun for another kind of thing: "heater", where that is a plug."""
        domain = _DOMAINS.get(meaning[0].of) if len(meaning) == 1 else None
        return domain is not None and domain not in domains

    def _all_names(self, home: Home) -> dict[Phrase, dict[str, str]]:
        """What is called so, by the words of each name: its own ones, and those of its kind."""
        named: dict[Phrase, dict[str, str]] = {}
        for entity in home.entities():
            for words, name in self._names(entity):
                named.setdefault(words, {})[entity.entity_id] = name
        self.lamps = self._called_lamps(named, home)
        mains = {word for text in self._table.get("mains", ()) for word in self._cut(text)}
        self.mains = frozenset(i for words, ids in named.items() if mains & {*words} for i in ids)
        for device_class, nouns in self._nouns.items():
            alike = [e for e in home.entities() if e.device_class == device_class]
            for noun in nouns if len(alike) == 1 else ():
                named.setdefault(self._cut(noun), {})[alike[0].entity_id] = noun.lower()
        ways = (self._without_room, self._written_together)
        short = {o: by_id for words, by_id in named.items() for way in ways for o in way(words)}
        return {**{o: ids for o, ids in short.items() if o not in self._words}, **named}

    def _call(
        self, phrases: _Layered, named: Mapping[Phrase, Mapping[str, str]], home: Home
    ) -> None:
        """Takes up what things are called besides their names."""
        nouns = {word for word, meaning in self._kinds if meaning[0].of in _LIGHTS}
        spaced = self._cutter is None
        kinds = {word for word, meaning in self._kinds if meaning[0].name.startswith("kind:")}
        calling = Calling(self._table, nouns, self._words, self._cut, spaced=spaced, kinds=kinds)
        rooms = {words for area in home.areas() for words, _ in self._names(area)}
        rooms |= {words for area in home.areas() for words, _ in self._also(area)}
        own = self._own_names(named, home)
        for words, ids, many in calling.called(own, set(named) | rooms, rooms):
            if len({home.entity(i).domain for i in ids}) > 1:
                continue
            alone = len(ids) == 1 and names_of(home.entity(ids[0]), self._language)[0].lower()
            thing = Concept("entity", ids, alone or self._joined(words))
            noun = next((m for m in self._words.get(words[:1], ()) if m[0].name == _LIGHT), ())
            # "Light at the desk" is light, too, that somebody may want.
            kind = noun if spaced and words[1:] and not many else ()
            meaning = (thing, Concept("plural")) if many else (thing, *kind)
            phrases.own(words).append(meaning)
            self._name_apart(words, meaning)

    def _own_names(
        self, named: Mapping[Phrase, Mapping[str, str]], home: Home
    ) -> dict[Phrase, frozenset[str]]:
        """The names of what can be told something; none of another language, if it has its own."""
        told = {e.entity_id: e for e in home.entities() if e.domain in _TOLD and not e.protected}
        own = {
            (words, i)
            for i, entity in told.items()
            for name in entity.names.get(self._language) or names_of(entity, self._language)
            for words in (self._cut(name), self._cut(name)[1:])
        }
        found: dict[Phrase, frozenset[str]] = {}
        for words, by_id in named.items():
            ids = frozenset(i for i in by_id if (words, i) in own)
            if ids:
                found[words] = ids
        return found

    def _called_lamps(
        self, named: Mapping[Phrase, Mapping[str, str]], home: Home
    ) -> frozenset[str]:
        """Entities with a name that says lamp; in each room those with such a first name alone."""
        every = {i for words, by_id in named.items() if self._says_lamp(words) for i in by_id}
        things = [entity for entity in home.entities() if entity.entity_id in every]
        first = [e for e in things if self._says_lamp(self._first_name(e))]
        rooms = {entity.area_id for entity in first}
        return frozenset(e.entity_id for e in things if e in first or e.area_id not in rooms)

    def _first_name(self, entity: Entity) -> Phrase:
        return self._apart(self._cut(names_of(entity, self._language)[0]))

    def _says_lamp(self, words: Phrase) -> bool:
        name = self._joined(words)
        return name.endswith(self._lamp) or name.startswith(self._lamp)

    def _name_places(self, phrases: _Layered, home: Home) -> None:
        named = {words for area in home.areas() for words, _ in self._names(area)}
        for area in home.areas():
            also = [(words, text) for words, text in self._also(area) if words not in named]
            for words, name in dict([*also, *self._names(area)]).items():
                place = Concept("area", area.area_id, name)
                phrases.own(words).append((place,))
                self._name_apart(words, (place,))
                for other in self._swapped(words, set()) if self._between and words[1:] else ():
                    if other not in named:
                        self._name_apart(other, (place,))
                if len(words) == 1:
                    self._join(phrases, words[0], place)
                elif words[-1] in self._table.get("room_nouns", ()):
                    self._join_first(phrases, words[:-1], place)
        floors: Mapping[str, list[str]] = self._table.get("floors", {})
        for text in () if home.floors() else self._table.get("flat", []):
            phrases.own(self._cut(text)).append((Concept("house"),))
        for floor in home.floors():
            for text in (floor, *floors.get(floor.lower(), [])):
                phrases.own(self._cut(text)).append((Concept("floor", floor, text),))

    def _name_apart(self, words: tuple[str, ...], meaning: Meaning) -> None:
        """Takes a name of several words up for whoever says others between them, or none."""
        bare = self._apart(words)
        if self._between and len(bare) > 1:
            known = self._names_apart.setdefault(bare, [])
            if meaning not in known:
                known.append(meaning)

    def _apart(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if word not in self._between)

    def _names(self, thing: Area | Entity) -> Iterator[tuple[tuple[str, ...], str]]:
        """Each name, and without its article where it has one."""
        for name in names_of(thing, self._language):
            words = self._cut(name)
            if not words:
                continue
            yield words, name.lower()
            yield from ((other, name.lower()) for other in self._inflected(words))
            article, gap, rest = name.partition("'" if "'" in name.split(" ")[0] else " ")
            if words[1:] and (article + gap).strip().lower() in self._articles:
                yield words[1:], rest.lower()

    def _inflected(self, words: Phrase) -> Iterator[Phrase]:
        """The name with other forms of its words: "linke Lampe" is "linken Lampe" after "der"."""
        for at, word in enumerate(words):
            row = next((row for row in self._forms if word in row), ())
            yield from ((*words[:at], other, *words[at + 1 :]) for other in row if other != word)

    def _joined(self, words: Phrase) -> str:
        return self._wording.gap.join(words)

    def _parted(self, text: str) -> Phrase:
        return tuple(text.split() if self._cutter is None else text)

    def _swapped(self, words: Phrase, rooms: set[str]) -> Iterator[Phrase]:
        """The name with another noun, "bedside light"; but of a room that is any light there."""
        for nouns in self._swaps:
            if self._between:
                yield from self._said_for(words, nouns, rooms)
                continue
            name = self._joined(words)
            noun = next((noun for noun in nouns if name.endswith(noun)), None)
            stem = name.removesuffix(noun or "")
            # Without a stem, or of a room, it is the word for a kind of thing, if it is for any.
            own = noun is not None and self._parted(noun) not in self._words
            if noun is not None and (own or (stem and stem.strip() not in rooms)):
                yield from (self._parted(stem + other) for other in nouns if other != noun)

    def _said_for(self, words: Phrase, nouns: Sequence[str], rooms: set[str]) -> Iterator[Phrase]:
        at = next((at for at, word in enumerate(words) if word in nouns), None)
        if at is None:
            return
        rest = self._apart((*words[:at], *words[at + 1 :]))
        if " ".join(rest) not in rooms and (rest or (words[at],) not in self._words):
            yield from ((*words[:at], other, *words[at + 1 :]) for other in nouns)

    def _shortened(
        self, named: Mapping[Phrase, Mapping[str, str]], rooms: set[str]
    ) -> dict[Phrase, tuple[str, ...]]:
        """Names without their room, where signs are not parted: "台面灯" of "厨房台面灯".

        What is left is no noun for a kind of thing, but for a lamp.
        """
        found: dict[Phrase, dict[str, None]] = {}
        if self._cutter is None:
            return {}
        longest_first = sorted(rooms, key=len, reverse=True)
        for words, by_id in named.items():
            name = "".join(words)
            room = next((room for room in longest_first if name.startswith(room)), "")
            rest = tuple(name.removeprefix(room))
            free = rest not in self._words or "".join(rest) in self._lamp
            if room and len(rest) > 1 and free and rest not in named:
                found.setdefault(rest, {}).update(dict.fromkeys(by_id))
        return {rest: tuple(ids) for rest, ids in found.items()}

    def _without_room(self, words: Phrase) -> Iterator[Phrase]:
        """The name without the noun of its room: the kids' blind is that of the kids' room."""
        for noun in self._table.get("room_nouns", ()):
            if noun in words[1:-1]:
                at = words.index(noun, 1)
                yield (*words[:at], *words[at + 1 :])

    def _written_together(self, words: Phrase) -> Iterator[Phrase]:
        """The name with two of its words written as one: "nightlight"."""
        for at in range(len(words) - 1 if not self._between and self._cutter is None else 0):
            yield (*words[:at], words[at] + words[at + 1], *words[at + 2 :])

    def _common(self, words: Phrase) -> bool:
        """Whether it tells by no more than a noun with a word that is no thing alone."""
        alone = {"".join(self._cut(text)) for text in self._table.get("not_alone", ())}
        name = "".join(words)
        nouns = ("".join(word) for word, meaning in self._kinds if meaning[0].of in _LIGHTS)
        return any(name.removesuffix(noun) in alone for noun in nouns if name.endswith(noun))

    def _rooms(self, home: Home) -> set[str]:
        """Their names, alone and as they begin a compound."""
        named = [words for area in home.areas() for words, _ in self._names(area)]
        rooms = {self._joined(form) for words in named for form in (words, self._apart(words))}
        first = {words[:-1] for words in named if words[-1] in self._table.get("room_nouns", ())}
        rooms |= {self._joined(words) for words in first}
        return rooms | {room + link for room in rooms for link in self._links}

    def _also(self, area: Area) -> Iterator[tuple[tuple[str, ...], str]]:
        """Words for a room of this kind: "outside" is the garden."""
        also: Mapping[str, list[str]] = self._table.get("areas", {})
        names = [name.lower() for name in (area.name, *area.aliases)]
        if not OUTDOORS.isdisjoint(names):
            names.append("outdoors")
        for name in names:
            yield from ((self._cut(text), text) for text in also.get(name, []))

    def _join(self, phrases: _Layered, room: str, place: Concept) -> None:
        """A room's name written together with a noun: "Küchenrollo"."""
        for link, (noun, meaning) in product(self._links, self._kinds):
            phrases.own((room + link + noun,)).append((place, *meaning))

    def _join_first(self, phrases: _Layered, first: Phrase, place: Concept) -> None:
        """The first words of a room's name with a noun: "the kids' lights" are in their room."""
        for noun, meaning in self._kinds:
            phrases.own((*first, noun)).append((place, *meaning))

    # ---- a sentence ----

    def names_another(self, noun: str, ids: Collection[str]) -> bool:
        """Whether a noun for a kind of thing is the name of others than these: "spots"."""
        meanings = self._phrases.of(self._cut(noun))
        named = [c.value for m in meanings for c in m if isinstance(c.value, tuple)]
        return bool(named) and all(set(ids).isdisjoint(value) for value in named)

    def ways(self, text: str) -> Iterator[list[Concept]]:
        """Each way to read a sentence, likelier ones first: longer phrases, first uses.

        A sentence is tidied; where signs are not parted, it may be as it was said.
        """
        return (way for ways in self.cuts(text) for way in ways)

    def cuts(self, text: str) -> Iterator[Iterator[list[Concept]]]:
        """The same, those of one cut together."""
        for cut in islice(self._parts(text), 2 * _MOST_CUTS):
            found = product(*(self._meanings(phrase) for phrase in cut.phrases))
            yield (_numbered(cut, way) for way in islice(found, _MOST_WAYS))

    def knows(self, text: str) -> bool:
        """Whether every word stands for something, whatever it comes to; or it is no sentence."""
        if self._cutter is not None and NO_SENTENCE in self._rewritten(self._cutter.signs(text)):
            return True
        return next(self._parts(text), None) is not None

    def _parts(self, text: str) -> Iterator[Cut]:
        for pattern, by in self._respelt:
            text = pattern.sub(by, text)
        if any(pattern.search(text) for pattern in self._never):
            return iter(())
        if self._cutter is not None:
            signs = self._rewritten(self._cutter.signs(text))
            return self._cutter.cuts(signs, self._cost, self._longest)
        counted = self._wording.counted(text)
        words = tuple(self._rewritten(counted.text).split())
        if words.count(NUMBER) != len(counted.numbers):
            return iter(())  # somebody typed the sign itself
        forms = dict.fromkeys((words, tuple(map(self._stem, words))))
        every = (cut for form in forms for cut in islice(self._cuts(form, 0, set()), _MOST_CUTS))
        return (Cut(tuple(cut), counted.numbers) for cut in every)

    def _rewritten(self, text: str) -> str:
        for pattern, by in self._rewrites:
            text = pattern.sub(by, text)
        return text

    def _meanings(self, phrase: Phrase) -> Sequence[Meaning]:
        """What these words stand for together."""
        found = self._phrases.of(phrase)
        if found or not self._between or not {phrase[0], phrase[-1]}.isdisjoint(self._between):
            return found or ()
        apart = self._apart(phrase)
        return self._names_apart.get(apart, ()) if len(apart) > 1 else ()

    def _stem(self, word: str) -> str:
        """The verb to which a pronoun was written: "enciéndela", "accenderla"."""
        if self._phrases.of((word,)):
            return word
        for clitic in self._clitics:
            stem = word.removesuffix(clitic)
            for verb in (stem, stem + "e") if stem != word else ():
                if verb in self._verbs:
                    return verb
        return word

    def mentions(self, text: str) -> tuple[frozenset[str], frozenset[str]]:
        """The entities and the rooms of this home that are named among any words."""
        words = self._cut(_POSSESSIVE.sub("", text))
        entities: set[str] = set()
        rooms: set[str] = set()
        at = 0
        while at < len(words):
            size, meant = self._named(words, at)
            for concept in meant:
                if concept.name == "entity" and isinstance(concept.value, tuple):
                    entities.update(concept.value)
                elif concept.name == "area":
                    rooms.add(str(concept.value))
            at += max(size, 1)
        return frozenset(entities), frozenset(rooms)

    def room_first(self, text: str) -> str | None:
        """The room that it begins with, after words that mean nothing by themselves."""
        words = self._cut(text)
        nothing = (Concept("nothing"),)
        for at in range(len(words)):
            size, meant = self._named(words, at)
            if size:
                room = meant[0] if len(meant) == 1 and meant[0].name == "area" else None
                return str(room.value) if room is not None else None
            if nothing not in self._words.get(words[at : at + 1], ()):
                return None
        return None

    def kinds_in(self, text: str) -> frozenset[str]:
        """The nouns for kinds of things among any words, such as `light`."""
        words = self._cut(_POSSESSIVE.sub("", text))
        every = (words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1))
        found = (m for phrase in every for m in self._words.get(phrase, ()) if len(m) == 1)
        return frozenset(meaning[0].of for meaning in found if meaning[0].name.startswith("kind:"))

    def _named(self, words: tuple[str, ...], at: int) -> tuple[int, Meaning]:
        """The longest name that begins here: its words, and what it stands for first."""
        for size in range(min(self._longest, len(words) - at), 0, -1):
            for meaning in self._phrases.of(words[at : at + size]):
                if any(concept.name in ("entity", "area") for concept in meaning):
                    return size, meaning
        return 0, ()

    def _cuts(self, words: Phrase, at: int, dead: set[int]) -> Iterator[list[Phrase]]:
        if at == len(words):
            yield []
            return
        found = False
        for size in range(min(self._longest, len(words) - at), 0, -1):
            phrase = words[at : at + size]
            if at + size in dead or not self._meanings(phrase):
                continue
            for rest in self._cuts(words, at + size, dead):
                found = True
                yield [phrase, *rest]
        if not found:
            dead.add(at)


@lru_cache(maxsize=4096)
def _meaning(key: str, text: str) -> Meaning:
    """What a phrase under this key stands for; one for all phrases, for there are many."""
    return tuple(_concept(part, text) for part in key.split("+"))


def _concept(part: str, text: str) -> Concept:
    name, number, value = part.partition("=")
    if number:
        return Concept(name, float(value))
    return Concept(name, said=text if name.startswith("kind:") else "")


def _numbered(cut: Cut, way: Sequence[Meaning]) -> list[Concept]:
    """The concepts, each `number` with what was heard as it; "is" asks where it comes first."""
    found: list[Concept] = []
    numbers = iter(cut.numbers)
    for phrase, meaning in zip(cut.phrases, way, strict=True):
        mine = [next(numbers) for word in phrase if word == NUMBER]
        begun = any(concept.name != "nothing" for concept in found)
        found += (_said(concept, mine, begun=begun) for concept in meaning)
    return found


def _said(concept: Concept, numbers: Sequence[float], *, begun: bool) -> Concept:
    if concept.name == "number" and concept.value is None:
        return Concept("number", numbers[0])
    if concept.name == "is":
        return Concept("cop" if begun else "asks")
    return concept
