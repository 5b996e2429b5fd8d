"""Piper, in a child process: see `piper_worker.py` for the reason and the protocol."""

import asyncio
import json
import struct
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TypeAlias

from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.clauses import clauses
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import Speech, SynthesizerCapabilities, polished

# Run with -P: this folder must not be searched, where "piper" would be this very file.
_WORKER = Path(__file__).with_name("piper_worker.py")
_ANSWER = struct.Struct("<cII")
_LENGTH = struct.Struct("<I")
_START_S, _ANSWER_S = 30.0, 20.0
_Frame: TypeAlias = tuple[bytes, int, bytes]
"""Kind, the request's number, body."""


class PiperSynthesizer:
    """One Piper voice. Its process is started when first needed, and again when it died."""

    name = "piper"

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 1,
        length_scale: float = 1.0,
        command: tuple[str, ...] = (sys.executable, "-P", str(_WORKER)),
    ) -> None:
        """`model` is the voice's .onnx file; its .onnx.json lies beside it.

        Raises:
            DependencyMissingError: it does not.
        """
        try:
            config = json.loads(Path(f"{model}.json").read_text("utf-8"))
        except OSError as error:
            raise DependencyMissingError(
                "The Piper voice is not here. Run: alicia models pull", path=str(model)
            ) from error
        # Older voices have no "language"; eSpeak's voice begins with it.
        code = str(config.get("language", {}).get("code") or config["espeak"]["voice"])
        self.language = "zh" if code.startswith("cmn") else code.replace("_", "-").split("-")[0]
        self.capabilities = SynthesizerCapabilities(
            languages=frozenset({self.language}),
            rate_hz=int(config["audio"]["sample_rate"]),
            streaming=True,
        )
        self._command = (*command, str(model), str(threads))
        self._length_scale = length_scale
        self._worker: _Worker | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return None if self._worker is None or self._worker.dead else self._worker.pid

    async def start(self) -> None:
        """Have the voice loaded before the first sentence.

        Raises:
            DependencyMissingError: Piper is not installed.
            EngineError: the process does not start.
        """
        async with self._turn:
            await self._running()

    async def speak(self, text: str, language: str) -> AsyncGenerator[Speech, None]:
        if language != self.language:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        for clause in clauses(text):
            async with self._turn:
                pcm = await self._clause(spoken(clause, language))
            if pcm:
                rate_hz = self.capabilities.rate_hz
                yield Speech(polished(pcm, rate_hz), rate_hz, clause)

    async def aclose(self) -> None:
        await self._stop()

    async def _clause(self, text: str) -> bytes:
        """The audio of one clause; nothing where there is nothing to pronounce."""
        worker = await self._running()
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await worker.audio({"text": text, "length_scale": self._length_scale})
        except TimeoutError as error:
            await self._stop()
            raise EngineError(engine=self.name, reason="no answer in time") from error
        except (OSError, EOFError) as error:
            await self._stop()
            raise EngineError(engine=self.name, reason="the process died") from error

    async def _running(self) -> "_Worker":
        if self._worker is None or self._worker.dead:
            await self._stop()
            self._worker = await _Worker.start(self._command)
        return self._worker

    async def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


class _Worker:
    """A running worker process.

    A task of its own reads the answers: cancelling who waits for one never leaves half a frame in
    the pipe.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: asyncio.Queue[_Frame | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())
        self._number = 0

    @classmethod
    async def start(cls, command: tuple[str, ...]) -> "_Worker":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_S):
                kind, _, body = await worker.answer()
        except (EOFError, TimeoutError) as error:
            await worker.stop()
            raise EngineError("Piper does not start.", reason=type(error).__name__) from error
        except asyncio.CancelledError:
            await worker.stop()
            raise
        if kind == b"R":
            return worker
        await worker.stop()
        if kind == b"M":
            raise DependencyMissingError(
                "Piper is not installed. Run: pip install 'alicia[piper]'", package=body.decode()
            )
        raise EngineError("Piper does not start.", reason=body.decode())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def dead(self) -> bool:
        return self._process.returncode is not None or self._reader.done()

    async def audio(self, request: dict[str, object]) -> bytes:
        """The answer to this request. Answers that nobody waited for are passed over."""
        self._number += 1
        body = json.dumps({"id": self._number, **request}).encode()
        if self._process.stdin is None:
            raise EOFError
        self._process.stdin.write(_LENGTH.pack(len(body)) + body)
        await self._process.stdin.drain()
        parts: list[bytes] = []
        while True:
            kind, number, body = await self.answer()
            if number != self._number:
                continue
            if kind == b"E":
                return b"".join(parts)
            if kind != b"A":
                raise EngineError(engine=PiperSynthesizer.name, reason=body.decode())
            parts.append(body)

    async def answer(self) -> "_Frame":
        frame = await self._answers.get()
        if frame is None:
            raise EOFError
        return frame

    async def stop(self) -> None:
        self._reader.cancel()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _read(self) -> None:
        out = self._process.stdout
        try:
            while out is not None:
                head = await out.readexactly(_ANSWER.size)
                kind, number, length = _ANSWER.unpack(head)
                self._answers.put_nowait((kind, number, await out.readexactly(length)))
        except asyncio.IncompleteReadError:
            self._answers.put_nowait(None)
