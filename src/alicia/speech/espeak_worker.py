"""Speaks with eSpeak NG, or writes phonemes with it, as a program of its own.

Licence boundary: eSpeak NG is GPL-3.0. This file is the only one that loads it, and Alicia never
imports this file: she runs it as a child process and speaks to it over pipes. Nothing of Alicia is
imported here. Who ships eSpeak NG together with this program ships that combination under the GPL.

    python -P espeak_worker.py

Requests and answers are those of `piper_worker.py`. A request is {"id": int, "text": str,
"voice": str} with "speed": float for audio, or "phonemes": true for IPA in UTF-8 in place of audio.
"""

import ctypes
import json
import re
import signal
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

_ANSWER = struct.Struct("<cII")
_LENGTH = struct.Struct("<I")
_SET_PARENT_DEATH_SIGNAL = 1
_SYNCHRONOUS, _UTF8, _IPA = 2, 1, 2
_RATE_PARAMETER, _NORMAL_WORDS_PER_MINUTE = 1, 165
_MARKS = re.compile(r"([,.;:!?，。、！？；：…]+\s*)")
_HEARD = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end closes stdin.
    _die_with_parent()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # What libraries print must not get between the frames.
    try:
        espeak = Espeak()
    except ImportError as error:
        return _answer(answers, b"M", 0, str(error.name).encode())
    except Exception as error:  # noqa: BLE001 the parent tells the person
        return _answer(answers, b"X", 0, str(error).encode())
    _answer(answers, b"R", 0, json.dumps({"rate_hz": espeak.rate_hz}).encode())
    for request in _requests(sys.stdin.buffer):
        number = int(request["id"])
        try:
            work = espeak.phonemes if request.get("phonemes") else espeak.audio
            _answer(answers, b"A", number, work(request))
        except Exception as error:  # noqa: BLE001 one text must not end the program
            _answer(answers, b"X", number, str(error).encode())
        else:
            _answer(answers, b"E", number, b"")
    return None


class Espeak:
    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415

        self._library = library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        data = str(espeakng_loader.get_data_path()).encode()
        self.rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0))
        if self.rate_hz <= 0:
            raise OSError("eSpeak NG does not find its data")
        self._pieces: list[bytes] = []
        self._heard = _HEARD(self._take)
        library.espeak_SetSynthCallback(self._heard)

    def audio(self, request: dict[str, Any]) -> bytes:
        self._choose(request["voice"])
        words_per_minute = int(_NORMAL_WORDS_PER_MINUTE * float(request.get("speed", 1)))
        self._library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
        self._pieces.clear()
        text = request["text"].encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 0, 0, _UTF8, None, None)
        return b"".join(self._pieces)

    def phonemes(self, request: dict[str, Any]) -> bytes:
        """IPA; punctuation stays where it is."""
        self._choose(request["voice"])
        parts: list[str] = []
        for part in _MARKS.split(request["text"]):
            if _MARKS.fullmatch(part):
                parts.append(part)
            elif part.strip():
                parts.append(self._ipa(part))
        return "".join(parts).encode()

    def _ipa(self, text: str) -> str:
        kept = ctypes.create_string_buffer(text.encode())
        at = ctypes.c_void_p(ctypes.addressof(kept))
        parts: list[str] = []
        while at.value:
            found = self._library.espeak_TextToPhonemes(ctypes.byref(at), _UTF8, _IPA)
            if found:
                parts.append(found.decode().strip())
        return " ".join(parts)

    def _choose(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"eSpeak NG has no voice {voice}")

    def _take(self, samples: Any, count: int, _events: Any) -> int:  # noqa: ANN401 C's
        if count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0


def _die_with_parent() -> None:
    """Closed pipes do not end a process that is stopped; the kernel of Linux does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _requests(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    while head := stream.read(_LENGTH.size):
        yield json.loads(stream.read(_LENGTH.unpack(head)[0]))


def _answer(stream: BinaryIO, kind: bytes, number: int, body: bytes) -> None:
    stream.write(_ANSWER.pack(kind, number, len(body)) + body)
    stream.flush()


if __name__ == "__main__":
    main()
