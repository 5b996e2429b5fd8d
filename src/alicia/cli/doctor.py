"""`alicia doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alicia.cli.output import Home, Json, emit, err, out, run
from alicia.cli.verdicts import Check, Verdict
from alicia.runtime.settings import Folder

_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the models whole and compare their checksums.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Look for what is wrong on this machine and in its house; exit code 1 where something is."""
    from alicia.cli.checks import examine  # noqa: PLC0415 - heavy, and no other command's

    folder = Folder(home)
    if json:
        checks = run(examine(folder, deep=deep), as_json=True)
    else:
        with err.status("Looking …"):
            checks = run(examine(folder, deep=deep))
    counts = Counter(check.verdict for check in checks)
    if json:
        emit(
            {
                "ok": not counts[Verdict.FAIL],
                "home": str(folder.root),
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        out.print(table(checks))
        out.print(
            f"\n{counts[Verdict.OK]} well, {counts[Verdict.WARN]} to look at, "
            f"{counts[Verdict.FAIL]} to mend. Home: {folder.root}",
            highlight=False,
        )
    if counts[Verdict.FAIL]:
        raise typer.Exit(1)


def table(checks: list[Check]) -> Table:
    """The checks for a person."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    for column in ("what", "verdict", "finding"):
        shown.add_column(column, no_wrap=column != "finding")
    for check in checks:
        finding = Text(check.finding)
        if check.remedy:
            finding.append(f"\n→ {check.remedy}", style="bold")
        shown.add_row(check.name, Text(check.verdict, style=_STYLES[check.verdict]), finding)
    return shown
