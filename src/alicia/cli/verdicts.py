"""What a check says: well, to look at, or to mend, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    finding: str
    remedy: str | None = None


def ok(name: str, finding: str) -> Check:
    return Check(name, Verdict.OK, finding)


def warn(name: str, finding: str, remedy: str) -> Check:
    return Check(name, Verdict.WARN, finding, remedy)


def failed(name: str, finding: str, remedy: str) -> Check:
    return Check(name, Verdict.FAIL, finding, remedy)
