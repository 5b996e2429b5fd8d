import json
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, read
from alicia.errors import EngineError, UnsupportedLanguageError
from alicia.speech import scoring, sherpa
from alicia.speech.models import catalogue
from alicia.speech.sherpa import FORMS, SherpaRecognizer

SPEECH = Path(__file__).parents[2] / "data" / "speech"
ROWS = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
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
