"""A scripted server of OpenAI's chat completions: a fake, for tests.

It is no model and no copy of a server: it is written from OpenAI's public API reference (chat
completions, their stream of server-sent events, errors), and says what it is told to say.

    async with OpenAiServer().running() as server:
        server.script(Reply("It is warm."), Reply(calls=(Call("set_power", {"value": True}),)))
        client = AsyncOpenAI(base_url=server.url, api_key="any")

Each request takes the next script; when none is left the last is said again. What was asked is kept
in `requests`, with whether the client hung up before the end. A message whose content is not of the
form that the reference gives (a text, or parts of text and `image_url`) is answered with 400.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from alicia.testing.openai_content import wrong_content

MODEL = "scripted-1"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
_CODES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


@dataclass(frozen=True)
class Call:
    """A tool call; arguments that are text are sent as they are, broken or not."""

    name: str
    arguments: dict[str, Any] | str
    call_id: str = ""

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    """What one request is answered with. Times are in seconds."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    """The model's own "I can't help with that"."""
    finish: str = ""
    """`finish_reason`; by itself `stop`, or `tool_calls`."""
    before_s: float = 0.0
    """Until the first token; the headers of a stream come at once."""
    between_s: float = 0.0
    """After each piece of a stream but the first, which says nothing."""
    hang: bool = False
    """Take the request, and never say anything."""
    status: int = 200
    """Another than 200 is an error of that status."""
    code: str | None = None
    """The error's code, in place of the usual one of its status."""
    retry_after: str | None = None
    hold_after: int | None = None
    """Pieces of a stream after which it waits until the request's `go` is set."""
    break_after: int | None = None
    """Pieces after which the connection is closed."""
    garbage: bool = False
    """Say what is no JSON, where JSON belongs."""
    usage: tuple[int, int] | None = None
    """Tokens in and out; by itself words and signs are counted, which is no tokenizer's count."""
    reports_usage: bool = True
    """Some servers report none."""


