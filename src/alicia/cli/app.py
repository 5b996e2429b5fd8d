"""alicia: the command line."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from alicia import __version__
from alicia.cli import demo, running, talking

app = typer.Typer(
    name="alicia",
    help="A private, voice-first assistant for the home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"alicia {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        Optional[bool],  # noqa: UP045 - typer reads it at run time
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    pass


app.command()(running.up)
app.command()(running.run)
app.command()(talking.ask)
app.command()(talking.say)
app.command()(talking.trace)
app.command()(demo.demo)


def main() -> None:
    """The program's entry."""
    app()
