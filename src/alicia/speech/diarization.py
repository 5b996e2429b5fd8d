"""Who spoke when: pieces of speech, gathered by how alike their voices are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.vad import EarshotVad, Vad
from alicia.speech.speaker import Print, SpeakerEmbedder, Voiceprint, match

_SPEECH = 0.6
_BRIDGE_S = 0.25
_SHORTEST_S = 0.25
_WINDOW_S, _HOP_S = 1.5, 0.5
ALIKE = 0.5
"""Groups of windows less alike than this are two people (ADR 0066)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One voice, from here to there."""

    start_s: float
    end_s: float
    speaker: str
    """`A`, `B`… in the order they begin; the id of who is enrolled, where one fits."""


def diarize(
    pcm: Pcm,
    embedder: SpeakerEmbedder,
    *,
    known: Sequence[Voiceprint] = (),
    speakers: int | None = None,
    alike: float = ALIKE,
    vad: Vad | None = None,
) -> list[Segment]:
    """The segments in order; pauses of a quarter of a second and more lie between them.

    speakers: how many there are, where that is known. One voice at a time: where two speak at once,
    one of them is found.
    """
    windows = [
        window
        for start, end in _speech(pcm, vad or EarshotVad())
        for window in _windows(start, end)
    ]
    if not windows:
        return []
    prints = np.stack([embedder.embed(pcm[start:end]) for start, end, _, _ in windows])
    groups = _grouped(prints, alike, speakers)
    names = _names(groups, prints, known, embedder)
    segments: list[Segment] = []
    for (_, _, start, end), group in zip(windows, groups, strict=True):
        name, from_s, to_s = names[int(group)], start / RATE_HZ, end / RATE_HZ
        last = segments[-1] if segments else None
        if last is not None and last.speaker == name and from_s - last.end_s < _BRIDGE_S:
            segments[-1] = Segment(last.start_s, round(to_s, 2), name)
        else:
            segments.append(Segment(round(from_s, 2), round(to_s, 2), name))
    return segments


def count_speakers(segments: Sequence[Segment], *, least_s: float = 1.0) -> int:
    """Voices that spoke for at least this long in all; one, where anybody spoke at all."""
    spoken: dict[str, float] = {}
    for segment in segments:
        spoken[segment.speaker] = spoken.get(segment.speaker, 0) + segment.end_s - segment.start_s
    return max(sum(s >= least_s for s in spoken.values()), 1 if spoken else 0)


def error_rate(
    truth: Sequence[Segment], found: Sequence[Segment], *, collar_s: float = 0.25
) -> float:
    """DER: the share of the spoken time that is missed, invented or somebody else's.

    Moments within `collar_s` of a true border are not judged, as is usual.
    """
    step = 0.01
    end = max([s.end_s for s in (*truth, *found)], default=0.0)
    count = int(end / step) + 1
    judged = np.ones(count, bool)
    for segment in truth:
        for border in (segment.start_s, segment.end_s):
            judged[max(0, int((border - collar_s) / step)) : int((border + collar_s) / step)] = (
                False
            )
    right, said = _grid(truth, count, step), _grid(found, count, step)
    spoken = judged & (right >= 0)
    if not spoken.any():
        return 0.0
    both = judged & (right >= 0) & (said >= 0)
    wrong = int((judged & ((right >= 0) != (said >= 0))).sum())
    overlap = np.zeros((int(right.max()) + 1, max(int(said.max()), 0) + 1), int)
    np.add.at(overlap, (right[both], said[both]), 1)
    matched = 0
    while overlap.size and overlap.max() > 0:
        row, column = np.unravel_index(int(overlap.argmax()), overlap.shape)
        matched += int(overlap[row, column])
        overlap[row, :] = 0
        overlap[:, column] = 0
    return (wrong + int(both.sum()) - matched) / int(spoken.sum())


def _grid(segments: Sequence[Segment], count: int, step: float) -> NDArray[np.int64]:
    made = np.full(count, -1)
    numbers = {name: n for n, name in enumerate(dict.fromkeys(s.speaker for s in segments))}
    for segment in segments:
        made[int(segment.start_s / step) : int(segment.end_s / step)] = numbers[segment.speaker]
    return made


def _speech(pcm: Pcm, vad: Vad) -> list[tuple[int, int]]:
    size = vad.frame_samples
    found: list[tuple[int, int]] = []
    for at in range(0, len(pcm) - size + 1, size):
        if vad.speech_probability(pcm[at : at + size]) < _SPEECH:
            continue
        if found and at - found[-1][1] < _BRIDGE_S * RATE_HZ:
            found[-1] = (found[-1][0], at + size)
        else:
            found.append((at, at + size))
    return [(start, end) for start, end in found if end - start >= _SHORTEST_S * RATE_HZ]


def _windows(start: int, end: int) -> list[tuple[int, int, int, int]]:
    """What is embedded, from and to, and the part of it that the answer holds for."""
    long, hop = int(_WINDOW_S * RATE_HZ), int(_HOP_S * RATE_HZ)
    if end - start <= long:
        return [(start, end, start, end)]
    starts = [*range(start, end - long, hop), end - long]
    middles = [begin + long // 2 for begin in starts]
    borders = [start, *((a + b) // 2 for a, b in pairwise(middles)), end]
    return [
        (begin, begin + long, borders[number], borders[number + 1])
        for number, begin in enumerate(starts)
    ]


def _grouped(prints: NDArray[np.float32], alike: float, wanted: int | None) -> NDArray[np.int64]:
    """The number of each print's group: average linkage, the most alike first."""
    groups: list[list[int]] = [[number] for number in range(len(prints))]
    likeness = (prints @ prints.T).astype(np.float64)
    np.fill_diagonal(likeness, -2.0)
    while len(groups) > 1:
        one, other = divmod(int(likeness.argmax()), len(groups))
        if likeness[one, other] < alike if wanted is None else len(groups) <= wanted:
            break
        one, other = min(one, other), max(one, other)
        a, b = len(groups[one]), len(groups[other])
        merged = (a * likeness[one] + b * likeness[other]) / (a + b)
        likeness[one], likeness[:, one] = merged, merged
        likeness[one, one] = -2.0
        likeness = np.delete(np.delete(likeness, other, 0), other, 1)
        groups[one] += groups.pop(other)
    numbers = np.zeros(len(prints), np.int64)
    for number, members in enumerate(sorted(groups, key=min)):
        numbers[members] = number
    return numbers


def _names(
    groups: NDArray[np.int64],
    prints: NDArray[np.float32],
    known: Sequence[Voiceprint],
    embedder: SpeakerEmbedder,
) -> list[str]:
    names: list[str] = []
    for number in range(int(groups.max()) + 1):
        middle = prints[groups == number].mean(axis=0)
        centre: Print = (middle / (np.linalg.norm(middle) + 1e-9)).astype(np.float32)
        who = match(centre, known, embedder).speaker_id if known else None
        names.append(who or _letter(number))
    return names


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"S{number + 1}"
