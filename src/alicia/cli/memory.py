"""Memory of processes and of what they started, as this machine counts it (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alicia.services.supporting.orchestrator import proportional_mb


@dataclass(frozen=True, slots=True)
class Memory:
    """The processes of this machine, by their parents."""

    children: dict[int, list[int]]

    @classmethod
    def read(cls, proc: Path = Path("/proc")) -> Memory:
        """Empty where there is no procfs."""
        children: dict[int, list[int]] = {}
        for folder in proc.glob("[0-9]*"):
            try:
                # The name before it may hold brackets and spaces.
                stat = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(stat[1]), []).append(int(folder.name))
        return cls(children)

    def of(self, pid: int) -> float | None:
        """MB of a process and its helpers, the broker's program apart; None where unreadable."""
        helpers = [child for child in self.children.get(pid, []) if _name(child) != "mosquitto"]
        own = proportional_mb(pid)
        if own is None:
            return None
        return round(own + sum(self.below(child) or 0 for child in helpers), 1)

    def below(self, pid: int | None) -> float | None:
        """MB of a process and of all that descend from it."""
        own = None if pid is None else proportional_mb(pid)
        if pid is None or own is None:
            return None
        return own + sum(self.below(child) or 0 for child in self.children.get(pid, []))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
