"""A program that must outlive us: started apart, known by its pid, taken over by a successor.

`asyncio.subprocess` and `subprocess.Popen` are not used for it: the first kills its child when its
loop ends, and the second can't stand for a process that somebody else started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_POLL_S = 0.05


def spawn(argv: list[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start the program in a session of its own, its output at the end of the log. Its pid."""
    # A session of its own: Ctrl-C at our terminal is not meant for it. A file, not a pipe: a
    # pipe's reader would die with us.
    return os.posix_spawn(
        argv[0],
        argv,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        # Python ignores these, and a child would inherit that.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        setsigmask=[],
    )


def runs(pid: int, *arguments: str) -> bool:
    """Whether this process lives, and its command line ends with these arguments."""
    if sys.platform == "linux":
        try:
            # Empty for one that is dead but not yet buried.
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return line.endswith(b"\0" + b"\0".join(map(os.fsencode, arguments)) + b"\0")
    listing = subprocess.run(  # noqa: S603 - no shell, a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.rstrip().endswith(" " + " ".join(arguments))


def send(pid: int, number: signal.Signals) -> bool:
    """Signal the process. False where there is none."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


async def ended(pid: int) -> int | None:
    """Wait for its end. Its exit code (negative: a signal) where it was our child, else None."""
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return buried(pid)
        except OSError:
            # A sandbox that does not allow pidfd_open.
            return await polled(pid)
        try:
            await _readable(handle)
        finally:
            os.close(handle)
        return buried(pid)
    return await polled(pid)


def buried(pid: int) -> int | None:
    """Take a dead child's exit code, so that it is no zombie. None where it lives or isn't ours."""
    with suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
    return None


async def _readable(handle: int) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        loop.remove_reader(handle)
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(handle, wake)
    try:
        await readable
    finally:
        loop.remove_reader(handle)


async def polled(pid: int) -> int | None:
    """`ended`, for systems that tell nobody of a stranger's end."""
    while True:
        code = buried(pid)
        if code is not None or not alive(pid):
            return code
        await asyncio.sleep(_POLL_S)


def alive(pid: int) -> bool:
    """Whether it is there, and no zombie. For a pid that is known to be the right one.

    `runs` can't tell this of a child just spawned: for a moment it has no command line yet.
    """
    if sys.platform == "linux":
        try:
            # The state stands after the name, which may itself hold brackets and spaces.
            stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return False
        return stat[0] != b"Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
