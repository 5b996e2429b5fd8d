"""What all services are tested with."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from tests.loaded import understanding


@pytest.fixture(scope="session", autouse=True)
def loaded_languages() -> Generator[None, None, None]:
    """One Understanding of each language for all houses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alicia.language.understanding.Understanding", understanding)
        yield
