"""Training a wake word from a few recordings, and saying honestly how good it is.

    clips -> tracks (rooms, noise, distance, speech around) -> embeddings -> network -> report

Everything in the report was measured on voices, or recordings, that the network which was measured
had not heard: the clips are split into folds by their group, each fold is judged by a network of
the others, and the network that is kept has learned from all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alicia.audio.augmentation import (
    NOISES,
    Wave,
    at_snr,
    faster,
    in_room,
    muffled,
    noise,
    pcm_of,
    rms,
    trimmed,
)
from alicia.audio.formats import RATE_HZ
from alicia.errors import SetupError
from alicia.speech.wake_embedding import SIZE, STEP, STEP_S, WINDOW_S, Embeddings, WakeEmbedder
from alicia.speech.wake_network import fit
from alicia.speech.wake_report import Judged, Report, choose_threshold, report_of
from alicia.speech.wake_trained import TrainedWord

FOLDS = 4
MIN_CLIPS = 3
_AFTER_STEPS = 4
"""A word counts as heard in the steps from its end on: 80 to 320 ms."""
_LEAD_S, _TAIL_S = 0.9, 1.3

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of the word, or of something else."""

    wave: Wave
    group: str
    """Whose voice it is, as far as is known: clips of a group are learned or judged together."""
    kind: str
    """`recorded`, `neural`, `robotic`: kinds are reported apart."""
    label: str = ""
    """What is said, where it is near the word; empty for other speech."""


@dataclass(frozen=True, slots=True)
class _Track:
    clip: Clip
    embeddings: Embeddings
    word: slice | None
    """The steps in which the word counts as heard; None where it isn't said."""
    partial: slice
    """Steps that have a part of the word: neither right nor wrong."""
    hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    copies: int = 6
    """How often each recording of the word is put into another room."""
    negative_copies: int = 1
    rounds: int = 1400
    seed: int = 7


