"""How quickly speech over a reply stops it: `python tests/bench/barge_in.py [COUNT] [--json FILE]`.

Recorded people speak over recorded replies, in a simulated room with echo, through the real echo
canceller, VAD and play queue. Counted in the room's own samples, from the first sound of the word
(10 % of its peak) to the last sample that the speaker played: the machine's load does not enter;
what a real sound card's buffers add (10 to 40 ms) does not either.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from alicia.audio.echo import WebRtcEchoCanceller
from alicia.audio.formats import Pcm, read
from alicia.audio.interrupting import Cue, Interruption
from alicia.testing.room import Room

FILES = sorted((Path(__file__).parents[1] / "data" / "speech").glob("*.flac"))
LIMIT_MS = 150.0


def onset(pcm: Pcm) -> int:
    """The first sample as loud as a tenth of the peak."""
    return int(np.argmax(np.abs(pcm.astype(np.int32)) > 0.1 * np.abs(pcm.astype(np.int32)).max()))


def at_level(pcm: Pcm, level_db: float) -> Pcm:
    power = float(np.sqrt(np.mean(np.square(pcm.astype(np.float32)))))
    gain = 32_768 * 10 ** (level_db / 20) / power
    return np.clip(pcm * gain, -32_768, 32_767).astype(np.int16)


def one(number: int, speech: list[Pcm], *, echo_db: float, voice_db: float) -> float | None:
    """ms until silence; -1 where the reply stopped before anybody spoke, None for never."""
    room = Room(WebRtcEchoCanceller(), echo_db=echo_db, delay_ms=20 + number * 7 % 60, seed=number)
    speaker, interruption = room.duplex.speaker, Interruption()
    speaker.start()
    speaker.feed(np.concatenate([speech[(number * 3 + k) % len(speech)] for k in range(5)]), 16_000)
    speaker.finish()
    word = at_level(speech[(number * 5 + 1) % len(speech)], voice_db)
    said = room.say(word, after_s=4 + number % 10 * 0.15)
    begins = said + onset(word)
    while room.now < begins + 16_000:
        room.tick()
        cleaned = room.duplex.clean()
        for cue in interruption.feed(cleaned, learned=room.duplex.gauge.learned):
            if cue is Cue.STOP:
                speaker.stop()
                room.tick()
                last = room.sounded_last()
                return -1.0 if last < said else max(0.0, (last - begins) / 16)
            speaker.duck(on=cue is Cue.DUCK)
    return None


def measure(count: int, *, echo_db: float, voice_db: float) -> dict[str, Any]:
    speech = [read(path, max_s=10) for path in FILES]
    found = [one(n, speech, echo_db=echo_db, voice_db=voice_db) for n in range(count)]
    good = [ms for ms in found if ms is not None and ms >= 0]
    return {
        "echo_db": echo_db,
        "voice_dbfs": voice_db,
        "count": count,
        "p50_ms": round(float(np.percentile(good, 50)), 1),
        "p95_ms": round(float(np.percentile(good, 95)), 1),
        "max_ms": round(max(good), 1),
        "missed": sum(ms is None for ms in found),
        "before_anybody_spoke": sum(ms is not None and ms < 0 for ms in found),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=48)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rooms = ((-20.0, -25.0), (-10.0, -25.0), (-10.0, -32.0), (0.0, -20.0))
    results = [measure(given.count, echo_db=echo, voice_db=voice) for echo, voice in rooms]
    report = {"limit_ms": LIMIT_MS, "rooms": results}
    text = json.dumps(report, indent=2)
    if given.json:
        given.json.write_text(text + "\n", "utf-8")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
