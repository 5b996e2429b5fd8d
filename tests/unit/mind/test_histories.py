from __future__ import annotations

from alicia.contracts.conversation import Exchange
from alicia.mind.histories import MOST, Histories

KEEP_S = 100.0


def told(
    histories: Histories, speaker: str | None = None, now: float = 50.0, at: str = "hall"
) -> list[str]:
    return [exchange.said for exchange in histories.of(at, speaker, now)]


def test_what_a_model_answered_is_gone_on_with_for_a_while() -> None:
    histories = Histories(keep_s=KEEP_S)
    histories.note("hall", None, Exchange(said="what is it", replied="A tower."), 0.0)
    histories.note("hall", None, Exchange(said="how tall", replied="330 m."), 60.0)
    both = histories.of("hall", None, 90.0)
    assert [(e.said, e.replied) for e in both] == [
        ("what is it", "A tower."),
        ("how tall", "330 m."),
    ]
    assert told(histories, now=110.0) == ["how tall"]
    assert told(histories, now=161.0) == []
    assert told(histories, now=70.0) == []


def test_each_satellite_has_its_own() -> None:
    histories = Histories(keep_s=KEEP_S)
    histories.note("hall", None, Exchange(said="what is it", replied="A tower."), 0.0)
    assert told(histories, at="kitchen") == []


def test_nobody_is_answered_with_what_another_was_told() -> None:
    histories = Histories(keep_s=KEEP_S)
    histories.note("hall", "anna", Exchange(said="a gift for bert", replied="A scarf."), 0.0)
    histories.note("hall", None, Exchange(said="is it cold", replied="A little."), 1.0)
    assert told(histories, "anna") == ["a gift for bert", "is it cold"]
    assert told(histories, "bert") == ["is it cold"]
    assert told(histories, None) == ["a gift for bert", "is it cold"]
    histories.note("hall", "bert", Exchange(said="is it late", replied="No."), 2.0)
    assert told(histories, None) == ["is it cold", "is it late"], "it may be bert: not anna's"


def test_it_is_bounded_and_may_be_turned_off() -> None:
    histories = Histories(keep_s=KEEP_S)
    for number in range(MOST + 3):
        histories.note("hall", None, Exchange(said=str(number), replied="Yes."), 0.0)
    assert told(histories) == [str(number) for number in range(3, MOST + 3)]
    never = Histories(keep_s=0)
    never.note("hall", None, Exchange(said="what is it", replied="A tower."), 0.0)
    assert told(never, now=0.0) == []
