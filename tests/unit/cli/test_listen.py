"""Push to talk, with a device that plays recordings instead of a microphone."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import pytest

from alicia.audio import microphone
from alicia.audio.microphone import Microphone
from alicia.cli.listening import conversation
from alicia.contracts.voice import TurnRecord
from alicia.errors import DependencyMissingError, SetupError
from alicia.peers.satellite import Heard
from alicia.runtime.settings import Folder


class Recorded:
    """A device with recorded frames."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self.played: list[tuple[bytes, int]] = []
        self.opened = self.closed = 0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        self.opened += 1
        try:
            for frame in self._frames:
                yield frame
            await asyncio.Event().wait()
        finally:
            self.closed += 1

    async def play(self, pcm: bytes, rate_hz: int) -> None:
        self.played.append((pcm, rate_hz))


class Ear:
    """What is told of a satellite here: it takes three frames, and answers."""

    def __init__(self, *, error: str | None = None) -> None:
        self.error = error
        self.heard: list[bytes] = []
        self.asked: list[tuple[str | None, str | None]] = []

    async def turn(
        self,
        frames: AsyncIterator[bytes],
        *,
        on_partial: Callable[[str], None] | None = None,
        area_id: str | None = None,
        language: str | None = None,
    ) -> Heard:
        self.asked.append((area_id, language))
        for _ in range(3):
            self.heard.append(await anext(frames))
        if on_partial:
            on_partial("turn on")
        heard = Heard("t1", 0.0, rate_hz=22_050, error=self.error)
        if self.error is None:
            heard.chunks[0] = b"\1\0" * 10
            heard.record = TurnRecord(
                turn_id="t1",
                satellite="s",
                language="en",
                trace_id="0" * 32,
                transcript="turn on the light",
                reply="Done.",
                spoken=True,
                started_at=0,
            )
        return heard


async def presses(count: int) -> AsyncGenerator[None, None]:
    for _ in range(count):
        yield


async def talk(ear: Ear, device: Recorded, folder: Path, *, turns: int) -> list[dict[str, Any]]:
    partials: list[str] = []
    found = [
        result
        async for result in conversation(
            ear,  # type: ignore[arg-type]
            device,
            presses(turns),
            folder=Folder(folder),
            area_id="kitchen",
            language="en",
            on_partial=partials.append,
        )
    ]
    assert partials == ["turn on"] * turns
    return found


async def test_each_press_is_a_turn_that_is_heard_and_answered(tmp_path: Path) -> None:
    ear, device = Ear(), Recorded([b"a" * 640, b"b" * 640, b"c" * 640])
    found = await talk(ear, device, tmp_path, turns=2)
    assert [result["transcript"] for result in found] == ["turn on the light"] * 2
    assert ear.heard == [b"a" * 640, b"b" * 640, b"c" * 640] * 2
    assert ear.asked == [("kitchen", "en")] * 2
    assert device.played == [(b"\1\0" * 10, 22_050)] * 2


async def test_the_microphone_is_open_during_a_turn_alone(tmp_path: Path) -> None:
    device = Recorded([b"a" * 640] * 3)
    await talk(Ear(), device, tmp_path, turns=2)
    assert device.opened == device.closed == 2


async def test_a_turn_that_failed_is_told_and_plays_nothing(tmp_path: Path) -> None:
    device = Recorded([b"a" * 640] * 3)
    (result,) = await talk(Ear(error="bus.deadline"), device, tmp_path, turns=1)
    assert result["error"] == "bus.deadline"
    assert result["reply"]
    assert device.played == []


# ---- the device ---------------------------------------------------------------------------------


class PortAudioError(Exception):
    pass


class Stream:
    """A stream of PortAudio's, that gives three frames at once."""

    def __init__(self, *, callback: Callable[..., None], **how: Any) -> None:
        self.how = how
        self._callback = callback

    def __enter__(self) -> Self:
        for number in range(3):
            self._callback(bytearray([number]) * 640, 320, None, None)
        return self

    def __exit__(self, *_: object) -> None:
        pass


def sound(**changes: Any) -> types.SimpleNamespace:
    played: list[Any] = []
    given: dict[str, Any] = {
        "PortAudioError": PortAudioError,
        "query_devices": lambda *_: {"name": "microphone"},
        "RawInputStream": Stream,
        "play": lambda pcm, rate, blocking: played.append((bytes(pcm), rate, blocking)),
        "played": played,
    }
    return types.SimpleNamespace(**{**given, **changes})


def installed(monkeypatch: pytest.MonkeyPatch, module: object) -> None:
    def load(_: str) -> object:
        if isinstance(module, Exception):
            raise module
        return module

    monkeypatch.setattr(microphone.importlib, "import_module", load)


async def test_frames_come_as_they_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, sound())
    frames = Microphone().frames()
    heard = [await anext(frames) for _ in range(3)]
    await frames.aclose()
    assert heard == [bytes([number]) * 640 for number in range(3)]


async def test_the_reply_is_played_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sound()
    installed(monkeypatch, module)
    await Microphone().play(b"\1\0\2\0", 22_050)
    assert module.played == [(b"\1\0\2\0", 22_050, True)]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (ImportError("No module named 'sounddevice'"), "alicia[microphone]"),
        (OSError("PortAudio library not found"), "libportaudio2"),
    ],
)
def test_what_is_missing_is_told_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, found: Exception, says: str
) -> None:
    installed(monkeypatch, found)
    with pytest.raises(DependencyMissingError) as raised:
        Microphone()
    assert says in raised.value.message


def test_a_machine_without_a_microphone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise PortAudioError("Error querying device -1")

    installed(monkeypatch, sound(query_devices=none))
    with pytest.raises(DependencyMissingError, match="no such microphone"):
        Microphone()


async def test_a_microphone_that_another_program_has_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(**_: object) -> None:
        raise PortAudioError("Device unavailable")

    installed(monkeypatch, sound(RawInputStream=busy))
    with pytest.raises(SetupError, match="another program"):
        await anext(Microphone().frames())
