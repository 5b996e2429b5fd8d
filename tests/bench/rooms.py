"""Four people in four rooms speak at the same time: how much longer does each wait than alone?

    python tests/bench/rooms.py [--rooms 4] [--rounds 5] [--json]

Each room says its own recorded command, first alone, then all at once; in turns, so that the
machine's noise meets both. Felt: from the last loud sample of the recording to the first sample of
the reply. Prints a table, or JSON, with the ratio of each room's median together over alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from alicia.audio.formats import RATE_HZ, read
from alicia.peers.satellite import Satellite, played
from alicia.runtime import logs
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.testing.live import live_house

SPEECH = Path(__file__).parent.parent / "data" / "speech"
FALL_DB = 35
"""Below the loudest sample: what is quieter at the end is no speech any more."""
SAID = (
    ("kitchen", "turn_on_the_kitchen_light.af_heart.flac"),
    ("living_room", "make_the_living_room_lamp_blue.af_heart.flac"),
    ("bedroom", "turn_on_the_bedside_lamp.af_heart.flac"),
    ("bathroom", "turn_on_the_bathroom_light.am_adam.flac"),
    ("hallway", "turn_off_the_coffee_machine.am_onyx.flac"),
    ("garage", "close_the_garage_door.am_michael.flac"),
)


async def felt_ms(satellite: Satellite, file: Path, area_id: str) -> float:
    pcm = read(file, max_s=20)
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > np.abs(pcm).max() / 10 ** (FALL_DB / 20))
    heard = await satellite.turn(played(pcm.tobytes()), area_id=area_id)
    if heard.record is None or heard.record.error or heard.first_audio_at is None:
        reason = heard.error or (heard.record and heard.record.error)
        raise SystemExit(f"{file.name} was not answered: {reason}")
    return (heard.first_audio_at - heard.started) * 1000 - float(loud[-1]) * 1000 / RATE_HZ


async def measure(folder: Path, rooms: int, rounds: int) -> dict[str, dict[str, float]]:
    alone: dict[str, list[float]] = {}
    together: dict[str, list[float]] = {}
    async with live_house(folder) as house, AsyncExitStack() as stack:
        home = house.folder
        people = [
            (await stack.enter_async_context(joined(Satellite, MqttHouse(home), home)), *said)
            for said in SAID[:rooms]
        ]
        for _ in range(rounds):
            for satellite, area, file in people:
                alone.setdefault(area, []).append(await felt_ms(satellite, SPEECH / file, area))
            found = await asyncio.gather(
                *(felt_ms(satellite, SPEECH / file, area) for satellite, area, file in people)
            )
            for (_, area, _), felt in zip(people, found, strict=True):
                together.setdefault(area, []).append(felt)
    return {
        area: {
            "alone_ms": round(statistics.median(alone[area]), 1),
            "together_ms": round(statistics.median(together[area]), 1),
            "ratio": round(statistics.median(together[area]) / statistics.median(alone[area]), 2),
        }
        for area in alone
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=4, choices=range(2, len(SAID) + 1))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logs.configure(level="warning")
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), given.rooms, given.rounds))
    worst = max(row["ratio"] for row in found.values())
    if given.json:
        print(json.dumps({"rooms": found, "worst_ratio": worst}))
        return
    table = Table("room", "alone ms", "together ms", "ratio", title="goal: no ratio above 2")
    for area, row in found.items():
        table.add_row(area, *(str(row[name]) for name in ("alone_ms", "together_ms", "ratio")))
    Console().print(table)


if __name__ == "__main__":
    main()