@dataclass
class Request:
    """What a client asked."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    """The client hung up before it had all."""
    go: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the test: a held stream goes on."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """It was sent all that the script says."""

    @property
    def said(self) -> str:
        """All that was sent to be read by the model, as one text."""
        return json.dumps(self.body, ensure_ascii=False)


class OpenAiServer:
    """`/v1/chat/completions`, streaming or not, and `/v1/models`, on a free port of loopback."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Request] = []
        """Of chat completions, in the order they came."""
        self._script: list[Reply] = [Reply("Hello.")]
        self._clients: set[asyncio.Task[None]] = set()
        self._came = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *replies: Reply) -> None:
        """What the next requests are answered with; the last one again and again."""
        self._script = list(replies)

    def pictures(self, number: int = -1) -> list[bytes]:
        """The pictures that came with a request, decoded."""
        parts = [
            part
            for message in self.requests[number].body["messages"]
            if isinstance(message["content"], list)
            for part in message["content"]
        ]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        return [base64.b64decode(url.partition(",")[2]) for url in urls]

    async def asked(self, count: int, *, within_s: float = 5.0) -> Request:
        """The request of that number, from 1, once it is there. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while len(self.requests) < count:
                self._came.clear()
                await self._came.wait()
        return self.requests[count - 1]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[OpenAiServer, None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._clients:
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await server.wait_closed()

    # ---- HTTP/1.1 ----

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before = b""
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    method, request = await _read(reader, before)
                    before = await self._answer(method, request, reader, writer)
        finally:
            writer.transport.abort()

    async def _answer(
        self,
        method: str,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        """Say it, unless the client hangs up; what it has sent of its next request."""
        answer = asyncio.create_task(self._say(method, request, writer))
        further = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({answer, further}, return_when=asyncio.FIRST_COMPLETED)
            if further.done() and not answer.done() and not further.result():
                request.abandoned.set()
                raise ConnectionAbortedError
            await answer
            request.answered.set()
            return further.result() if further.done() else b""
        finally:
            for task in (answer, further):
                task.cancel()
            await asyncio.gather(answer, further, return_exceptions=True)

    async def _say(self, method: str, request: Request, writer: asyncio.StreamWriter) -> None:
        route = (method, request.path.partition("?")[0])
        if route == ("GET", "/v1/models"):
            await _send(writer, 200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        elif route == ("POST", "/v1/chat/completions"):
            self.requests.append(request)
            self._came.set()
            wrong = wrong_content(request.body)
            if wrong is not None:
                await _send(writer, 400, _error(400, None, wrong))
                return
            reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
            await _reply(writer, reply, request)
        else:
            await _send(writer, 404, _error(404, None))


async def _read(reader: asyncio.StreamReader, before: bytes) -> tuple[str, Request]:
    head = (before + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, Request(path, headers, json.loads(body) if body else {})


async def _send(
    writer: asyncio.StreamWriter, status: int, body: object, headers: dict[str, str] | None = None
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"content-type": "application/json", "content-length": len(data), **(headers or {})}
    writer.write(_head(status, head) + data)
    await writer.drain()


def _head(status: int, headers: dict[str, Any]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _error(status: int, code: str | None, message: str = "") -> dict[str, Any]:
    kind, usual = _CODES.get(status, ("server_error", None))
    message = message or f"This script says {status}."
    return {"error": {"message": message, "type": kind, "param": None, "code": code or usual}}


# ---- chat completions ---------------------------------------------------------------------------


async def _reply(writer: asyncio.StreamWriter, reply: Reply, request: Request) -> None:
    body = request.body
    if reply.hang:
        await asyncio.Event().wait()
    if reply.status != 200:
        await asyncio.sleep(reply.before_s)
        headers = {"retry-after": reply.retry_after} if reply.retry_after is not None else None
        await _send(writer, reply.status, _error(reply.status, reply.code), headers)
    elif body.get("stream"):
        await _stream(writer, reply, request)
    else:
        await asyncio.sleep(reply.before_s)
        if reply.break_after is not None:
            raise ConnectionAbortedError
        await _send(writer, 200, b"<html>" if reply.garbage else _whole(reply, body))


def _usage(reply: Reply, body: dict[str, Any]) -> dict[str, int]:
    def count(text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    said = reply.text + reply.refusal + "".join(call.text for call in reply.calls)
    tokens = reply.usage or (count(json.dumps(body, ensure_ascii=False)), count(said))
    return {
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "total_tokens": sum(tokens),
    }


def _common(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": 1700000000,
        "model": body.get("model", MODEL),
    }


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _call(number: int, call: Call) -> dict[str, Any]:
    return {
        "id": call.call_id or f"call_{number}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.text},
    }


def _whole(reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    message["refusal"] = reply.refusal or None
    if reply.calls:
        message["tool_calls"] = [_call(number, call) for number, call in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    usage = {"usage": _usage(reply, body)} if reply.reports_usage else {}
    return {**_common("chat.completion", body), "choices": [choice], **usage}


async def _stream(writer: asyncio.StreamWriter, reply: Reply, request: Request) -> None:
    body = request.body
    writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
    await writer.drain()
    await asyncio.sleep(reply.before_s)
    wants_usage = (body.get("stream_options") or {}).get("include_usage") and reply.reports_usage
    for number, (delta, finish) in enumerate(_pieces(reply)):
        if number == reply.hold_after:
            await request.go.wait()
        if number == reply.break_after:
            raise ConnectionAbortedError
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**_common("chat.completion.chunk", body), "choices": [choice]}
        await _event(writer, "{broken" if reply.garbage and number else json.dumps(chunk))
        if number:
            await asyncio.sleep(reply.between_s)
    if wants_usage:
        last = {**_common("chat.completion.chunk", body), "choices": []}
        await _event(writer, json.dumps({**last, "usage": _usage(reply, body)}))
    await _event(writer, "[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _pieces(reply: Reply) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Deltas as they come: the role, words, calls with their arguments in two parts, the end."""
    yield {"role": "assistant", "content": ""}, None
    for word in re.findall(r"\S+\s*", reply.text):
        yield {"content": word}, None
    for word in re.findall(r"\S+\s*", reply.refusal):
        yield {"refusal": word}, None
    for number, call in enumerate(reply.calls):
        whole = _call(number, call)
        half = len(call.text) // 2
        first = {"name": call.name, "arguments": call.text[:half]}
        yield {"tool_calls": [{**whole, "index": number, "function": first}]}, None
        rest = {"arguments": call.text[half:]}
        yield {"tool_calls": [{"index": number, "function": rest}]}, None
    yield {}, _finish(reply)


async def _event(writer: asyncio.StreamWriter, data: str) -> None:
    line = f"data: {data}\n\n".encode()
    writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
    await writer.drain()
