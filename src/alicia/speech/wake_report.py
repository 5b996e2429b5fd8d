"""How good a trained wake word is, in figures that were measured, and what to do about it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

_THRESHOLDS = np.round(np.arange(0.3, 0.96, 0.05), 2)
_REFRACTORY_STEPS = 19
_FEW = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A track that was judged by a network which had not heard its group."""

    kind: str
    label: str
    is_word: bool
    hard: bool
    """With noise, echo or distance."""
    scores: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the word's tracks were heard."""

    kind: str
    hard: bool
    heard: int
    of: int


@dataclass(frozen=True, slots=True)
class Confusable:
    """Something near the word, and how often it woke the house."""

    label: str
    fired: int
    of: int


@dataclass(frozen=True, slots=True)
class Report:
    word: str
    threshold: float
    recall: tuple[Recall, ...]
    false_alarms: int
    """In other speech, without what is near the word."""
    minutes: float
    """How much other speech that was."""
    at_most_per_hour: float
    """With 95 % confidence: a few minutes can't prove more."""
    confusables: tuple[Confusable, ...]
    """Those that fired, most first."""
    confusables_tried: int
    advice: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def choose_threshold(judged: Sequence[Judged]) -> float:
    """The threshold that hears most of the word for the fewest wrong alarms.

    A near word that fires costs a third of a word that is missed; one false alarm an hour in other
    speech costs two of a hundred words.
    """

    def worth(threshold: float) -> float:
        report = report_of("", judged, threshold)
        heard = sum(r.heard for r in report.recall) / max(1, sum(r.of for r in report.recall))
        near = [j for j in judged if j.label and not j.is_word]
        fired = sum(_alarms(j.scores, threshold) > 0 for j in near) / max(1, len(near))
        hourly = 60 * report.false_alarms / max(0.1, report.minutes)
        return heard - 0.33 * fired - 0.02 * hourly

    return float(max(_THRESHOLDS, key=worth))


def report_of(word: str, judged: Sequence[Judged], threshold: float) -> Report:
    recall: dict[tuple[str, bool], list[bool]] = defaultdict(list)
    near: dict[str, list[bool]] = defaultdict(list)
    alarms, seconds = 0, 0.0
    for track in judged:
        fired = _alarms(track.scores, threshold)
        if track.is_word:
            recall[track.kind, track.hard].append(fired > 0)
        elif track.label:
            near[track.label].append(fired > 0)
        else:
            alarms += fired
            seconds += track.seconds
    found = tuple(
        Recall(kind, hard, sum(heard), len(heard)) for (kind, hard), heard in sorted(recall.items())
    )
    confusables = sorted(
        (Confusable(label, sum(fired), len(fired)) for label, fired in near.items() if any(fired)),
        key=lambda c: (-c.fired / c.of, c.label),
    )
    minutes = seconds / 60
    return Report(
        word=word,
        threshold=threshold,
        recall=found,
        false_alarms=alarms,
        minutes=round(minutes, 1),
        at_most_per_hour=round(_upper(alarms) / max(minutes / 60, 1e-6), 1),
        confusables=tuple(confusables),
        confusables_tried=len(near),
        advice=tuple(_advice(found, alarms, minutes, confusables)),
    )


def _alarms(scores: NDArray[np.float32], threshold: float) -> int:
    """How often it fires, each time deaf for a while afterwards."""
    count, at = 0, 0
    above = np.flatnonzero(scores > threshold)
    for step in above:
        if step >= at:
            count += 1
            at = int(step) + _REFRACTORY_STEPS
    return count


def _upper(count: int) -> float:
    """The 95 % upper bound of a Poisson mean that gave this count."""
    low, high = float(count), count + 10 + 5 * math.sqrt(count + 1)
    for _ in range(60):
        middle = (low + high) / 2
        term = total = math.exp(-middle)
        for k in range(1, count + 1):
            term *= middle / k
            total += term
        low, high = (middle, high) if total > 0.05 else (low, middle)
    return high


def _advice(
    recall: Sequence[Recall], alarms: int, minutes: float, near: Sequence[Confusable]
) -> list[str]:
    said: list[str] = []
    own = [r for r in recall if r.kind == "recorded"]
    if not own:
        said.append(
            "No person's recording was used: how well it hears you is unknown."
            " Record yourself: alicia wake train WORD --record 5"
        )
    elif sum(r.of for r in own if not r.hard) < _FEW:
        said.append("Record 5 more, in the kitchen too and from three metres away.")
    for r in own or recall:
        if r.of and r.heard / r.of < 0.85:
            where = "with noise and echo" if r.hard else "in a quiet room"
            said.append(
                f"It misses {r.of - r.heard} of {r.of} ({r.kind}, {where}): record it there,"
                " or set the sensitivity higher."
            )
    if near and near[0].fired / near[0].of > 0.3:
        names = ", ".join(c.label for c in near if c.fired / c.of > 0.3)
        said.append(
            f"It also fires at: {names}. `alicia wake test --check` shows whether a second look by"
            " the recognizer would help."
        )
    if alarms > 2 and 60 * alarms / max(minutes, 0.1) > 2:
        said.append("It fires too often in other speech: choose a longer word, or a rarer one.")
    if minutes < 60:
        said.append(
            f"Only {minutes:.0f} minutes of other speech were there to judge false alarms by."
        )
    return said
