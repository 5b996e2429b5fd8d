"""A seat: speech told in order, each piece once, and two devices that are two satellites."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from alicia.bus.hearing import Delivery
from alicia.contracts.voice import (
    CANCEL,
    OPEN_TURN,
    SPEAK,
    SPEECH,
    STOP_TURN,
    TURN_ENDED,
    Cancel,
    CancelReason,
    OpenTurn,
    Speak,
    SpeechChunk,
    Spoken,
    StopTurn,
    TurnOpened,
    TurnRecord,
    TurnsStopped,
)
from alicia.peers.seat import Seat
from alicia.runtime.service import Service
from alicia.runtime.settings import Settings
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import settled


class Driver(Service[Settings]):
    name = "driver"
    says = Seat.says
    hears = Seat.hears
    asks = Seat.asks


def chunk(turn_id: str, sequence: int, *, last: bool = False) -> SpeechChunk:
    pcm = b"" if last else bytes([sequence, 0]) * 160
    return SpeechChunk(
        turn_id=turn_id, sequence=sequence, position=0, rate_hz=16_000, last=last, pcm=pcm
    )


class Rest:
    """The rest of the house: answers each turn with these chunks, in this order."""

    def __init__(self, home: RunningHouse, order: list[int], count: int) -> None:
        self.home, self.order, self.count = home, order, count
        self.opened: list[OpenTurn] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, delivery: Delivery[OpenTurn]) -> TurnOpened:
        ask = delivery.message
        self.opened.append(ask)
        task = asyncio.create_task(self._answer(ask))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return TurnOpened(turn_id=ask.turn_id)

    async def _answer(self, ask: OpenTurn) -> None:
        for sequence in self.order:
            last = sequence == self.count
            await self.home.bus.say(SPEECH, chunk(ask.turn_id, sequence, last=last))
        record = TurnRecord(
            turn_id=ask.turn_id,
            satellite=ask.satellite,
            language=ask.language,
            trace_id="f" * 32,
            reply="Done.",
            spoken=True,
            started_at=time.time(),
        )
        await self.home.bus.say(TURN_ENDED, record)

    async def speak(self, delivery: Delivery[Speak]) -> Spoken:
        for sequence in range(self.count + 1):
            last = sequence == self.count
            await self.home.bus.say(SPEECH, chunk(delivery.message.turn_id, sequence, last=last))
        return Spoken(turn_id="t", duration_ms=10, rate_hz=16_000, first_audio_at=time.time())


async def silence() -> AsyncIterator[bytes]:
    while True:
        await asyncio.sleep(0.01)
        yield bytes(640)


async def told(order: list[int], count: int, folder: Path) -> list[int]:
    """Which pieces reach the device, in order."""
    async with house(Driver, folder=folder) as home:
        driver = await home.start(Driver)
        rest = Rest(home, order, count)
        async with home.bus.serve(OPEN_TURN, rest.open), home.bus.serve(SPEAK, rest.speak):
            found: list[int] = []
            seat = Seat(driver, "box", area_id="kitchen", language="de")
            heard = await seat.converse(silence(), on_speech=lambda pcm, _: found.append(pcm[0]))
        assert heard.error is None
        assert rest.opened[0].area_id == "kitchen"
        assert rest.opened[0].language == "de"
        assert rest.opened[0].satellite == f"{driver.instance}-box"
        return found


async def test_speech_is_told_as_it_comes(tmp_path: Path) -> None:
    assert await told([0, 1, 2, 3], 3, tmp_path) == [0, 1, 2]


async def test_speech_is_told_in_order_and_each_piece_once(tmp_path: Path) -> None:
    assert await told([1, 0, 0, 2, 1, 3], 3, tmp_path) == [0, 1, 2]


async def test_what_was_lost_is_told_when_it_is_spoken_again(tmp_path: Path) -> None:
    assert await told([0, 2, 3], 3, tmp_path) == [0, 1, 2]


async def test_two_devices_have_turns_at_once(tmp_path: Path) -> None:
    async with house(Driver, folder=tmp_path) as home:
        driver = await home.start(Driver)
        rest = Rest(home, [0, 1], 1)
        async with home.bus.serve(OPEN_TURN, rest.open, concurrency=2):
            found: list[str] = []
            await asyncio.gather(
                *(
                    Seat(driver, name).converse(
                        silence(), on_speech=lambda *_, name=name: found.append(name)
                    )
                    for name in ("bath", "attic")
                )
            )
    assert sorted(found) == ["attic", "bath"]
    assert len({turn.satellite for turn in rest.opened}) == 2


async def test_a_turn_that_the_device_leaves_is_stopped_in_the_whole_house(tmp_path: Path) -> None:
    stopped: list[StopTurn] = []

    async def stop(delivery: Delivery[StopTurn]) -> TurnsStopped:
        stopped.append(delivery.message)
        return TurnsStopped(turn_ids=[])

    async def open_turn(delivery: Delivery[OpenTurn]) -> TurnOpened:
        opened.set_result(delivery.message.turn_id)
        return TurnOpened(turn_id=delivery.message.turn_id)

    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with house(Driver, folder=tmp_path) as home:
        driver = await home.start(Driver)
        async with home.bus.serve(OPEN_TURN, open_turn), home.bus.serve(STOP_TURN, stop):
            talking = asyncio.create_task(
                Seat(driver, "box").converse(silence(), on_speech=lambda *_: None)
            )
            turn_id = await opened
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
    assert talking.cancelled()
    assert [ask.turn_id for ask in stopped] == [turn_id]


async def test_a_cancelled_reply_is_told_no_further(tmp_path: Path) -> None:
    found: list[int] = []

    async def open_turn(delivery: Delivery[OpenTurn]) -> TurnOpened:
        opened.set_result(delivery.message)
        return TurnOpened(turn_id=delivery.message.turn_id)

    opened: asyncio.Future[OpenTurn] = asyncio.get_running_loop().create_future()
    async with house(Driver, folder=tmp_path) as home:
        driver = await home.start(Driver)
        async with home.bus.serve(OPEN_TURN, open_turn):
            talking = asyncio.create_task(
                Seat(driver, "box").converse(
                    silence(), on_speech=lambda pcm, _: found.append(pcm[0])
                )
            )
            ask = await opened
            await home.bus.say(SPEECH, chunk(ask.turn_id, 0))
            while not found:  # noqa: ASYNC110 - the device has no event for us
                await asyncio.sleep(0.005)
            await home.bus.say(
                CANCEL,
                Cancel(turn_id=ask.turn_id, satellite=ask.satellite, reason=CancelReason.STOP),
            )
            await settled()
            await home.bus.say(SPEECH, chunk(ask.turn_id, 1))
            heard = await talking
    assert heard.cancelled is CancelReason.STOP
    assert found == [0]
