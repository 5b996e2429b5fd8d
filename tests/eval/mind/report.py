"""What the figures of eval-mind are, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tests.bench.voice.report import percentile
from tests.eval.mind.judging import Judged, Verdict

RIGHT_GOAL = {"ja": 0.90, "ko": 0.90}
RIGHT_GOAL_ELSE = 0.95
WRONG_GOAL = 0.005
P50_GOAL_MS = 10.0
P95_GOAL_MS = 30.0

Row = dict[str, Any]


def by_language(judged: Iterable[Judged]) -> dict[str, Row]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(one.line.language, []).append(one)
    return {language: figures(of, language) for language, of in groups.items()}


def figures(judged: Sequence[Judged], language: str) -> Row:
    """The counts of one language; what is for later, and what is about time, counts apart. Their
    milliseconds and wrong acts don't."""
    now = [one for one in judged if one.line.kind not in ("later", "times")]
    later = [one for one in judged if one.line.kind == "later"]
    times_asked = [one for one in judged if one.line.kind == "times"]
    times = [one.took_ms for one in judged]
    counts = _counts(now)
    acted = sum(one.verdict is Verdict.WRONG for one in judged)
    row: Row = {
        **counts,
        "accuracy": _share(counts["right"], len(now)),
        "wrong_share": _share(acted, len(judged)),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
        "max_ms": round(max(times), 1),
        "times": _counts(times_asked),
        "later": _counts(later),
        "by_expectation": _grouped(now, lambda one: one.line.kind),
        "by_intent": _grouped(judged, lambda one: one.line.intent),
    }
    row["goals_met"] = {
        "accuracy": row["accuracy"] is not None
        and row["accuracy"] >= RIGHT_GOAL.get(language, RIGHT_GOAL_ELSE),
        "wrong_share": row["wrong_share"] <= WRONG_GOAL,
        "p50_ms": row["p50_ms"] <= P50_GOAL_MS,
        "p95_ms": row["p95_ms"] <= P95_GOAL_MS,
    }
    return row


def goals() -> Row:
    return {
        "accuracy": {"else": RIGHT_GOAL_ELSE, **RIGHT_GOAL},
        "wrong_share": WRONG_GOAL,
        "p50_ms": P50_GOAL_MS,
        "p95_ms": P95_GOAL_MS,
    }


def _grouped(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, Row]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(key(one), []).append(one)
    return {name: _counts(of) for name, of in sorted(groups.items())}


def _counts(judged: Sequence[Judged]) -> Row:
    return {
        "sentences": len(judged),
        **{str(v): sum(one.verdict is v for one in judged) for v in Verdict},
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


# ---- tables ----

_KINDS = {
    "act": "commands",
    "answer": "questions",
    "times": "times",
    "reject": "refusals",
    "later": "later",
}


def show(report: Row, out: Console, *, failures: bool) -> None:
    """The figures for a person."""
    out.print(_languages(report))
    out.print(
        "right: exactly what was meant, times and later apart; refusals: what must be refused; "
        "times: timers, alarms, commands with a time\nlater: what needs more than there is, and "
        "must be refused today\n"
        "rejected: nothing was done though wanted; misanswered: wrong answer, or to no question; "
        "wrong: something nobody wanted was done\n"
        "wrong acts: of all sentences, later ones too; times in ms, each sentence once, warm"
    )
    out.print(_intents(report["languages"]))
    if failures:
        for row in report["sentences"]:
            if row["verdict"] != Verdict.RIGHT:
                out.print(_failure(row))
    if report["machine"]["busy"]:
        load = report["machine"]["load"]
        out.print(f"[yellow]this machine did other work too (load {load}): times are too long[/]")


def _languages(report: Row) -> Table:
    counts = ("partial", "rejected", "misanswered", "wrong")
    titles = ["right", "", *_KINDS.values(), *counts, "wrong acts", "p50", "p95"]
    table = Table("", "", *titles, header_style="bold")
    for name, key in (("Alicia", "languages"), ("hassil", "reference")):
        for language, row in (report.get(key) or {}).items():
            met = row["goals_met"] if key == "languages" else {}
            kinds = {**row["by_expectation"], "times": row["times"], "later": row["later"]}
            table.add_row(
                name,
                language,
                _of(row),
                _colored(_percent(row["accuracy"]), met.get("accuracy")),
                *(_of(kinds.get(kind)) for kind in _KINDS),
                *(str(row[field]) for field in counts),
                _colored(_percent(row["wrong_share"]), met.get("wrong_share")),
                _colored(str(row["p50_ms"]), met.get("p50_ms")),
                _colored(str(row["p95_ms"]), met.get("p95_ms")),
            )
    return table


def _intents(languages: dict[str, Row]) -> Table:
    table = Table("right of", *languages, header_style="bold")
    tags = sorted({tag for row in languages.values() for tag in row["by_intent"]})
    for tag in tags:
        cells = [row["by_intent"].get(tag) for row in languages.values()]
        table.add_row(escape(tag), *map(_of, cells))
    return table


def _failure(row: Row) -> str:
    did = ", ".join(f"{d['entity']} {d['capability']} {d['value']}" for d in row["did"])
    came = did or row.get("said") or row.get("error") or "nothing"
    place = f" ({row['area']})" if "area" in row else ""
    text = escape(f"{row['text']}{place} -> {came}")
    return f"[bold]{row['language']} {row['verdict']:11}[/] {text}"


def _of(counts: Row | None) -> str:
    return f"{counts['right']}/{counts['sentences']}" if counts and counts["sentences"] else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _colored(text: str, met: bool | None) -> str:
    return text if met is None else f"[{'green' if met else 'red'}]{text}[/]"
