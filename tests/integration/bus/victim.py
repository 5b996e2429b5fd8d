"""A client in a process of its own, to be killed."""

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import ALL, ONCE, PRESENT, Note, replaced, without_end

from alicia.bus.bus import Bus
from alicia.bus.mqtt import MqttTransport
from alicia.bus.options import MqttOptions


async def main() -> None:
    told = json.loads(sys.stdin.readline())
    will = Note.model_validate(told["will"])
    options = MqttOptions(
        url=told["url"],
        username=told["username"],
        password=told["password"],
        ca=Path(told["ca"]),
        client_id=f"{told['root']}-victim",
    )
    bus = Bus(
        MqttTransport(options),
        service="ben",
        instance="victim",
        declaration=ALL,
        root=told["root"],
    )
    bus.will(PRESENT, will)
    async with bus, bus.serve(ONCE, without_end):
        await bus.say(PRESENT, replaced(will, text="here"))
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
