"""One English understanding of the demo house for all tests: loading is measured elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.loaded import understanding

from alicia.home import demo
from alicia.home.model import Home
from alicia.language.understanding import Understanding


@pytest.fixture(scope="session")
def english() -> Understanding:
    return understanding("en")


@pytest.fixture(scope="session")
def understandings() -> Callable[[str], Understanding]:
    """The one of each language, for all tests."""
    return understanding


@pytest.fixture
def home() -> Home:
    return demo.load().picture()
