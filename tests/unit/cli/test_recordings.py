import pytest

from alicia.cli.recordings import compare
from alicia.contracts.devices import OutcomeKind
from alicia.contracts.voice import Action, TurnRecord


def record(transcript: str | None, *, language: str = "en", value: bool = True) -> TurnRecord:
    action = Action(
        entity="light.kitchen", capability="power", value=value, outcome=OutcomeKind.CONFIRMED
    )
    return TurnRecord(
        turn_id="t",
        satellite="s",
        language=language,
        trace_id="1",
        transcript=transcript,
        actions=[action],
        started_at=0.0,
    )


@pytest.mark.parametrize(
    ("then", "now", "language", "differs"),
    [
        ("Turn on the light,", "turn on the light.", "en", []),
        ("Turn on the light", "Turn on the lights", "en", ["transcript"]),
        ("打开厨房的灯", "打开厨房的灯。", "zh", []),
        ("打开厨房的灯", "关上厨房的灯", "zh", ["transcript"]),
        ("Turn on the light", None, "en", ["transcript"]),
    ],
)
def test_a_replay_differs_where_other_words_were_heard(
    then: str, now: str | None, language: str, differs: list[str]
) -> None:
    found = compare(record(then, language=language), record(now, language=language))
    assert (found["differs"], found["same"]) == (differs, not differs)
    assert (found["before"]["transcript"], found["now"]["transcript"]) == (then, now)


def test_a_replay_differs_where_something_else_is_done() -> None:
    assert compare(record("on"), record("on", value=False))["differs"] == ["actions"]


def test_a_replay_that_left_no_record_differs_in_all() -> None:
    found = compare(record("on"), None)
    assert not found["same"]
    assert "actions" in found["differs"]
