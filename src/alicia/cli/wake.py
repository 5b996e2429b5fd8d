"""`alicia wake`: the words that wake her; training one, and how good it is."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import MofNCompleteColumn, TimeElapsedColumn
from rich.table import Table

from alicia.audio.augmentation import wave_of
from alicia.audio.formats import RATE_HZ, from_bytes, read, write_wav
from alicia.cli.bars import Bars
from alicia.cli.output import Home, Json, attempt, emit, err, fail, out
from alicia.errors import AliciaError
from alicia.runtime.settings import Folder
from alicia.speech import wake_clips
from alicia.speech.models import ModelStore
from alicia.speech.wake import BUNDLED, Detection
from alicia.speech.wake_trained import TrainedWord, WordShelf
from alicia.speech.wake_training import Clip, TrainingSettings, WordTraining
from alicia.speech.wake_words import confirms, embedder, load

RECORD_S = 2.0
LONGEST_S = 600.0
Word = Annotated[str, typer.Argument(help="The wake word, as it is written.")]


def shelf(folder: Folder) -> WordShelf:
    return WordShelf(folder.root / "wake")


# ---- list and remove ----------------------------------------------------------------------------


def list_words(*, json: Json = False, home: Home = None) -> None:
    """Show the wake words: those that come ready and those that were trained here."""
    words = shelf(Folder(home))
    try:
        found = [_about(words, name) for name in words.names()]
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    found += [{"word": name, "from": "microWakeWord", "report": None} for name in BUNDLED]
    if json:
        emit({"words": found})
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("word", "from", "recall, unheard voices", "false alarms"):
        shown.add_column(title)
    for word in found:
        shown.add_row(word["word"], word["from"], *_figures(word["report"]))
    out.print(shown)


def _about(words: WordShelf, name: str) -> dict[str, Any]:
    source = "trained here" if words.is_own(name) else "Alicia"
    return {"word": name, "from": source, "report": words.load(name).report}


def _figures(report: dict[str, Any] | None) -> tuple[str, str]:
    if report is None:
        return "not measured here", "not measured here"
    recall = ", ".join(
        f"{r['heard']}/{r['of']} {r['kind']}{' in noise' if r['hard'] else ''}"
        for r in report["recall"]
    )
    return recall, f"{report['false_alarms']} in {report['minutes']} min"


def remove(word: Word, *, json: Json = False, home: Home = None) -> None:
    """Forget a word that was trained here."""
    removed = shelf(Folder(home)).remove(word)
    if json:
        emit({"word": word, "removed": removed})
    else:
        out.print(f"{word} was {'removed' if removed else 'not trained here'}.", highlight=False)


# ---- test ---------------------------------------------------------------------------------------


def try_files(
    files: Annotated[list[Path], typer.Argument(help="WAV, FLAC, Ogg or MP3.")],
    *,
    words: Annotated[
        str, typer.Option("--words", help="Which, separated by commas; all by default.")
    ] = "",
    sensitivity: Annotated[float, typer.Option("--sensitivity", min=-1, max=1)] = 0.0,
    check: Annotated[
        bool, typer.Option("--check", help="Let the recognizer confirm each detection.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Say which wake words are heard in recordings, and what hearing them costs."""
    folder = Folder(home)
    store = ModelStore(folder.models)
    try:
        names = [w.strip() for w in words.split(",") if w.strip()] or _here(folder)
        detector = load(names, store, folder.root / "wake", sensitivity=sensitivity)
        results: list[dict[str, Any]] = []
        for file in files:
            pcm = np.pad(read(file, max_s=LONGEST_S), (0, RATE_HZ // 2))
            detector.reset()
            before = time.thread_time()
            found = detector.feed(pcm)
            load_pct = 100 * (time.thread_time() - before) / (len(pcm) / RATE_HZ)
            heard = [_seen(one) for one in found]
            if check and heard:
                attempt(_confirm(store, pcm, heard))
            results.append({"file": str(file), "heard": heard, "cpu_pct": round(load_pct, 1)})
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        emit({"words": names, "files": results})
        return
    for result in results:
        heard = ", ".join(_told(one) for one in result["heard"]) or "nothing"
        out.print(f"{result['file']}: {heard}  [dim]{result['cpu_pct']} % of a core[/]")


def _here(folder: Folder) -> list[str]:
    import importlib.util  # noqa: PLC0415 - rarely needed

    ready = BUNDLED if importlib.util.find_spec("pymicro_wakeword") else ()
    return [*shelf(folder).names(), *ready]


def _seen(one: Detection) -> dict[str, Any]:
    return {**asdict(one), "at_s": round(one.at_sample / RATE_HZ, 2)}


def _told(one: dict[str, Any]) -> str:
    sure = "" if "confirmed" not in one else ", confirmed" if one["confirmed"] else ", refused"
    return f"{one['word']} at {one['at_s']} s ({one['score']:.2f}{sure})"


async def _confirm(store: ModelStore, pcm: Any, heard: list[dict[str, Any]]) -> None:  # noqa: ANN401 - samples
    from alicia.speech.whisper import WhisperRecognizer  # noqa: PLC0415 - heavy

    recognizer = await WhisperRecognizer.load(store.pull("whisper-base-int8"))
    try:
        for one in heard:
            start = max(0, one["at_sample"] - int(1.6 * RATE_HZ))
            guess = await recognizer.transcribe(pcm[start : one["at_sample"] + 3200], "en")
            one["confirmed"] = confirms(guess.text, one["word"])
    finally:
        await recognizer.aclose()


# ---- train --------------------------------------------------------------------------------------


def train(
    word: Word,
    *,
    recordings: Annotated[
        Path | None, typer.Option("--recordings", help="A folder of people saying it.")
    ] = None,
    record: Annotated[
        int, typer.Option("--record", min=0, help="Record yourself saying it so often.")
    ] = 0,
    speech: Annotated[
        Path | None, typer.Option("--speech", help="A folder of a better voice saying it.")
    ] = None,
    other: Annotated[
        list[Path] | None, typer.Option("--other", help="A folder of other speech; repeatable.")
    ] = None,
    near: Annotated[
        str, typer.Option("--near", help="What sounds like it, separated by commas.")
    ] = "",
    robots: Annotated[
        int, typer.Option("--robots", min=0, help="eSpeak voices that say it; 0 for none.")
    ] = 48,
    copies: Annotated[
        int, typer.Option("--copies", min=1, help="Rooms that each recording is put in.")
    ] = 5,
    rounds: Annotated[int, typer.Option("--rounds", min=10, hidden=True)] = 1400,
    json: Json = False,
    home: Home = None,
) -> None:
    """Train a wake word, and say honestly how well it works. Takes a few minutes."""
    folder = Folder(home)
    try:
        positive: list[Clip] = []
        if record:
            attempt(_record(word, record, folder))
            recordings = recordings or _own(word, folder)
        for given, kind in ((recordings, "recorded"), (speech, "neural")):
            positive += wake_clips.of_folder(given, kind) if given else []
        said, negative = wake_clips.robotic(word, robots, near=[n for n in near.split(",") if n])
        for given in other or []:
            negative += wake_clips.of_folder(given, "recorded")
        settings = TrainingSettings(copies=copies, rounds=rounds)
        with Bars(MofNCompleteColumn(), TimeElapsedColumn(), quiet=json) as bars:
            training = WordTraining(
                word, embedder(ModelStore(folder.models)), settings=settings, progress=bars.show
            )
            made = training.train([*positive, *said], negative)
        path = shelf(folder).save(made)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        emit({"word": word, "file": str(path), "bytes": path.stat().st_size, **made.report})
    else:
        show_report(made)


def show_report(made: TrainedWord) -> None:
    """What was measured, and nothing else."""
    report = made.report
    out.print(f"[bold]{made.word}[/] is trained; threshold {made.threshold:.2f}.", highlight=False)
    out.print("Measured on voices and recordings that it had not heard:")
    for one in report["recall"]:
        where = "in noise, echo, at a distance" if one["hard"] else "in a quiet room"
        out.print(f"  heard {one['heard']} of {one['of']} ({one['kind']}, {where})")
    out.print(
        f"  {report['false_alarms']} false alarms in {report['minutes']} minutes of other speech:"
        f" fewer than {report['at_most_per_hour']} an hour, with 95 % confidence"
    )
    out.print(f"  of {report['confusables_tried']} things that sound like it, these wake her:")
    fired = ", ".join(f"{c['label']} {c['fired']}/{c['of']}" for c in report["confusables"])
    out.print(f"    {fired or 'none'}", highlight=False)
    for sentence in report["advice"]:
        out.print(f"[yellow]→[/] {sentence}", highlight=False)


def _own(word: str, folder: Folder) -> Path:
    """Where one's own recordings of the word are kept, for the next training."""
    return folder.root / "wake" / "recordings" / word.replace(" ", "_")


async def _record(word: str, times: int, folder: Folder) -> None:
    """Raises DependencyMissingError, SetupError."""
    from alicia.audio.microphone import Microphone  # noqa: PLC0415 - heavy

    kept = _own(word, folder)
    kept.mkdir(parents=True, exist_ok=True)
    microphone = Microphone()
    number = len(list(kept.glob("*.wav")))
    taken = 0
    while taken < times:
        err.print(f"Say [bold]{word}[/] now ({taken + 1} of {times}).")
        frames: list[bytes] = []
        async with aclosing(microphone.frames()) as heard:
            async for frame in heard:
                frames.append(frame)
                if len(frames) * 320 >= RECORD_S * RATE_HZ:
                    break
        pcm = from_bytes(b"".join(frames))
        if float(np.abs(wave_of(pcm)).max()) < 0.02:
            err.print("[yellow]Nothing was heard; again.[/]")
            continue
        write_wav(kept / f"{number + taken:03}.wav", pcm)
        taken += 1
        await asyncio.sleep(0.3)