class WordTraining:
    """Trains one word. Blocking: minutes on a small machine."""

    def __init__(
        self,
        word: str,
        embedder: WakeEmbedder,
        *,
        settings: TrainingSettings | None = None,
        progress: Progress = lambda _what, _done, _total: None,
    ) -> None:
        self._word = word
        self._embedder = embedder
        self._settings = settings or TrainingSettings()
        self._progress = progress
        self._chance = np.random.default_rng(self._settings.seed)

    def train(self, word: Sequence[Clip], other: Sequence[Clip]) -> TrainedWord:
        """Raises SetupError where there is too little to learn from."""
        if len(word) < MIN_CLIPS or not other:
            raise SetupError(
                f"A wake word needs at least {MIN_CLIPS} recordings of it, and other speech.",
                recordings=len(word),
                other=len(other),
            )
        began = time.monotonic()
        steps = self._steps(word)
        tracks = self._tracks(word, other)
        judged = self._judge(tracks, steps)
        threshold = choose_threshold(judged)
        report = report_of(self._word, judged, threshold)
        self._progress("learning from everything", 0, 1)
        network = fit(*self._examples(tracks, steps), self._settings.rounds, self._chance)
        self._progress("learning from everything", 1, 1)
        return TrainedWord(
            self._word, steps, threshold, *network, report=self._about(report, word, other, began)
        )

    @staticmethod
    def _about(
        report: Report, word: Sequence[Clip], other: Sequence[Clip], began: float
    ) -> dict[str, object]:
        return {
            **report.to_json(),
            "clips": {kind: sum(c.kind == kind for c in word) for kind in _kinds(word)},
            "other_minutes": round(sum(len(c.wave) for c in other) / RATE_HZ / 60, 1),
            "trained_in_s": round(time.monotonic() - began, 1),
        }

    def _steps(self, word: Sequence[Clip]) -> int:
        """How many embeddings see a long saying of the word, and the moment after it."""
        long = float(np.quantile([len(clip.wave) / RATE_HZ for clip in word], 0.9))
        return int(np.clip(np.ceil((long - WINDOW_S) / STEP_S) + 5, 6, 16))

    # ---- tracks ----

    def _tracks(self, word: Sequence[Clip], other: Sequence[Clip]) -> list[_Track]:
        total = len(word) * self._settings.copies + len(other) * self._settings.negative_copies
        tracks: list[_Track] = []
        for clip in word:
            for copy in range(self._settings.copies):
                tracks.append(self._word_track(clip, other, hard=copy > 0))
                self._progress("listening", len(tracks), total)
        for clip in other:
            for copy in range(self._settings.negative_copies):
                tracks.append(self._other_track(clip, hard=copy > 0 or bool(len(tracks) % 2)))
                self._progress("listening", len(tracks), total)
        return tracks

    def _word_track(self, clip: Clip, other: Sequence[Clip], *, hard: bool) -> _Track:
        wave = trimmed(clip.wave)
        if hard:
            wave = faster(wave, float(self._chance.uniform(0.88, 1.14)))
        wave = wave * (0.5 / max(1e-6, float(np.abs(wave).max())))
        lead = self._around(other, _LEAD_S, before=True)
        tail = self._around(other, _TAIL_S, before=False)
        whole = self._placed(np.concatenate([lead, wave, tail]), rms(wave), hard=hard)
        end = (len(lead) + len(wave)) / STEP
        start = len(lead) / STEP
        embeddings = self._embedder.embed(pcm_of(whole))
        first = int(np.ceil(end))
        return _Track(
            clip,
            embeddings,
            slice(first, first + _AFTER_STEPS),
            slice(int(start + 0.5 * (end - start)), first + _AFTER_STEPS + 8),
            hard,
        )

    def _other_track(self, clip: Clip, *, hard: bool) -> _Track:
        wave = clip.wave * (0.5 / max(1e-6, float(np.abs(clip.wave).max())))
        pause = np.zeros(int(0.5 * RATE_HZ), np.float32)
        whole = self._placed(np.concatenate([pause, wave, pause]), rms(wave), hard=hard)
        embeddings = self._embedder.embed(pcm_of(whole))
        return _Track(clip, embeddings, None, slice(0, 0), hard)

    def _around(self, other: Sequence[Clip], seconds: float, *, before: bool) -> Wave:
        """What comes before or after the word: a pause, and perhaps somebody speaking."""
        length = int(seconds * RATE_HZ)
        made = np.zeros(length, np.float32)
        if self._chance.random() < 0.5:
            speech = other[int(self._chance.integers(len(other)))].wave
            gap = int(self._chance.uniform(0.08, 0.4) * RATE_HZ)
            part = speech[-(length - gap) :] if before else speech[: length - gap]
            part = part * (0.4 / max(1e-6, float(np.abs(part).max())))
            at = length - gap - len(part) if before else gap
            made[at : at + len(part)] = part
        return made

    def _placed(self, wave: Wave, level: float, *, hard: bool) -> Wave:
        """In a room, with noise, at a distance; the first copy only in a quiet room."""
        chance = self._chance
        if hard:
            if chance.random() < 0.7:
                wave = in_room(wave, float(chance.uniform(0.15, 0.6)), chance)
            if chance.random() < 0.3:
                wave = muffled(wave, float(chance.uniform(3000, 7000)))
        snr_db = float(chance.uniform(5, 25)) if hard else 40.0
        kind = str(chance.choice(NOISES))
        wave = at_snr(wave, noise(kind, len(wave), chance), snr_db, level=level)
        gain_db = float(chance.uniform(-26, 2)) if hard else -6.0
        return wave * np.float32(10 ** (gain_db / 20))

    # ---- learning and judging ----

    def _examples(
        self, tracks: Sequence[_Track], steps: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows of each track, flat, and 1 where the word is heard in them."""
        heard: list[NDArray[np.float32]] = []
        answers: list[NDArray[np.float32]] = []
        for track in tracks:
            if len(track.embeddings) < steps:
                continue
            windows = np.lib.stride_tricks.sliding_window_view(track.embeddings, steps, axis=0)
            flat = windows.transpose(0, 2, 1).reshape(-1, steps * SIZE)
            ends = np.arange(steps - 1, len(track.embeddings))
            right = np.zeros(len(ends), bool)
            if track.word is not None:
                right = (ends >= track.word.start) & (ends < track.word.stop)
            unsure = (ends >= track.partial.start) & (ends < track.partial.stop) & ~right
            heard.append(flat[~unsure])
            answers.append(right[~unsure].astype(np.float32))
        return np.concatenate(heard), np.concatenate(answers)

    def _judge(self, tracks: Sequence[_Track], steps: int) -> list[Judged]:
        """Each track's smoothed scores, by a network that never heard its group."""
        groups = sorted({track.clip.group for track in tracks})
        self._chance.shuffle(groups)
        fold_of = {group: number % FOLDS for number, group in enumerate(groups)}
        judged: list[Judged] = []
        for fold in range(FOLDS):
            self._progress("learning and judging", fold, FOLDS)
            known = [t for t in tracks if fold_of[t.clip.group] != fold]
            unheard = [t for t in tracks if fold_of[t.clip.group] == fold]
            if not unheard or not any(t.word is not None for t in known):
                continue
            network = fit(*self._examples(known, steps), self._settings.rounds, self._chance)
            word = TrainedWord(self._word, steps, 0.5, *network)
            judged += [self._judged(word, track) for track in unheard]
        self._progress("learning and judging", FOLDS, FOLDS)
        return judged

    @staticmethod
    def _judged(word: TrainedWord, track: _Track) -> Judged:
        scores = word.scores(track.embeddings)
        smooth = (scores[1:] + scores[:-1]) / 2 if len(scores) > 1 else scores[:0]
        first = word.steps  # the step of smooth[0]
        if track.word is not None:
            smooth = smooth[max(0, track.word.start - 1 - first) : track.word.stop + 2 - first]
        return Judged(
            kind=track.clip.kind,
            label=track.clip.label,
            is_word=track.word is not None,
            hard=track.hard,
            scores=smooth.astype(np.float32),
            seconds=len(track.embeddings) * STEP_S,
        )


def _kinds(clips: Sequence[Clip]) -> list[str]:
    return sorted({clip.kind for clip in clips})
