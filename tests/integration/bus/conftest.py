import asyncio
import itertools
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from .harness import Broker, House, MemoryHouse, MqttHouse

ROOTS = itertools.count(1)


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[Broker, None, None]:
    """One Mosquitto for all tests that leave it alone; each has a root of its own."""
    broker = Broker(tmp_path_factory.mktemp("broker"))
    asyncio.run(broker.start())
    yield broker
    asyncio.run(broker.stop())


@pytest.fixture(params=["memory", "mqtt"])
def empty_house(request: pytest.FixtureRequest, shared_broker: Broker) -> House:
    root = f"t{next(ROOTS)}"
    if request.param == "memory":
        return MemoryHouse(root)
    return shared_broker.house(root)


@pytest.fixture
async def house(empty_house: House) -> AsyncGenerator[House, None]:
    yield empty_house
    await empty_house.close()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncGenerator[Broker, None]:
    """A Mosquitto of one's own, to kill and to freeze."""
    broker = Broker(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
async def mqtt_house(broker: Broker) -> AsyncGenerator[MqttHouse, None]:
    house = broker.house(f"t{next(ROOTS)}")
    yield house
    await house.close()
