"""Codes that count once, and tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicia.security.visitors import CODE_S, TOKEN_S, TRIES, Visitors


@pytest.fixture
def visitors(tmp_path: Path) -> Visitors:
    return Visitors(tmp_path / "book")


def test_a_code_lets_one_browser_in(visitors: Visitors) -> None:
    code = visitors.invite()
    token = visitors.enter(code.lower().replace("-", " "))
    assert visitors.knows(token)
    assert visitors.enter(code) is None


def test_a_code_ends_after_its_time(visitors: Visitors) -> None:
    code = visitors.invite(now=1000)
    assert visitors.enter(code, now=1001 + CODE_S) is None


def test_a_new_code_ends_the_one_before(visitors: Visitors) -> None:
    first, second = visitors.invite(), visitors.invite()
    assert visitors.enter(first) is None
    assert visitors.enter(second)


def test_guessing_ends_the_code(visitors: Visitors) -> None:
    code = visitors.invite()
    for _ in range(TRIES):
        assert visitors.enter("AAAAAAAA") is None
    assert visitors.enter(code) is None


def test_a_token_is_forgotten_in_time_and_on_leaving(visitors: Visitors) -> None:
    token = visitors.enter(visitors.invite(now=1000), now=1000)
    assert token
    assert visitors.knows(token, now=1000 + TOKEN_S - 1)
    assert not visitors.knows(token, now=1001 + TOKEN_S)
    other = visitors.enter(visitors.invite())
    assert other
    visitors.leave(other)
    assert not visitors.knows(other)
    assert not visitors.knows(None)
    assert not visitors.knows("")


def test_neither_code_nor_token_is_on_the_disk(visitors: Visitors) -> None:
    code = visitors.invite()
    written = "".join(path.read_text() for path in visitors.folder.iterdir())
    assert code.replace("-", "") not in written
    token = visitors.enter(code)
    assert token
    for path in visitors.folder.iterdir():
        assert token not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "x", "é" * 9, "\0", "A" * 500])
def test_nonsense_is_refused(visitors: Visitors, text: str) -> None:
    visitors.invite()
    assert visitors.enter(text) is None


def test_a_damaged_book_lets_nobody_in(visitors: Visitors) -> None:
    token = visitors.enter(visitors.invite())
    for path in visitors.folder.iterdir():
        path.write_text("[")
    assert not visitors.knows(token)
    assert visitors.enter("AAAAAAAA") is None
