"""What a person or a program reads: tables, or one JSON object; errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from alicia.errors import AliciaError, SetupError
from alicia.runtime import logs

T = TypeVar("T")

DEBUG = "ALICIA_DEBUG"
INTERRUPTED = 130

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="ALICIA_HOME", help="Where the house keeps what is its own."),
]

out = Console()
err = Console(stderr=True)


def emit(value: object) -> None:
    """One JSON value on one line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def complain(error: AliciaError) -> None:
    """The error for a person: its code, what to do, and its fields."""
    err.print(f"[bold red]{error.code}[/]", end=" ", highlight=False)
    err.print(error.message, highlight=False, markup=False, soft_wrap=True)
    for key, value in error.fields.items():
        err.print(f"  {key}: {value}", style="dim", highlight=False, markup=False, soft_wrap=True)


def fail(error: AliciaError, *, as_json: bool = False) -> typer.Exit:
    """Print an error for its reader; raise what this returns."""
    if as_json:
        emit({"error": error.to_wire()})
    else:
        complain(error)
    return typer.Exit(1)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Run a command's work; an error of ours ends it with a message and exit code 1."""
    try:
        return attempt(work)
    except AliciaError as error:
        raise fail(error, as_json=as_json) from None


def attempt(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work. Raises the error of ours that ended it, alone."""
    logs.configure(level="error", readable=sys.stderr.isatty())
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        raise only(group) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of ours in a group; the group itself where there is none."""
    ours = group.subgroup(AliciaError)
    if ours is None:
        return group
    first: BaseException = ours
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def explain(error: Exception) -> AliciaError:
    """What a person can do about an error that no command foresaw."""
    if isinstance(error, AliciaError):
        return error
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return SetupError(
            f"{named}{error.strerror or error}. Check that the place exists, that it is yours, "
            "and that the disk is not full; `alicia doctor` looks into it."
        )
    return AliciaError(
        "That is a mistake in Alicia itself, please report it. "
        f"With {DEBUG}=1 in the environment it shows where.",
        reason=f"{type(error).__name__}: {error}",
    )


def discard_output() -> None:
    """Whoever read our output has left: nothing more is written, and nobody complains."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def size(count: float | None) -> str:
    """A number of bytes for a person."""
    if count is None:
        return "?"
    for unit in ("B", "kB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(seconds: float | None) -> str:
    """A time span for a person, in its two largest units."""
    if seconds is None:
        return "—"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole:02} s" if minutes else f"{whole} s"
