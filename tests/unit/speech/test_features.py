import numpy as np

from alicia.audio.formats import RATE_HZ
from alicia.speech.features import log_mel


def test_it_equals_what_whisper_was_trained_on() -> None:
    """The values are those of faster-whisper 1.2.1, which equal OpenAI's."""
    times = np.arange(RATE_HZ) / RATE_HZ
    sweep = 8_000 * np.sin(2 * np.pi * (200 * times + 1_500 * times * times))
    mel = log_mel(sweep.astype(np.int16), pad_s=1)
    found = [mel[3, 5], mel[20, 30], mel[40, 60], mel[60, 90], mel[79, 10], mel[:, :99].mean()]
    expected = [0.0127, -0.2736, -0.3486, -0.7087, -0.7087, -0.532]
    assert np.allclose(found, expected, atol=1e-4)


def test_the_window_is_as_long_as_the_audio_and_its_padding_is_the_floor() -> None:
    pcm = np.random.default_rng(1).normal(0, 2_000, RATE_HZ).astype(np.int16)
    mel = log_mel(pcm, pad_s=1)
    assert mel.shape == (80, 200)
    assert np.all(mel[:, 110:] == mel.min())


def test_it_is_never_longer_than_whispers_window() -> None:
    assert log_mel(np.zeros(40 * RATE_HZ, np.int16), pad_s=1).shape == (80, 3000)
