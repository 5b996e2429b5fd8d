"""Speaks with Piper, as a program of its own.

Licence boundary: `piper` is GPL-3.0. This file is the only one that imports it, and Alicia never
imports this file: she runs it as a child process and speaks to it over pipes. Nothing of Alicia is
imported here. Who ships Piper together with this program ships that combination under the GPL.

    python -P piper_worker.py MODEL.onnx THREADS

Requests, on stdin:  u32 length, JSON {"id": int, "text": str, "length_scale": float}
Answers, on stdout:  u8 kind, u32 id, u32 length, then
    R  ready: JSON {"rate_hz": int}          A  audio: s16le mono PCM
    M  a package is missing: its name        E  the request is done
    X  the request, or the start, failed: the reason
(all numbers little-endian)
"""

import ctypes
import json
import signal
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from piper import PiperVoice

_ANSWER = struct.Struct("<cII")
_LENGTH = struct.Struct("<I")
_SET_PARENT_DEATH_SIGNAL = 1


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end closes stdin.
    _die_with_parent()
    model_path, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # What libraries print must not get between the frames.
    try:
        voice = _load(model_path, threads)
    except ImportError as error:
        return _answer(answers, b"M", 0, str(error.name).encode())
    except Exception as error:  # noqa: BLE001 the parent tells the person
        return _answer(answers, b"X", 0, str(error).encode())
    _answer(answers, b"R", 0, json.dumps({"rate_hz": voice.config.sample_rate}).encode())
    for request in _requests(sys.stdin.buffer):
        _speak(voice, request, answers)
    return None


def _die_with_parent() -> None:
    """Closed pipes do not end a process that is stopped; the kernel of Linux does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _load(model_path: str, threads: int) -> "PiperVoice":
    import onnxruntime  # noqa: PLC0415
    from piper import PiperVoice  # noqa: PLC0415
    from piper.config import PiperConfig  # noqa: PLC0415

    with open(f"{model_path}.json", encoding="utf-8") as file:  # noqa: PTH123 pathlib costs 20 ms
        config = PiperConfig.from_dict(json.load(file))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model_path, sess_options=options, providers=["CPUExecutionProvider"]
    )
    voice = PiperVoice(session=session, config=config)
    list(voice.synthesize("Hello."))  # The first run is the slow one.
    return voice


def _requests(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    while head := stream.read(_LENGTH.size):
        yield json.loads(stream.read(_LENGTH.unpack(head)[0]))


def _speak(voice: "PiperVoice", request: dict[str, Any], answers: BinaryIO) -> None:
    from piper import SynthesisConfig  # noqa: PLC0415

    number = int(request["id"])
    try:
        settings = SynthesisConfig(length_scale=request["length_scale"])
        for chunk in voice.synthesize(request["text"], settings):
            _answer(answers, b"A", number, chunk.audio_int16_bytes)
    except Exception as error:  # noqa: BLE001 a text that can't be spoken must not end the program
        _answer(answers, b"X", number, str(error).encode())
    else:
        _answer(answers, b"E", number, b"")


def _answer(stream: BinaryIO, kind: bytes, number: int, body: bytes) -> None:
    stream.write(_ANSWER.pack(kind, number, len(body)) + body)
    stream.flush()


if __name__ == "__main__":
    main()
