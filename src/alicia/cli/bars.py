"""Progress bars on standard error, for work that takes a while."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn

from alicia.cli.output import err


class Bars:
    """A bar for each part of the work, added when it is first told of."""

    def __init__(self, *columns: ProgressColumn, quiet: bool) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), *columns, console=err, disable=quiet
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, part: str, done: int, total: int | None) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task(part, total=total)
        self._bars.update(self._tasks[part], completed=done)
