"""Clocks that differ: seen by what can't be, a span long before or after the one that led to it."""

from __future__ import annotations

from collections.abc import Iterable

from alicia.contracts.system import Span

APART_S = 1.0
"""Clocks nearer than this are left alone: that much may lie between a cause and its effect."""
OWNER = "router"
"""Whose clock a turn is told by."""


def ahead_s(spans: Iterable[Span]) -> dict[str, float]:
    """By instance: how far its clock is ahead of the turn's owner's, where that is certain.

    Found as NTP finds it: what came of another's span began after it, so each pair of spans bounds
    the difference on one side.
    """
    known = {span.span_id: span for span in spans}
    owner = next((span.instance for span in known.values() if span.service == OWNER), None)
    if owner is None:
        return {}
    pairs = [
        (known[span.parent_id], span)
        for span in known.values()
        if span.parent_id in known and known[span.parent_id].instance != span.instance
    ]
    found = {owner: 0.0}
    reached = True
    while reached:
        reached = False
        for above, below in pairs:
            for here, there in (
                (above.instance, below.instance),
                (below.instance, above.instance),
            ):
                if here in found and there not in found:
                    found[there] = found[here] + _between(here, there, pairs)
                    reached = True
    return {instance: off for instance, off in found.items() if abs(off) > APART_S}


def _between(here: str, there: str, pairs: list[tuple[Span, Span]]) -> float:
    """How far the clock of `there` is ahead of that of `here`; 0 where all fits as it is."""
    going = [(a, b) for a, b in pairs if (a.instance, b.instance) == (here, there)]
    coming = [(a, b) for a, b in pairs if (a.instance, b.instance) == (there, here)]
    if all(_fits(above, below) for above, below in (*going, *coming)):
        return 0.0
    most = min((b.start - a.start for a, b in going), default=None)
    least = max((a.start - b.start for a, b in coming), default=None)
    if most is None or least is None:
        return (most if least is None else least) or 0.0
    return (most + least) / 2


def _fits(above: Span, below: Span) -> bool:
    after_s = below.start - above.start
    # What is heard may come long after who said it has gone on; what is asked for is waited for.
    heard = below.name.startswith("hear ")
    return after_s >= -APART_S and (heard or after_s <= above.duration_ms / 1000 + APART_S)
