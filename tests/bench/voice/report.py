"""From turns to figures: per language and kind, ours and the stock path's, and their ratio."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.bench.voice.turns import TurnResult
from tests.bench.voice.wording import UNSPACED

Group = dict[str, dict[str, dict[str, Any]]]
"""Figures by language, then by kind."""


def grouped(turns: Iterable[TurnResult]) -> Group:
    """The figures of each language and kind."""
    members: dict[tuple[str, str], list[TurnResult]] = {}
    for turn in turns:
        members.setdefault((turn.language, turn.kind), []).append(turn)
    found: Group = {}
    for (language, kind), mine in sorted(members.items()):
        found.setdefault(language, {})[kind] = figures(mine)
    return found


def figures(turns: Sequence[TurnResult]) -> dict[str, Any]:
    """Of one group. None where there is nothing to count: never 0 for "not measured"."""
    judged = [turn for turn in turns if turn.right is not None]
    errors = [turn.errors for turn in turns if turn.errors is not None]
    words, letters = sum(e.words for e in errors), sum(e.characters for e in errors)
    cut = [turn for turn in turns if turn.cut]
    refused = [turn for turn in turns if turn.expected == "reject"]
    # After what is no command the house waits on purpose: it may be the beginning of one.
    meant = [turn for turn in turns if turn.expected != "reject"]
    return {
        "turns": len(turns),
        "wer": _share(sum(e.word_errors for e in errors), words),
        "wer_counts": "characters" if turns[0].language in UNSPACED else "words",
        "cer": _share(sum(e.character_errors for e in errors), letters),
        "judged": len(judged),
        "command_accuracy": _share(sum(turn.right is True for turn in judged), len(judged)),
        "by_expectation": {
            name: {"turns": len(some), "right": sum(turn.right is True for turn in some)}
            for name in ("command", "question", "reject")
            if (some := [turn for turn in judged if turn.expected == name])
        },
        "wrong_actions": sum(bool(turn.unwanted) for turn in turns),
        "language_accuracy": None,
        **_waited(meant),
        "refused": _waited(refused) | {"turns": len(refused)} if refused else None,
        "all": _waited(turns),
        "reply_lead_p50_ms": percentile(_each(turns, lambda t: t.reply_lead_ms), 50),
        "decided_p50_ms": percentile(_each(turns, lambda t: t.decided_ms), 50),
        "decided_p95_ms": percentile(_each(turns, lambda t: t.decided_ms), 95),
        "end_offset_p50_ms": percentile(_each(turns, lambda t: t.end_offset_ms), 50),
        "end_offset_p5_ms": percentile(_each(turns, lambda t: t.end_offset_ms), 5),
        "end_offset_p95_ms": percentile(_each(turns, lambda t: t.end_offset_ms), 95),
        "false_cuts": len(cut),
        "tails_lost": sum(turn.tail_lost for turn in turns),
        "cpu_s": _mean(_each(turns, lambda t: t.cpu_s)),
        "failures": dict(Counter(turn.error for turn in turns if turn.error)),
    }


def _waited(turns: Sequence[TurnResult]) -> dict[str, Any]:
    processing, felt = _each(turns, lambda t: t.processing_ms), _each(turns, lambda t: t.felt_ms)
    return {
        "processing_p50_ms": percentile(processing, 50),
        "processing_p95_ms": percentile(processing, 95),
        "felt_p50_ms": percentile(felt, 50),
        "felt_p95_ms": percentile(felt, 95),
        "felt_turns": len(felt),
    }


def add_language_accuracy(groups: Group, auto: Sequence[TurnResult]) -> None:
    """From the turns whose language was not given."""
    for language, kinds in groups.items():
        for kind, row in kinds.items():
            mine = [t for t in auto if (t.language, t.kind) == (language, kind)]
            right = sum(turn.language_heard == language for turn in mine)
            row["language_accuracy"] = _share(right, len(mine))
            row["language_turns"] = len(mine)


def ratios(ours: Sequence[TurnResult], stock: Sequence[TurnResult]) -> dict[str, Any]:
    """How many times sooner the house answers than the stock path, on the recordings of both."""
    return {
        language: {
            kind: found
            for kind in sorted({t.kind for t in stock if t.language == language})
            if (found := _ratio(_of(ours, language, kind), _of(stock, language, kind)))
        }
        for language in sorted({turn.language for turn in stock})
    } | ({"all": found} if (found := _ratio(ours, stock)) else {})


def _of(turns: Sequence[TurnResult], language: str, kind: str) -> list[TurnResult]:
    return [turn for turn in turns if (turn.language, turn.kind) == (language, kind)]


def _ratio(ours: Sequence[TurnResult], stock: Sequence[TurnResult]) -> dict[str, Any] | None:
    by_file = {turn.file: turn for turn in ours}
    pairs = [
        (by_file[turn.file].felt_ms, turn.felt_ms)
        for turn in stock
        if turn.file in by_file and by_file[turn.file].felt_ms and turn.felt_ms
    ]
    felt = [(mine, theirs) for mine, theirs in pairs if mine and theirs and mine > 0]
    if not felt:
        return None
    mine, theirs = [pair[0] for pair in felt], [pair[1] for pair in felt]
    return {
        "pairs": len(felt),
        "felt_p50": _over(percentile(theirs, 50), percentile(mine, 50)),
        "felt_p95": _over(percentile(theirs, 95), percentile(mine, 95)),
        "felt_median_of_pairs": round(statistics.median(b / a for a, b in felt), 2),
    }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Inclusive; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    if len(ordered) == 1:
        return round(ordered[0], 1)
    cuts = statistics.quantiles(ordered, n=100, method="inclusive")
    return round(cuts[percent - 1], 1)


def _each(turns: Iterable[TurnResult], figure: Callable[[TurnResult], float | None]) -> list[float]:
    return [value for turn in turns if (value := figure(turn)) is not None]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return round(statistics.fmean(values), 3) if values else None


def _over(above: float | None, below: float | None) -> float | None:
    return round(above / below, 2) if above is not None and below else None


# ---- tables ----

_COLUMNS: tuple[tuple[str, str], ...] = (
    ("turns", "turns"),
    ("wer", "WER"),
    ("cer", "CER"),
    ("command_accuracy", "right"),
    ("wrong_actions", "wrong acts"),
    ("language_accuracy", "language"),
    ("false_cuts", "cuts"),
    ("end_offset_p50_ms", "end off"),
    ("processing_p50_ms", "proc p50"),
    ("processing_p95_ms", "p95"),
    ("felt_p50_ms", "felt p50"),
    ("felt_p95_ms", "p95"),
    ("refused_felt_p95_ms", "refused"),
    ("cpu_s", "CPU s"),
)
_SHARES = frozenset({"wer", "cer", "command_accuracy", "language_accuracy"})


def show(report: dict[str, Any], out: Console) -> None:
    """The figures for a person."""
    table = Table("", "language", "kind", *(title for _, title in _COLUMNS), header_style="bold")
    for way, name in (("languages", "Alicia"), ("reference", "stock")):
        for language, kinds in (report.get(way) or {}).items():
            for kind, row in kinds.items():
                refused = {f"refused_{f}": v for f, v in (row.get("refused") or {}).items()}
                cells = [_cell(field, (row | refused).get(field)) for field, _ in _COLUMNS]
                table.add_row(name, language, kind, *cells)
    out.print(table)
    out.print("times in ms; right = the right change and no other, or the right answer")
    out.print("processing, felt: commands and questions; refused: felt p95 of what is neither")
    for language, kinds in (report.get("ratio") or {}).items():
        rows = {"": kinds} if language == "all" else kinds
        for kind, row in rows.items():
            out.print(
                f"{language} {kind}: felt {row['felt_p50']} x sooner at p50, {row['felt_p95']} x "
                f"at p95 ({row['pairs']} recordings through both)"
            )
    memory = report["memory_mb"]
    out.print(f"memory: house {memory['house']} MB, stock engines {memory['stock_engines']} MB")
    for one in report["skipped"]:
        out.print(f"[yellow]skipped[/] {one['file']}: {one['reason']}", markup=True)


def _cell(field: str, value: object) -> str:
    if value is None:
        return "-"
    if field in _SHARES and isinstance(value, float):
        return f"{value * 100:.1f} %"
    if isinstance(value, float) and field.endswith("_ms"):
        return f"{value:.0f}"
    return str(value)
