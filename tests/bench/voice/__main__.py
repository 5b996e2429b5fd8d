"""make bench-voice: recorded speech through a real house, and through a stock pipeline beside it.

Reports, per language and kind of speech: word and character errors, how often the right thing was
done, false cuts, felt and processing latency, processor seconds a turn, memory. What the figures
mean: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tests.bench.voice import report as reporting
from tests.bench.voice import speech_end
from tests.bench.voice.home import home_control
from tests.bench.voice.labels import Recording, SpeechSet, UnusableSetError, evenly, load
from tests.bench.voice.load import HouseLoad
from tests.bench.voice.stock import (
    DESCRIPTION,
    StockTurns,
    StockUnavailableError,
    stock_turns,
)
from tests.bench.voice.turns import AUTO, HouseTurns, TurnResult

from alicia.errors import AliciaError
from alicia.runtime import logs
from alicia.testing.live import LiveHouse, live_house

ROOT = Path(__file__).parent.parent.parent.parent
COMMITTED = ROOT / "tests" / "data" / "speech"
IDLE_S = 3.0
REFUSED = "voice.unsupported_language"

out = Console(stderr=True, width=None if sys.stderr.isatty() else 150)


@dataclass
class Run:
    """What was measured."""

    house: list[TurnResult] = field(default_factory=list[TurnResult])
    auto: list[TurnResult] = field(default_factory=list[TurnResult])
    stock: list[TurnResult] = field(default_factory=list[TurnResult])
    broken: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Turns that could not be measured: the file, and why."""
    memory_mb: float | None = None
    stock_memory_mb: float | None = None
    idle_cpu_share: float | None = None
    ready: dict[str, Any] = field(default_factory=dict[str, Any])
    auto_note: str | None = None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-voice", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--set",
        type=Path,
        default=COMMITTED,
        metavar="DIR",
        help="recordings with labels.jsonl (default: the committed ones)",
    )
    parser.add_argument("--only", default="", metavar="LANG", help="languages, comma separated")
    parser.add_argument("--kind", default="", help="kinds, comma separated")
    parser.add_argument("--tag", default="", help="only labels with one of these tags")
    parser.add_argument("--limit", type=int, metavar="N", help="of each language and kind")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument(
        "--language",
        choices=["given", "auto", "both"],
        default="both",
        help="whether the house is told the language; `both` does a part again without",
    )
    parser.add_argument("--auto-limit", type=int, default=6, metavar="N")
    parser.add_argument("--no-reference", action="store_true", help="leave the stock path out")
    parser.add_argument(
        "--reference-limit",
        type=int,
        default=12,
        metavar="N",
        help="recordings of each language and kind that go through the stock path too",
    )
    parser.add_argument("--json", action="store_true", help="the report on stdout")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "bench-voice.json")
    return parser.parse_args()


def sampled(recordings: list[Recording], limit: int) -> set[int]:
    """Which ones, by position: so many of each language and kind, evenly spread."""
    groups: dict[tuple[str, str], list[int]] = {}
    for at, one in enumerate(recordings):
        groups.setdefault((one.label.language, one.label.kind), []).append(at)
    return {mine[at] for mine in groups.values() for at in evenly(len(mine), limit)}


class Bench:
    """Plays a set through the house, and parts of it through the stock path and without language.

    One recording goes through all of them before the next one does, in turns of who is first: what
    else the machine does hits them alike.
    """

    def __init__(
        self, house: HouseTurns, stock: StockTurns | None, given: argparse.Namespace
    ) -> None:
        self._house = house
        self._stock = stock
        self._given = given
        self.run = Run()

    async def all(self, recordings: list[Recording]) -> None:
        for_stock = sampled(recordings, self._given.reference_limit) if self._stock else set[int]()
        mode = self._given.language
        for_auto = sampled(recordings, self._given.auto_limit) if mode == "both" else set[int]()
        if mode == "auto":
            for_auto = set(range(len(recordings)))
        ways = [
            [
                *(["house"] if mode != "auto" else []),
                *(["stock"] if at in for_stock else []),
                *([AUTO] if at in for_auto else []),
            ]
            for at in range(len(recordings))
        ]
        with _progress() as bar:
            task = bar.add_task("spoken turns", total=sum(map(len, ways)) * self._given.repeat)
            for again in range(self._given.repeat):
                for at, recording in enumerate(recordings):
                    order = ways[at][:: -1 if (at + again) % 2 else 1]
                    for way in order:
                        bar.update(task, description=f"{recording.label.language} {way}")
                        await self._one(recording, way)
                        bar.advance(task)

    async def _one(self, recording: Recording, way: str) -> None:
        try:
            if way == "stock" and self._stock is not None:
                self.run.stock.append(await self._stock.play(recording))
            elif way == AUTO:
                await self._auto(recording)
            elif way == "house":
                self.run.house.append(await self._house.play(recording))
        except (AliciaError, TimeoutError) as error:
            reason = f"{way}: {type(error).__name__}: {error}"
            self.run.broken.append({"file": recording.label.file, "reason": reason})

    async def _auto(self, recording: Recording) -> None:
        if self.run.auto_note is not None:
            return
        turn = await self._house.play(recording, language=AUTO)
        self.run.auto.append(turn)
        if len(self.run.auto) >= 3 and all(t.error == REFUSED for t in self.run.auto):
            self.run.auto_note = "this house needs to be told the language"
            self.run.auto.clear()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
    )


