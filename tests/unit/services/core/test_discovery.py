from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
import structlog

from alicia.contracts.system import DIRECTORY, PRESENCE, Directory, Phase, Presence, Seat
from alicia.contracts.voice import SPEAK, Speak, Spoken
from alicia.errors import DeadlineError
from alicia.peers.console import Console
from alicia.runtime import logs
from alicia.runtime.roster import ROOMS, needs
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.core import discovery
from alicia.services.core.discovery import Discovery
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S


class Mouth(Service[Settings]):
    """Somebody to find."""

    name = "tts"

    @serves(SPEAK)
    async def speak(self, ask: Speak) -> Spoken:
        return Spoken(turn_id=ask.turn_id, duration_ms=1, rate_hz=16_000, first_audio_at=0)


class Broken(Mouth):
    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self.set_degraded("no voice")
        yield


def presence(service: str, instance: str, phase: Phase = Phase.READY) -> Presence:
    return Presence(
        service=service,
        instance=instance,
        phase=phase,
        version="0",
        pid=1,
        host="here",
        started_at=time.time(),
    )


def seat(directory: Directory, service: str) -> Seat:
    [found] = [seat for seat in directory.seats if seat.service == service]
    return found


async def directory(home: RunningHouse, service: str, *, ready: int, here: int) -> Directory:
    """The directory once this service has so many instances."""

    def fits(now: Directory) -> bool:
        found = seat(now, service)
        return (found.ready, len(found.instances)) == (ready, here)

    return await home.until(DIRECTORY, fits)


async def test_the_directory_has_a_seat_for_every_room_of_the_house(tmp_path: Path) -> None:
    async with house(Discovery, folder=tmp_path) as home:
        now = await directory(home, "discovery", ready=1, here=1)
        assert [s.service for s in now.seats] == [room.name for room in ROOMS]
        assert len(now.seats) == 23
        assert {s.service for s in now.seats if s.planned} == {r.name for r in ROOMS if r.planned}
        assert now.ready == 1


async def test_who_comes_and_who_leaves_is_shown(tmp_path: Path) -> None:
    async with house(Discovery, folder=tmp_path) as home:
        await directory(home, "tts", ready=0, here=0)
        await home.start(Mouth)
        await home.start(Mouth)
        now = await directory(home, "tts", ready=2, here=2)
        assert now.ready == 2, "services, not instances"
        assert all(instance.startswith("tts-") for instance in seat(now, "tts").instances)
        await home.stop(Mouth)
        await directory(home, "tts", ready=0, here=0)


async def test_who_was_there_before_is_found_too(tmp_path: Path) -> None:
    async with house(Mouth, Discovery, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)


async def test_who_is_lost_leaves_the_directory(tmp_path: Path) -> None:
    async with house(Discovery, Mouth, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)
        await home.kill(Mouth)
        await directory(home, "tts", ready=0, here=0)


async def test_who_starts_or_drains_is_here_and_not_ready(tmp_path: Path) -> None:
    async with house(Discovery, folder=tmp_path) as home:
        for phase, ready in (
            (Phase.STARTING, 0),
            (Phase.READY, 1),
            (Phase.DRAINING, 0),
        ):
            await home.bus.say(PRESENCE, presence("stt", "stt-1", phase))
            await directory(home, "stt", ready=ready, here=1)
        await home.bus.say(PRESENCE, presence("stt", "stt-1", Phase.STOPPED))
        await directory(home, "stt", ready=0, here=0)


async def test_who_is_degraded_still_serves(tmp_path: Path) -> None:
    async with house(Discovery, Broken, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)


async def test_a_seat_says_whom_it_needs_and_who_of_them_is_missing(tmp_path: Path) -> None:
    async with house(Discovery, folder=tmp_path) as home:
        before = seat(await directory(home, "tts", ready=0, here=0), "router")
        assert before.needs == needs("router") == ["ai", "stt", "tts"]
        assert before.missing == before.needs
        await home.start(Mouth)
        after = seat(await directory(home, "tts", ready=1, here=1), "router")
        assert after.missing == ["ai", "stt"]


async def test_a_lease_that_is_not_renewed_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(Discovery, folder=tmp_path) as home:
        await home.bus.say(PRESENCE, presence("stt", "stt-1"))
        await directory(home, "stt", ready=1, here=1)
        monkeypatch.setattr(discovery, "LEASE_S", 0.05)
        async with asyncio.timeout(PATIENCE_S):
            while True:  # others go on renewing theirs
                await home.bus.say(PRESENCE, presence("ai", "ai-1"))
                try:
                    await home.until(DIRECTORY, lambda d: not seat(d, "stt").ready, within_s=0.02)
                except DeadlineError:
                    continue
                break
        await directory(home, "ai", ready=1, here=1)


async def test_one_whose_lease_ran_out_is_back_with_the_next_presence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "LEASE_S", -1.0)
    async with house(Discovery, folder=tmp_path) as home:
        await home.bus.say(PRESENCE, presence("stt", "stt-1"))
        await directory(home, "stt", ready=0, here=0)
        monkeypatch.setattr(discovery, "LEASE_S", 35.0)
        await home.bus.say(PRESENCE, presence("stt", "stt-1"))
        await directory(home, "stt", ready=1, here=1)


async def test_what_a_room_says_of_itself_does_not_stand_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    logs.configure(level="debug", to=stream)
    monkeypatch.setattr(discovery, "LEASE_S", -1.0)
    try:
        async with house(Discovery, folder=tmp_path) as home:
            told = presence("stt", "stt-1").model_copy(update={"reason": "heard: canary"})
            await home.bus.say(PRESENCE, told)
            await directory(home, "stt", ready=0, here=0)
    finally:
        structlog.reset_defaults()
    assert "lease ran out" in stream.getvalue()
    assert "canary" not in stream.getvalue()


async def test_the_directory_is_said_only_when_it_changes(tmp_path: Path) -> None:
    async with house(Discovery, Mouth, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)
        async with home.bus.tap(DIRECTORY.filter()) as packets:
            await anext(packets)  # what is retained
            for _ in range(3):
                await home.bus.say(PRESENCE, presence("stranger", "stranger-1"))
            await home.bus.say(PRESENCE, presence("ai", "ai-1"))
            packet = await anext(packets)
            assert seat(Directory.decode(packet.payload, {}), "ai").ready == 1


async def test_the_directory_is_said_again_to_a_broker_that_came_back(tmp_path: Path) -> None:
    async with house(Discovery, Mouth, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)
        home.broker._retained.clear()
        for call in home._running[0].runner.service.bus.on_connected:
            call()
        await directory(home, "tts", ready=1, here=1)


async def test_a_newcomer_is_told_though_discovery_is_gone(tmp_path: Path) -> None:
    async with house(Discovery, Mouth, folder=tmp_path) as home:
        await directory(home, "tts", ready=1, here=1)
        await home.kill(Discovery)
        await directory(home, "tts", ready=1, here=1)
        await home.start(Discovery)
        await directory(home, "discovery", ready=1, here=1)


async def test_it_works_under_the_access_rules_of_the_real_house(tmp_path: Path) -> None:
    async with house(Discovery, Console, folder=tmp_path, access_rules=True) as home:
        await directory(home, "discovery", ready=1, here=1)
