"""Reasons: "turn the lamp off, the baby is asleep" without what was said only to explain it.

A clause is a reason where it begins as one (`[reason]` in a language's table of concepts) and has
no word that may change what is asked for. Whether the rest is a command is for others to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NOTHING = "(?!)"
_NO_RELATIVE = r"(?<!\bque)(?<!\bche)(?<!\bqui)"
"""Before a bare clause: "la lampe que je vois" gives no reason."""
_MOST = 4
"""Ways to cut a sentence that are tried."""


class Reasons:
    """One language's; without a table it knows none."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._known = "reason" in own or "reasons" in own
        self._patterns = [re.compile(pattern) for pattern in own.get("reasons", [])]
        told: Mapping[str, Sequence[str]] = own.get("reason", {})
        bare = "|".join(told.get("bare", [])) or _NOTHING
        begins = "|".join([*told.get("begins", []), bare])
        joins = "|".join(told.get("joins", [])) or _NOTHING
        so = "|".join(told.get("so", [])) or _NOTHING
        refines = "|".join(told.get("refines", [])) or _NOTHING
        joined = rf"(?:,? (?:{joins}) |, )(?=(?:{begins})\b)"
        self._last = re.compile(rf"{joined}|{_NO_RELATIVE} (?=(?:{bare})\b)")
        """Where a reason may begin after a command."""
        self._first = re.compile(rf"^(?:{begins})\b")
        self._so = re.compile(rf"(?:, (?:{so}) |, | (?:{so}) )")
        """Where a command may begin after a reason."""
        self._never = re.compile(rf"\b(?:{'|'.join(told.get('never', [])) or _NOTHING})\b")
        self._refines = re.compile(rf"^(?:{refines})\b")

    def __bool__(self) -> bool:
        return self._known

    def without(self, text: str) -> Iterator[str]:
        """What may be asked for by a tidied sentence, without its reason; likelier ones first."""
        tried: dict[str, None] = {}
        every = (*self._by_pattern(text), *self._before(text), *self._after(text))
        for rest, clause in every:
            if rest and not self._never.search(clause) and not self._refines.search(clause):
                tried.setdefault(rest)
        yield from list(tried)[:_MOST]

    def _by_pattern(self, text: str) -> Iterator[tuple[str, str]]:
        for pattern in self._patterns:
            if found := pattern.search(text):
                clause = f"{text[: found.start('rest')]} {text[found.end('rest') :]}"
                yield found["rest"].strip(" ,"), clause.strip(" ,")

    def _before(self, text: str) -> Iterator[tuple[str, str]]:
        for cut in self._last.finditer(text):
            yield text[: cut.start()].strip(" ,"), text[cut.end() :].strip(" ,")

    def _after(self, text: str) -> Iterator[tuple[str, str]]:
        if not self._first.search(text):
            return
        for cut in self._so.finditer(text):
            yield text[cut.end() :].strip(" ,"), text[: cut.start()].strip(" ,")
