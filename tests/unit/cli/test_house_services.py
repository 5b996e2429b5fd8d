"""Which services come along with a house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicia.cli.house import wanted
from alicia.runtime.settings import Folder

PROVIDER = {
    "name": "own",
    "url": "http://localhost:8080/v1",
    "model": "local",
    "input_usd": 0,
    "output_usd": 0,
}


def test_a_mind_of_models_comes_along_where_a_provider_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    assert "grok" not in wanted([], demo_home=False, folder=folder)
    assert "grok" not in wanted([], demo_home=True)
    assert {"ai", "stt", "advanced_voice"} <= set(wanted([], demo_home=False, folder=folder))
    monkeypatch.setenv("ALICIA_GROK__PROVIDERS", json.dumps([PROVIDER]))
    assert "grok" in wanted([], demo_home=False, folder=folder)


def test_a_peer_comes_along_where_its_settings_say_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert "browser" not in wanted([], demo_home=False, folder=folder)
    folder.settings_file.write_text("[browser]\nwith_house = true\n", "utf-8")
    assert "browser" in wanted([], demo_home=False, folder=Folder(tmp_path))


def test_who_is_named_starts_whatever_the_settings_say(tmp_path: Path) -> None:
    assert wanted(["grok"], demo_home=False, folder=Folder(tmp_path)) == ["broker", "grok"]
