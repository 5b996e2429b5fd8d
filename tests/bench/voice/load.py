"""What a house takes of this machine: processor seconds and memory of all its processes (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

from alicia.services.supporting.orchestrator import proportional_mb
from alicia.testing.live import LiveHouse

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


class HouseLoad:
    """Every process of a house, found by its folder in their environment; the broker besides."""

    def __init__(self, house: LiveHouse) -> None:
        self._house = house
        self._mark = f"ALICIA_HOME={house.folder.root}".encode()

    async def pids(self) -> set[int]:
        broker = await self._house.pid("mosquitto")
        return self._of_the_house() | ({broker} if broker else set())

    async def cpu_s(self) -> float:
        """Used since the house was started, by what has ended in between too."""
        return sum(cpu_s(pid) for pid in await self.pids())

    async def memory_mb(self) -> float:
        """Proportional set size: shared pages count once."""
        return round(sum(proportional_mb(pid) or 0.0 for pid in await self.pids()), 1)

    def _of_the_house(self) -> set[int]:
        mine = os.getpid()
        found: set[int] = set()
        for folder in PROC.glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended, or is somebody else's
            if self._mark in variables and int(folder.name) != mine:
                found.add(int(folder.name))
        return found


def cpu_s(pid: int) -> float:
    """Of a process and of its children that have ended; 0 where it has ended itself."""
    try:
        stat = (PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return 0.0
    # The name before the last bracket may hold spaces.
    fields = stat.rpartition(")")[2].split()
    return sum(int(fields[at]) for at in (11, 12, 13, 14)) / TICKS
