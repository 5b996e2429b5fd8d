"""Broker: runs Mosquitto with what the contract says, or adopts a broker that exists.

    contract -> access rules, identities, certificates -> Mosquitto -> $SYS -> BROKER said

Mosquitto outlives this room: when the room is killed, the next instance takes it over, and no
client notices. When Mosquitto is killed, this room starts it again on the same port.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field

from alicia.bus.identity import ROOT
from alicia.contracts.system import BROKER, BrokerStatus
from alicia.errors import SetupError
from alicia.runtime.access import derive
from alicia.runtime.house import Address
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings
from alicia.security.authority import Authority
from alicia.security.endpoint import existing
from alicia.security.identities import Identities
from alicia.security.mosquitto import Access, Grant
from alicia.security.mosquitto import BrokerSettings as MosquittoSettings
from alicia.security.supervisor import Mosquitto

RENEW_EVERY_S = 12 * 3600.0
ROUND_S = 0.1
"""$SYS comes in bursts, of what has changed, so that no topic marks the end of one."""
_FIGURES = {
    "version": "version",
    "clients/connected": "clients",
    "messages/received": "messages_received",
    "messages/sent": "messages_sent",
    "publish/messages/dropped": "messages_dropped",
    "uptime": "uptime_s",
}


class BrokerRoomSettings(Settings):
    url: str | None = None
    """Adopt this broker (mqtts://host:port) instead of running one; its identities are yours."""
    ca_file: str | None = None
    """The root that an adopted broker's certificate comes from; else this machine's."""
    bind_address: str = "127.0.0.1"
    """0.0.0.0 lets satellites in the home connect."""
    tls_port: int = Field(default=8883, ge=0, le=65535)
    """0 takes a free one."""
    websocket_port: int | None = Field(default=None, ge=0, le=65535)
    plain_port: int | None = Field(default=None, ge=0, le=65535)
    """Without TLS, on loopback alone; off unless given."""
    server_names: str = ""
    """More names and addresses for the certificate, separated by commas."""
    root: str = ROOT
    """First levels of every topic; `home/<id>/alicia` lets one broker serve many homes."""


class Broker(Service[BrokerRoomSettings]):
    """The house's MQTT broker."""

    name = "broker"
    says = (BROKER,)

    @asynccontextmanager
    async def foundation(self) -> AsyncGenerator[None, None]:
        self._restarts = 0
        self._figures: dict[str, str] = {}
        self._news = asyncio.Event()
        self._mosquitto: Mosquitto | None = None
        if self.settings.url:
            await self._adopt(self.settings.url)
            yield
            return
        self._authority = Authority(self.folder.root / "ca")
        self._identities = Identities(self.folder.identities)
        mosquitto = self._mosquitto = await self._start()
        keeper = asyncio.create_task(self._keep(mosquitto), name="keep mosquitto")
        try:
            yield
        except BaseException:
            # A crash of ours is no reason to disconnect everyone: the next instance adopts it.
            keeper.cancel()
            raise
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await mosquitto.stop()

    async def _adopt(self, url: str) -> None:
        ca = Path(self.settings.ca_file) if self.settings.ca_file else None
        endpoint = await existing(url, ca_file=ca)
        Address(endpoint.url, str(ca) if ca else None, self.settings.root).write(self.folder)
        self.log.info("adopted a broker", url=endpoint.url)

    async def _start(self) -> Mosquitto:
        names = [name.strip() for name in self.settings.server_names.split(",") if name.strip()]
        self._authority.ensure()
        self._authority.ensure_server(names)
        for identity in derive(self.settings.root):
            self._identities.ensure(identity)
        mosquitto = Mosquitto(
            MosquittoSettings(
                folder=self.folder.broker.absolute(),
                certificate_file=self._authority.server_file.absolute(),
                ca_file=self._authority.ca_file.absolute(),
                bind_address=self.settings.bind_address,
                tls_port=self.settings.tls_port,
                websocket_port=self.settings.websocket_port,
                plain_port=self.settings.plain_port,
            )
        )
        adopted = await mosquitto.start(self._access(), self._identities.password_file())
        endpoint = mosquitto.endpoint
        Address(endpoint.url, str(endpoint.ca_file), self.settings.root).write(self.folder)
        self.log.info("mosquitto runs", url=endpoint.url, pid=mosquitto.pid, taken_over=adopted)
        return mosquitto

    def _access(self) -> Access:
        return {
            name: Grant(reads=access.read, writes=access.write)
            for name, access in derive(self.settings.root).items()
        }

    async def _keep(self, mosquitto: Mosquitto) -> None:
        """Start it again whenever it ends; at its first try on the same port."""
        pause = 0.0
        while True:
            ended = await mosquitto.watch()
            self._restarts += 1
            self.log.error("mosquitto ended", reason=ended.reason, log=ended.log[-3:])
            while True:
                await asyncio.sleep(pause)
                try:
                    await mosquitto.start(self._access(), self._identities.password_file())
                except SetupError as error:
                    pause = min(10.0, max(0.1, pause * 2))
                    self.log.exception("mosquitto does not start", code=error.code, again_s=pause)
                else:
                    pause = 0.0
                    break

    @runs
    async def observe(self) -> None:
        """Take the broker's own figures as they come."""
        async with self.bus.tap("$SYS/broker/#", rooted=False) as packets:
            async for packet in packets:
                name = packet.topic.removeprefix("$SYS/broker/")
                if name in _FIGURES:
                    self._figures[_FIGURES[name]] = packet.payload.decode(errors="replace")
                    self._news.set()

    @runs
    async def report(self) -> None:
        """Say the figures, once for each round."""
        while True:
            await self._say_status()
            await self._news.wait()
            await asyncio.sleep(ROUND_S)
            self._news.clear()

    async def _say_status(self) -> None:
        def number(field: str) -> int | None:
            digits = self._figures.get(field, "").split(" ")[0]
            return int(digits) if digits.isdecimal() else None

        await self.say(
            BROKER,
            BrokerStatus(
                up=True,
                version=self._figures.get("version", "").rpartition(" ")[2] or None,
                adopted=self._mosquitto is None,
                clients=number("clients"),
                messages_received=number("messages_received"),
                messages_sent=number("messages_sent"),
                messages_dropped=number("messages_dropped"),
                uptime_s=number("uptime_s"),
                restarts=self._restarts,
            ),
        )

    @runs
    async def renew(self) -> None:
        """Renew the certificate before it expires; clients stay."""
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            if self._mosquitto is None:
                continue
            names = [name.strip() for name in self.settings.server_names.split(",") if name.strip()]
            if self._authority.ensure_server(names):
                await self._mosquitto.reload(self._access(), self._identities.password_file())
                self.log.info("certificate renewed", until=str(self._authority.expires_at()))
