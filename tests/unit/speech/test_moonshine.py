import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm, read
from alicia.errors import EngineError, UnsupportedLanguageError, UtteranceTooLongError
from alicia.speech import scoring
from alicia.speech.models import ModelStore
from alicia.speech.moonshine import MoonshineRecognizer, read_vocabulary, spoken
from alicia.speech.recognizer import Guess

SPEECH = Path(__file__).parents[2] / "data" / "speech"
SURE = 0.4
"""What a service would act on."""
SPOKEN = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
ROWS = [row for row in SPOKEN if row["language"] == "en"]


def command(number: int = 0) -> Pcm:
    return read(SPEECH / ROWS[number]["file"], max_s=10)


def noise(seconds: float, level: float, *, pink: bool) -> Pcm:
    samples = int(seconds * RATE_HZ)
    wave = np.random.default_rng(3).normal(size=samples)
    if pink:
        spectrum = np.fft.rfft(wave)
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        wave = np.fft.irfft(spectrum, samples)
    return (wave / np.std(wave) * level * 32_767).clip(-32_768, 32_767).astype(np.int16)


async def test_commands_are_recognized_and_believed(moonshine: MoonshineRecognizer) -> None:
    total = scoring.NONE
    for row in ROWS:
        guess = await moonshine.transcribe(read(SPEECH / row["file"], max_s=10), "en")
        total += scoring.errors(row["text"], guess.text, "en")
        assert guess.confidence > SURE, row["text"]
    assert total.rate < 0.03


async def test_foreign_speech_is_believed_less(moonshine: MoonshineRecognizer) -> None:
    foreign = [row for row in SPOKEN if row["language"] != "en"]
    guesses = [
        await moonshine.transcribe(read(SPEECH / row["file"], max_s=10), "en") for row in foreign
    ]
    believed = [guess.text for guess in guesses if guess.confidence > SURE]
    assert len(believed) <= len(foreign) // 5, believed


@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("level", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_what_is_heard_in_noise_is_not_believed(
    moonshine: MoonshineRecognizer, seconds: float, level: float, pink: bool
) -> None:
    guess = await moonshine.transcribe(noise(seconds, level, pink=pink), "en")
    assert guess.confidence < SURE / 2


async def test_silence_is_not_believed(moonshine: MoonshineRecognizer) -> None:
    guess = await moonshine.transcribe(np.zeros(2 * RATE_HZ, np.int16), "en")
    assert guess.confidence < SURE / 2


async def test_next_to_nothing_is_no_text(moonshine: MoonshineRecognizer) -> None:
    assert await moonshine.transcribe(np.zeros(100, np.int16), None) == Guess("", "en", 0.0)


async def test_another_language_is_refused(moonshine: MoonshineRecognizer) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await moonshine.transcribe(command(), "de")
    with pytest.raises(UnsupportedLanguageError):
        await moonshine.weigh(command(), "en", ["turn on the kitchen light"])


async def test_more_than_it_takes_is_refused(moonshine: MoonshineRecognizer) -> None:
    with pytest.raises(UtteranceTooLongError):
        await moonshine.transcribe(np.zeros(30 * RATE_HZ, np.int16), "en")


async def test_cancelling_frees_the_caller_at_once(moonshine: MoonshineRecognizer) -> None:
    tasks = [asyncio.create_task(moonshine.transcribe(command(), "en")) for _ in range(10)]
    await asyncio.sleep(0)
    assert moonshine.busy
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert (await moonshine.transcribe(command(), "en")).text == ROWS[0]["text"]


async def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EngineError):
        await MoonshineRecognizer.load(tmp_path)


async def test_a_damaged_model_is_told(moonshine_folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(moonshine_folder, tmp_path / "broken")
    (broken / "encoder_model.ort").write_bytes(b"no model at all")
    with pytest.raises(EngineError):
        await MoonshineRecognizer.load(broken)


def test_the_models_package_holds_what_the_catalogue_says(store: ModelStore) -> None:
    pytest.importorskip("moonshine_voice")
    assert store.has("moonshine-tiny-en") or store.pull("moonshine-tiny-en").is_dir()


def test_a_vocabulary_is_read_with_long_tokens() -> None:
    long = b"x" * 300
    data = b"\x05<unk>\x00" + bytes([0x80 | 300 & 0x7F, 300 >> 7]) + long
    assert read_vocabulary(data) == [b"<unk>", b"", long]
    with pytest.raises(ValueError, match="cut off"):
        read_vocabulary(b"\x05<un")


def test_marks_and_torn_letters_are_no_text() -> None:
    vocabulary = [b"<unk>", b"<s>", b"</s>", "▁caf".encode(), "é".encode(), b"<<ST_1>>", b"\xc3"]
    assert spoken(vocabulary, [1, 3, 4, 5, 6, 2]) == "café"
