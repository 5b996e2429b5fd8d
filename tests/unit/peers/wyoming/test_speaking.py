"""Text in pieces, as sentences."""

from __future__ import annotations

import pytest

from alicia.peers.wyoming.speaking import MOST, Sentences


def cut(*pieces: str) -> list[str]:
    sentences = Sentences()
    return [s for piece in pieces for s in sentences.feed(piece)] + sentences.finish()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["The light is on."], ["The light is on."]),
        (
            ["It is 21.5 degrees. The do", "or is open. "],
            ["It is 21.5 degrees.", "The door is open."],
        ),
        (["灯开了。门关了。"], ["灯开了。", "门关了。"]),
        (["One\nTwo"], ["One", "Two"]),
        (["", " . ", "!!! "], []),
    ],
)
def test_a_sentence_ends_where_it_ends(pieces: list[str], expected: list[str]) -> None:
    assert cut(*pieces) == expected


def test_a_text_without_an_end_is_cut_at_spaces() -> None:
    text = "word " * 500
    pieces = cut(text)
    assert all(len(piece) <= MOST for piece in pieces)
    assert " ".join(pieces).split() == text.split()


def test_a_sentence_is_given_as_soon_as_the_next_begins() -> None:
    sentences = Sentences()
    assert sentences.feed("The light is on.") == []
    assert sentences.feed(" The") == ["The light is on."]
