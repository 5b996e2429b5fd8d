import pytest

from alicia.speech.scoring import NONE, Errors, errors


@pytest.mark.parametrize(
    ("said", "heard", "language", "wrong", "of"),
    [
        ("Turn on the light.", "turn on the light", "en", 0, 4),
        ("Turn on the light.", "turn off the light", "en", 1, 4),
        ("Turn on the light.", "", "en", 4, 4),
        ("set it to thirty percent", "Set it to 30%.", "en", 0, 5),
        ("set it to thirty percent", "set it to thirty per cent", "en", 0, 5),
        ("twenty two degrees", "22°", "en", 0, 2),
        ("what's the time", "What’s the time?", "en", 0, 3),
        ("¿Qué hora es?", "que hora es", "es", 1, 3),
        ("打开灯。", "打开灯", "zh", 0, 3),
        ("打开灯", "打开门", "zh", 1, 3),
        ("불을 켜 줘", "불을켜줘", "ko", 0, 4),
        ("yes", "yes yes yes", "en", 2, 1),
    ],
)
def test_what_a_listener_would_count_is_counted(
    said: str, heard: str, language: str, wrong: int, of: int
) -> None:
    assert errors(said, heard, language) == Errors(wrong, of)


def test_errors_add_up_to_a_rate() -> None:
    assert (Errors(1, 4) + Errors(0, 6)).rate == 0.1
    assert NONE.rate == 0.0
    assert Errors(3, 0).rate == 1.0
