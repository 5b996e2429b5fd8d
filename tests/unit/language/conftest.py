"""One English understanding of the demo house for all tests: loading is measured elsewhere."""

from __future__ import annotations

import pytest

from alicia.home import demo
from alicia.home.model import Home
from alicia.language.understanding import Understanding


@pytest.fixture(scope="session")
def english() -> Understanding:
    return Understanding("en")


@pytest.fixture
def home() -> Home:
    return demo.load().picture()
