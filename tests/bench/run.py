"""make bench: the bus over its library, thirty spoken turns, and the start of a house.

    python tests/bench/run.py [--turns 30] [--rounds 5]

Prints tables and writes reports/bench.json. Ratios are of figures of this run, taken in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from alicia.audio.formats import read
from alicia.contracts.system import LIST_PROCESSES, ListProcesses
from alicia.contracts.voice import GET_TRACE, GetTrace
from alicia.peers.satellite import Heard, played
from alicia.runtime import logs
from alicia.services.supporting.orchestrator import proportional_mb
from alicia.testing.live import LiveHouse, live_house

HERE = Path(__file__).parent
SPEECH = HERE.parent / "data" / "speech"
REPORT = HERE.parent.parent / "reports" / "bench.json"
GOALS = {
    ("bus", "rtt_ratio"): "≤ 1.5",
    ("bus", "throughput_ratio"): "≥ 0.6",
    ("start", "ready_s"): "< 5",
    ("start", "rss_mb"): "< 1200",
}
out = Console()


def bus(rounds: int) -> dict[str, float]:
    """Our request and reply, and our publishing, over the library's own."""
    done = subprocess.run(
        [sys.executable, str(HERE / "bus" / "overhead.py"), "--json", "--rounds", str(rounds)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "rtt_ratio": round(found["ratio"]["rtt_p50_us"], 2),
        "throughput_ratio": round(found["ratio"]["per_s"], 2),
        **{f"rtt_p50_us_{kind}": round(found[kind]["rtt_p50_us"]) for kind in ("bus", "raw")},
        **{f"per_s_{kind}": round(found[kind]["per_s"]) for kind in ("bus", "raw")},
    }


def recordings() -> list[Path]:
    rows = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
    return [SPEECH / row["file"] for row in rows]


async def turns(house: LiveHouse, count: int) -> tuple[list[Heard], dict[str, list[float]]]:
    """Recorded commands in real time; each one's record, and each span's duration."""
    heard: list[Heard] = []
    spans: dict[str, list[float]] = {}
    files = itertools.islice(itertools.cycle(recordings()), count)
    for file in track(list(files), description="spoken turns", console=out):
        turn = await house.satellite.turn(played(read(file, max_s=20).tobytes()))
        heard.append(turn)
        await asyncio.sleep(0.3)  # the spans come in batches
        trace = await house.console.ask(GET_TRACE, GetTrace(turn_id=turn.turn_id))
        for span in trace.spans:
            spans.setdefault(f"{span.service}: {span.name}", []).append(span.duration_ms)
    return heard, spans


async def resident_mb(house: LiveHouse) -> float:
    """Of every process of the house, Mosquitto and the spawner included; shared pages once."""
    processes = await house.console.ask(LIST_PROCESSES, ListProcesses())
    pids = [process.pid for process in processes.processes if process.pid]
    pids += [pid for name in ("orchestrator", "mosquitto") if (pid := await house.pid(name))]
    known = set(pids)
    for pid in list(pids):
        known.update(_children(pid))
    parent = _parent(pids[0])
    known.update({parent, _parent(parent)})
    return round(sum(proportional_mb(pid) or 0.0 for pid in known), 1)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text("ascii").split()]
    return found


async def house(folder: Path, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    async with live_house(folder):
        out.print("first start done: models are in place")
    async with live_house(folder) as running:
        rss = await resident_mb(running)
        heard, spans = await turns(running, count)
        rss = max(rss, await resident_mb(running))
        ready = running.ready["ready_s"]
    failed = [turn for turn in heard if turn.record is None or turn.record.error]
    processing = [turn.processing_ms for turn in heard if turn.processing_ms is not None]
    felt = [turn.felt_ms for turn in heard if turn.felt_ms is not None]
    return (
        {
            "turns": len(heard),
            "failed": len(failed),
            "processing_p50_ms": _p(processing, 50),
            "processing_p95_ms": _p(processing, 95),
            "felt_p50_ms": _p(felt, 50),
            "felt_p95_ms": _p(felt, 95),
            "stages": {
                name: {"p50_ms": _p(values, 50), "p95_ms": _p(values, 95)}
                for name, values in spans.items()
            },
        },
        {"ready_s": ready, "rss_mb": rss},
    )


def _p(values: Iterable[float], percent: int) -> float:
    ordered = sorted(values)
    if len(ordered) < 2:
        return round(ordered[0], 1) if ordered else float("nan")
    return round(statistics.quantiles(ordered, n=100, method="inclusive")[percent - 1], 1)


def show(report: dict[str, Any]) -> None:
    table = Table("figure", "value", "goal")
    for group in ("bus", "turn", "start"):
        for name, value in report[group].items():
            if not isinstance(value, dict):
                table.add_row(f"{group}.{name}", str(value), GOALS.get((group, name), ""))
    out.print(table)
    stages = Table("stage", "p50 ms", "p95 ms")
    for name, row in report["turn"]["stages"].items():
        stages.add_row(name, str(row["p50_ms"]), str(row["p95_ms"]))
    out.print(stages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    logs.configure(level="warning")
    started = time.monotonic()
    out.print("the bus over its library alone …")
    report: dict[str, Any] = {"bus": bus(given.rounds)}
    with tempfile.TemporaryDirectory(prefix="alicia-bench-") as folder:
        report["turn"], report["start"] = asyncio.run(house(Path(folder), given.turns))
    report["took_s"] = round(time.monotonic() - started, 1)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    show(report)
    out.print(f"written to {REPORT.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
