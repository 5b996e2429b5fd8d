"""The child in which Pico, Open JTalk and Kokoro speak: none may hold Alicia's interpreter.

    python -m alicia.speech.engine_worker ENGINE JSON

Requests and answers are those of `piper_worker.py`. ENGINE is a module of this folder with a
function `load(settings) -> (rate_hz, speak)`; `speak(request)` returns the audio as s16le PCM.
"""

import ctypes
import json
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, TypeAlias

_ANSWER = struct.Struct("<cII")
_LENGTH = struct.Struct("<I")
_SET_PARENT_DEATH_SIGNAL = 1

Speak: TypeAlias = Callable[[dict[str, Any]], bytes]

ENGINES = {
    "pico": "alicia.speech.pico",
    "openjtalk": "alicia.speech.openjtalk",
    "kokoro": "alicia.speech.kokoro",
}


def command(engine: str, **settings: object) -> tuple[str, ...]:
    """How this program is run."""
    return (sys.executable, "-m", __name__, engine, json.dumps(settings))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end closes stdin.
    if sys.platform == "linux":
        # Closed pipes do not end a process that is stopped; the kernel of Linux does.
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # What libraries print must not get between the frames.
    try:
        rate_hz, speak = import_module(ENGINES[sys.argv[1]]).load(json.loads(sys.argv[2]))
    except ImportError as error:
        return _answer(answers, b"M", 0, str(error.name).encode())
    except Exception as error:  # noqa: BLE001 - the parent tells the person
        return _answer(answers, b"X", 0, str(error).encode())
    _answer(answers, b"R", 0, json.dumps({"rate_hz": rate_hz}).encode())
    for request in _requests(sys.stdin.buffer):
        _serve(request, speak, answers)
    return None


def _serve(request: dict[str, Any], speak: Speak, answers: BinaryIO) -> None:
    number = int(request["id"])
    try:
        pcm = speak(request)
    except Exception as error:  # noqa: BLE001 - a text that can't be spoken must not end the program
        _answer(answers, b"X", number, str(error).encode())
    else:
        _answer(answers, b"A", number, pcm)
        _answer(answers, b"E", number, b"")


def _requests(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    while head := stream.read(_LENGTH.size):
        yield json.loads(stream.read(_LENGTH.unpack(head)[0]))


def _answer(stream: BinaryIO, kind: bytes, number: int, body: bytes) -> None:
    stream.write(_ANSWER.pack(kind, number, len(body)) + body)
    stream.flush()


if __name__ == "__main__":
    main()
