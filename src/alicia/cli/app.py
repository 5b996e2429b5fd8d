"""alicia: the command line.

A command's module is imported when it is called for: the program starts in half the time.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Optional

import typer

from alicia import __version__
from alicia.cli.groups import DefaultGroup
from alicia.cli.output import DEBUG, discard_output, explain, fail

_NAMES = {"help_option_names": ["-h", "--help"]}
_HOUSE, _SPEAKING, _LOOKING = "The house", "Speaking to it", "Looking into it"


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or a group of them whose first goes without saying."""

    panel: str
    module: str
    group: tuple[tuple[str, str], ...] = ()
    """Commands and their functions."""
    about: str = ""


COMMANDS = {
    "demo": Entry(_HOUSE, "demo"),
    "up": Entry(_HOUSE, "running"),
    "run": Entry(_HOUSE, "running"),
    "ps": Entry(_HOUSE, "services"),
    "restart": Entry(_HOUSE, "services"),
    "wyoming": Entry(_HOUSE, "endpoints"),
    "browser": Entry(_HOUSE, "endpoints"),
    "mcp": Entry(_HOUSE, "serving_mcp"),
    "announce": Entry(_SPEAKING, "announcing"),
    "ask": Entry(_SPEAKING, "talking"),
    "intercom": Entry(_SPEAKING, "announcing"),
    "languages": Entry(_LOOKING, "languages"),
    "listen": Entry(_SPEAKING, "listening"),
    "satellite": Entry(_SPEAKING, "satellite"),
    "say": Entry(_SPEAKING, "talking"),
    "stop": Entry(_SPEAKING, "announcing"),
    "devices": Entry(
        _LOOKING,
        "devices",
        (("list", "list_devices"), ("rename", "rename"), ("alias", "alias"), ("move", "move")),
        "What is in the home, and what it is called. Without a command: list it.",
    ),
    "doctor": Entry(_LOOKING, "doctor"),
    "info": Entry(_LOOKING, "info"),
    "models": Entry(
        _LOOKING,
        "models",
        (
            ("list", "list_models"),
            ("pull", "pull"),
            ("remove", "remove"),
            ("bench", "bench"),
        ),
        "Models of speech on this machine. Without a command: list them.",
    ),
    "voices": Entry(
        _LOOKING,
        "voices",
        (("list", "list_voices"), ("warm", "warm"), ("say", "say")),
        "Who speaks which language, and what is ready to be said. Without a command: list it.",
    ),
    "personality": Entry(
        _SPEAKING,
        "personality",
        (
            ("list", "list_personas"),
            ("show", "show"),
            ("set", "set_persona"),
            ("preview", "preview"),
            ("change", "change"),
            ("blend", "blend"),
            ("restore", "restore"),
            ("remove", "remove"),
            ("export", "export"),
            ("import", "import_file"),
        ),
        "Who answers, for whom, and how. Without a command: list them.",
    ),
    "schedule": Entry(
        _SPEAKING,
        "schedule",
        (
            ("list", "list_schedules"),
            ("timer", "timer"),
            ("remind", "remind"),
            ("cancel", "cancel"),
            ("preview", "preview"),
            ("runs", "list_runs"),
        ),
        "Timers, alarms, reminders and what else is planned. Without a command: list it.",
    ),
    "memory": Entry(
        _SPEAKING,
        "remembering",
        (
            ("list", "list_facts"),
            ("show", "show"),
            ("add", "add"),
            ("edit", "edit"),
            ("forget", "forget"),
            ("export", "export"),
        ),
        "What people told Alicia to remember. Without a command: list it.",
    ),
    "people": Entry(
        _HOUSE,
        "people",
        (
            ("list", "list_people"),
            ("role", "role"),
            ("allow", "allow"),
            ("forbid", "forbid"),
            ("pin", "pin"),
            ("remove", "remove"),
        ),
        "Who belongs to this home, what each may do, and their PINs. Without a command: list them.",
    ),
    "recordings": Entry(
        _LOOKING,
        "recordings",
        (("list", "list_recordings"), ("forget", "forget")),
        "Turns whose audio was kept, with consent. Without a command: list them.",
    ),
    "replay": Entry(_LOOKING, "recordings"),
    "translate": Entry(_SPEAKING, "languages"),
    "tap": Entry(_LOOKING, "tap"),
    "trace": Entry(_LOOKING, "talking"),
    "why": Entry(_LOOKING, "talking"),
    "voice": Entry(
        _SPEAKING,
        "voice",
        (
            ("list", "list_speakers"),
            ("enrol", "enrol"),
            ("forget", "forget"),
            ("patience", "patience"),
            ("whois", "whois"),
            ("diarise", "diarise"),
            ("quality", "quality"),
            ("watch", "watch"),
        ),
        "Whose voice is whose, and how well it is heard. Without a command: who is enrolled.",
    ),
    "wake": Entry(
        _SPEAKING,
        "wake",
        (("list", "list_words"), ("train", "train"), ("test", "try_files"), ("remove", "remove")),
        "The words that wake her. Without a command: list them.",
    ),
}


def _version(value: bool) -> None:
    if value:
        typer.echo(f"alicia {__version__}")
        raise typer.Exit


def _main(
    _: Annotated[
        Optional[bool],  # noqa: UP045 - typer reads it at run time
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    pass


def build(words: list[str]) -> typer.Typer:
    """The program for these words: the one command that they name, or all."""
    app = typer.Typer(
        name="alicia",
        help="A private, voice-first assistant for the home.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings=_NAMES,
    )
    app.callback()(_main)
    first = words[0] if words else ""
    if first == "--version":
        return app
    for name in [first] if first in COMMANDS else COMMANDS:
        _add(app, name, COMMANDS[name])
    return app


def _add(app: typer.Typer, name: str, entry: Entry) -> None:
    module = import_module(f"alicia.cli.{entry.module}")
    if not entry.group:
        app.command(name, rich_help_panel=entry.panel)(getattr(module, name))
        return
    group = typer.Typer(name=name, help=entry.about, cls=DefaultGroup, context_settings=_NAMES)
    for command, function in entry.group:
        group.command(command)(getattr(module, function))
    app.add_typer(group, rich_help_panel=entry.panel)


def main() -> None:
    """The program's entry: whatever goes wrong, a person reads a sentence, no traceback."""
    words = sys.argv[1:]
    if os.environ.get(DEBUG):
        build(words)()
        return
    try:
        build(words)()
    except BrokenPipeError:
        discard_output()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the edge towards a person
        sys.exit(fail(explain(error), as_json="--json" in words).exit_code)
