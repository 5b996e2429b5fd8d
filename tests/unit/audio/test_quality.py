"""What is made wrong by arithmetic is found by its name; what is clean is called clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicia.audio.augmentation import NOISES, at_snr, muffled, noise, pcm_of, wave_of
from alicia.audio.formats import RATE_HZ, read
from alicia.audio.quality import Defect, measure
from alicia.language.phrases import word

SPEECH = Path(__file__).parents[2] / "data" / "speech"
FILES = sorted(SPEECH.glob("*.flac"))
CLEAN = wave_of(read(FILES[0], max_s=10))
LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
few = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_clean_speech_has_no_defect(file: Path) -> None:
    found = measure(read(file, max_s=10))
    assert found.defects == ()
    assert found.snr_db is not None
    assert found.snr_db > 30


@few
@given(gain_db=st.floats(24, 40))
def test_what_is_driven_too_far_clips(gain_db: float) -> None:
    found = measure(pcm_of(CLEAN * np.float32(10 ** (gain_db / 20))))
    assert found.defects[0] is Defect.CLIPPING
    assert found.clipped_share > 0.01


def test_a_single_loud_peak_is_no_clipping() -> None:
    pcm = pcm_of(CLEAN).copy()
    pcm[12_000] = 32_767
    assert measure(pcm).clipped_share == 0


@few
@given(gain_db=st.floats(-40, -24))
def test_what_is_far_away_is_too_quiet_by_as_much_as_it_is(gain_db: float) -> None:
    found = measure(pcm_of(CLEAN * np.float32(10 ** (gain_db / 20))))
    assert Defect.TOO_QUIET in found.defects
    assert found.level_dbfs == pytest.approx(measure(pcm_of(CLEAN)).level_dbfs + gain_db, abs=2.5)


@few
@given(snr_db=st.floats(0, 25), kind=st.sampled_from(["white", "pink"]), seed=st.integers(0, 1000))
def test_the_ratio_of_speech_to_noise_is_estimated_to_a_few_decibels(
    snr_db: float, kind: str, seed: int
) -> None:
    speech = CLEAN[int(0.42 * RATE_HZ) :][: int(1.3 * RATE_HZ)]
    level = float(np.sqrt(np.mean(speech**2)))
    hiss = noise(kind, len(CLEAN), np.random.default_rng(seed))
    found = measure(pcm_of(at_snr(CLEAN, hiss, snr_db, level=level)))
    assert found.snr_db == pytest.approx(snr_db, abs=5)
    assert (Defect.NOISY in found.defects) == (found.snr_db is not None and found.snr_db < 12)


@few
@given(mains=st.sampled_from([50, 60]), level=st.floats(0.004, 0.05))
def test_the_hum_of_the_mains_is_heard_and_which_it_is(mains: int, level: float) -> None:
    time = np.arange(len(CLEAN)) / RATE_HZ
    hum = sum(level / n * np.sin(2 * np.pi * mains * n * time) for n in (1, 2, 3))
    found = measure(pcm_of((CLEAN + hum).astype(np.float32)))
    assert found.hum_hz == mains
    assert Defect.HUM in found.defects


@few
@given(share=st.floats(0.02, 0.2), sign=st.sampled_from([-1, 1]))
def test_a_signal_off_its_centre_is_found_by_as_much_as_it_is(share: float, sign: int) -> None:
    found = measure(pcm_of(CLEAN + np.float32(sign * share)))
    assert Defect.DC_OFFSET in found.defects
    assert found.dc_share == pytest.approx(share, abs=0.003)


@few
@given(count=st.integers(3, 8), length=st.integers(160, 1600))
def test_gaps_in_the_sound_are_counted(count: int, length: int) -> None:
    hiss = noise("white", len(CLEAN), np.random.default_rng(1)) * np.float32(0.02)
    pcm = pcm_of(CLEAN + hiss).copy()
    for at in np.linspace(3000, len(pcm) - 5000, count).astype(int):
        pcm[at : at + length] = 0
    found = measure(pcm)
    assert found.dropouts == pytest.approx(count, abs=1)
    assert Defect.DROPOUTS in found.defects


def test_digital_silence_around_speech_is_no_dropout() -> None:
    pcm = np.concatenate([np.zeros(4000, np.int16), pcm_of(CLEAN), np.zeros(4000, np.int16)])
    assert measure(pcm).dropouts == 0


@few
@given(above_hz=st.floats(2000, 3200))
def test_a_telephones_band_is_narrow(above_hz: float) -> None:
    found = measure(pcm_of(muffled(CLEAN, above_hz)))
    assert Defect.NARROW_BAND in found.defects
    assert found.bandwidth_hz < 4200


@pytest.mark.parametrize("length", [0, 1, 255, 16_000])
def test_nothing_at_all_is_silence_and_no_crash(length: int) -> None:
    found = measure(np.zeros(length, np.int16))
    assert found.defects == (Defect.SILENT,)
    assert found.snr_db is None


@pytest.mark.parametrize("kind", NOISES)
def test_noise_alone_has_no_ratio_to_speech(kind: str) -> None:
    made = noise(kind, RATE_HZ * 2, np.random.default_rng(2)) * np.float32(0.05)
    assert measure(pcm_of(made)).snr_db is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_defect_has_advice_in_every_language(language: str) -> None:
    said = [word(f"quality.{defect}", language) for defect in Defect]
    assert len(set(said)) == len(Defect)
