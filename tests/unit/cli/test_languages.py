"""`alicia languages` and `alicia translate`, without a house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alicia.cli.app import build

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALICIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALICIA_TTS__ENGINES", "espeak")
    return tmp_path


def alicia(*words: str) -> tuple[int, str]:
    told = runner.invoke(build(list(words)), list(words))
    return told.exit_code, told.output


def test_what_there_is_for_each_language_is_told_without_a_house(home: Path) -> None:
    (home / "alicia.toml").write_text("[house]\nlanguages = 'de,en'\n", "utf-8")
    code, output = alicia("languages", "--json")
    told = json.loads(output)
    assert (code, told["house"], told["translators"]) == (0, False, [])
    by = {one["language"]: one for one in told["languages"]}
    assert len(by) == 9
    assert [one["language"] for one in by.values() if one["household"]] == ["en", "de"]
    assert by["ja"]["name"] == "日本語"
    assert by["ja"]["recognizer"] is None
    assert by["ja"]["translated_into"] == []
    code, output = alicia("languages")
    assert code == 0
    assert "nobody here" in output
    assert "alicia up" in output


def test_a_setting_that_is_wrong_is_told(home: Path) -> None:
    (home / "alicia.toml").write_text("[house]\nlanguages = 'klingon'\n", "utf-8")
    code, output = alicia("languages", "--json")
    assert code == 1
    assert json.loads(output)["error"]["fields"]["field"] == "house.languages"


def test_a_language_that_nobody_speaks_and_a_house_that_is_not_up_are_told() -> None:
    code, output = alicia("translate", "good night", "--to", "Klingon", "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "voice.unsupported_language"
    code, output = alicia("translate", "good night", "--to", "French", "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "setup.not_ready"
