"""make eval-mind: written sentences through the understanding, and through plain hassil beside it.

Reports, per language: how often exactly the right thing results, wrong actions, rejects, and the
time that a sentence takes. What the figures mean: docs/benchmarks.md. No bus, no speech, no device.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import time
import tomllib
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tests.eval.mind import report as reporting
from tests.eval.mind.judging import NOW, Judged, judge, set_up
from tests.eval.mind.lines import Line, UnusableSentencesError, load
from tests.eval.mind.subjects import DESCRIPTION, Alicia, Hassil, Subject, heard

from alicia.errors import AliciaError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.tables import LANGUAGES

ROOT = Path(__file__).parent.parent.parent.parent
COMMITTED = Path(__file__).parent / "sentences"
BUSY_SHARE = 0.35
"""Load of the last minute, of all cores, from which other work is likely to show in the times."""

out = Console(stderr=True, width=None if sys.stderr.isatty() else 150)


@dataclass
class Run:
    ours: list[Judged] = field(default_factory=list[Judged])
    reference: list[Judged] = field(default_factory=list[Judged])

    def __iadd__(self, other: Run) -> Self:
        self.ours += other.ours
        self.reference += other.reference
        return self


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make eval-mind", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--sentences",
        type=Path,
        default=COMMITTED,
        metavar="FILE.jsonl",
        help="a file or a folder of them (default: the committed ones)",
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="FILE.toml",
        help="the home, in the form of demo_home.toml (default: the home.toml beside\n"
        "the sentences, or the demo home)",
    )
    parser.add_argument("--only", default="", metavar="LANG", help="languages, comma separated")
    parser.add_argument(
        "--half",
        choices=["tune", "held_out", "both"],
        default="both",
        help="the half whose failures may be looked at, the other one, or both (default)",
    )
    parser.add_argument("--no-reference", action="store_true", help="leave plain hassil out")
    parser.add_argument("--failures", action="store_true", help="list what was not right")
    parser.add_argument("--json", action="store_true", help="the report on stdout")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "eval-mind.json")
    return parser.parse_args()


def home_of(path: Path | None) -> Home:
    """Raises UnusableSentencesError where this file describes no home."""
    try:
        return demo.load(path).picture()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        raise UnusableSentencesError(f"{path} can't be read as a home: {error}") from error
    except KeyError as error:
        raise UnusableSentencesError(f"{path} is no home: {error} is missing") from error


def homes(path: Path, given: Path | None) -> list[tuple[Path, Path | None]]:
    """The sentences, each with the file of its home: the given one, or the `home.toml` that stands
    beside them; and those of the folders in this one that have one, unless a home is given."""
    if given is not None or not path.is_dir():
        return [(path, given)]
    inner = sorted(folder.parent for folder in path.glob("*/home.toml"))
    own = path / "home.toml"
    return [(path, own if own.is_file() else None), *((f, f / "home.toml") for f in inner)]


def files(path: Path) -> list[Path]:
    """The file, or those of the folder in the order of the languages."""
    if not path.is_dir():
        return [path]
    order = {language: at for at, language in enumerate(LANGUAGES)}
    return sorted(path.glob("*.jsonl"), key=lambda p: (order.get(p.stem, len(order)), p.name))


def measure(lines: list[Line], home: Home, *, reference: bool) -> Run:
    """Each sentence once through each, in turns of who is first.

    Raises UnsupportedLanguageError.
    """
    run = Run()
    total = len(lines) * (2 if reference else 1)
    with _progress() as bar:
        task = bar.add_task("", total=total)
        for language in dict.fromkeys(line.language for line in lines):
            bar.update(task, description=f"{language} loads")
            ways: list[tuple[Subject, list[Judged]]] = [(Alicia(language, home), run.ours)]
            if reference:
                ways.append((Hassil(language, home), run.reference))
            bar.update(task, description=language)
            gc.collect()  # the language before this one is no burden of this one's sentences
            mine = [line for line in lines if line.language == language]
            for at, line in enumerate(mine):
                for subject, judged in ways[:: -1 if at % 2 else 1]:
                    with set_up(home, line.before):
                        understood = heard(subject, line.text, line.area, line.after)
                        judged.append(judge(line, understood, home))
                    bar.advance(task)
    return run


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
    )


def report_of(run: Run, given: argparse.Namespace, load_before: float) -> dict[str, Any]:
    cores = os.cpu_count() or 1
    return {
        "languages": reporting.by_language(run.ours),
        "reference": reporting.by_language(run.reference) or None,
        "goals": reporting.goals(),
        "method": {
            "sentences": str(given.sentences),
            "half": given.half,
            "home": str(given.home or "those of the sentences; the demo home"),
            "clock": NOW.isoformat(),
            "time": "recognize() of one sentence, once, after prewarm(); percentiles inclusive",
            "wrong_share": "wrong of all sentences, those for later too",
            "reference": DESCRIPTION if run.reference else None,
            "versions": {p: version(p) for p in ("hassil", "home-assistant-intents")},
        },
        "machine": {
            "cpus": cores,
            "load": round(load_before, 2),
            "busy": load_before > BUSY_SHARE * cores,
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "sentences": [one.row() for one in run.ours],
        "reference_sentences": [one.row() for one in run.reference],
    }


def main() -> int:
    given = arguments()
    load_before = os.getloadavg()[0]
    began = time.monotonic()
    run = Run()
    try:
        for path, of in homes(given.sentences, given.home):
            home = home_of(of)
            lines = load(files(path), home, languages=_listed(given.only))
            lines = [line for line in lines if given.half in ("both", line.half)]
            run += measure(lines, home, reference=not given.no_reference)
    except (UnusableSentencesError, AliciaError) as error:
        out.print(f"eval-mind: {error}", style="red", markup=False)
        return 2
    report = report_of(run, given, load_before)
    report["took_s"] = round(time.monotonic() - began, 1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if given.json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    reporting.show(report, out, failures=given.failures)
    out.print(f"written to {given.out}")
    return 0


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    sys.exit(main())
