"""What a person or a program reads: tables, or one JSON object; errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console

from alicia.errors import AliciaError
from alicia.runtime import logs

T = TypeVar("T")

out = Console()
err = Console(stderr=True)


def emit(value: object) -> None:
    """One JSON value on one line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def fail(error: AliciaError, *, as_json: bool = False) -> typer.Exit:
    """Print an error for its reader; raise what this returns."""
    if as_json:
        emit({"error": error.to_wire()})
    else:
        err.print(f"[bold red]{error.code}[/] {error.message}", highlight=False)
        for key, value in error.fields.items():
            err.print(f"  {key}: {value}", style="dim", highlight=False, markup=False)
    return typer.Exit(1)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Run a command's work; an error of ours ends it with a message and exit code 1."""
    logs.configure(level="error", readable=sys.stderr.isatty())
    try:
        return asyncio.run(work)
    except AliciaError as error:
        raise fail(error, as_json=as_json) from None
    except BaseExceptionGroup as group:
        ours = group.subgroup(AliciaError)
        if ours is None:
            raise
        first: BaseException = ours
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        assert isinstance(first, AliciaError)  # noqa: S101 - a subgroup of them
        raise fail(first, as_json=as_json) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
