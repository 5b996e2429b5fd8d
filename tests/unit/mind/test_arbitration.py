from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.contracts.voice import Wake
from alicia.mind.arbitration import Arbiter, Decision, Rules, Verdict, merit
from alicia.mind.satellites import earshot


def wake(level_db: float | None = -30, *, score: float = 0.9, age_ms: float = 0) -> Wake:
    return Wake(word="alicia", score=score, level_db=level_db, age_ms=age_ms)


def verdict(arbiter: Arbiter, turn: str, at: float, heard: Wake, area: str = "kitchen") -> Decision:
    return arbiter.detect(turn, f"satellite of {turn}", heard, area, at)


def test_the_first_detection_claims_at_once() -> None:
    assert verdict(Arbiter(), "t1", 0, wake()) == Decision(Verdict.CLAIMED)


def test_a_clearly_better_one_in_the_window_revokes_it() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake(-40))
    assert verdict(arbiter, "t2", 0.2, wake(-30)) == Decision(Verdict.REVOKES, "t1")


@pytest.mark.parametrize(("at", "level"), [(0.2, -38), (0.2, -50), (0.4, -10)])
def test_one_that_is_hardly_better_or_late_is_answered_elsewhere(at: float, level: float) -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake(-40))
    assert verdict(arbiter, "t2", at, wake(level)).verdict is Verdict.ELSEWHERE


def test_a_turn_whose_words_are_known_is_not_revoked() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake(-40))
    arbiter.settle("t1")
    assert verdict(arbiter, "t2", 0.1, wake(-10)).verdict is Verdict.ELSEWHERE


def test_the_window_is_that_of_the_first_however_often_it_is_revoked() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake(-60))
    assert verdict(arbiter, "t2", 0.2, wake(-50)).verdict is Verdict.REVOKES
    assert verdict(arbiter, "t3", 0.4, wake(-10)).verdict is Verdict.ELSEWHERE


def test_another_wake_word_later_is_a_turn_of_its_own() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake())
    assert verdict(arbiter, "t2", 2.0, wake()).verdict is Verdict.CLAIMED


def test_a_detection_that_was_held_up_belongs_to_the_wake_word_that_it_heard() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake())
    assert verdict(arbiter, "t2", 2.0, wake(-10, age_ms=1900)).verdict is Verdict.ELSEWHERE


def test_who_is_out_of_earshot_answers_for_itself() -> None:
    rules = Rules(earshot=earshot("kitchen+dining, bedroom"))
    arbiter = Arbiter(rules)
    assert verdict(arbiter, "t1", 0, wake(), "kitchen").verdict is Verdict.CLAIMED
    assert verdict(arbiter, "t2", 0.1, wake(), "bedroom").verdict is Verdict.CLAIMED
    assert verdict(arbiter, "t3", 0.1, wake(), "garage").verdict is Verdict.CLAIMED
    assert verdict(arbiter, "t4", 0.1, wake(), "dining").verdict is Verdict.ELSEWHERE


def test_the_same_turn_asked_again_is_answered_the_same() -> None:
    arbiter = Arbiter()
    verdict(arbiter, "t1", 0, wake())
    assert verdict(arbiter, "t1", 0.1, wake()) == Decision(Verdict.CLAIMED)


def test_who_tells_no_loudness_is_taken_as_far() -> None:
    assert merit(wake(None)) < merit(wake(-40))


@given(
    st.lists(st.tuples(st.floats(0, 1.4), st.floats(-60, -10), st.floats(0, 1)), min_size=1),
    st.randoms(use_true_random=False),
)
def test_of_one_wake_word_there_is_one_winner(
    detections: list[tuple[float, float, float]], chance: random.Random
) -> None:
    """Whatever the delays, losses and repetitions: who claims last is the only one left."""
    arbiter = Arbiter()
    standing: set[str] = set()
    events = [
        (at + chance.random() * 0.05, f"t{number}", wake(level, score=score, age_ms=at * 1000))
        for number, (at, level, score) in enumerate(detections)
    ]
    events += chance.sample(events, len(events) // 2)
    revoked: set[str] = set()
    for at, turn, heard in sorted(events, key=lambda e: e[0]):
        if turn in revoked:
            continue  # the router knows that turn, and asks nobody
        decision = verdict(arbiter, turn, at, heard)
        if decision.verdict is not Verdict.ELSEWHERE:
            standing.add(turn)
        if decision.loser is not None:
            standing.remove(decision.loser)
            revoked.add(decision.loser)
    assert len(standing) == 1
