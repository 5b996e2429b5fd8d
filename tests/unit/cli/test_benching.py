"""`alicia models bench`, with a real recognizer in a real child process."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alicia.cli.app import build
from alicia.runtime.settings import Folder
from alicia.speech.models import ModelStore

SPEECH = Path(__file__).parents[2] / "data" / "speech"
runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


def bench(*words: str) -> dict[str, object]:
    told = runner.invoke(build(["models"]), ["models", "bench", "--json", *words])
    return json.loads(told.stdout) | {"code": told.exit_code}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    pytest.importorskip("moonshine_voice", reason="needs alicia[offline-english]")
    pytest.importorskip("onnxruntime")
    ModelStore(Folder(tmp_path).models).pull("moonshine-tiny-en")
    return tmp_path


def test_mistakes_time_and_memory_are_measured(home: Path, tmp_path: Path) -> None:
    rows = (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()[:3]
    folder = tmp_path / "speech"
    folder.mkdir()
    (folder / "labels.jsonl").write_text("\n".join(rows), "utf-8")
    for row in rows:
        shutil.copy(SPEECH / json.loads(row)["file"], folder)
    told = bench(str(folder), "--home", str(home))
    assert told["code"] == 0
    (result,) = told["results"]  # type: ignore[misc]
    assert result["model"] == "moonshine-tiny-en"
    assert result["recordings"] == 3
    assert result["error_rate"] < 0.1
    assert result["p50_ms"] > 0
    assert result["memory_bytes"] is None or result["memory_bytes"] > 20e6


def test_a_broken_model_is_one_result_with_its_error(home: Path) -> None:
    model = Folder(home).models / "moonshine-tiny-en" / "encoder_model.ort"
    model.write_bytes(bytes(model.stat().st_size))
    told = bench(str(SPEECH), "--home", str(home))
    (result,) = told["results"]  # type: ignore[misc]
    assert result["error"]["code"] == "voice.engine"
    assert told["code"] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([str(SPEECH), "--model", "no-such"], "setup.dependency_missing"),
        ([str(SPEECH), "--language", "ja"], "setup"),
        (["/nowhere/at/all"], "setup"),
    ],
)
def test_what_cannot_be_measured_is_told(words: list[str], code: str, tmp_path: Path) -> None:
    told = bench(*words, "--home", str(tmp_path))
    assert told["code"] == 1
    assert told["error"]["code"] == code  # type: ignore[index]
