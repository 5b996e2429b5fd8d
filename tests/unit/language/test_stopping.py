from __future__ import annotations

import pytest

from alicia.language.stopping import is_stop


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Stop."),
        ("en", "Alicia, be quiet!"),
        ("en-GB", "cancel"),
        ("de", "Hör auf!"),
        ("de", "Sei still."),
        ("es", "¡Para!"),
        ("es", "Cállate."),
        ("fr", "Arrête-toi."),
        ("fr", "Ça suffit !"),
        ("it", "Basta!"),
        ("pt", "Cala a boca."),
        ("zh", "停。"),
        ("zh", "安静！"),
        ("ja", "止めて。"),
        ("ja", "アリシア、静かにして"),
        ("ko", "그만해!"),
        ("tlh", "stop"),
    ],
)
def test_stop_is_stop(language: str, text: str) -> None:
    assert is_stop(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "stop the music"),
        ("en", "cancel the timer"),
        ("en", ""),
        ("en", "..."),
        ("de", "stopp die Musik"),
        ("es", "para la música"),
        ("pt", "para a música"),
        ("ja", "音楽を止めて"),
    ],
)
def test_what_is_to_be_stopped_is_another_sentence(language: str, text: str) -> None:
    assert not is_stop(text, language)
