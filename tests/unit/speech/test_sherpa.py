import importlib.util
import json
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm, frames, read
from alicia.errors import EngineError, UnsupportedLanguageError
from alicia.speech import scoring, sherpa
from alicia.speech.models import catalogue
from alicia.speech.sherpa import FORMS, SherpaRecognizer, SherpaStreamingRecognizer

SPEECH = Path(__file__).parents[2] / "data" / "speech"
SPOKEN = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
ROWS = [row for row in SPOKEN if row["language"] == "en"]
ENGLISH = frozenset({"en"})


async def test_commands_are_recognized_by_its_moonshine(moonshine_folder: Path) -> None:
    """Moonshine is the one form that a package carries; the adapter is the same for the others."""
    pytest.importorskip("sherpa_onnx")
    recognizer = await sherpa.load(moonshine_folder, form="moonshine", languages=ENGLISH)
    assert isinstance(recognizer, SherpaRecognizer)
    total = scoring.NONE
    try:
        for row in ROWS[:8]:
            guess = await recognizer.transcribe(read(SPEECH / row["file"], max_s=10), "en")
            total += scoring.errors(row["text"], guess.text, "en")
            assert guess.confidence > 0.6
        assert (await recognizer.transcribe(np.zeros(2 * RATE_HZ, np.int16), "en")).confidence < 0.2
        with pytest.raises(UnsupportedLanguageError):
            await recognizer.transcribe(np.zeros(RATE_HZ, np.int16), "ko")
    finally:
        await recognizer.aclose()
    assert total.rate < 0.03


def _toy() -> Any:
    """The tests are imported by path, so what lies beside them is too."""
    path = Path(__file__).with_name("toy_transducer.py")
    spec = importlib.util.spec_from_file_location("toy_transducer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sound(start_s: float, end_s: float, total_s: float) -> Pcm:
    """Noise in silence."""
    pcm = np.zeros(int(total_s * RATE_HZ), np.int16)
    first, last = int(start_s * RATE_HZ), int(end_s * RATE_HZ)
    pcm[first:last] = np.random.default_rng(1).normal(0, 3_000, last - first).astype(np.int16)
    return pcm


@pytest.fixture
async def ticking(tmp_path: Path) -> AsyncGenerator[SherpaStreamingRecognizer, None]:
    pytest.importorskip("sherpa_onnx")
    pytest.importorskip("onnx")
    folder = _toy().write_streaming(tmp_path / "toy")
    loaded = await sherpa.load(folder, form="streaming-transducer", languages=ENGLISH)
    assert isinstance(loaded, SherpaStreamingRecognizer)
    yield loaded
    await loaded.aclose()


async def test_a_streaming_transducer_is_heard_while_it_is_fed(
    ticking: SherpaStreamingRecognizer,
) -> None:
    stream, partials = ticking.open("en"), list[str]()
    for frame in frames(sound(0.5, 1.0, 1.5), frame_ms=100):
        if guess := await stream.feed(frame):
            assert not guess.final
            partials.append(guess.text)
    final = await stream.finish()
    await stream.aclose()
    assert len(partials) >= 4
    assert all(later.startswith(earlier) for earlier, later in pairwise(partials))
    assert final.final
    assert final.text.startswith("tick tock tick tock")
    assert final.text == " ".join(word.text for word in final.words)
    assert 400 <= final.words[0].start_ms <= 600
    assert 900 <= final.words[-1].start_ms <= 1100
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(final.words))
    assert 0.5 < final.confidence < 1


async def test_streams_do_not_mix_and_silence_is_no_text(
    ticking: SherpaStreamingRecognizer,
) -> None:
    loud, quiet = ticking.open("en"), ticking.open("en")
    for frame in frames(sound(0.2, 0.8, 1.0), frame_ms=100):
        await loud.feed(frame)
        await quiet.feed(np.zeros_like(frame))
    assert (await quiet.finish()).text == ""
    assert "tick tock" in (await loud.finish()).text
    await loud.aclose()
    with pytest.raises(EngineError):
        await loud.feed(np.zeros(RATE_HZ, np.int16))


async def test_a_transducer_for_whole_utterances_is_heard(tmp_path: Path) -> None:
    pytest.importorskip("sherpa_onnx")
    pytest.importorskip("onnx")
    folder = _toy().write_whole(tmp_path / "toy")
    recognizer = await sherpa.load(folder, form="transducer", languages=ENGLISH)
    try:
        guess = await recognizer.transcribe(sound(0.5, 1.0, 1.5), "en")
        assert "tick tock" in guess.text
        assert guess.confidence > 0.5
        assert (await recognizer.transcribe(np.zeros(RATE_HZ, np.int16), "en")).text == ""
    finally:
        await recognizer.aclose()


async def test_a_model_that_is_not_whole_is_told_before_the_engine_sees_it(tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("a 0\n", "utf-8")
    with pytest.raises(EngineError) as caught:
        await sherpa.load(tmp_path, form="sense-voice", languages=ENGLISH)
    assert caught.value.fields["missing"] == "model.onnx"


async def test_an_unknown_form_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="tarot"):
        await sherpa.load(tmp_path, form="tarot", languages=ENGLISH)


def test_every_sherpa_model_of_the_catalogue_has_the_files_of_its_form() -> None:
    models = [model for model in catalogue() if model.engine == "sherpa"]
    assert len(models) >= 3
    for model in models:
        assert {file.name for file in model.files} == set(FORMS[model.form]), model.name
