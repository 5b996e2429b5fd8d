"""What a person reads when something goes wrong, and how numbers are told."""

from __future__ import annotations

import asyncio
import json

import pytest
import typer

from alicia.cli import output
from alicia.errors import NotReadyError, SetupError, UnknownEntityError


def test_an_error_is_printed_as_its_code_its_sentence_and_its_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "err", output.Console(stderr=True, width=100))
    leaving = output.fail(UnknownEntityError("There is no [red] lamp.", entity="light.x"))
    said = capsys.readouterr()
    assert leaving.exit_code == 1
    assert "device.unknown_entity There is no [red] lamp." in said.err
    assert "entity: light.x" in said.err
    assert said.out == ""


def test_an_error_for_a_program_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    output.fail(NotReadyError("Not yet.", folder="/tmp/x"), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "error": {
            "code": "setup.not_ready",
            "message": "Not yet.",
            "fields": {"folder": "/tmp/x"},
        }
    }


def test_an_error_inside_a_task_group_ends_a_command_with_exit_code_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken())

    async def broken() -> None:
        raise NotReadyError("Not yet.")

    with pytest.raises(typer.Exit) as leaving:
        output.run(work(), as_json=True)
    assert leaving.value.exit_code == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "setup.not_ready"


def test_a_group_without_an_error_of_ours_stays_what_it_is() -> None:
    group = BaseExceptionGroup("both", [ValueError("a"), KeyError("b")])
    assert output.only(group) is group


def test_an_unforeseen_error_of_the_system_names_the_file_and_the_doctor() -> None:
    told = output.explain(PermissionError(13, "Permission denied", "/srv/home"))
    assert isinstance(told, SetupError)
    assert "/srv/home: Permission denied" in told.message
    assert "alicia doctor" in told.message


def test_a_mistake_of_ours_is_told_as_one() -> None:
    told = output.explain(ZeroDivisionError("division by zero"))
    assert told.fields["reason"] == "ZeroDivisionError: division by zero"
    assert output.DEBUG in told.message


@pytest.mark.parametrize(
    ("count", "told"),
    [(None, "?"), (0, "0 B"), (999, "999 B"), (148e6, "148 MB"), (79.3e9, "79.3 GB")],
)
def test_bytes_are_told_in_the_largest_unit_that_fits(count: float | None, told: str) -> None:
    assert output.size(count) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "—"),
        (4.9, "4 s"),
        (65, "1 min 05 s"),
        (3_720, "1 h 02 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_span_is_told_in_its_two_largest_units(seconds: float | None, told: str) -> None:
    assert output.duration(seconds) == told
