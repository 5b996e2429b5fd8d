"""Where the speech in a clean recording ends, found without any VAD of ours.

The level is the RMS of 10 ms frames. Speech is what lies above the higher of two thresholds:
`BELOW_PEAK_DB` under the recording's loudest frame, and `ABOVE_FLOOR_DB` over its quietest tenth
(the room). A stretch of speech needs two frames in a row: a click is none. The last frame of the
last stretch is the end. Speech with a noise as loud as itself needs `speech_end_ms` in its label.
"""

from __future__ import annotations

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm

FRAME = RATE_HZ // 100
BELOW_PEAK_DB = 35.0
ABOVE_FLOOR_DB = 10.0
METHOD = (
    f"10 ms RMS, {BELOW_PEAK_DB:g} dB below the loudest frame and at least {ABOVE_FLOOR_DB:g} dB "
    "above the quietest tenth, two frames in a row; `speech_end_ms` of the label goes first"
)


def bounds_s(pcm: Pcm) -> tuple[float, float]:
    """First and last moment of speech in seconds; both 0 where there is none."""
    whole = len(pcm) - len(pcm) % FRAME
    if not whole:
        return 0.0, 0.0
    frames = pcm[:whole].astype(np.float64).reshape(-1, FRAME)
    level = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-3)
    floor = float(np.percentile(level, 10))
    peak = float(level.max())
    threshold = peak - BELOW_PEAK_DB
    # Where speech fills the whole recording its quietest tenth is speech too.
    if peak - floor > 2 * ABOVE_FLOOR_DB:
        threshold = max(threshold, floor + ABOVE_FLOOR_DB)
    loud = level >= threshold
    pairs = np.flatnonzero(loud[:-1] & loud[1:])
    if peak < 20 or not len(pairs):
        return 0.0, 0.0
    return float(pairs[0]) * FRAME / RATE_HZ, float(pairs[-1] + 2) * FRAME / RATE_HZ


def lead_s(pcm: Pcm, rate_hz: int) -> float:
    """How long a reply is inaudible at its start: below 40 dB under its peak."""
    level = np.abs(pcm.astype(np.float64))
    if not len(level) or level.max() < 1:
        return 0.0
    return float(np.flatnonzero(level > 0.01 * level.max())[0]) / rate_hz
