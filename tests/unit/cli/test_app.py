"""The program and its commands."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from alicia import __version__
from alicia.cli import app as program
from alicia.cli.app import COMMANDS, build

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_and_takes_json_and_home(name: str) -> None:
    words = [name, *([COMMANDS[name].group[0][0]] if COMMANDS[name].group else []), "--help"]
    told = runner.invoke(build([name]), words)
    assert told.exit_code == 0, told.output
    assert "--home" in told.output
    assert "--json" in told.output or name == "run"


def test_the_whole_program_lists_every_command() -> None:
    told = runner.invoke(build([]), ["--help"])
    assert all(f" {name} " in told.output for name in COMMANDS)


def test_only_the_module_of_the_command_is_loaded_for_it() -> None:
    names = [command.name for command in build(["say"]).registered_commands]
    assert names == ["say"]


def test_the_version_is_told() -> None:
    told = runner.invoke(build(["--version"]), ["--version"])
    assert told.output == f"alicia {__version__}\n"


def test_a_group_without_a_command_means_its_first() -> None:
    told = runner.invoke(build(["models"]), ["models", "--json", "--help"])
    assert "Show every model that is known" in told.output


def test_an_unforeseen_error_is_a_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: list[str]) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(program, "build", broken)
    monkeypatch.setattr(sys, "argv", ["alicia", "ps"])
    monkeypatch.delenv("ALICIA_DEBUG", raising=False)
    with pytest.raises(SystemExit) as leaving:
        program.main()
    assert leaving.value.code == 1
    said = capsys.readouterr()
    assert "mistake in Alicia" in said.err
    assert "Traceback" not in said.err
