from pathlib import Path

import pytest
from pydantic import Field

from alicia.errors import SettingsError
from alicia.language.tables import LANGUAGES
from alicia.runtime.settings import SPOKEN, Folder, Settings, load
from alicia.services.advanced.language import LanguageSettings
from alicia.services.voice.ai import AiSettings
from alicia.services.voice.stt import SttSettings
from alicia.services.voice.tts import TtsSettings


class Oven(Settings):
    degrees: int = Field(default=180, gt=0)
    mode: str = "bake"


def folder(root: Path, text: str = "") -> Folder:
    (root / "alicia.toml").write_text(text, "utf-8")
    return Folder(root)


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALICIA_OVEN__DEGREES", raising=False)
    monkeypatch.delenv("ALICIA_HOME", raising=False)


def test_a_default_is_overruled_by_the_file_and_the_file_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(Oven, "oven", Folder(tmp_path)) == Oven(degrees=180, mode="bake")
    house = folder(tmp_path, "[oven]\ndegrees = 200\nmode = 'grill'\n[other]\ndegrees = 1\n")
    assert load(Oven, "oven", house) == Oven(degrees=200, mode="grill")
    monkeypatch.setenv("ALICIA_OVEN__DEGREES", "220")
    assert load(Oven, "oven", house) == Oven(degrees=220, mode="grill")


def test_a_bad_value_names_its_field_and_the_file(tmp_path: Path) -> None:
    house = folder(tmp_path, "[oven]\ndegrees = -1\n")
    with pytest.raises(SettingsError, match=r"oven\.degrees") as raised:
        load(Oven, "oven", house)
    assert raised.value.fields == {"field": "oven.degrees", "origin": str(house.settings_file)}


def test_a_bad_value_names_its_field_and_the_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = folder(tmp_path, "[oven]\ndegrees = 200\n")
    monkeypatch.setenv("ALICIA_OVEN__DEGREES", "hot")
    with pytest.raises(SettingsError) as raised:
        load(Oven, "oven", house)
    assert raised.value.fields["field"] == "oven.degrees"
    assert raised.value.fields["origin"] == "environment variable ALICIA_OVEN__DEGREES"


def test_what_a_home_speaks_is_said_once_for_all_who_hear_understand_and_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"stt": SttSettings, "ai": AiSettings, "tts": TtsSettings, "language": LanguageSettings}
    before = {name: load(kind, name, Folder(tmp_path)).languages for name, kind in kinds.items()}
    assert before == {"stt": ",".join(LANGUAGES), "ai": "en", "tts": "en", "language": ""}
    house = folder(tmp_path, "[house]\nlanguages = 'de, en,de'\n[tts]\nlanguages = 'de'\n")
    found = {name: load(kind, name, house).languages for name, kind in kinds.items()}
    assert found == {"stt": "de,en", "ai": "de,en", "tts": "de", "language": "de,en"}
    assert load(Oven, "oven", house) == Oven()
    monkeypatch.setenv("ALICIA_HOUSE__LANGUAGES", "ja")
    assert load(AiSettings, "ai", house).languages == "ja"
    monkeypatch.setenv("ALICIA_HOUSE__LANGUAGES", "ja,nl")
    with pytest.raises(SettingsError, match=r"house\.languages.*nl"):
        load(AiSettings, "ai", house)


def test_the_nine_languages_are_the_same_everywhere() -> None:
    assert SPOKEN == LANGUAGES


def test_a_setting_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"oven\.degres"):
        load(Oven, "oven", folder(tmp_path, "[oven]\ndegres = 1\n"))


@pytest.mark.parametrize("text", ["[oven", "x = \x00"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, text: str) -> None:
    house = folder(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        load(Oven, "oven", house)
    assert raised.value.fields["file"] == str(house.settings_file)


def test_a_house_is_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICIA_HOME", str(tmp_path / "elsewhere"))
    assert Folder().root == tmp_path / "elsewhere"
    assert Folder(tmp_path).root == tmp_path
    monkeypatch.delenv("ALICIA_HOME")
    assert Folder().root.name == "alicia"
    mine = Folder(tmp_path).state("oven")
    assert mine.is_dir()
    assert mine.stat().st_mode & 0o077 == 0
