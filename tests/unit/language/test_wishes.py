"""What is asked about languages is understood in nine of them, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicia.errors import UnsupportedLanguageError
from alicia.language.naming import language_called, language_name, language_names
from alicia.language.tables import LANGUAGES
from alicia.language.wishes import (
    InterpretWish,
    LanguageWish,
    SpeakWish,
    StopInterpretingWish,
    TranslateWish,
    wish,
)

EVAL = Path(__file__).parents[2] / "eval" / "mind" / "sentences"

SAID: list[tuple[str, str, LanguageWish]] = [
    ("en", "how do you say good night in French?", TranslateWish(text="good night", to="fr")),
    (
        "en",
        "translate 'where is the station' into Japanese",
        TranslateWish(text="where is the station", to="ja"),
    ),
    ("en", "Translate good morning to German please", TranslateWish(text="good morning", to="de")),
    ("en", "interpret between English and Spanish", InterpretWish(first="en", second="es")),
    ("en", "stop interpreting", StopInterpretingWish()),
    ("en", "speak French from now on", SpeakWish(language="fr")),
    ("en", "Speak French from now on.", SpeakWish(language="fr")),
    ("en", "what's cheese in Korean", TranslateWish(text="cheese", to="ko")),
    ("en", "speak normally again", SpeakWish(language=None)),
    ("en", "stop speaking French", SpeakWish(language=None)),
    (
        "en",
        "Alicia, how do you say thank you in Italian?",
        TranslateWish(text="thank you", to="it"),
    ),
    ("en", "answer in German from now on", SpeakWish(language="de")),
    ("es", "¿Cómo se dice buenas noches en francés?", TranslateWish(text="buenas noches", to="fr")),
    (
        "es",
        "traduce dónde está la estación al japonés",
        TranslateWish(text="dónde está la estación", to="ja"),
    ),
    (
        "es",
        'traduce "hola" del español al alemán',
        TranslateWish(text="hola", to="de", source="es"),
    ),
    ("es", "interpreta entre inglés y español", InterpretWish(first="en", second="es")),
    ("es", "deja de interpretar", StopInterpretingWish()),
    ("es", "a partir de ahora habla francés", SpeakWish(language="fr")),
    ("es", "habla francés a partir de ahora", SpeakWish(language="fr")),
    ("es", "háblame en inglés", SpeakWish(language="en")),
    ("es", "deja de hablar francés", SpeakWish(language=None)),
    ("es", "haz de intérprete entre el español e italiano", InterpretWish(first="es", second="it")),
    ("fr", "Comment dit-on bonne nuit en anglais ?", TranslateWish(text="bonne nuit", to="en")),
    ("fr", "traduis « où est la gare » en japonais", TranslateWish(text="où est la gare", to="ja")),
    ("fr", "traduis bonjour en allemand s'il te plaît", TranslateWish(text="bonjour", to="de")),
    (
        "fr",
        "fais l'interprète entre l'anglais et l'espagnol",
        InterpretWish(first="en", second="es"),
    ),
    ("fr", "arrête d'interpréter", StopInterpretingWish()),
    ("fr", "parle anglais à partir de maintenant", SpeakWish(language="en")),
    ("fr", "réponds-moi en allemand", SpeakWish(language="de")),
    ("fr", "parle comme avant", SpeakWish(language=None)),
    (
        "fr",
        "traduis bonjour du français vers l'anglais",
        TranslateWish(text="bonjour", to="en", source="fr"),
    ),
    ("de", "Wie sagt man gute Nacht auf Französisch?", TranslateWish(text="gute Nacht", to="fr")),
    (
        "de",
        "Übersetze „wo ist der Bahnhof“ ins Japanische",
        TranslateWish(text="wo ist der Bahnhof", to="ja"),
    ),
    (
        "de",
        "übersetze guten Morgen auf Englisch bitte",
        TranslateWish(text="guten Morgen", to="en"),
    ),
    ("de", "dolmetsche zwischen Englisch und Spanisch", InterpretWish(first="en", second="es")),
    ("de", "hör auf zu dolmetschen", StopInterpretingWish()),
    ("de", "Dolmetschen beenden", StopInterpretingWish()),
    ("de", "sprich ab jetzt Französisch", SpeakWish(language="fr")),
    ("de", "Ab jetzt sprich Französisch", SpeakWish(language="fr")),
    ("de", "sprich wieder Deutsch", SpeakWish(language="de")),
    (
        "de",
        "Kannst du bitte gute Nacht ins Englische übersetzen",
        TranslateWish(text="gute Nacht", to="en"),
    ),
    ("de", "sprich wieder normal", SpeakWish(language=None)),
    ("it", "Come si dice buonanotte in francese?", TranslateWish(text="buonanotte", to="fr")),
    (
        "it",
        "traduci dov'è la stazione in giapponese",
        TranslateWish(text="dov'è la stazione", to="ja"),
    ),
    ("it", "fai da interprete tra l'inglese e lo spagnolo", InterpretWish(first="en", second="es")),
    ("it", "smetti di interpretare", StopInterpretingWish()),
    ("it", "d'ora in poi parla francese", SpeakWish(language="fr")),
    ("it", "parla in francese da ora in poi", SpeakWish(language="fr")),
    ("it", "smetti di parlare francese", SpeakWish(language=None)),
    ("pt", "Como se diz boa noite em francês?", TranslateWish(text="boa noite", to="fr")),
    (
        "pt",
        "traduza onde fica a estação para o japonês",
        TranslateWish(text="onde fica a estação", to="ja"),
    ),
    ("pt", "interprete entre inglês e espanhol", InterpretWish(first="en", second="es")),
    ("pt", "pare de interpretar", StopInterpretingWish()),
    ("pt", "parar de interpretar", StopInterpretingWish()),
    ("pt", "a partir de agora fale francês", SpeakWish(language="fr")),
    ("pt", "fala francês a partir de agora", SpeakWish(language="fr")),
    ("pt", "fale português de novo", SpeakWish(language="pt")),
    ("zh", "晚安用法语怎么说？", TranslateWish(text="晚安", to="fr")),
    ("zh", "用法语怎么说晚安", TranslateWish(text="晚安", to="fr")),
    ("zh", "把车站在哪里翻译成日语", TranslateWish(text="车站在哪里", to="ja")),
    ("zh", "在英语和西班牙语之间做口译", InterpretWish(first="en", second="es")),
    ("zh", "停止口译", StopInterpretingWish()),
    ("zh", "从现在起说法语", SpeakWish(language="fr")),
    ("zh", "请用法语跟我说话", SpeakWish(language="fr")),
    ("zh", "以后用英语回答", SpeakWish(language="en")),
    ("zh", "晚安法语怎么说", TranslateWish(text="晚安", to="fr")),
    ("ja", "おやすみはフランス語で何て言うの？", TranslateWish(text="おやすみ", to="fr")),
    ("ja", "「駅はどこですか」を日本語に訳して", TranslateWish(text="駅はどこですか", to="ja")),
    (
        "ja",
        "「駅はどこですか」を英語に翻訳してください",
        TranslateWish(text="駅はどこですか", to="en"),
    ),
    ("ja", "英語とスペイン語の通訳をして", InterpretWish(first="en", second="es")),
    ("ja", "通訳をやめて", StopInterpretingWish()),
    ("ja", "これからはフランス語で話して", SpeakWish(language="fr")),
    ("ja", "フランス語で話してください", SpeakWish(language="fr")),
    ("ja", "フランス語でおやすみは何と言いますか", TranslateWish(text="おやすみ", to="fr")),
    ("ko", "잘 자를 프랑스어로 뭐라고 해?", TranslateWish(text="잘 자", to="fr")),
    ("ko", "'역이 어디예요'를 일본어로 번역해 줘", TranslateWish(text="역이 어디예요", to="ja")),
    ("ko", "영어와 스페인어 통역해 줘", InterpretWish(first="en", second="es")),
    ("ko", "통역 그만", StopInterpretingWish()),
    ("ko", "통역 그만해 줘", StopInterpretingWish()),
    ("ko", "이제부터 프랑스어로 말해 줘", SpeakWish(language="fr")),
    ("ko", "앞으로 영어로 대답해", SpeakWish(language="en")),
    ("ko", "안녕하세요는 영어로 뭐예요?", TranslateWish(text="안녕하세요", to="en")),
]


@pytest.mark.parametrize(("language", "said", "meant"), SAID)
def test_a_wish_about_languages_is_understood(
    language: str, said: str, meant: LanguageWish
) -> None:
    assert wish(said, language) == meant


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_kind_of_wish(language: str) -> None:
    kinds = {type(meant) for spoken, _, meant in SAID if spoken == language}
    assert kinds == {TranslateWish, InterpretWish, StopInterpretingWish, SpeakWish}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_about_the_home_is_one(language: str) -> None:
    lines = (EVAL / f"{language}.jsonl").read_text("utf-8").splitlines()
    taken = [text for line in lines if wish(text := json.loads(line)["text"], language)]
    assert taken == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_name_of_its_own_in_every_language(language: str) -> None:
    called = [language_name(of, language) for of in LANGUAGES]
    assert len(set(called)) == len(LANGUAGES)
    assert set(language_names(language).values()) == set(LANGUAGES)


def test_it_may_be_said_how_people_say_it() -> None:
    assert wish("  ALICIA, how do you say “Good Night” in french ?! ", "en") == TranslateWish(
        "Good Night", "fr"
    )
    assert wish("translate turn on the light into German", "en") == TranslateWish(
        "turn on the light", "de"
    )
    assert wish("translate from now on into German", "en") == TranslateWish("from now on", "de")


@pytest.mark.parametrize(
    "said",
    [
        "how do you say good night in Dutch",
        "how do you say in French",
        "interpret between English and English",
        "the French window is open",
        "play French music",
        "turn on the light in French",
        "translate " + "a " * 300 + "into French",
    ],
)
def test_what_is_no_wish_goes_on(said: str) -> None:
    assert wish(said, "en") is None


def test_either_of_two_may_end_the_interpreting() -> None:
    assert isinstance(wish("Deja de interpretar.", "es"), StopInterpretingWish)
    assert isinstance(wish("stop interpreting", "en"), StopInterpretingWish)
    assert wish("arrête d'interpréter", "en") is None


def test_a_language_may_be_called_by_code_or_by_name() -> None:
    assert language_called("pt-BR") == "pt"
    assert language_called("Französisch") == "fr"
    assert language_called("日本語") == "ja"
    with pytest.raises(UnsupportedLanguageError):
        language_called("Klingon")
