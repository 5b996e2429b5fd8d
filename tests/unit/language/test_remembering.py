"""What is said to the memory, in nine languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicia.contracts.memory import Fact
from alicia.language.remembering import (
    Wanted,
    Wish,
    about,
    bearing,
    is_question,
    is_secret,
    wanted,
)
from alicia.language.tables import LANGUAGES

KEEP = {
    "en": ("Remember that my daughter's name is Ana.", "my daughter's name is Ana"),
    "de": ("Merk dir, dass meine Tochter Ana heißt.", "dass meine Tochter Ana heißt"),
    "es": ("Recuerda que mi hija se llama Ana.", "mi hija se llama Ana"),
    "fr": ("Retiens que ma fille s'appelle Ana.", "ma fille s'appelle Ana"),
    "it": ("Ricorda che mia figlia si chiama Ana.", "mia figlia si chiama Ana"),
    "pt": ("Lembre que minha filha se chama Ana.", "minha filha se chama Ana"),
    "zh": ("记住，我女儿叫安娜。", "我女儿叫安娜"),
    "ja": ("娘の名前はアナだと覚えておいて。", "娘の名前はアナ"),
    "ko": ("내 딸 이름은 아나라고 기억해 줘.", "내 딸 이름은 아나"),
}
ASKED = {
    "en": "What's my daughter's name?",
    "de": "Wie heißt meine Tochter?",
    "es": "¿Cómo se llama mi hija?",
    "fr": "Comment s'appelle ma fille ?",
    "it": "Come si chiama mia figlia?",
    "pt": "Como se chama minha filha?",
    "zh": "我女儿叫什么名字？",
    "ja": "娘の名前は何ですか？",
    "ko": "내 딸 이름이 뭐야?",
}
OTHER = {  # a fact that is about something else, and a sentence that asks for it
    "en": ("the bins go out on Tuesday", "When do the bins go out?", "bins"),
    "de": (
        "dass die Mülltonnen am Dienstag rausmüssen",
        "Wann müssen die Mülltonnen raus?",
        "Mülltonnen",
    ),
    "es": ("la basura se saca el martes", "¿Cuándo se saca la basura?", "basura"),
    "fr": ("les poubelles sortent le mardi", "Quand sortent les poubelles ?", "poubelles"),
    "it": ("la spazzatura esce il martedì", "Quando esce la spazzatura?", "spazzatura"),
    "pt": ("o lixo sai na terça-feira", "Quando sai o lixo?", "lixo"),
    "zh": ("垃圾星期二收", "垃圾什么时候收？", "垃圾"),
    "ja": ("ゴミの日は火曜日", "ゴミの日はいつ？", "ゴミ"),
    "ko": ("쓰레기는 화요일에 버린다", "쓰레기는 언제 버려?", "쓰레기"),
}
SAID = {
    "en": {
        Wish.KEEP_FOR_ALL: "Remember for all of us that the bins go out on Tuesday.",
        Wish.LIKE: "I like the living room at 21 degrees.",
        Wish.ALL: "What do you know about me?",
        Wish.ABOUT: "What did I tell you about the bins?",
        Wish.FORGET_THAT: "Forget that.",
        Wish.FORGET_ABOUT: "Forget what I told you about the bins.",
        Wish.FORGET_ALL: "Forget everything about me.",
    },
    "de": {
        Wish.KEEP_FOR_ALL: "Merk dir für uns alle, dass die Mülltonnen am Dienstag rausmüssen.",
        Wish.LIKE: "Ich mag das Wohnzimmer bei 21 Grad.",
        Wish.ALL: "Was weißt du über mich?",
        Wish.ABOUT: "Was habe ich dir über die Mülltonnen gesagt?",
        Wish.FORGET_THAT: "Vergiss das.",
        Wish.FORGET_ABOUT: "Vergiss, was ich dir über die Mülltonnen gesagt habe.",
        Wish.FORGET_ALL: "Vergiss alles über mich.",
    },
    "es": {
        Wish.KEEP_FOR_ALL: "Recuerda para todos que la basura se saca el martes.",
        Wish.LIKE: "Me gusta el salón a 21 grados.",
        Wish.ALL: "¿Qué sabes de mí?",
        Wish.ABOUT: "¿Qué te he dicho sobre la basura?",
        Wish.FORGET_THAT: "Olvida eso.",
        Wish.FORGET_ABOUT: "Olvida lo que te dije sobre la basura.",
        Wish.FORGET_ALL: "Olvida todo sobre mí.",
    },
    "fr": {
        Wish.KEEP_FOR_ALL: "Retiens pour tout le monde que les poubelles sortent le mardi.",
        Wish.LIKE: "J'aime le salon à 21 degrés.",
        Wish.ALL: "Qu'est-ce que tu sais sur moi ?",
        Wish.ABOUT: "Qu'est-ce que je t'ai dit sur les poubelles ?",
        Wish.FORGET_THAT: "Oublie ça.",
        Wish.FORGET_ABOUT: "Oublie ce que je t'ai dit sur les poubelles.",
        Wish.FORGET_ALL: "Oublie tout sur moi.",
    },
    "it": {
        Wish.KEEP_FOR_ALL: "Ricorda per tutti che la spazzatura esce il martedì.",
        Wish.LIKE: "Mi piace il soggiorno a 21 gradi.",
        Wish.ALL: "Cosa sai di me?",
        Wish.ABOUT: "Cosa ti ho detto sulla spazzatura?",
        Wish.FORGET_THAT: "Dimentica questo.",
        Wish.FORGET_ABOUT: "Dimentica quello che ti ho detto sulla spazzatura.",
        Wish.FORGET_ALL: "Dimentica tutto su di me.",
    },
    "pt": {
        Wish.KEEP_FOR_ALL: "Lembre para todos que o lixo sai na terça-feira.",
        Wish.LIKE: "Eu gosto da sala a 21 graus.",
        Wish.ALL: "O que você sabe sobre mim?",
        Wish.ABOUT: "O que eu te disse sobre o lixo?",
        Wish.FORGET_THAT: "Esqueça isso.",
        Wish.FORGET_ABOUT: "Esqueça o que eu te disse sobre o lixo.",
        Wish.FORGET_ALL: "Esqueça tudo sobre mim.",
    },
    "zh": {
        Wish.KEEP_FOR_ALL: "替大家记住，垃圾星期二收。",
        Wish.LIKE: "我喜欢客厅21度。",
        Wish.ALL: "关于我你知道什么？",
        Wish.ABOUT: "关于垃圾我告诉过你什么？",
        Wish.FORGET_THAT: "忘掉这个。",
        Wish.FORGET_ABOUT: "忘掉我说的关于垃圾的话。",
        Wish.FORGET_ALL: "忘掉关于我的一切。",
    },
    "ja": {
        Wish.KEEP_FOR_ALL: "みんなのために、ゴミの日は火曜日だと覚えておいて。",
        Wish.LIKE: "私はリビングが21度なのが好きです。",
        Wish.ALL: "私について何を覚えていますか？",
        Wish.ABOUT: "ゴミについて私は何と言いましたか？",
        Wish.FORGET_THAT: "それは忘れて。",
        Wish.FORGET_ABOUT: "ゴミについて言ったことを忘れて。",
        Wish.FORGET_ALL: "私についてすべて忘れて。",
    },
    "ko": {
        Wish.KEEP_FOR_ALL: "모두를 위해 쓰레기는 화요일에 버린다고 기억해 줘.",
        Wish.LIKE: "나는 거실이 21도인 게 좋아.",
        Wish.ALL: "나에 대해 뭘 알아?",
        Wish.ABOUT: "쓰레기에 대해 내가 뭐라고 했지?",
        Wish.FORGET_THAT: "그거 잊어 줘.",
        Wish.FORGET_ABOUT: "쓰레기에 대해 내가 한 말 잊어 줘.",
        Wish.FORGET_ALL: "나에 대해 전부 잊어 줘.",
    },
}
EVAL = Path(__file__).parents[2] / "eval" / "mind" / "sentences"


def fact(text: str, language: str, fact_id: str = "1") -> Fact:
    return Fact(fact_id=fact_id, person_id="maria", text=text, language=language, told_at=0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_is_kept_in_the_persons_own_words(language: str) -> None:
    said, text = KEEP[language]
    assert wanted(said, language) == Wanted(Wish.KEEP, text)
    assert wanted(f"Alicia, {said}", language) == Wanted(Wish.KEEP, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_wish_is_understood(language: str) -> None:
    for wish, said in SAID[language].items():
        found = wanted(said, language)
        assert found is not None, said
        assert found.wish is wish, said
    for_all, like = SAID[language][Wish.KEEP_FOR_ALL], SAID[language][Wish.LIKE]
    assert wanted(for_all, language) == Wanted(Wish.KEEP_FOR_ALL, OTHER[language][0])
    assert wanted(like, language) == Wanted(Wish.LIKE, like.rstrip(".。"))
    for wish in (Wish.ABOUT, Wish.FORGET_ABOUT):
        topic = wanted(SAID[language][wish], language)
        assert topic is not None
        assert OTHER[language][2].casefold() in topic.text.casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_finds_its_fact_and_no_other(language: str) -> None:
    daughter = fact(KEEP[language][1], language, "daughter")
    bins = fact(OTHER[language][0], language, "bins")
    for asked, right in ((ASKED[language], daughter), (OTHER[language][1], bins)):
        assert is_question(asked, language), asked
        assert about(asked, [daughter, bins], language) == [right], asked
        assert bearing(asked, [daughter, bins], language, most=1) == [right]
    assert about(OTHER[language][2], [daughter, bins], language) == [bins]
    assert about(ASKED[language], [bins], language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_command_is_taken_for_something_to_be_remembered(language: str) -> None:
    lines = (EVAL / f"{language}.jsonl").read_text("utf-8").splitlines()
    said = [json.loads(line)["text"] for line in lines]
    assert len(said) > 50
    assert [text for text in said if wanted(text, language) is not None] == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Remember to turn off the light", "en"),
        ("Remember that", "en"),
        ("I'd like the living room at 21 degrees", "en"),
        ("I like it", "en"),
        ("Erinnere mich an die Mülltonnen", "de"),
        ("Ich möchte es wärmer", "de"),
        ("Recuérdame sacar la basura", "es"),
        ("Rappelle-moi de sortir les poubelles", "fr"),
        ("Ricordami di uscire", "it"),
        ("Lembre-me de sair", "pt"),
        ("记得关灯", "zh"),
        ("", "ja"),
    ],
)
def test_what_asks_for_something_is_no_fact(text: str, language: str) -> None:
    assert wanted(text, language) is None


def test_facts_are_found_by_more_than_a_common_word_and_in_their_own_language() -> None:
    son = fact("my son's name is Bob", "en")
    assert about("what's my daughter's name?", [son], "en") == []
    assert about("wie heißt mein Sohn?", [son], "de") == []
    assert about("what is it?", [son], "en") == []


@pytest.mark.parametrize(
    ("text", "language", "secret"),
    [
        ("my PIN is 258014", "en", True),
        ("das Passwort ist Hund", "de", True),
        ("il mio PIN è 1234", "it", True),
        ("我的密码是123456", "zh", True),
        ("I like pineapples", "en", False),
    ],
)
def test_pins_and_passwords_are_seen(text: str, language: str, *, secret: bool) -> None:
    assert is_secret(text, language) is secret
