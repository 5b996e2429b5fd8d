"""`alicia models bench`: the recognizers of this machine, measured on recordings."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn
from rich.table import Table

from alicia.cli.bars import Bars
from alicia.cli.output import Home, Json, emit, err, fail, out, size
from alicia.errors import AliciaError, EngineError, SetupError
from alicia.runtime.settings import Folder, load
from alicia.services.voice.stt import SttSettings
from alicia.speech import recordings, scoring
from alicia.speech.models import ModelStore
from alicia.speech.recordings import Recording

_STATUS = Path("/proc/self/status")
_CHILD_ENDS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Job:
    """What a child process is to measure."""

    models: Path
    name: str
    recordings: list[Recording]
    language: str
    threads: int


def bench(
    places: Annotated[
        list[Path], typer.Argument(help="Recordings, or folders of them with a labels.jsonl.")
    ],
    *,
    language: Annotated[
        str | None,
        typer.Option("--language", help="Only this one; what no label says is taken to be it."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Only these; else all that are here.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1)] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Measure the recognizers that are here: mistakes, time and memory. One process for each."""
    folder = Folder(home)
    try:
        jobs = _jobs(folder, places, language, model or [], threads)
        results = _measure_all(jobs, quiet=json)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        emit({"results": results})
    else:
        out.print(_table(results))
        for result in results:
            if "error" in result:
                why = result["error"].get("message") or result["error"]
                err.print(f"{result['model']}, {result['language']}: {why}", style="red")
        out.print(
            "\nMistakes: of words, or of characters in zh, ja and ko, where a label tells what was "
            "said. Time: from whole audio to text, the median.",
            style="dim",
        )
    if any("error" in result for result in results):
        raise typer.Exit(1)


def _jobs(
    folder: Folder, places: list[Path], language: str | None, names: list[str], threads: int | None
) -> list[Job]:
    store = ModelStore(folder.models)
    cores = threads or load(SttSettings, "stt", folder).threads
    spoken: dict[str, list[Recording]] = {}
    for recording in recordings.find(places):
        said = recording.language or language or "en"
        if language in (None, said):
            spoken.setdefault(said, []).append(recording)
    if not spoken:
        raise SetupError("There are no recordings in this language.", language=language)
    for name in names:
        store.resolve(name)
    jobs = [
        Job(folder.models, one.name, spoken[said], said, cores)
        for one, here in store.list_models()
        if one.kind == "recognizer" and here and (not names or one.name in names)
        for said in sorted(spoken)
        if said in one.languages
    ]
    if not jobs:
        raise SetupError("No recognizer for this is here yet. Run: alicia models pull")
    return jobs


def _measure_all(jobs: list[Job], *, quiet: bool) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    with Bars(MofNCompleteColumn(), quiet=quiet) as bars:
        for job in jobs:
            what, total = f"{job.name} {job.language}", len(job.recordings)
            bars.show(what, 0, total)
            results.append(
                _in_a_child(job, lambda done, what=what, total=total: bars.show(what, done, total))
            )
    return results


def _in_a_child(job: Job, told: Callable[[int], None]) -> dict[str, Any]:
    """Memory is only known of a process that has done nothing else."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(job, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        while isinstance(message := mine.recv(), int):
            told(message)
    except EOFError:
        message = {"error": EngineError("The engine ended its process.").to_wire()}
    finally:
        child.join(_CHILD_ENDS_WITHIN_S)
        child.kill()
        child.join()
        mine.close()
    return {"model": job.name, "language": job.language, **message}


def _child(job: Job, pipe: Connection) -> None:
    try:
        pipe.send(asyncio.run(_measure(job, pipe.send)))
    except AliciaError as error:
        pipe.send({"error": error.to_wire()})


async def _measure(job: Job, told: Callable[[int], None]) -> dict[str, Any]:
    from alicia.audio.formats import RATE_HZ, read  # noqa: PLC0415 - heavy
    from alicia.speech.recognizer_chain import load_model  # noqa: PLC0415 - heavy

    before, started = _memory("VmRSS"), time.perf_counter()
    recognizer = await load_model(job.name, ModelStore(job.models), threads=job.threads)
    loaded_s = time.perf_counter() - started
    total, times, audio_s = scoring.NONE, list[float](), 0.0
    try:
        for done, recording in enumerate(job.recordings, start=1):
            pcm = read(recording.path, max_s=recognizer.capabilities.max_s)
            started = time.perf_counter()
            guess = await recognizer.transcribe(pcm, job.language)
            times.append(time.perf_counter() - started)
            audio_s += len(pcm) / RATE_HZ
            if recording.text is not None:
                total += scoring.errors(recording.text, guess.text, job.language)
            told(done)
    finally:
        await recognizer.aclose()
    peak = _memory("VmHWM")
    return {
        "recordings": len(times),
        "error_rate": round(total.rate, 4) if total.of else None,
        "p50_ms": round(1000 * median(times), 1),
        "real_time_factor": round(sum(times) / audio_s, 3) if audio_s else None,
        "load_s": round(loaded_s, 2),
        "memory_bytes": peak - before if peak is not None and before is not None else None,
    }


def _memory(field: str) -> int | None:
    """A size of this process as Linux tells it; elsewhere nothing is told."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text("utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return None


def _table(results: list[dict[str, Any]]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("model", "language"):
        shown.add_column(title, no_wrap=True)
    for title in ("recordings", "mistakes", "time", "of real time", "loading", "memory"):
        shown.add_column(title, justify="right")
    for result in results:
        if "error" in result:
            shown.add_row(result["model"], result["language"], "[red]failed[/]")
            continue
        rate, factor = result["error_rate"], result["real_time_factor"]
        shown.add_row(
            result["model"],
            result["language"],
            str(result["recordings"]),
            "no label" if rate is None else f"{100 * rate:.1f} %",
            f"{result['p50_ms']:.0f} ms",
            "—" if factor is None else f"{100 * factor:.0f} %",
            f"{result['load_s']:.1f} s",
            size(result["memory_bytes"]),
        )
    return shown
