from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from alicia.speech.closed_grammar import WordGraph, accepts, word_graph

WORDS = st.lists(st.sampled_from(["turn", "on", "the", "lamp", "off"]), min_size=1, max_size=4)


def anything(_: str) -> bool:
    return True


def graph(*sentences: str) -> WordGraph:
    return word_graph(sentences, anything)


@given(st.sets(WORDS.map(" ".join), max_size=12), WORDS)
def test_it_accepts_its_sentences_and_no_other(sentences: set[str], words: list[str]) -> None:
    built = graph(*sentences)
    assert all(accepts(built, sentence.split()) for sentence in sentences)
    assert accepts(built, words) == (" ".join(words) in sentences)


def test_a_sentence_and_its_longer_form_are_both_known() -> None:
    built = graph("dim the lamp", "dim the lamp now")
    assert accepts(built, ["dim", "the", "lamp"])
    assert accepts(built, ["dim", "the", "lamp", "now"])
    assert not accepts(built, ["dim", "the"])


def test_a_number_is_any_from_0_to_100() -> None:
    built = graph("set it to # percent")
    for said in ("zero", "seven", "twelve", "twenty", "ninety nine", "one hundred", "a hundred"):
        assert accepts(built, ["set", "it", "to", *said.split(), "percent"]), said
    for said in ("twelve one", "twenty twelve", "hundred", "", "one"):
        sentence = ["set", "it", "to", *said.split(), "percent"]
        assert accepts(built, sentence) == (said == "one")


def test_sentences_share_their_beginnings_and_ends() -> None:
    said = [f"turn {how} the {what}" for how, what in product(("on", "off"), map(str, range(50)))]
    assert len(graph(*said).arcs) < 60
    assert graph(*said).sentences == 100


def test_sentences_with_unknown_words_are_left_out_and_told() -> None:
    built = word_graph(["open the zzyx", "open the door"], lambda word: word != "zzyx")
    assert built.unknown == {"zzyx"}
    assert built.sentences == 1
    assert not accepts(built, ["open", "the", "zzyx"])


def test_nothing_accepts_nothing() -> None:
    assert graph().arcs == ()
    assert not accepts(graph(), [])
