import pytest

from alicia.speech.repetition import once


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "turn off everything, turn off everything, turn off everything",
            "turn off everything,",
        ),
        ("set the lamp to red. set the lamp to", "set the lamp to red."),
        ("Lock the front door, lock the front door.", "Lock the front door,"),
        ("電気をつけて。電気をつけて。", "電気をつけて。"),
    ],
)
def test_what_is_written_again_and_again_was_said_once(written: str, said: str) -> None:
    assert once(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no no no",
        "Turn on the light.",
        "bye bye",
        "turn on the lamp and turn off the light",
        "turn on the kitchen light turn on",  # Half a word more: who knows which light?
        "もっともっと明るく",
    ],
)
def test_what_repeats_no_whole_sentence_stays(text: str) -> None:
    assert once(text) == text
