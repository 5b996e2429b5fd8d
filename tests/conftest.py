"""What no test may leave behind: tasks on its loop, and child processes."""

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

TASKS_END_WITHIN_S = 10.0
CHILDREN_END_WITHIN_S = 20.0


def pytest_itemcollected(item: pytest.Item) -> None:
    """The task guard needs a loop, so only tests that have one get it; first in, it is last out."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
        item.fixturenames.insert(0, "no_task_is_left")


@pytest.fixture
async def no_task_is_left() -> AsyncGenerator[None, None]:
    mine = asyncio.current_task()
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {mine, asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=TASKS_END_WITHIN_S)
    if left:
        names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()})" for task in left))
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=TASKS_END_WITHIN_S)
        pytest.fail(f"tasks were left running: {names}")


@pytest.fixture(autouse=True)
def no_child_is_left() -> Generator[None, None, None]:
    before = _children()
    yield
    deadline = monotonic() + CHILDREN_END_WITHIN_S
    while (left := _children() - before) and monotonic() < deadline:
        sleep(0.005)
    if left:
        pytest.fail(f"child processes were left running: {sorted(map(_line, left))}")


def _children() -> set[int]:
    """Children that live; there is nothing to see but on Linux."""
    if sys.platform != "linux":
        return set()
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    # The interpreter's own, once it has shared memory.
    return {pid for pid in found if "resource_tracker" not in (line := _line(pid)) and line}


def _line(pid: int) -> str:
    """Its command line; empty for one that is dead."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""
