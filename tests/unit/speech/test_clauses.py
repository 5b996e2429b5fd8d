import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.speech.clauses import clauses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n ", []),
        ("Done.", ["Done."]),
        ("It is 21.5 degrees.", ["It is 21.5 degrees."]),
        ("Done. The light is on!", ["Done.", "The light is on!"]),
        ("OK, done.", ["OK, done."]),
        (
            "The kitchen light is on, and the blinds are closed.",
            ["The kitchen light is on,", "and the blinds are closed."],
        ),
        ("Dr. Who is here. Shall I open?", ["Dr. Who is here.", "Shall I open?"]),
        ("灯打开了。窗帘关上了。", ["灯打开了。", "窗帘关上了。"]),
        ("電気をつけました。", ["電気をつけました。"]),
        ('She said "go." Then left.', ['She said "go."', "Then left."]),
    ],
)
def test_text_is_cut_where_a_reader_breathes(text: str, expected: list[str]) -> None:
    assert clauses(text) == expected


@given(st.text(alphabet="abc DR.,;:!?。、…\"'Mr \n1"))
def test_nothing_is_lost_or_added(text: str) -> None:
    assert "".join("".join(clauses(text)).split()) == "".join(text.split())
    assert all(clause.strip() == clause and clause for clause in clauses(text))
