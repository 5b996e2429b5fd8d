"""MCP server: what this home has and can, as tools for programs that speak MCP.

    AREA, ENTITY, STATE heard -> told; a tool -> CONTROL or ANNOUNCE asked -> what was confirmed

It has the rights of the person that is set, or of somebody unknown: device_control decides, and
opens nothing protected without a PIN. Locks, garage doors, gates and alarms are not even told of,
unless that is set.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field

from alicia.contracts.devices import (
    AREA,
    CONTROL,
    ENTITY,
    STATE,
    Area,
    Control,
    Entity,
    EntityState,
    Origin,
    Outcome,
    Value,
)
from alicia.contracts.satellites import ANNOUNCE, Announce, Announced, Targets
from alicia.home.model import Home
from alicia.runtime.service import Service, handles
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


class McpServerSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`, and serve streamable HTTP."""
    http: bool = False
    """Serve streamable HTTP."""
    person: str = ""
    """Id of the person whose rights its clients have; empty: nobody who is known."""
    protected: bool = False
    """Tell of locks, garage doors, gates and alarms too; they open with a PIN."""
    host: str = "127.0.0.1"
    port: int = Field(default=10720, ge=0, le=65535)
    """Of streamable HTTP."""
    language: str = "en"
    """In which names are told."""


class McpServer(Service[McpServerSettings]):
    """The home, for one who speaks MCP."""

    name = "mcp_server"
    asks = (CONTROL,)
    does_without = (ANNOUNCE,)

    address = ""
    """Where streamable HTTP is served; empty where it is not."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self.home = Home()
        own = self.settings
        if not (own.http or own.with_house):
            yield
            return
        from alicia.peers.mcp.http import serving, token_in  # noqa: PLC0415 - only where wanted

        token = await self.off_loop(token_in, self.folder.state(self.name))
        async with serving(self.tools(), own.host, own.port, token) as self.address:
            self.log.info("serving MCP", address=self.address)
            yield

    @handles(AREA)
    async def area(self, area: Area) -> None:
        self.home.put_area(area)

    @handles(ENTITY)
    async def entity(self, entity: Entity) -> None:
        self.home.put_entity(entity)

    @handles(STATE)
    async def state(self, state: EntityState) -> None:
        self.home.put_state(state)

    def tools(self) -> MCPServer:
        """What is served. Raises DependencyMissingError."""
        from alicia.peers.mcp.tools import served  # noqa: PLC0415 - optional

        return served(self)

    async def control(
        self, entities: list[str], capability: str, value: Value, pin: str | None
    ) -> Outcome:
        """Raises AliciaError."""
        return await self.ask(
            CONTROL,
            Control(
                command_id=f"mcp-{secrets.token_hex(8)}",
                entities=entities,
                capability=capability,
                value=value,
                on_behalf_of=self.settings.person or None,
                origin=Origin.MODEL,
                pin=pin or None,
            ),
        )

    async def announce(self, text: str, areas: list[str], language: str) -> Announced:
        """Raises AliciaError."""
        turn_id = f"mcp-{secrets.token_hex(8)}"
        targets = Targets(areas=areas)
        return await self.ask(
            ANNOUNCE, Announce(turn_id=turn_id, text=text, targets=targets, language=language)
        )
