"""alicia: the command line."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Optional

import typer

from alicia import __version__
from alicia.cli import demo, devices, doctor, listening, models, running, services, talking, tap
from alicia.cli.groups import DefaultGroup
from alicia.cli.output import DEBUG, discard_output, explain, fail

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


def _group(name: str, about: str, commands: dict[str, Any]) -> None:
    group = typer.Typer(
        name=name,
        help=about,
        cls=DefaultGroup,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command, function in commands.items():
        group.command(command)(function)
    app.add_typer(group, rich_help_panel="Looking into it")


app.command(rich_help_panel="The house")(demo.demo)
app.command(rich_help_panel="The house")(running.up)
app.command(rich_help_panel="The house")(running.run)
app.command(rich_help_panel="The house")(services.ps)
app.command(rich_help_panel="The house")(services.restart)
app.command(rich_help_panel="Speaking to it")(talking.ask)
app.command(rich_help_panel="Speaking to it")(listening.listen)
app.command(rich_help_panel="Speaking to it")(talking.say)
_group(
    "devices",
    "What is in the home, and what it is called. Without a command: list it.",
    {
        "list": devices.list_devices,
        "rename": devices.rename,
        "alias": devices.alias,
        "move": devices.move,
    },
)
_group(
    "models",
    "Models of speech on this machine. Without a command: list them.",
    {"list": models.list_models, "pull": models.pull, "remove": models.remove},
)
app.command(rich_help_panel="Looking into it")(doctor.doctor)
app.command(rich_help_panel="Looking into it")(services.info)
app.command(rich_help_panel="Looking into it")(tap.tap)
app.command(rich_help_panel="Looking into it")(talking.trace)


def main() -> None:
    """The program's entry: whatever goes wrong, a person reads a sentence, no traceback."""
    if os.environ.get(DEBUG):
        app()
        return
    try:
        app()
    except BrokenPipeError:
        discard_output()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the edge towards a person
        sys.exit(fail(explain(error), as_json="--json" in sys.argv).exit_code)
