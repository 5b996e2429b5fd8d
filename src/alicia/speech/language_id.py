"""Which language was spoken: what the ear says, weighed with what this household speaks.

    detector (probabilities) x expectation (settings, earlier turns) -> language and how sure

The expectation is a Dirichlet distribution: so many turns as counted for the household and for the
person, on top of a little of everything, so that nobody is locked out of a language.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alicia.audio.formats import Pcm
from alicia.errors import SettingsError

_EACH = 1.0
"""Turns that every language of the household has to begin with."""
_OF_PERSON = 3.0
"""How many turns of the household one of the person's own counts for."""
_KEPT = 0.98
"""What is left of the earlier turns after another one: some fifty are remembered."""
_OPEN = 0.4
"""How much of the expectation is shared out evenly, whatever was counted (ADR 0054).

Measured on 240 prompts of four people: with all of it counted, 20 turns in one language make half
of the Spanish ones another language; so, five in sixty, and the right expectation still helps.
"""
_LEAST = 1e-6


class Detector(Protocol):
    """What hears which language is spoken."""

    async def detect(self, pcm: Pcm) -> dict[str, float]:
        """How likely each language is; they add up to 1.

        Raises:
            EngineError: it failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    language: str
    probability: float
    """From 0 to 1, among the household's languages."""


class HouseholdLanguages:
    """The languages of a household, and how often each was spoken, by whom.

    A person is whatever id the caller has; no text of a turn is kept.
    """

    def __init__(self, languages: Sequence[str], path: Path | None = None) -> None:
        """`languages` are those of the settings. `path` keeps the turns from one start to the next.

        Raises:
            SettingsError: there is no language.
        """
        if not languages:
            raise SettingsError("A household speaks at least one language.", setting="languages")
        self.languages = tuple(dict.fromkeys(languages))
        self._path = path
        self._household: dict[str, float] = {}
        self._people: dict[str, dict[str, float]] = {}
        if path is not None and path.is_file():
            self._read(path)

    def expected(self, person: str | None = None, *, among: Sequence[str] = ()) -> dict[str, float]:
        """How likely each language is before anything was heard; they add up to 1.

        `among`: only these, in place of the household's.
        """
        own = self._people.get(person or "", {})
        counts = {
            language: _EACH
            + self._household.get(language, 0.0)
            + _OF_PERSON * own.get(language, 0.0)
            for language in among or self.languages
        }
        total = sum(counts.values())
        even = _OPEN / len(counts)
        return {language: even + (1 - _OPEN) * count / total for language, count in counts.items()}

    async def identify(
        self, detector: Detector, pcm: Pcm, person: str | None = None
    ) -> SpokenLanguage:
        """The likeliest language. A household with one language doesn't ask its ears.

        Raises:
            EngineError: the detector failed.
        """
        if len(self.languages) == 1:
            return SpokenLanguage(self.languages[0], 1.0)
        return weighed(await detector.detect(pcm), self.expected(person))

    def learn(self, language: str, person: str | None = None) -> None:
        """Count a turn that was understood. Blocks for a moment: it is written down.

        A language that is not the household's is not counted.
        """
        if language not in self.languages:
            return
        _count(self._household, language)
        if person:
            _count(self._people.setdefault(person, {}), language)
        if self._path is not None:
            self._write(self._path)

    def forget(self, person: str) -> None:
        """Forget what a person speaks. Blocks for a moment."""
        if self._people.pop(person, None) is not None and self._path is not None:
            self._write(self._path)

    def _read(self, path: Path) -> None:
        """What can't be read is nothing: it is learned anew in a few turns."""
        try:
            kept = json.loads(path.read_text("utf-8"))
            household, people = _counts(kept["household"]), kept["people"]
            self._people = {str(name): _counts(counts) for name, counts in people.items()}
            self._household = household
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._household, self._people = {}, {}

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {"household": self._household, "people": self._people}
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
        beside.replace(path)


def weighed(heard: Mapping[str, float], expected: Mapping[str, float]) -> SpokenLanguage:
    """What was heard, weighed with what was expected; only expected languages are considered."""
    fits = {
        language: max(heard.get(language, 0.0), _LEAST) * likely
        for language, likely in expected.items()
    }
    language = max(fits, key=lambda one: fits[one])
    return SpokenLanguage(language, fits[language] / sum(fits.values()))


def _count(counts: dict[str, float], language: str) -> None:
    for other in counts:
        counts[other] *= _KEPT
    counts[language] = counts.get(language, 0.0) + 1.0


def _counts(kept: Mapping[str, float]) -> dict[str, float]:
    return {str(language): max(0.0, float(count)) for language, count in kept.items()}
