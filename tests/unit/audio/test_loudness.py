import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.audio.formats import Pcm
from alicia.audio.loudness import CEILING, FLOOR_LUFS, TARGET_LUFS, levelled, loudness


def tone(amplitude: float, hz: float = 997, rate_hz: int = 48_000, seconds: float = 2) -> Pcm:
    at = np.arange(int(rate_hz * seconds)) / rate_hz
    return (amplitude * 32_767 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("level_db", [0, -20, -40])
def test_the_standards_tone_reads_as_the_standard_says(rate_hz: int, level_db: int) -> None:
    # BS.1770: 997 Hz at full scale in one channel is -3.01 LUFS.
    heard = loudness(tone(10 ** (level_db / 20), rate_hz=rate_hz), rate_hz)
    assert heard == pytest.approx(level_db - 3.01, abs=0.1)


def test_low_notes_count_less_and_high_ones_more() -> None:
    assert loudness(tone(0.1, 40), 48_000) < loudness(tone(0.1), 48_000) - 2
    assert loudness(tone(0.1, 4_000), 48_000) > loudness(tone(0.1), 48_000) + 2


def test_pauses_do_not_make_speech_quieter() -> None:
    speech = tone(0.2)
    paused = np.concatenate([speech, np.zeros(48_000 * 4, np.int16), speech])
    assert loudness(paused, 48_000) == pytest.approx(loudness(speech, 48_000), abs=1)


def test_silence_stays_silent() -> None:
    assert loudness(np.zeros(0, np.int16), 16_000) == FLOOR_LUFS
    assert loudness(np.zeros(16_000, np.int16), 16_000) == FLOOR_LUFS
    assert not levelled(np.zeros(16_000, np.int16), 16_000).any()


@given(st.floats(0.005, 1), st.floats(0.15, 1.5))
def test_whatever_comes_is_as_loud_as_the_target(amplitude: float, seconds: float) -> None:
    made = levelled(tone(amplitude, rate_hz=16_000, seconds=seconds), 16_000)
    assert loudness(made, 16_000) == pytest.approx(TARGET_LUFS, abs=0.3)


def test_a_peak_is_turned_down_before_it_comes() -> None:
    quiet = tone(0.02, rate_hz=16_000)
    quiet[8_000] = 30_000
    made = levelled(quiet, 16_000)
    assert np.abs(made).max() <= CEILING * 32_768 + 1
    assert loudness(made, 16_000) == pytest.approx(TARGET_LUFS, abs=2)
