"""The spawner in a process of its own, with real forks; the test speaks for the orchestrator."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from alicia.runtime.spawner import RESPAWN_MOST_S, SETUP_FAILED, respawn_pause_s
from alicia.testing.waiting import Stopwatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2) and /proc")

WITHIN_S = 60.0
SCRIPT = """
import json, os, selectors, signal, sys
from alicia.runtime.spawner import Control, Spawner

def tell(**event):
    os.write(1, json.dumps(event).encode() + b"\\n")

def orchestrator():
    # What comes from the test goes to the spawner, and back.
    tell(event="orchestrator", pid=os.getpid(), parent=os.getppid())
    control = Control.socket
    control.setblocking(True)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is control:
                data = control.recv(65536)
                if not data:
                    return 0
                os.write(1, data)
            else:
                line = os.read(0, 65536)
                if line.startswith(b"exit"):
                    return int(line.split()[1])
                control.send(line)

def parent():
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pause()
        os._exit(0)
    tell(event="grandchild", pid=child)
    signal.pause()

def polite():
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    tell(event="ready")
    while not told:
        signal.pause()
    return 0

def run(service):
    if service == "raises":
        raise ValueError("a defect")
    if service == "brief":
        return 3
    work = {"orchestrator": orchestrator, "parent": parent, "polite": polite}.get(service)
    return (work or (lambda: signal.pause() or 0))()

