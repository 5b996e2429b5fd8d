"""What somebody wants announced, as the others hear it; and what only sounds like it."""

from __future__ import annotations

import pytest

from alicia.home.model import Home
from alicia.language.alarm_panel import about_alarm_panel
from alicia.language.announcing import ToAnnounce, to_announce
from alicia.language.herself import Herself, about_herself


@pytest.mark.parametrize(
    ("language", "sentence", "heard", "areas"),
    [
        ("en", "Tell everyone to come downstairs!", "Please come downstairs.", ()),
        ("en", "broadcast in the office: the bus leaves soon", "The bus leaves soon.", ("office",)),
        ("en", "call everybody for dinner", "Dinner is ready.", ()),
        ("de", "Kündige das Abendessen an", "Das Abendessen ist fertig.", ()),
        (
            "de",
            "Sag allen Bescheid, dass der Bus gleich fährt",
            "Ich soll ausrichten, dass der Bus gleich fährt.",
            (),
        ),
        ("de", "Durchsage: Opa ist da", "Opa ist da.", ()),
        ("es", "di a todos que vengan a la mesa", "Me piden decirles que vengan a la mesa.", ()),
        ("fr", "dis à tout le monde de venir", "Je dois vous dire de venir.", ()),
        ("it", "annuncia nello studio che il taxi è qui", "Il taxi è qui.", ("office",)),
        ("pt", "chama todo mundo para o almoço", "O almoço está pronto.", ()),
        ("zh", "叫大家吃饭", "饭好了。", ()),
        ("ja", "みんなに出かけると伝えて", "出かけるとのことです。", ()),
        ("ko", "곧 출발한다고 모두에게 알려 줘", "곧 출발한다고 합니다.", ()),
    ],
)
def test_what_the_others_hear(
    language: str, sentence: str, heard: str, areas: tuple[str, ...], home: Home
) -> None:
    assert to_announce(sentence, language, home) == ToAnnounce(heard, areas)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "announce in ten minutes that dinner is ready"),
        ("en", "tell me that dinner is ready"),
        ("en", "turn on the kitchen light"),
        ("de", "sag mir, dass es spät ist"),
        ("ja", "十分後に夕食ができたとアナウンスして"),
        ("ko", "십 분 뒤에 저녁 다 됐다고 방송해 줘"),
        ("zh", "告诉我现在几点"),
    ],
)
def test_what_is_for_nobody_else_or_for_later_is_not_announced(
    language: str, sentence: str, home: Home
) -> None:
    assert to_announce(sentence, language, home) is None


@pytest.mark.parametrize(
    ("language", "sentence", "asked"),
    [
        ("en", "Alicia, please be more detailed from now on", Herself.FULL),
        ("de", "Fass dich bitte ab jetzt kürzer", Herself.BRIEF),
        ("fr", "parle normalement", Herself.BEFORE),
        ("en", "who is in the kitchen", None),
        ("en", "make the light brief", None),
        ("ko", "뭐야", None),
        ("ja", "誰かいる", None),
    ],
)
def test_what_is_asked_of_herself(language: str, sentence: str, asked: Herself | None) -> None:
    assert about_herself(sentence, language) is asked


@pytest.mark.parametrize(
    ("language", "sentence", "about"),
    [
        ("en", "set an alarm for seven", False),
        ("en", "turn off the alarm", False),
        ("en", "is the alarm armed?", True),
        ("de", "mach den Wecker aus", False),
        ("de", "ist die Alarmanlage scharf?", True),
        ("es", "activa la alarma", False),
        ("ja", "アラームをセットして", False),
        ("ko", "알람 꺼 줘", False),
    ],
)
def test_an_alarm_that_wakes_is_no_alarm_system(language: str, sentence: str, about: bool) -> None:
    assert about_alarm_panel(sentence, language) is about
