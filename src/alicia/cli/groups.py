"""A group of commands of which the first one goes without saying: `alicia devices kitchen`."""

from __future__ import annotations

import typer
from typer.core import TyperGroup
from typing_extensions import override


class DefaultGroup(TyperGroup):
    """What names none of the commands belongs to the first of them."""

    @override
    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        first = args[0] if args else ""
        if first not in self.commands and first not in ("-h", "--help"):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
