"""`alicia people`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alicia.cli.app import build
from alicia.security.guard import Guard
from alicia.testing.people import kept_people

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})
PIN = "258014"


def people(folder: Path, *words: str, code: int = 0, typed: str | None = None) -> str:
    told = runner.invoke(build(["people"]), ["people", *words, "--home", str(folder)], input=typed)
    assert told.exit_code == code, told.output
    return told.output


def as_json(folder: Path, *words: str, code: int = 0) -> Any:
    return json.loads(people(folder, *words, "--json", code=code))


def test_somebody_is_added_gets_a_pin_and_is_listed_without_it(tmp_path: Path) -> None:
    assert "Nobody yet" in people(tmp_path)
    assert people(tmp_path, "role", "Ana María", "owner") == "Ana María is owner now.\n"
    assert people(tmp_path, "pin", "ana maría", typed=f"{PIN}\n") == "Ana María has a new PIN.\n"
    told = as_json(tmp_path, "list")
    assert told == {
        "people": [
            {
                "person_id": "ana_maría",
                "name": "Ana María",
                "role": "owner",
                "rules": [],
                "has_pin": True,
            }
        ],
        "roles": {},
    }
    assert "Ana María" in people(tmp_path)
    assert PIN not in kept_people(tmp_path).path.read_text("utf-8")
    assert people(tmp_path, "pin", "ana maría", "--remove").endswith("no PIN any more.\n")
    assert not as_json(tmp_path, "list")["people"][0]["has_pin"]
    people(tmp_path, "remove", "Ana María")
    assert as_json(tmp_path, "list")["people"] == []


def test_rules_are_made_for_people_and_roles(tmp_path: Path) -> None:
    people(tmp_path, "role", "Mia", "child")
    people(tmp_path, "forbid", "mia", "media_player", "--capability", "volume")
    said = people(tmp_path, "allow", "mia", "climate", "--from", "18", "--to", "21")
    assert said == "For Mia: allow climate 18 to 21.\n"
    people(tmp_path, "forbid", "guest", "area:bedroom")
    people(
        tmp_path, "allow", "unknown", "cover.garage_door", "--by", "confirmation", "--only-opening"
    )
    told = as_json(tmp_path, "list")
    assert told["people"][0]["rules"] == [
        {"decision": "allow", "domain": "climate", "minimum": 18.0, "maximum": 21.0},
        {"decision": "deny", "domain": "media_player", "capability": "volume"},
    ]
    assert told["roles"] == {
        "guest": [{"decision": "deny", "area": "bedroom"}],
        "unknown": [
            {"decision": "needs_confirmation", "entity": "cover.garage_door", "opens": True}
        ],
    }
    table = people(tmp_path)
    assert "deny media_player volume" in table
    assert "every guest" in table
    Guard(kept_people(tmp_path).path.parent)


@pytest.mark.parametrize(
    ("words", "typed", "part"),
    [
        (("pin", "Zoe"), f"{PIN}\n", "Nobody is called"),
        (("forbid", "Zoe", "light"), None, "Nobody is called"),
        (("role", "Guest", "owner"), None, "is a role"),
        (("role", "!!", "owner"), None, "needs a name"),
        (("role", "Zoe", "unknown"), None, "Nobody with a name"),
        (("forbid", "guest", "area:"), None, "is no entity"),
        (("forbid", "guest", "the door"), None, "is no entity"),
        (("allow", "guest", "climate", "--from", "5", "--to", "1"), None, "no rule"),
    ],
)
def test_what_can_not_be_is_said_with_a_code(
    tmp_path: Path, words: tuple[str, ...], typed: str | None, part: str
) -> None:
    told = runner.invoke(
        build(["people"]), ["people", *words, "--json", "--home", str(tmp_path)], input=typed
    )
    assert told.exit_code == 1
    error = json.loads(told.output)["error"]
    assert error["code"] == "device.invalid_value"
    assert part in error["message"]
    assert not kept_people(tmp_path).path.exists()


@pytest.mark.parametrize("bad", ["1234", "97", "0000", "letters", ""])
def test_a_bad_pin_changes_nothing_and_is_not_repeated(tmp_path: Path, bad: str) -> None:
    people(tmp_path, "role", "Anna", "owner")
    told = runner.invoke(
        build(["people"]), ["people", "pin", "Anna", "--home", str(tmp_path)], input=f"{bad}\n"
    )
    assert told.exit_code == 1
    assert not bad or bad not in told.output
    assert not as_json(tmp_path, "list")["people"][0]["has_pin"]


def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path) -> None:
    path = kept_people(tmp_path).path
    path.write_text("{", "utf-8")
    assert as_json(tmp_path, "list", code=1)["error"]["code"] == "setup"
    assert as_json(tmp_path, "role", "Anna", "owner", code=1)["error"]["code"] == "setup"
    assert path.read_text("utf-8") == "{"
