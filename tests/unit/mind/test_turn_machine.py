from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alicia.contracts.voice import TurnPhase
from alicia.mind.turn_machine import BEGINS, FREE, STEPS, Machines, TurnMachine

P = TurnPhase
turns = st.sampled_from(["t1", "t2", "t3"])
acts = st.lists(st.tuples(st.sampled_from(["take", "step", "release"]), turns, st.sampled_from(P)))


@given(acts)
def test_whatever_is_asked_a_machine_is_never_where_the_table_does_not_lead(
    asked: list[tuple[str, str, TurnPhase]],
) -> None:
    machine = TurnMachine("s")
    for act, turn, phase in asked:
        before, holder, refused = machine.phase, machine.turn_id, sum(machine.refused.values())
        if act == "take":
            done = machine.take(turn, phase)
            legal = before in FREE and phase in BEGINS
            assert done == legal
        else:
            target = phase if act == "step" else P.IDLE
            done = machine.step(turn, phase) if act == "step" else machine.release(turn)
            legal = turn == holder and target in STEPS[before]
            assert done == legal
        if done:
            assert sum(machine.refused.values()) == refused
        else:
            assert (machine.phase, machine.turn_id) == (before, holder)
        assert (machine.turn_id is None) == (machine.phase is P.IDLE)


@given(acts, turns)
def test_who_holds_a_satellite_can_always_be_released(
    asked: list[tuple[str, str, TurnPhase]], turn: str
) -> None:
    machine = TurnMachine("s")
    for act, other, phase in asked:
        machine.take(other, phase) if act == "take" else machine.step(other, phase)
    if machine.turn_id is not None:
        assert machine.release(machine.turn_id)
    assert machine.take(turn, P.LISTENING)


def test_every_phase_has_its_steps() -> None:
    assert set(STEPS) == set(P)
    assert all(P.IDLE in steps for phase, steps in STEPS.items() if phase is not P.IDLE)


def test_a_step_that_is_not_in_the_table_is_refused_and_counted() -> None:
    machine = TurnMachine("s")
    machine.take("t1", P.THINKING)
    assert not machine.step("t1", P.LISTENING)
    assert machine.refused == {(P.THINKING, P.LISTENING): 1}
    assert machine.phase is P.THINKING


def test_who_does_not_hold_it_changes_nothing_and_is_not_counted() -> None:
    machine = TurnMachine("s")
    machine.take("t1", P.LISTENING)
    assert not machine.step("t2", P.THINKING)
    assert not machine.release("t2")
    assert not machine.refused


def test_a_satellite_that_is_busy_is_not_taken() -> None:
    machine = TurnMachine("s")
    machine.take("t1", P.LISTENING)
    assert not machine.take("t2", P.LISTENING)
    assert machine.turn_id == "t1"


def test_a_house_of_many_satellites_forgets_those_that_are_idle() -> None:
    machines = Machines()
    machines.of("busy").take("t", P.LISTENING)
    for number in range(2000):
        machines.of(f"s{number}")
    assert machines.of("busy").turn_id == "t"
    assert machines.refused == 0
