"""What each satellite is doing: an explicit machine of phases, with one turn that holds it.

    IDLE ─▶ LISTENING ─▶ THINKING ─▶ SPEAKING ─▶ FOLLOW_UP ─▶ (LISTENING | IDLE)
    IDLE ─▶ ANNOUNCING ─▶ IDLE                  every phase ─▶ IDLE

No clock, no bus. Whoever does not hold the satellite changes nothing; a step of the holder's that
the table does not know is refused and counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from alicia.contracts.voice import TurnPhase

_P = TurnPhase
BEGINS: frozenset[TurnPhase] = frozenset({_P.LISTENING, _P.THINKING, _P.ANNOUNCING})
"""Phases in which a turn may take a satellite that is free."""
FREE: frozenset[TurnPhase] = frozenset({_P.IDLE, _P.FOLLOW_UP})
STEPS: dict[TurnPhase, frozenset[TurnPhase]] = {
    _P.IDLE: frozenset(),
    _P.LISTENING: frozenset({_P.THINKING, _P.SPEAKING, _P.IDLE}),
    _P.THINKING: frozenset({_P.SPEAKING, _P.FOLLOW_UP, _P.IDLE}),
    _P.SPEAKING: frozenset({_P.FOLLOW_UP, _P.IDLE}),
    _P.FOLLOW_UP: frozenset({_P.IDLE}),
    _P.ANNOUNCING: frozenset({_P.IDLE}),
}
"""Where the turn that holds the satellite may go. Straight to speaking: an error is said."""
REMEMBERED = 1024
"""Satellites that may be known at once; the one idle for longest is forgotten."""


@dataclass(slots=True)
class TurnMachine:
    """One satellite."""

    satellite: str
    phase: TurnPhase = TurnPhase.IDLE
    turn_id: str | None = None
    """Who holds it; in FOLLOW_UP the turn that asked something back."""
    refused: Counter[tuple[TurnPhase, TurnPhase]] = field(
        default_factory=Counter[tuple[TurnPhase, TurnPhase]]
    )

    @property
    def free(self) -> bool:
        """Whether a turn may begin here without ending another."""
        return self.phase in FREE

    def take(self, turn_id: str, phase: TurnPhase) -> bool:
        """Whether this turn begins here now. Who holds it must be released first."""
        if not self.free or phase not in BEGINS:
            self.refused[self.phase, phase] += 1
            return False
        self.turn_id, self.phase = turn_id, phase
        return True

    def step(self, turn_id: str, phase: TurnPhase) -> bool:
        """Whether the turn that holds it has gone on to this phase."""
        if turn_id != self.turn_id:
            return False
        if phase not in STEPS[self.phase]:
            self.refused[self.phase, phase] += 1
            return False
        self.phase = phase
        if phase is TurnPhase.IDLE:
            self.turn_id = None
        return True

    def release(self, turn_id: str) -> bool:
        """Whether it was held by this turn, and is idle now."""
        return self.step(turn_id, TurnPhase.IDLE)


class Machines:
    """The machines of a house."""

    def __init__(self) -> None:
        self._machines: OrderedDict[str, TurnMachine] = OrderedDict()

    def of(self, satellite: str) -> TurnMachine:
        machine = self._machines.get(satellite)
        if machine is None:
            machine = self._machines[satellite] = TurnMachine(satellite)
            self._forget()
        self._machines.move_to_end(satellite)
        return machine

    @property
    def refused(self) -> int:
        """Steps that were refused, in all."""
        return sum(sum(machine.refused.values()) for machine in self._machines.values())

    def _forget(self) -> None:
        if len(self._machines) > REMEMBERED:
            idle = (name for name, m in self._machines.items() if m.phase is TurnPhase.IDLE)
            self._machines.pop(next(idle, next(iter(self._machines))))
