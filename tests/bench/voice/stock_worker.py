"""The engines of the stock path, each in a process of its own, as their own libraries run them.

    python stock_worker.py whisper FOLDER THREADS
    python stock_worker.py piper MODEL.onnx THREADS
    python stock_worker.py espeak espeak-ng 1

A request is a line of JSON and then its `bytes` of data; an answer is the same. Whisper takes s16le
at 16 kHz and answers {"text"}; a voice takes {"text", "language"} and answers {"rate_hz"} and s16le
once the whole text is spoken.

Licence boundary: `piper` is GPL-3.0. This program is run, never imported.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import wave
from collections.abc import Callable
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[dict[str, Any], bytes]
Engine: TypeAlias = Callable[[dict[str, Any], bytes], Answer]


def whisper(folder: str, threads: int) -> Engine:
    """faster-whisper as it comes: its own defaults, a window of 30 s, five beams."""
    import numpy as np  # noqa: PLC0415 - one engine a process
    from faster_whisper import WhisperModel  # noqa: PLC0415 - one engine a process

    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)

    def transcribe(request: dict[str, Any], data: bytes) -> Answer:
        samples = np.frombuffer(data, "<i2").astype(np.float32) / 32_768
        segments, _ = model.transcribe(samples, language=request["language"])
        return {"text": " ".join(segment.text.strip() for segment in segments)}, b""

    return transcribe


def piper(model: str, threads: int) -> Engine:
    """The whole text in one go."""
    import onnxruntime  # noqa: PLC0415 - one engine a process
    from piper import PiperVoice  # noqa: PLC0415 - one engine a process
    from piper.config import PiperConfig  # noqa: PLC0415 - one engine a process

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with open(f"{model}.json", encoding="utf-8") as file:  # noqa: PTH123
        config = PiperConfig.from_dict(json.load(file))
    session = onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )
    voice = PiperVoice(session=session, config=config)

    def speak(request: dict[str, Any], _: bytes) -> Answer:
        pcm = b"".join(chunk.audio_int16_bytes for chunk in voice.synthesize(request["text"]))
        return {"rate_hz": config.sample_rate}, pcm

    return speak


def espeak(program: str, _: int) -> Engine:
    def speak(request: dict[str, Any], __: bytes) -> Answer:
        names = {"en": "en-us", "fr": "fr-fr", "pt": "pt-br", "zh": "cmn"}
        language = str(request["language"])
        command = [program, "-v", names.get(language, language), "--stdout", "--"]
        done = subprocess.run([*command, str(request["text"])], capture_output=True, check=True)
        # Its header tells no length, since it writes to a pipe.
        with wave.open(io.BytesIO(done.stdout)) as file:
            return {"rate_hz": file.getframerate()}, done.stdout[44:]

    return speak


def main() -> None:
    kind, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries print
    made = {"whisper": whisper, "piper": piper, "espeak": espeak}[kind]

    def answer(head: dict[str, Any], body: bytes = b"") -> None:
        answers.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
        answers.flush()

    try:
        engine = made(model, threads)
    except ImportError as error:
        return answer({"missing": error.name})
    answer({"ready": True})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        head, body = engine(request, sys.stdin.buffer.read(request["bytes"]))
        answer(head, body)
    return None


if __name__ == "__main__":
    main()
