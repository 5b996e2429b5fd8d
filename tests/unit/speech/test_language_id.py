from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import Pcm
from alicia.errors import SettingsError
from alicia.speech.language_id import HouseholdLanguages, weighed
from alicia.speech.whisper import WhisperRecognizer

SILENCE = np.zeros(16_000, np.int16)


class Ears:
    """Hears what it is told to."""

    def __init__(self, **heard: float) -> None:
        self.heard = heard
        self.asked = 0

    async def detect(self, pcm: Pcm) -> dict[str, float]:
        assert len(pcm)
        self.asked += 1
        return dict(self.heard)


def test_at_first_every_language_of_the_household_is_as_likely() -> None:
    home = HouseholdLanguages(["de", "fr", "de"])
    assert home.expected() == pytest.approx({"de": 0.5, "fr": 0.5})


def test_a_household_speaks_something() -> None:
    with pytest.raises(SettingsError):
        HouseholdLanguages([])


def test_what_was_spoken_is_expected_again_but_never_alone() -> None:
    home = HouseholdLanguages(["de", "fr"])
    for _ in range(500):
        home.learn("de")
    assert 0.75 < home.expected()["de"] < 0.8
    assert sum(home.expected().values()) == pytest.approx(1)


def test_a_persons_own_turns_count_more_than_the_households() -> None:
    home = HouseholdLanguages(["de", "fr"])
    for _ in range(10):
        home.learn("de", "anna")
        home.learn("fr", "louis")
    assert home.expected("anna")["de"] > 0.6
    assert home.expected("louis")["fr"] > 0.6
    assert home.expected()["de"] == pytest.approx(0.5, abs=0.05)
    home.forget("anna")
    assert home.expected("anna") == home.expected()


def test_habits_change() -> None:
    home = HouseholdLanguages(["de", "fr"])
    for language in ["de"] * 60 + ["fr"] * 60:
        home.learn(language)
    assert home.expected()["fr"] > home.expected()["de"]


def test_another_language_is_not_counted() -> None:
    home = HouseholdLanguages(["de", "fr"])
    home.learn("ja")
    assert home.expected() == pytest.approx({"de": 0.5, "fr": 0.5})


async def test_only_the_households_languages_are_considered() -> None:
    home = HouseholdLanguages(["es", "it"])
    spoken = await home.identify(Ears(pt=0.9, es=0.06, it=0.04), SILENCE)
    assert spoken.language == "es"
    assert spoken.probability == pytest.approx(0.6)


async def test_a_habit_decides_what_the_ear_does_not() -> None:
    home = HouseholdLanguages(["es", "it"])
    for _ in range(20):
        home.learn("it")
    assert (await home.identify(Ears(es=0.55, it=0.45), SILENCE)).language == "it"
    assert (await home.identify(Ears(es=0.9, it=0.1), SILENCE)).language == "es"


async def test_with_one_language_nobody_asks_the_ears() -> None:
    ears = Ears(de=1.0)
    spoken = await HouseholdLanguages(["fr"]).identify(ears, SILENCE)
    assert (spoken.language, spoken.probability, ears.asked) == ("fr", 1.0, 0)


def test_a_detector_without_an_opinion_leaves_the_expectation() -> None:
    spoken = weighed({}, {"de": 0.7, "fr": 0.3})
    assert spoken.language == "de"
    assert spoken.probability == pytest.approx(0.7)


def test_turns_are_remembered_from_one_start_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "state" / "languages.json"
    home = HouseholdLanguages(["de", "fr"], path)
    for _ in range(5):
        home.learn("fr", "louis")
    again = HouseholdLanguages(["de", "fr"], path)
    assert again.expected("louis") == home.expected("louis")
    assert [file.name for file in path.parent.iterdir()] == ["languages.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"household": {"de": "x"}, "people": {}}'])
def test_a_damaged_memory_is_begun_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "languages.json"
    path.write_text(content, "utf-8")
    home = HouseholdLanguages(["de", "fr"], path)
    assert home.expected() == pytest.approx({"de": 0.5, "fr": 0.5})
    home.learn("fr")
    assert HouseholdLanguages(["de", "fr"], path).expected() == home.expected()


async def test_whisper_is_such_a_detector(whisper: WhisperRecognizer) -> None:
    spoken = await HouseholdLanguages(["de", "fr"]).identify(whisper, SILENCE)
    assert spoken.language in ("de", "fr")
    assert 0.5 <= spoken.probability <= 1
