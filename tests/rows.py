"""A table of cases as one test: each row is checked, and all that fail are told by their names.

For tables of hundreds of rows that take microseconds each: as parameters, most of their time would
be pytest's own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def rows(
    names: str | tuple[str, ...], table: Iterable[Any], *, ids: Callable[[Any], str] = str
) -> Callable[[Test], Test]:
    """In place of `pytest.mark.parametrize`, with the same arguments.

    Fixtures are made once and serve all rows: no row may change them. Raises a group of what the
    rows raised.
    """
    wanted = (names,) if isinstance(names, str) else names
    every = [(row,) if isinstance(names, str) else tuple(row) for row in table]
    assert every, "a table without rows proves nothing"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        given = [p for name, p in signature.parameters.items() if name not in wanted]

        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            failed: list[BaseException] = []
            for row in every:
                try:
                    test(**fixtures, **dict(zip(wanted, row, strict=True)))
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - told below
                    error.add_note(f"row: {', '.join(map(ids, row))}")
                    failed.append(error)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(every)} rows", failed)

        run.__signature__ = signature.replace(parameters=given)  # type: ignore[attr-defined]
        return run

    return decorate