sys.exit(Spawner(run).main())
"""


class Nest:
    """A spawner, what it tells, and what it is told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._kept: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.orchestrator = self.event("orchestrator")["pid"]
        self.pids: list[int] = [self.orchestrator]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))

    def event(self, kind: str) -> dict[str, Any]:
        """The next event of this kind; others wait for whom they are for."""
        deadline = monotonic() + WITHIN_S
        while True:
            for event in self._kept:
                if event["event"] == kind:
                    self._kept.remove(event)
                    return event
            self._kept.append(self._events.get(timeout=deadline - monotonic()))

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def spawn(self, service: str) -> int:
        self.tell(json.dumps({"do": "spawn", "service": service}))
        event = self.event("spawned")
        assert event["service"] == service
        self.pids.append(event["pid"])
        return event["pid"]

    def signal(self, pid: int, number: signal.Signals) -> None:
        self.tell(json.dumps({"do": "signal", "pid": pid, "signal": int(number)}))

    def children(self) -> dict[str, str]:
        self.tell(json.dumps({"do": "list"}))
        return self.event("children")["children"]

    def ended(self) -> int:
        return self.process.wait(WITHIN_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def a_nest() -> Generator[Nest, None, None]:
    made = Nest()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def nest() -> Generator[Nest, None, None]:
    with a_nest() as made:
        yield made


def status(pid: int) -> dict[str, str]:
    """/proc's view of a process; empty where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def alive(pid: int) -> bool:
    return status(pid).get("State", "Z")[0] not in "ZX"


def until(fact: Any) -> None:
    deadline = monotonic() + WITHIN_S
    while not fact():
        assert monotonic() < deadline, "it did not come true in time"
        sleep(0.005)


# ---- children -----------------------------------------------------------------------------------


def test_a_child_is_forked_by_name(nest: Nest) -> None:
    pid = nest.spawn("stt")
    assert int(status(pid)["PPid"]) == nest.process.pid
    until(lambda: status(pid)["Name"] == "alicia:stt")
    assert nest.children() == {str(pid): "stt"}


@pytest.mark.parametrize(
    ("service", "how"),
    [("brief", "code 3"), ("raises", "code 1")],
    ids=["by itself", "by a defect"],
)
def test_a_child_that_ends_is_reported(nest: Nest, service: str, how: str) -> None:
    nest.tell(json.dumps({"do": "spawn", "service": service}))
    event = nest.event("exited")
    assert (event["service"], event["status"]) == (service, how)
    assert nest.children() == {}
    assert status(event["pid"]) == {}, "no zombie"


def test_a_child_that_is_killed_is_reported_with_its_signal(nest: Nest) -> None:
    pid = nest.spawn("stt")
    os.kill(pid, signal.SIGKILL)
    event = nest.event("exited")
    assert (event["pid"], event["service"], event["status"]) == (pid, "stt", "SIGKILL")


def test_a_child_is_signalled_on_request(nest: Nest) -> None:
    pid = nest.spawn("polite")
    nest.event("ready")
    nest.signal(pid, signal.SIGTERM)
    assert nest.event("exited")["status"] == "code 0"


def test_one_that_is_told_to_end_as_soon_as_it_is_forked_ends_alone(nest: Nest) -> None:
    pids: set[int] = set()
    for _ in range(20):
        nest.tell("\n".join([json.dumps({"do": "spawn", "service": "stt"})] * 3))
        for _ in range(3):
            pid = nest.event("spawned")["pid"]
            os.kill(pid, signal.SIGTERM)
            pids.add(pid)
    ended = [nest.event("exited") for _ in pids]
    assert {event["pid"] for event in ended} == pids
    assert {event["status"] for event in ended} == {"SIGTERM"}
    assert nest.process.poll() is None
    assert alive(nest.orchestrator)


def test_nobody_but_a_child_is_signalled(nest: Nest) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        nest.signal(stranger.pid, signal.SIGKILL)
        assert nest.children() == {}
        assert stranger.poll() is None
        stranger.kill()


def test_many_children_end_at_once_and_each_is_reported(nest: Nest) -> None:
    pids = {nest.spawn("stt") for _ in range(8)}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert {nest.event("exited")["pid"] for _ in pids} == pids
    assert nest.children() == {}


# ---- the orchestrator ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["killed", "crashed", "left"])
def test_an_orchestrator_that_dies_is_forked_again_and_told_the_children(
    nest: Nest, how: str
) -> None:
    pid = nest.spawn("stt")
    if how == "killed":
        os.kill(nest.orchestrator, signal.SIGKILL)
    else:
        nest.tell("exit 1" if how == "crashed" else "exit 0")
    again = nest.event("orchestrator")
    nest.pids.append(again["pid"])
    assert again["pid"] != nest.orchestrator
    assert again["parent"] == nest.process.pid
    assert nest.children() == {str(pid): "stt"}
    assert alive(pid)
    assert nest.spawn("tts") != pid


def test_it_is_forked_again_time_after_time(nest: Nest) -> None:
    for _ in range(3):
        os.kill(nest.orchestrator, signal.SIGKILL)
        nest.orchestrator = nest.event("orchestrator")["pid"]
        nest.pids.append(nest.orchestrator)
    assert nest.children() == {}


def test_the_pause_before_it_grows_and_is_bounded() -> None:
    pauses = [respawn_pause_s(times) for times in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[1] <= 0.2
    assert pauses[-1] == respawn_pause_s(100_000) == RESPAWN_MOST_S


def test_one_that_can_not_start_here_ends_the_house_with_its_code(nest: Nest) -> None:
    pid = nest.spawn("stt")
    nest.tell(f"exit {SETUP_FAILED}")
    assert nest.ended() == SETUP_FAILED
    assert not alive(pid)


# ---- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_and_nothing_remains(nest: Nest, number: signal.Signals) -> None:
    pids = [nest.spawn(service) for service in ("stt", "polite", "tts")]
    nest.event("ready")
    nest.process.send_signal(number)
    assert nest.ended() == 0
    for pid in (*pids, nest.orchestrator):
        assert status(pid) == {}


def test_the_orchestrator_is_told_first_and_drains_the_others(nest: Nest) -> None:
    pid = nest.spawn("polite")
    nest.event("ready")
    os.kill(nest.orchestrator, signal.SIGSTOP)
    until(lambda: "T" in status(nest.orchestrator)["State"])
    nest.process.send_signal(signal.SIGTERM)
    sent = int(signal.SIGTERM)
    until(lambda: int(status(nest.orchestrator)["ShdPnd"], 16) >> (sent - 1) & 1)
    assert alive(pid), "nobody else was told"
    os.kill(nest.orchestrator, signal.SIGCONT)
    assert nest.ended() == 0
    assert not alive(pid)


def test_a_signal_between_two_orchestrators_ends_all(nest: Nest) -> None:
    pid = nest.spawn("stt")
    for _ in range(3):  # until the pause is long enough to hit
        os.kill(nest.orchestrator, signal.SIGKILL)
        nest.orchestrator = nest.event("orchestrator")["pid"]
    os.kill(nest.orchestrator, signal.SIGKILL)
    until(lambda: status(nest.orchestrator) == {})
    nest.process.send_signal(signal.SIGTERM)
    started = Stopwatch()
    assert nest.ended() == 0
    assert started.seconds < 0.4
    assert not alive(pid)


def test_children_do_not_outlive_a_spawner_that_is_killed(nest: Nest) -> None:
    pids = [nest.spawn("stt"), nest.spawn("tts"), nest.orchestrator]
    nest.process.kill()
    until(lambda: not any(map(alive, pids)))


# ---- grandchildren ------------------------------------------------------------------------------


def test_a_grandchild_outlives_its_parent_and_is_reaped_when_it_ends(nest: Nest) -> None:
    pid = nest.spawn("parent")
    grandchild = nest.event("grandchild")["pid"]
    nest.pids.append(grandchild)
    os.kill(pid, signal.SIGKILL)
    assert nest.event("exited")["pid"] == pid
    until(lambda: status(grandchild)["PPid"] == str(nest.process.pid))
    assert alive(grandchild), "as Mosquitto does when the broker room is killed"
    assert nest.children() == {}
    os.kill(grandchild, signal.SIGKILL)
    until(lambda: status(grandchild) == {})
    assert nest.spawn("stt"), "and the spawner goes on"
