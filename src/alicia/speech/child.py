"""An engine in a child process.

There it may crash, hold its interpreter, run at low priority or be stopped in the middle of a
clause, and Alicia's event loop does not notice. `piper_worker.py` describes its frames.
"""

import asyncio
import json
import os
import signal
import struct
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.clauses import clauses
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import (
    PLAIN,
    Speech,
    Style,
    SynthesizerCapabilities,
    louder,
    polished,
    shifted,
)

_ANSWER = struct.Struct("<cII")
_LENGTH = struct.Struct("<I")
_START_S, _ANSWER_S = 30.0, 20.0
_TICK_S = 0.25
LOW = 19
"""The niceness of an engine that renders for later."""
CAN_STOP = sys.platform == "linux"
"""Elsewhere a stopped child would outlive us: only Linux kills it when its parent dies."""
_Frame: TypeAlias = tuple[bytes, int, bytes]
"""Kind, the request's number, body."""


class ChildSynthesizer:
    """A voice whose engine runs in a child: started when first needed, and again when it died.

    A subclass says what is run and how a clause is asked for.
    """

    name = "child"
    package = ""
    """What to install where the child misses something."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        voice: str,
        capabilities: SynthesizerCapabilities,
        nice: int = 0,
    ) -> None:
        self.voice = voice
        self.capabilities = capabilities
        self._command = tuple(command)
        self._nice = nice
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._paused = False

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return None if self._worker is None or self._worker.dead else self._worker.pid

    async def start(self) -> None:
        """Have the voice loaded before the first sentence.

        Raises:
            DependencyMissingError: the engine is not installed.
            EngineError: the process does not start.
        """
        async with self._turn:
            await self._running()

    def pause(self) -> None:
        """Give the processor away at once, in the middle of a clause; until `resume`."""
        self._paused = True
        if self._worker is not None:
            self._worker.pause()

    def resume(self) -> None:
        self._paused = False
        if self._worker is not None:
            self._worker.resume()

    async def speak(
        self, text: str, language: str, style: Style = PLAIN
    ) -> AsyncGenerator[Speech, None]:
        if language not in self.capabilities.languages:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        for clause in clauses(text):
            speech = await self.clause(spoken(clause, language), language, style)
            if speech is not None:
                yield Speech(speech.pcm, speech.rate_hz, clause)

    async def clause(self, text: str, language: str, style: Style = PLAIN) -> Speech | None:
        if language not in self.capabilities.languages:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        style = style.bounded()
        # A higher pitch is a slower rendering, played faster.
        speed = min(max(style.rate / style.pitch, 0.4), 2.5)
        async with self._turn:
            pcm = await self._pcm(await self._request(text, language, speed))
        if not pcm:
            return None
        rate_hz = self.capabilities.rate_hz
        pcm = polished(shifted(pcm, style.pitch), rate_hz, text)
        return Speech(louder(pcm, style.volume_db), rate_hz, text)

    async def aclose(self) -> None:
        await self._stop()

    async def _request(self, text: str, language: str, speed: float) -> dict[str, object]:
        """What the child is told. Raises EngineError, SetupError."""
        return {"text": text, "language": language, "speed": speed}

    async def _pcm(self, request: dict[str, object]) -> bytes:
        worker = await self._running()
        try:
            return await worker.ask(request, within_s=_ANSWER_S, engine=self.name)
        except TimeoutError as error:
            await self._stop()
            raise EngineError(engine=self.name, reason="no answer in time") from error
        except (OSError, EOFError) as error:
            await self._stop()
            raise EngineError(engine=self.name, reason="the process died") from error

    async def _running(self) -> "Worker":
        if self._worker is None or self._worker.dead:
            await self._stop()
            self._worker = await Worker.start(
                self._command, engine=self.name, package=self.package, nice=self._nice
            )
            if self._paused:
                self._worker.pause()
        return self._worker

    async def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


class Worker:
    """A running child.

    A task of its own reads the answers: cancelling who waits for one never leaves half a frame in
    the pipe.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: asyncio.Queue[_Frame | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())
        self._number = 0
        self._paused = False

    @classmethod
    async def start(
        cls, command: Sequence[str], *, engine: str, package: str, nice: int = 0
    ) -> "Worker":
        """Raises DependencyMissingError, EngineError."""
        pipe = asyncio.subprocess.PIPE
        lower = ("nice", "-n", str(nice)) if nice else ()
        process = await asyncio.create_subprocess_exec(*lower, *command, stdin=pipe, stdout=pipe)
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_S):
                kind, _, body = await worker._answer()
        except (EOFError, TimeoutError) as error:
            await worker.stop()
            raise EngineError(
                f"The voice {engine} does not start.", reason=type(error).__name__
            ) from error
        except asyncio.CancelledError:
            await worker.stop()
            raise
        if kind == b"R":
            return worker
        await worker.stop()
        if kind == b"M":
            raise DependencyMissingError(
                f"The voice {engine} is not installed. Run: pip install 'alicia[{package}]'",
                package=body.decode(),
            )
        raise EngineError(f"The voice {engine} does not start.", reason=body.decode())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def dead(self) -> bool:
        return self._process.returncode is not None or self._reader.done()

    async def ask(self, request: Mapping[str, object], *, within_s: float, engine: str) -> bytes:
        """The answer to this request. Answers that nobody waited for are passed over.

        Raises TimeoutError (time that it was paused does not count), EOFError, EngineError.
        """
        self._number += 1
        body = json.dumps({"id": self._number, **request}).encode()
        if self._process.stdin is None:
            raise EOFError
        self._process.stdin.write(_LENGTH.pack(len(body)) + body)
        await self._process.stdin.drain()
        parts: list[bytes] = []
        left = within_s
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(_TICK_S):
                    kind, number, body = await self._answer()
            except TimeoutError:
                left -= 0 if self._paused else time.monotonic() - began
                if left <= 0:
                    raise
                continue
            if number != self._number:
                continue
            if kind == b"E":
                return b"".join(parts)
            if kind != b"A":
                raise EngineError(engine=engine, reason=body.decode())
            parts.append(body)

    def pause(self) -> None:
        self._paused = True
        tell(self._process, "SIGSTOP")

    def resume(self) -> None:
        self._paused = False
        tell(self._process, "SIGCONT")

    async def stop(self) -> None:
        self._reader.cancel()
        await end(self._process)

    async def _answer(self) -> "_Frame":
        frame = await self._answers.get()
        if frame is None:
            raise EOFError
        return frame

    async def _read(self) -> None:
        out = self._process.stdout
        try:
            while out is not None:
                head = await out.readexactly(_ANSWER.size)
                kind, number, length = _ANSWER.unpack(head)
                self._answers.put_nowait((kind, number, await out.readexactly(length)))
        except asyncio.IncompleteReadError:
            self._answers.put_nowait(None)


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill it, and see that it is gone, even where we are cancelled twice."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await asyncio.shield(process.wait())


def tell(process: asyncio.subprocess.Process, name: str) -> None:
    """Stop or go on, where a child can be stopped at all."""
    if CAN_STOP and process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, getattr(signal, name))
