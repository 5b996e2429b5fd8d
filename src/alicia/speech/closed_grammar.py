"""What can be said in this home, as a graph of words: each way through it is one sentence.

Sentences share their beginnings and their ends, so a home with a thousand of them needs some
hundred states.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alicia.speech.english_numbers import ONES, TENS

NUMBER = "#"
"""Stands for a whole number from 0 to 100 in a sentence."""

_Sentence = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordGraph:
    """Arcs from state to state, each with its word; state 0 is the start."""

    arcs: tuple[tuple[int, int, str], ...]
    end: int
    unknown: frozenset[str]
    """Words that nobody told the pronunciation of; sentences with one are left out."""
    sentences: int


def word_graph(sentences: Iterable[str], is_known: Callable[[str], bool]) -> WordGraph:
    """The graph of these sentences, lower case, `#` for a number."""
    split = {tuple(sentence.lower().split()) for sentence in sentences} - {()}
    words = {word for sentence in split for word in sentence} - {NUMBER}
    unknown = frozenset(word for word in words if not is_known(word))
    sayable = frozenset(sentence for sentence in split if unknown.isdisjoint(sentence))
    return _Builder().build(sayable, unknown)


class _Builder:
    """States by what can follow them: what ends alike is one state."""

    def __init__(self) -> None:
        self._states: dict[frozenset[_Sentence], int] = {}
        self._arcs: list[tuple[int, int, str]] = []
        self._count = 0

    def build(self, sentences: frozenset[_Sentence], unknown: frozenset[str]) -> WordGraph:
        start = self._new()
        end = self._states[frozenset({()})] = self._new()
        self._grow(start, sentences)
        return WordGraph(tuple(self._arcs), end, unknown, len(sentences))

    def _grow(self, state: int, follow: frozenset[_Sentence]) -> None:
        rests: dict[str, set[_Sentence]] = {}
        for sentence in follow:
            if sentence:
                rests.setdefault(sentence[0], set()).add(sentence[1:])
        for word in sorted(rests):
            rest = frozenset(rests[word])
            # A sentence that ends here while a longer one goes on: an arc for each of the two.
            if () in rest:
                self._connect(state, self._states[frozenset({()})], word)
            if longer := rest - {()}:
                self._connect(state, self._state(longer), word)

    def _state(self, follow: frozenset[_Sentence]) -> int:
        if follow not in self._states:
            self._states[follow] = self._new()
            self._grow(self._states[follow], follow)
        return self._states[follow]

    def _connect(self, start: int, end: int, word: str) -> None:
        if word != NUMBER:
            self._arcs.append((start, end, word))
            return
        joint = self._new()
        self._arcs += [(start, end, simple) for simple in ONES]
        for ten in TENS:
            self._arcs += [(start, end, ten), (start, joint, ten)]
        self._arcs += [(joint, end, unit) for unit in ONES[1:10]]
        hundred = self._new()
        self._arcs += [(start, hundred, "one"), (start, hundred, "a"), (hundred, end, "hundred")]

    def _new(self) -> int:
        self._count += 1
        return self._count - 1


def accepts(graph: WordGraph, words: Iterable[str]) -> bool:
    """Whether these words are one of its sentences."""
    at = {0}
    for word in words:
        at = {end for start, end, said in graph.arcs if start in at and said == word}
    return graph.end in at
