import asyncio

import pytest

from alicia.speech.turnstile import Turnstile
from alicia.testing.waiting import PATIENCE_S


async def test_who_is_more_urgent_goes_first_and_equals_as_they_came() -> None:
    turnstile = Turnstile()
    order: list[str] = []
    busy = asyncio.Event()

    async def enter(name: str, haste: int) -> None:
        async with turnstile.enter(haste):
            order.append(name)
            await busy.wait()

    async with asyncio.TaskGroup() as group:
        for name, haste in (("a", 0), ("low", -1), ("b", 0), ("c", 0), ("urgent", 1)):
            group.create_task(enter(name, haste))
            await asyncio.sleep(0)
        busy.set()
    assert order == ["a", "urgent", "b", "c", "low"]


async def test_one_is_inside_at_a_time_whoever_gives_up() -> None:
    turnstile = Turnstile()
    inside = 0
    most: list[int] = []

    async def enter() -> None:
        nonlocal inside
        async with turnstile.enter():
            inside += 1
            most.append(inside)
            try:
                await asyncio.sleep(0)
            finally:
                inside -= 1

    tasks = [asyncio.create_task(enter()) for _ in range(50)]
    for number, task in enumerate(tasks):
        await asyncio.sleep(0)
        if number % 3 == 0:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S), turnstile.enter():
        assert inside == 0
    assert set(most) == {1}
    assert len(most) > 20


async def test_an_error_inside_lets_the_next_in() -> None:
    turnstile = Turnstile()
    with pytest.raises(ValueError, match="broken"):
        async with turnstile.enter():
            raise ValueError("broken")
    async with asyncio.timeout(PATIENCE_S), turnstile.enter():
        pass