async def measure(found: SpeechSet, folder: Path, given: argparse.Namespace) -> Run:
    out.print("a house is being started; the first time its models are put in place …")
    languages = sorted({one.label.language for one in found.recordings})
    settings = {"ALICIA_AI__LANGUAGES": ",".join(languages), "ALICIA_ROUTER__LOG_TURNS": "true"}
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(live_house(folder, settings=settings))
        control = await stack.enter_async_context(home_control(house))
        for one in list(found.recordings):
            if names := control.unknown(one.label):
                reason = f"the demo home has no {', '.join(names)}"
                found.skipped.append({"file": one.label.file, "reason": reason})
                found.recordings.remove(one)
        if not found.recordings:
            raise UnusableSetError(f"No label fits the demo home: {found.skipped[0]['reason']}")
        stock: StockTurns | None = None
        if not given.no_reference:
            stock = await stack.enter_async_context(stock_turns(house, control, languages))
        bench = Bench(HouseTurns(house, control), stock, given)
        bench.run.ready = house.ready
        bench.run.idle_cpu_share = await _idle(house)
        await bench.all(found.recordings)
        bench.run.memory_mb = await HouseLoad(house).memory_mb()
        bench.run.stock_memory_mb = stock.memory_mb() if stock else None
        return bench.run


async def _idle(house: LiveHouse) -> float:
    """Cores that the house takes while nobody speaks."""
    load = HouseLoad(house)
    before, started = await load.cpu_s(), time.monotonic()
    await asyncio.sleep(IDLE_S)
    return round((await load.cpu_s() - before) / (time.monotonic() - started), 3)


def report_of(
    run: Run, found: SpeechSet, given: argparse.Namespace, took_s: float
) -> dict[str, Any]:
    languages = reporting.grouped(run.house or run.auto)
    reporting.add_language_accuracy(languages, run.auto)
    return {
        "languages": languages,
        "reference": reporting.grouped(run.stock) or None,
        "ratio": reporting.ratios(run.house, run.stock) or None,
        "memory_mb": {"house": run.memory_mb, "stock_engines": run.stock_memory_mb},
        "idle_cpu_cores": run.idle_cpu_share,
        "house": run.ready,
        "method": {
            "set": str(given.set),
            "speech_end": speech_end.METHOD,
            "felt": "true last sample of speech -> first sample of the reply at the satellite",
            "processing": "end of utterance decided -> first sample of the reply at the satellite",
            "cpu_s": "all processes of the house, from the first sample until the home is at rest",
            "language_accuracy": run.auto_note or "turns whose language was not given",
            "percentiles": "inclusive",
            "reference": DESCRIPTION if run.stock else None,
        },
        "machine": {
            "cpus": os.cpu_count(),
            "load": os.getloadavg(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "skipped": [*found.skipped, *run.broken],
        "took_s": round(took_s, 1),
        "turns": [turn.row() for turn in (*run.house, *run.auto, *run.stock)],
    }


def main() -> int:
    given = arguments()
    logs.configure(level="warning")
    started = time.monotonic()
    try:
        found = load(
            given.set,
            languages=_listed(given.only),
            kinds=_listed(given.kind),
            tags=_listed(given.tag),
            limit=given.limit,
        )
        with tempfile.TemporaryDirectory(prefix="alicia-bench-") as folder:
            run = asyncio.run(measure(found, Path(folder), given))
    except (UnusableSetError, StockUnavailableError, AliciaError) as error:
        out.print(f"bench-voice: {error}", style="red", markup=False)
        return 2
    report = report_of(run, found, given, time.monotonic() - started)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if given.json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    reporting.show(report, out)
    out.print(f"written to {given.out}")
    return 0


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    sys.exit(main())
