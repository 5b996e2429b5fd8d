from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicia.audio.augmentation import faster, pcm_of, wave_of
from alicia.audio.formats import RATE_HZ, Pcm, read
from alicia.speech.prosody import NOTHING, measure

DATA = Path(__file__).parents[2] / "data" / "speech"


class Always:
    """Everything is speech: a tone has to be measured as if it were."""

    frame_samples = 256

    def speech_probability(self, frame: Pcm) -> float:
        assert len(frame) == 256
        return 1.0


def tone(hz: float, seconds: float = 1.0) -> Pcm:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return pcm_of(sum(0.2 / n * np.sin(2 * np.pi * hz * n * time) for n in range(1, 6)))


@settings(max_examples=20, deadline=None)
@given(hz=st.floats(80, 380))
def test_the_pitch_of_a_tone_is_its_frequency(hz: float) -> None:
    found = measure(tone(hz), vad=Always())
    assert found.pitch_hz == pytest.approx(hz, rel=0.01)
    assert found.jitter_pct is not None
    assert found.jitter_pct < 0.5


def test_women_and_men_differ_as_they_do() -> None:
    def pitch(name: str) -> float:
        found = measure(read(DATA / f"{name}.flac", max_s=10))
        assert found.pitch_hz is not None
        return found.pitch_hz

    assert pitch("turn_on_the_kitchen_light.bf_emma") > 150
    assert pitch("turn_off_the_coffee_machine.am_onyx") < 130


def test_what_is_said_faster_has_more_syllables_a_second_and_a_higher_pitch() -> None:
    slow = wave_of(read(DATA / "set_the_bedroom_lamp_to_thirty_percent.bf_emma.flac", max_s=10))
    one, two = measure(pcm_of(slow)), measure(pcm_of(faster(slow, 1.25)))
    assert one.pitch_hz is not None
    assert two.pitch_hz is not None
    assert two.pitch_hz == pytest.approx(1.25 * one.pitch_hz, rel=0.08)
    assert one.speaking_rate is not None
    assert two.speaking_rate is not None
    assert two.speaking_rate > one.speaking_rate


def test_the_pace_is_near_what_was_counted_by_hand() -> None:
    # "Set the bedroom lamp to thirty percent": nine syllables in 1.8 s of speech.
    found = measure(read(DATA / "set_the_bedroom_lamp_to_thirty_percent.bf_emma.flac", max_s=10))
    assert found.speaking_rate == pytest.approx(5.0, abs=1.6)


def test_loudness_follows_the_gain() -> None:
    pcm = read(DATA / "turn_on_the_kitchen_light.bf_emma.flac", max_s=10)
    loud, quiet = measure(pcm), measure(pcm_of(wave_of(pcm) * np.float32(0.5)))
    assert loud.loudness_dbfs is not None
    assert quiet.loudness_dbfs is not None
    assert loud.loudness_dbfs - quiet.loudness_dbfs == pytest.approx(6, abs=0.7)


@pytest.mark.parametrize("length", [0, 100, RATE_HZ])
def test_of_silence_nothing_is_said(length: int) -> None:
    assert measure(np.zeros(length, np.int16)) == NOTHING


def test_noise_has_no_pitch() -> None:
    hiss = np.random.default_rng(3).normal(0, 3000, RATE_HZ).astype(np.int16)
    assert measure(hiss, vad=Always()).pitch_hz is None
