"""Borrowed tools: what servers of the Model Context Protocol can look up for a model.

Only what a person has listed, in that person's words: a server's own descriptions are not shown to
the model. What comes back is untrusted text, marked as such; who thinks with it changes nothing in
the home any more (see `thinking`).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from alicia.errors import (
    AliciaError,
    ConnectivityError,
    DependencyMissingError,
    GarbledError,
    LateError,
)
from alicia.mind.models.port import Tool, ToolCall
from alicia.mind.models.prompts import framed
from alicia.mind.models.redaction import redacted

try:
    import httpx2
    from mcp import Client, MCPError
    from mcp.types import CONNECTION_CLOSED
except ImportError as error:
    raise DependencyMissingError(
        "Tools of MCP servers need the package mcp: install alicia[mcp].", package="mcp"
    ) from error

if TYPE_CHECKING:
    from mcp.types import CallToolResult
    from mcp.types import Tool as Offered

LONGEST = 2_000
"""Characters of a result that a model is shown."""
_CHOICE = 40
"""Characters of a choice: longer ones are sentences."""
_SCHEMA = 4_000
"""Characters of a tool's schema."""
AGAIN_S = 30.0
"""After which a server that is lost is looked for again."""
_FAILURES = (MCPError, OSError, httpx2.HTTPError, RuntimeError, ValueError, ExceptionGroup)
"""What the library raises where a server fails."""
_KEPT = {
    "type", "properties", "required", "items", "enum", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems", "anyOf", "format",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

Connect = Callable[[], AbstractAsyncContextManager[Client]]
Told = Callable[[str, AliciaError | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lender:
    """A server, and what of it may be used."""

    name: str
    connect: Connect
    tools: Mapping[str, str]
    """What each is for, by its name there: in a person's words."""
    acting: bool = False
    """Also those that their server does not call read-only."""
    within_s: float = 1.0
    """The longest that a call may take."""


class Borrowed:
    """The tools of all servers that are there."""

    def __init__(self, lenders: Sequence[Lender], told: Told) -> None:
        """`told` hears which server is lost and why, and, with None, that it is there."""
        self._told = told
        self._sources = [_Source(lender, told) for lender in lenders]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Connected for as long as the block lasts; who is lost is looked for again."""
        tasks = [asyncio.create_task(source.run()) for source in self._sources]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def tools(self) -> list[Tool]:
        return [tool for source in self._sources for tool in source.tools]

    def has(self, name: str) -> bool:
        return any(tool.name == name for tool in self.tools)

    async def call(self, call: ToolCall, within_s: float) -> str:
        """What it answers, as untrusted text; why it does not, in our words."""
        source = next(s for s in self._sources if any(t.name == call.name for t in s.tools))
        try:
            return marked(source.name, await source.call(call, within_s))
        except AliciaError as error:
            self._told(source.name, error)
            return f"failed: {error.message}"


class _Source:
    """One server."""

    def __init__(self, lender: Lender, told: Told) -> None:
        self.name = lender.name
        self.tools: list[Tool] = []
        self._lender = lender
        self._told = told
        self._client: Client | None = None
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            try:
                async with self._lender.connect() as client:
                    self.tools = await self._offered(client)
                    self._client = client
                    self._told(self.name, None)
                    await self._lost.wait()
            except _FAILURES as error:
                self._told(self.name, ConnectivityError(provider=self.name, reason=str(error)[:80]))
            finally:
                self._client, self.tools = None, []
            self._lost.clear()
            await asyncio.sleep(AGAIN_S)

    async def _offered(self, client: Client) -> list[Tool]:
        found: list[Tool] = []
        for offered in (await client.list_tools()).tools:
            purpose = self._lender.tools.get(offered.name)
            if purpose is not None and (self._lender.acting or _only_reads(offered)):
                schema = plain_schema(offered.input_schema)
                name = self._called(offered.name)
                if _NAME.fullmatch(name) and len(json.dumps(schema)) <= _SCHEMA:
                    found.append(Tool(name, purpose, schema))
        missing = sorted(set(self._lender.tools) - {self._there(tool.name) for tool in found})
        if missing:
            self._told(
                self.name, GarbledError(reason=f"it has no such tool to read: {', '.join(missing)}")
            )
        return found

    def _called(self, name: str) -> str:
        return f"{self.name}__{name}"

    def _there(self, name: str) -> str:
        return name.removeprefix(f"{self.name}__")

    async def call(self, call: ToolCall, within_s: float) -> str:
        """Raises UpstreamError."""
        if self._client is None:
            raise ConnectivityError(provider=self.name)
        try:
            arguments: Any = _redacted(json.loads(call.arguments or "{}"))
        except ValueError as error:
            raise GarbledError(reason="the call's arguments are not valid") from error
        if not isinstance(arguments, dict):
            raise GarbledError(reason="the call's arguments are not valid")
        try:
            async with asyncio.timeout(max(0.0, min(within_s, self._lender.within_s))):
                result = await self._client.call_tool(self._there(call.name), arguments)
        except TimeoutError as error:
            raise LateError(provider=self.name) from error
        except MCPError as error:
            if error.code != CONNECTION_CLOSED:  # it is there, and says no
                raise GarbledError(provider=self.name, reason="it refused the call") from error
            self._lost.set()
            raise ConnectivityError(provider=self.name) from error
        except _FAILURES as error:
            self._lost.set()
            raise ConnectivityError(provider=self.name) from error
        return _text(result)


def marked(source: str, text: str) -> str:
    """Untrusted text in its frame, and no more of it than a model is shown."""
    return framed(source, text[:LONGEST])


def plain_schema(schema: object) -> dict[str, Any]:
    """The types of a schema without its words: those were written by others."""
    plain: dict[str, Any] = {}
    for key, value in _items(schema):
        if key not in _KEPT:
            continue
        if key == "properties":
            plain[key] = {name: plain_schema(of) for name, of in _items(value)}
        elif key == "enum":
            if all(len(str(one)) <= _CHOICE for one in value):
                plain[key] = value
        elif key == "items":
            plain[key] = plain_schema(value)
        elif key == "anyOf" and isinstance(value, list):
            plain[key] = [plain_schema(one) for one in value]
        else:
            plain[key] = value
    return plain


def _items(schema: object) -> list[tuple[str, Any]]:
    """Of an object, those whose names are names."""
    if not isinstance(schema, dict):
        return []
    known = cast("dict[str, Any]", schema)
    return [(key, value) for key, value in known.items() if _NAME.fullmatch(str(key))]


def _redacted(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without what is nobody's business."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [_redacted(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _redacted(one) for key, one in cast("dict[str, Any]", value).items()}
    return value


def _only_reads(offered: Offered) -> bool:
    return offered.annotations is not None and offered.annotations.read_only_hint is True


def _text(result: CallToolResult) -> str:
    parts = [part.text for part in result.content if part.type == "text"]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    told = "\n".join(parts) or "(nothing that can be read)"
    return f"error: {told}" if result.is_error else told
