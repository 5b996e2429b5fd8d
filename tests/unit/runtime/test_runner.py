"""The life of a service, as others see it on the bus."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog

from alicia.contracts.devices import STATE, EntityState
from alicia.contracts.system import (
    INFO,
    LIST_PROCESSES,
    PING,
    PRESENCE,
    RESTART_SERVICE,
    SPANS,
    STATS,
    GetInfo,
    GetStats,
    ListProcesses,
    Phase,
    Ping,
    Presence,
    ProcessInfo,
    ProcessList,
    RestartService,
    ServiceRestarted,
    Span,
)
from alicia.contracts.voice import (
    LISTENING,
    PARTIAL,
    SPEAK,
    UNDERSTAND,
    Partial,
    Speak,
    Spoken,
    Understand,
    Understood,
)
from alicia.errors import (
    DeadlineError,
    InternalError,
    NoResponderError,
    NoSpeechError,
    NotReadyError,
    ResponderLostError,
    SettingsError,
)
from alicia.runtime.logs import configure, pii
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import Settings
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, Stopwatch, until

CANARY = "the password of the canary is seeds"


class CookSettings(Settings):
    dishes: int = 1


class Cook(Service[CookSettings]):
    """Answers SPEAK after `gate`, notes what it was told, and fails on demand."""

    name = "cook"
    says = (LISTENING,)

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.crash = asyncio.Event()
        self.cooked: list[str] = []
        self.heard: list[str] = []
        self.steps: list[str] = []

    @asynccontextmanager
    async def foundation(self) -> AsyncGenerator[None, None]:
        self.steps.append("foundation")
        yield
        self.steps.append("foundation left")

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        assert self.bus.connected
        self.steps.append("lifespan")
        yield
        self.steps.append("lifespan left")

    @serves(SPEAK, concurrency=4)
    async def speak(self, ask: Speak) -> Spoken:
        self.log.info("speaking", text=pii(ask.text))
        self.cooked.append(ask.text)
        await self.gate.wait()
        if ask.text == "defect":
            raise KeyError("onions")
        if ask.text == "silence":
            raise NoSpeechError(said=0)
        self.steps.append("answered")
        return Spoken(turn_id=ask.turn_id, duration_ms=1, rate_hz=16000, first_audio_at=0)

    @serves(LIST_PROCESSES)
    async def processes(self, _: ListProcesses) -> ProcessList:
        return ProcessList(processes=[])

    @handles(PARTIAL)
    async def partial(self, message: Partial) -> None:
        if message.text == "defect":
            raise ValueError("a defect")
        self.heard.append(message.text)

    @runs
    async def stove(self) -> None:
        await self.crash.wait()
        raise RuntimeError("the stove exploded")


class Waiter(Service[Settings]):
    """Understands a sentence by having it spoken."""

    name = "waiter"
    asks = (SPEAK, LIST_PROCESSES, RESTART_SERVICE)

    @serves(UNDERSTAND, concurrency=4)
    async def understand(self, ask: Understand) -> Understood:
        spoken = await self.ask(
            SPEAK, Speak(turn_id=ask.turn_id, text=ask.text, language=ask.language)
        )
        return Understood(
            turn_id=ask.turn_id,
            heard=ask.text,
            intent="speak",
            reply=str(spoken.rate_hz),
            language=ask.language,
        )


class Kitchen(Service[Settings]):
    """Serves one command that may be asked twice, and one that may not."""

    name = "kitchen"
    tries: ClassVar[list[str]] = []
    gate: ClassVar[asyncio.Event]

    @serves(LIST_PROCESSES)
    async def processes(self, _: ListProcesses) -> ProcessList:
        self.tries.append(self.instance)
        await self.gate.wait()
        return ProcessList(processes=[ProcessInfo(service=self.instance, phase=Phase.READY)])

    @serves(RESTART_SERVICE)
    async def restart(self, ask: RestartService) -> ServiceRestarted:
        self.tries.append(self.instance)
        await self.gate.wait()
        return ServiceRestarted(service=ask.service, pid=1)


class Broken(Service[Settings]):
    name = "broken"

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        raise NotReadyError("The oven is missing.")
        yield  # pyright: ignore[reportUnreachable]


def speak(text: str = "hello") -> Speak:
    return Speak(turn_id="turn-1", text=text, language="en")


def understand(text: str) -> Understand:
    return Understand(turn_id="turn-1", text=text, language="en", satellite="s")


@asynccontextmanager
async def presence_of(home: RunningHouse, service: str) -> AsyncGenerator[list[Presence], None]:
    """Each phase once, as it comes."""
    seen: list[Presence] = []

    async def follow() -> None:
        async with home.bus.hear(PRESENCE, service=service) as hearing:
            following.set()
            async for delivery in hearing:
                if not seen or seen[-1].phase != delivery.message.phase:
                    seen.append(delivery.message)

    following = asyncio.Event()
    task = asyncio.create_task(follow())
    await following.wait()
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def log() -> Generator[io.StringIO, None, None]:
    stream = io.StringIO()
    configure(to=stream)
    yield stream
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


# ---- life ----------------------------------------------------------------------------------------


async def test_a_life_goes_forward_and_others_see_it(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        cook = await home.start(Cook)
        await until(lambda: seen and seen[-1].phase is Phase.READY)
        await home.bus.ask(SPEAK, speak())
        await home.stop(Cook)
        await until(lambda: seen[-1].phase is Phase.STOPPED)
        assert [presence.phase for presence in seen] == [
            Phase.STARTING,
            Phase.READY,
            Phase.DRAINING,
            Phase.STOPPED,
        ]
        assert {presence.instance for presence in seen} == {cook.instance}
        assert sorted(seen[-1].serves) == ["LIST_PROCESSES", "SPEAK"]
        assert cook.steps == [
            "foundation",
            "lifespan",
            "answered",
            "lifespan left",
            "foundation left",
        ]


async def test_draining_finishes_what_is_in_hand_and_refuses_what_is_new(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        cook = await home.start(Cook)
        cook.gate.clear()
        asked = [asyncio.create_task(home.bus.ask(SPEAK, speak(f"dish {n}"))) for n in range(2)]
        await until(lambda: len(cook.cooked) == 2)
        stopping = asyncio.create_task(home.stop(Cook))
        await until(lambda: seen and seen[-1].phase is Phase.DRAINING)
        await until(lambda: unserved(cook))
        with pytest.raises(NoResponderError):
            await home.bus.ask(SPEAK, speak("late"))
        with pytest.raises(NoResponderError):
            await home.bus.ask(LIST_PROCESSES, ListProcesses())
        assert "lifespan left" not in cook.steps
        cook.gate.set()
        assert [(await answer).rate_hz for answer in asked] == [16000, 16000]
        await stopping
        assert cook.steps.index("answered") < cook.steps.index("lifespan left")
        assert "late" not in cook.cooked


def unserved(cook: Cook) -> bool:
    return not any(group == "cook" for _, group in cook.bus._subscribed)


async def test_what_drains_too_slowly_is_stopped_and_its_asker_told(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        cook = await home.start(Cook, drain_timeout_s=0.05)
        cook.gate.clear()
        asking = asyncio.create_task(home.bus.ask(SPEAK, speak()))
        await until(lambda: cook.cooked)
        await home.stop(Cook)
        with pytest.raises(ResponderLostError):
            await asking


async def test_a_background_task_that_fails_ends_the_service_with_its_reason(
    tmp_path: Path,
) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        cook = await home.start(Cook)
        cook.crash.set()
        with pytest.raises(ExceptionGroup) as raised:
            await home._running[0].task
        assert raised.group_contains(RuntimeError, match="the stove exploded")
        home._running.clear()
        await until(lambda: seen[-1].phase is Phase.STOPPED)
        assert "stove" in (seen[-1].reason or "")
        assert cook.steps[-1] != "answered"


async def test_what_can_not_start_says_why_and_ends(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "broken") as seen:
        with pytest.raises(NotReadyError, match="The oven is missing"):
            await home.start(Broken)
        await until(lambda: seen and seen[-1].phase is Phase.STOPPED)
        assert "The oven is missing" in (seen[-1].reason or "")


async def test_who_is_killed_is_lost(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        await home.start(Cook)
        await until(lambda: seen and seen[-1].phase is Phase.READY)
        await home.kill(Cook)
        await until(lambda: seen[-1].phase is Phase.LOST)


async def test_degraded_is_said_with_its_reason_and_taken_back(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        cook = await home.start(Cook)
        await until(lambda: seen and seen[-1].phase is Phase.READY)
        cook.set_degraded("no salt")
        await until(lambda: seen[-1].phase is Phase.DEGRADED)
        assert seen[-1].reason == "no salt"
        cook.set_degraded(None)
        await until(lambda: seen[-1].phase is Phase.READY)
        assert seen[-1].reason is None


# ---- what every instance answers -----------------------------------------------------------------


async def test_every_instance_answers_ping_info_and_stats(tmp_path: Path) -> None:
    async with house(Cook, folder=tmp_path) as home:
        instance = home._running[0].runner.instance
        whom = {"service": "cook", "instance": instance}
        assert (await home.bus.ask(PING, Ping(**whom))).at > 0
        info = await home.bus.ask(INFO, GetInfo(**whom))
        assert (info.service, info.instance) == ("cook", instance)
        assert set(info.serves) >= {"SPEAK", "PING", "INFO", "STATS"}
        assert set(info.hears) >= {"PARTIAL", "PRESENCE"}
        assert set(info.says) >= {"LISTENING", "PRESENCE", "DEAD_LETTER", "SPANS"}
        assert "dishes" in info.settings_schema["properties"]
        await home.bus.ask(SPEAK, speak())
        with pytest.raises(NoSpeechError):
            await home.bus.ask(SPEAK, speak("silence"))
        stats = await home.bus.ask(STATS, GetStats(**whom))
        assert stats.handled[SPEAK.pattern] == 1
        assert stats.errors == {NoSpeechError.code: 1}
        assert stats.rss_bytes > 1_000_000
        assert stats.uptime_s > 0


async def get(address: str, path: str) -> tuple[int, str]:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


async def test_health_readiness_and_metrics_are_served_where_presence_says(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, presence_of(home, "cook") as seen:
        cook = await home.start(Cook, http_port=0)
        await until(lambda: seen and seen[-1].phase is Phase.READY)
        endpoint = seen[-1].endpoint
        assert endpoint is not None
        assert endpoint.startswith("http://127.0.0.1:")
        status, body = await get(endpoint, "/healthz")
        assert (status, json.loads(body)["service"]) == (200, "cook")
        assert (await get(endpoint, "/readyz"))[0] == 200
        await home.bus.ask(SPEAK, speak())
        with pytest.raises(NoSpeechError):
            await home.bus.ask(SPEAK, speak("silence"))
        metrics = (await get(endpoint, "/metrics"))[1]
        assert f'alicia_handled_seconds_count{{topic="{SPEAK.pattern}"}} 2.0' in metrics
        assert f'alicia_errors_total{{code="voice.no_speech",topic="{SPEAK.pattern}"}} 1.0' in (
            metrics
        )
        # Alive, but not ready: it drains.
        cook.gate.clear()
        asking = asyncio.create_task(home.bus.ask(SPEAK, speak("last")))
        await until(lambda: "last" in cook.cooked)
        stopping = asyncio.create_task(home.stop(Cook))
        await until(lambda: seen[-1].phase is Phase.DRAINING)
        assert (await get(endpoint, "/healthz"))[0] == 200
        assert (await get(endpoint, "/readyz"))[0] == 503
        cook.gate.set()
        await asking
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await get(endpoint, "/healthz")


# ---- failures ------------------------------------------------------------------------------------


async def test_an_unforeseen_failure_is_in_the_log_and_only_named_at_the_asker(
    tmp_path: Path, log: io.StringIO
) -> None:
    async with house(Cook, folder=tmp_path) as home:
        with pytest.raises(InternalError) as raised:
            await home.bus.ask(SPEAK, speak("defect"))
        assert "onions" not in str(raised.value)
        assert raised.value.fields == {"service": "cook"}
        # It goes on.
        assert (await home.bus.ask(SPEAK, speak())).rate_hz == 16000
    [failed] = [line for line in lines(log) if line["event"] == "failed"]
    assert failed["level"] == "error"
    assert "Traceback" in failed["exception"]
    assert "KeyError" in failed["exception"]
    assert failed["doing"] == SPEAK.pattern


async def test_a_hearer_that_fails_hears_the_next(tmp_path: Path, log: io.StringIO) -> None:
    async with house(folder=tmp_path) as home:
        cook = await home.start(Cook)
        for text in ("one", "defect", "two"):
            await home.bus.say(PARTIAL, Partial(utterance_id="u", text=text, confidence=1))
        await until(lambda: cook.heard == ["one", "two"])
        assert cook.bus.errors == {InternalError.code: 1}
    assert any(line["event"] == "failed" for line in lines(log))


# ---- asking again --------------------------------------------------------------------------------


@asynccontextmanager
async def lost_kitchen(home: RunningHouse) -> AsyncGenerator[Waiter, None]:
    """A kitchen that had a question when it was lost."""
    Kitchen.tries.clear()
    Kitchen.gate = asyncio.Event()
    waiter = await home.start(Waiter)
    await home.start(Kitchen)
    await until(lambda: waiter.peers.expected(LIST_PROCESSES))
    yield waiter


async def test_an_idempotent_question_survives_the_loss_of_its_server(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, lost_kitchen(home) as waiter:
        asking = asyncio.create_task(waiter.ask(LIST_PROCESSES, ListProcesses(), deadline_s=5))
        await until(lambda: len(Kitchen.tries) == 1)
        await home.kill(Kitchen)
        Kitchen.gate.set()
        second = await home.start(Kitchen)
        assert (await asking).processes[0].service == second.instance
        assert Kitchen.tries[-1] == second.instance
        assert waiter.bus.pending == 0


async def test_a_question_that_may_not_be_asked_twice_is_not(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, lost_kitchen(home) as waiter:
        asking = asyncio.create_task(
            waiter.ask(RESTART_SERVICE, RestartService(service="x"), deadline_s=5)
        )
        await until(lambda: len(Kitchen.tries) == 1)
        await home.kill(Kitchen)
        Kitchen.gate.set()
        await home.start(Kitchen)
        with pytest.raises(ResponderLostError):
            await asking
        assert len(Kitchen.tries) == 1


async def test_a_lost_server_that_does_not_come_back_is_an_error_in_time(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home, lost_kitchen(home) as waiter:
        asking = asyncio.create_task(waiter.ask(LIST_PROCESSES, ListProcesses(), deadline_s=0.5))
        await until(lambda: len(Kitchen.tries) == 1)
        await home.kill(Kitchen)
        with pytest.raises((NoResponderError, ResponderLostError, DeadlineError)):
            await asyncio.wait_for(asking, PATIENCE_S)


async def test_nobody_who_was_ever_seen_is_not_waited_for(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        waiter = await home.start(Waiter)
        start = Stopwatch()
        with pytest.raises(NoResponderError):
            await waiter.ask(LIST_PROCESSES, ListProcesses(), deadline_s=5)
        assert start.seconds < 1


# ---- traces --------------------------------------------------------------------------------------


async def test_a_trace_goes_through_two_services(tmp_path: Path) -> None:
    async with house(Cook, Waiter, folder=tmp_path) as home:
        spans: list[Span] = []

        async def follow() -> None:
            async with home.bus.hear(SPANS) as hearing:
                following.set()
                async for delivery in hearing:
                    spans.extend(delivery.message.spans)

        following = asyncio.Event()
        task = asyncio.create_task(follow())
        await following.wait()
        waiter = next(r.runner.service for r in home._running if r.kind is Waiter)
        with waiter.trace("turn") as turn:
            packet = await home.bus.ask(UNDERSTAND, understand("hello"))
        assert packet.reply == "16000"
        # Without a trace nothing is recorded.
        await home.bus.ask(UNDERSTAND, understand("again"))
        await until(lambda: len(spans) >= 4)
        await home.stop(Waiter)
        await home.stop(Cook)
        by_name = {span.name: span for span in spans}
        assert len(spans) == 4
        assert {span.trace_id for span in spans} == {turn.trace_id}
        root = by_name["turn"]
        served = by_name[f"serve {UNDERSTAND.pattern}"]
        asked = by_name[f"ask {SPEAK.pattern}"]
        cooked = by_name[f"serve {SPEAK.pattern}"]
        assert root.parent_id is None
        assert served.parent_id == root.span_id
        assert asked.parent_id == served.span_id
        assert cooked.parent_id == asked.span_id
        assert (served.service, cooked.service) == ("waiter", "cook")
        assert root.duration_ms >= served.duration_ms >= asked.duration_ms >= cooked.duration_ms
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# ---- logs ----------------------------------------------------------------------------------------


async def test_what_is_personal_never_stands_in_the_log_but_its_turn_and_trace_do(
    tmp_path: Path, log: io.StringIO
) -> None:
    async with house(folder=tmp_path) as home:
        cook, waiter = await home.start(Cook), await home.start(Waiter)
        with waiter.trace("turn") as turn:
            await home.bus.ask(UNDERSTAND, understand(CANARY))
        with pytest.raises(NoSpeechError):
            await home.bus.ask(SPEAK, speak("silence"))
        await home.bus.say(PARTIAL, Partial(utterance_id="u", text=CANARY, confidence=1))
        await until(lambda: cook.heard == [CANARY])
    assert CANARY not in log.getvalue()
    [first, _] = [line for line in lines(log) if line["event"] == "speaking"]
    assert first["turn"] == "turn-1"
    assert first["trace"] == turn.trace_id
    assert "text" not in first
    assert first["service"] == "cook"
    assert first["instance"] == cook.instance
    assert {"level", "timestamp"} <= first.keys()


async def test_personal_text_is_in_the_log_of_who_asked_for_it(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure(to=stream, personal=True)
    try:
        async with house(Cook, folder=tmp_path) as home:
            await home.bus.ask(SPEAK, speak(CANARY))
    finally:
        structlog.reset_defaults()
    assert CANARY in stream.getvalue()


async def test_the_turn_of_one_who_asks_is_not_in_the_log_of_another(
    tmp_path: Path, log: io.StringIO
) -> None:
    async with house(folder=tmp_path) as home:
        cook = await home.start(Cook)
        with structlog.contextvars.bound_contextvars(turn="mine"):
            await home.bus.say(PARTIAL, Partial(utterance_id="u", text="defect", confidence=1))
        await until(lambda: cook.bus.errors)
    [failed] = [line for line in lines(log) if line["event"] == "failed"]
    assert "turn" not in failed


# ---- settings ------------------------------------------------------------------------------------


async def test_a_setting_that_is_not_valid_stops_the_start(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        with pytest.raises(SettingsError, match=r"cook\.dishes"):
            await home.start(Cook, dishes="many")


async def test_blocking_work_is_done_beside_the_loop(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        cook = await home.start(Cook)
        name = await cook.off_loop(lambda: threading.current_thread().name)
        assert name.startswith("cook")


async def test_a_room_hears_as_long_as_it_wants_to(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:

        class Guest(Service[Settings]):
            name = "guest"
            says = (STATE,)
            hears = (STATE,)

        guest = await home.start(Guest)
        state = EntityState(entity_id="light.x", available=True, values={}, changed_at=0)
        async with guest.hear(STATE, entity_id="light.x") as messages:
            await guest.say(STATE, state)
            assert await anext(messages) == state
