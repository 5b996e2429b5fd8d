"""The one process that forks the others: imports once, shares memory, restarts in milliseconds.

    alicia up ── spawner ─┬─ orchestrator      says what to fork and to signal, over a socket pair
                          ├─ broker ── mosquitto
                          └─ stt, ai, ...      killed with the spawner, not with the orchestrator

It has one thread and no event loop, so that forking is safe. It decides nothing but one thing: an
orchestrator that dies is forked again, and told what runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

ORCHESTRATOR = "orchestrator"
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
RESPAWN_PAUSE_S = 0.05
RESPAWN_MOST_S = 5.0
STABLE_S = 20.0
_HANDLED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SETUP_FAILED = 78
"""Exit code (EX_CONFIG of sysexits.h) of one who can't start here: trying again won't help."""


class Control:
    """What the orchestrator's process has inherited from its spawner."""

    socket: ClassVar[socket.socket | None] = None


def process_control(option: int, value: object) -> None:
    """prctl(2), where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(number: signal.Signals) -> None:
    process_control(_PR_SET_PDEATHSIG, int(number))


class Spawner:
    """Forks on request until everything has ended.

    run: what a child does with its service's name; its return value is the exit code.
    """

    def __init__(self, run: Callable[[str], int]) -> None:
        self._run = run
        self._children: dict[int, str] = {}
        self._selector = selectors.DefaultSelector()
        self._control: socket.socket | None = None
        self._buffer = b""
        self._stopping = False
        self._parent = os.getppid()
        self._respawns = 0
        self._forked_at = 0.0
        self._fork_at: float | None = None
        """When the orchestrator that died is forked again."""
        self._code = 0

    def main(self) -> int:
        """The exit code: 0 where everything ended as it was told to."""
        process_control(_PR_SET_CHILD_SUBREAPER, 1)
        process_control(_PR_SET_NAME, b"alicia:spawner")
        die_with_parent(signal.SIGTERM)
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in _HANDLED:
            signal.signal(number, lambda *_: None)
        self._signals = (reader, writer)
        self._selector.register(reader, selectors.EVENT_READ, self._on_signal)
        gc.collect()
        gc.freeze()  # what is shared stays shared: the collector does not write to it
        self._fork_orchestrator()
        while self._children or self._fork_at is not None:
            for key, _ in self._selector.select(timeout=self._patience_s()):
                key.data()
            self._reap()
            if self._fork_at is not None and time.monotonic() >= self._fork_at:
                self._fork_orchestrator()
            if os.getppid() != self._parent and not self._stopping:
                self._stop()
        return self._code

    def _patience_s(self) -> float:
        if self._fork_at is None:
            return 1.0
        return min(1.0, max(0.0, self._fork_at - time.monotonic()))

    # ---- signals ----

    def _on_signal(self) -> None:
        numbers = self._signals[0].recv(64)
        if signal.SIGTERM in numbers or signal.SIGINT in numbers or signal.SIGHUP in numbers:
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        self._fork_at = None
        drains = [pid for pid, service in self._children.items() if service == ORCHESTRATOR]
        for pid in drains or self._children:
            os.kill(pid, signal.SIGTERM)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            service = self._children.pop(pid, None)
            if service is None:
                continue  # a grandchild whose parent died: Mosquitto
            self._say(event="exited", pid=pid, service=service, status=_meaning(status))
            if service == ORCHESTRATOR:
                self._orchestrator_died(os.waitstatus_to_exitcode(status))

    def _orchestrator_died(self, code: int) -> None:
        self._forget_control()
        if code == SETUP_FAILED:
            self._code, self._stopping = code, True
        if self._stopping:
            for pid in self._children:
                os.kill(pid, signal.SIGTERM)
            return
        alive = time.monotonic() - self._forked_at
        self._respawns = 0 if alive > STABLE_S else self._respawns + 1
        self._fork_at = time.monotonic() + respawn_pause_s(self._respawns)

    def _forget_control(self) -> None:
        if self._control is not None:
            self._selector.unregister(self._control)
            self._control.close()
            self._control = None

    # ---- forking ----

    def _fork_orchestrator(self) -> None:
        ours, theirs = socket.socketpair()
        self._buffer = b""
        self._fork_at = None
        self._forked_at = time.monotonic()
        self._fork(ORCHESTRATOR, theirs, ours)
        theirs.close()
        ours.setblocking(False)
        self._control = ours
        self._selector.register(ours, selectors.EVENT_READ, self._on_control)

    def _fork(self, service: str, control: socket.socket | None, *others: socket.socket) -> int:
        spawner = os.getpid()
        # Until it has handlers of its own, a signal to the child would be taken for one to us: it
        # has our wakeup pipe.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._children[pid] = service
            return pid
        code = 1
        try:
            self._become(service, spawner, control, others)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            code = self._run(service)
        except BaseException as error:  # noqa: BLE001 - a forked child must never return
            print(f"alicia {service}: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _become(
        self,
        service: str,
        spawner: int,
        control: socket.socket | None,
        others: tuple[socket.socket, ...],
    ) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the terminal's process
        die_with_parent(signal.SIGKILL)
        if os.getppid() != spawner:
            os._exit(1)  # it died before the line above
        process_control(_PR_SET_NAME, f"alicia:{service}"[:15].encode())
        self._selector.close()
        for end in (*self._signals, *others, *((self._control,) if self._control else ())):
            end.close()
        Control.socket = control

    # ---- the orchestrator's wishes ----

    def _on_control(self) -> None:
        assert self._control is not None  # noqa: S101 - registered with it
        try:
            data = self._control.recv(65536)
        except (BlockingIOError, ConnectionError):
            return
        if not data:  # the orchestrator is leaving; its end is told by the kernel
            self._forget_control()
            return
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, wish: dict[str, Any]) -> None:
        match wish["do"]:
            case "spawn":
                pid = self._fork(wish["service"], None)
                self._say(event="spawned", service=wish["service"], pid=pid)
            case "signal":
                if wish["pid"] in self._children:
                    os.kill(wish["pid"], wish["signal"])
            case "list":
                children = {str(pid): s for pid, s in self._children.items() if s != ORCHESTRATOR}
                self._say(event="children", children=children)
            case other:
                print(f"alicia spawner: unknown wish {other!r}", file=sys.stderr)  # noqa: T201

    def _say(self, **event: object) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(json.dumps(event).encode() + b"\n")


def respawn_pause_s(times: int) -> float:
    """How long to wait before an orchestrator that died so often in a row is forked again."""
    return min(RESPAWN_MOST_S, RESPAWN_PAUSE_S * 2 ** min(times, 16))


def _meaning(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"code {os.WEXITSTATUS(status)}"
