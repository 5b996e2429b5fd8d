"""`alicia voices`: told, rendered and spoken into a file, without a house."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alicia.audio.formats import read
from alicia.cli.app import build
from alicia.contracts.devices import Area
from alicia.home.demo import DemoHome, load

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("py_nanotts") is None, reason="needs alicia[pico]: py_nanotts"
)
runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALICIA_HOME", str(tmp_path))
    monkeypatch.setenv("ALICIA_TTS__ENGINES", "pico")
    return tmp_path


def alicia(*words: str) -> tuple[int, str]:
    told = runner.invoke(build(["voices"]), ["voices", *words])
    return told.exit_code, told.output


def test_every_language_is_listed_and_what_is_missing_is_told() -> None:
    code, output = alicia("list", "--json")
    assert code == 0
    told = json.loads(output)
    by_language = {voice["language"]: voice for voice in told["voices"]}
    assert len(by_language) == 9
    assert by_language["de"]["engine"] == "pico"
    assert by_language["de"]["sound"] == "synthetic"
    assert by_language["ko"]["live"] is None
    assert by_language["ko"]["missing"]
    assert told["cache"] == {"size_bytes": 0, "limit_bytes": 256_000_000}
    assert "nobody" in alicia()[1]


def test_a_text_is_said_into_a_file_and_the_second_time_from_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "x.wav"
    said = [
        json.loads(alicia("say", "de", "Es sind 21,5 °C.", "-o", str(file), "--json")[1])
        for _ in range(2)
    ]
    assert [one["cached"] for one in said] == [False, True]
    assert len(read(file, max_s=20)) / 16_000 == pytest.approx(said[0]["seconds"], abs=0.1)


def test_markup_that_is_not_understood_is_an_error_for_a_person(tmp_path: Path) -> None:
    words = ["say", "en", "<speak><audio/></speak>", "--ssml", "-o", str(tmp_path / "x.wav")]
    code, output = alicia(*words, "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "voice.markup"
    assert not (tmp_path / "x.wav").exists()


def test_phrases_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = load()
    small = DemoHome(
        areas=[Area(area_id="kitchen", name="Kitchen")],
        devices=demo.devices[:1],
        initial={},
        draws_w={},
    )
    monkeypatch.setattr("alicia.home.demo.load", lambda: small)
    for rendered in (True, False):
        code, output = alicia("warm", "en", "--demo-home", "--json")
        assert code == 0, output
        [done] = json.loads(output)["warmed"]
        assert done["ready"] == done["total"] > 30
        assert bool(done["rendered"]) is rendered
    told = json.loads(alicia("list", "--json")[1])
    english = next(voice for voice in told["voices"] if voice["language"] == "en")
    assert english["phrases"] == done["total"]


def test_without_a_house_its_names_are_not_known() -> None:
    code, output = alicia("warm", "en", "--json")
    assert code == 1
    assert json.loads(output)["error"]["code"] == "setup.not_ready"
