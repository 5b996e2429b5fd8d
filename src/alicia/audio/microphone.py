"""This machine's microphone and speaker: what can only be tried where there are some.

The one module that touches `sounddevice` (the extra `microphone`), imported when it is used.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from alicia.audio.duplex import BLOCK, Duplex
from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.errors import DependencyMissingError, SetupError

FRAME = RATE_HZ // 50
WAITING = 500
"""Frames: 10 s that may wait for whoever takes them; then the oldest are dropped."""


class Microphone:
    """A microphone to listen to, and a speaker to answer through.

    Raises DependencyMissingError where the package, PortAudio or the device is missing.
    """

    def __init__(self, device: str | None = None) -> None:
        try:
            self._sound: Any = importlib.import_module("sounddevice")
        except ImportError as error:
            raise DependencyMissingError(
                "Listening needs the package sounddevice. Run: pip install 'alicia[microphone]'",
                package="sounddevice",
            ) from error
        except OSError as error:
            raise DependencyMissingError(
                "The library PortAudio is missing. Run: apt install libportaudio2 "
                "(on macOS: brew install portaudio)",
                library="PortAudio",
            ) from error
        self._device: str | int | None = int(device) if device and device.isdigit() else device
        try:
            self._sound.query_devices(self._device, "input")
        except (ValueError, self._sound.PortAudioError) as error:
            raise DependencyMissingError(
                "There is no such microphone here. Connect one, or name another with --device; "
                "`python -m sounddevice` lists them.",
                device=device or "default",
                reason=str(error),
            ) from error

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """What is heard from now on: 20 ms frames, 16 kHz mono s16le. Raises SetupError."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

        def put(frame: bytes) -> None:
            if heard.full():
                heard.get_nowait()
            heard.put_nowait(frame)

        def take(data: Any, *_: object) -> None:  # noqa: ANN401 - a buffer of PortAudio's
            loop.call_soon_threadsafe(put, bytes(data))

        try:
            with self._sound.RawInputStream(
                samplerate=RATE_HZ,
                blocksize=FRAME,
                channels=1,
                dtype="int16",
                device=self._device,
                callback=take,
            ):
                while True:
                    yield await heard.get()
        except self._sound.PortAudioError as error:
            raise _unusable("microphone", error) from error

    async def play(self, pcm: bytes, rate_hz: int) -> None:
        """Play mono s16le to its end. Raises SetupError."""

        def work() -> None:
            self._sound.play(from_bytes(pcm), rate_hz, blocking=True)

        try:
            await asyncio.to_thread(work)
        except self._sound.PortAudioError as error:
            raise _unusable("speaker", error) from error


class SoundCard:
    """This machine's microphone and speaker together, for a satellite that can be interrupted.

    Not tried on every card: both directions run on one clock, as one PortAudio stream.
    """

    def __init__(self, duplex: Duplex, device: str | None, output: str | None) -> None:
        self._duplex = duplex
        self._sound: Any = Microphone(device)._sound  # noqa: SLF001 - the same library, found once
        self._devices = tuple(int(d) if d and d.isdigit() else d for d in (device, output))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Heard and played until left. Raises SetupError."""
        self._duplex.attach()

        def exchange(heard: Any, played: Any, *_: object) -> None:  # noqa: ANN401 - buffers
            played[:] = self._duplex.exchange(from_bytes(bytes(heard))).tobytes()

        try:
            with self._sound.RawStream(
                samplerate=RATE_HZ,
                blocksize=BLOCK,
                channels=1,
                dtype="int16",
                device=self._devices,
                latency="low",
                callback=exchange,
            ):
                yield
        except self._sound.PortAudioError as error:
            raise _unusable("sound card", error) from error


def _unusable(which: str, error: Exception) -> SetupError:
    return SetupError(
        f"The {which} can't be used. Is another program using it, and is this one allowed to?",
        reason=str(error),
    )
