"""The engines, where they are installed."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import soxr
from rapidfuzz import fuzz

from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.audio.loudness import TARGET_LUFS, loudness
from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.espeak import EspeakSynthesizer
from alicia.speech.piper import PiperSynthesizer
from alicia.speech.synthesizer import Speech, polished
from alicia.speech.whisper import WhisperRecognizer

ANSWER = "The kitchen light is on, and the bedroom blinds are closed. It is 21.5 °C inside."


async def said(pieces: AsyncGenerator[Speech, None]) -> list[Speech]:
    async with aclosing(pieces):
        return [piece async for piece in pieces]


def test_polished_speech_starts_at_once_at_one_loudness() -> None:
    tone = 1_000 * np.sin(np.arange(8_000) * 2 * np.pi * 300 / RATE_HZ)
    wave = np.concatenate([np.zeros(8_000), tone, np.zeros(200)])
    samples = from_bytes(polished(wave.astype("<i2").tobytes(), RATE_HZ, "Done."))
    assert np.flatnonzero(np.abs(samples) > 100)[0] <= 0.03 * RATE_HZ
    assert loudness(samples[:8_000], RATE_HZ) == pytest.approx(TARGET_LUFS, abs=0.5)
    assert len(samples) == pytest.approx(8_000 + 0.22 * RATE_HZ, abs=200)


def test_silence_is_not_amplified() -> None:
    assert polished(bytes(100), RATE_HZ) == bytes(100)
    assert polished(b"", RATE_HZ) == b""


@pytest.fixture
async def piper(voice: Path) -> AsyncIterator[PiperSynthesizer]:
    synthesizer = PiperSynthesizer(voice)
    yield synthesizer
    await synthesizer.aclose()


async def test_piper_speaks_clause_by_clause_and_is_understood(
    piper: PiperSynthesizer, whisper: WhisperRecognizer
) -> None:
    pieces = await said(piper.speak(ANSWER, "en"))
    assert [piece.text for piece in pieces] == [
        "The kitchen light is on,",
        "and the bedroom blinds are closed.",
        "It is 21.5 °C inside.",
    ]
    heard = ""
    for piece in pieces:
        samples = from_bytes(piece.pcm)
        assert np.flatnonzero(np.abs(samples) > 300)[0] < 0.03 * piece.rate_hz
        wave = soxr.resample(samples.astype(np.float32), piece.rate_hz, RATE_HZ)
        heard += (await whisper.transcribe(wave.astype(np.int16), "en")).text + " "
    said_text = (
        "the kitchen light is on and the bedroom blinds are closed it is 21.5 degrees inside"
    )
    assert fuzz.ratio(heard.lower(), said_text) > 85
    assert "piper" not in sys.modules


async def test_the_first_clause_comes_before_the_rest_is_made(piper: PiperSynthesizer) -> None:
    await piper.start()
    began = time.perf_counter()
    async with aclosing(piper.speak(ANSWER, "en")) as pieces:
        first = await anext(pieces)
        first_s = time.perf_counter() - began
        async for _ in pieces:
            pass
    assert first.text == "The kitchen light is on,"
    assert first_s < 0.7 * (time.perf_counter() - began)


async def test_piper_starts_again_after_its_process_died(piper: PiperSynthesizer) -> None:
    await piper.start()
    assert piper.pid is not None
    os.kill(piper.pid, signal.SIGKILL)
    pieces: list[Speech] = []
    for _ in range(2):  # The first may meet the dying process.
        try:
            pieces = await said(piper.speak("Done.", "en"))
        except EngineError:
            continue
        break
    assert len(pieces) == 1


async def test_after_a_cancelled_answer_the_next_one_is_right(piper: PiperSynthesizer) -> None:
    await piper.start()
    before = piper.pid
    [expected] = await said(piper.speak("Done.", "en"))
    begun = asyncio.Event()

    async def answer() -> None:
        async with aclosing(piper.speak(ANSWER, "en")) as pieces:
            async for _ in pieces:
                begun.set()

    speaking = asyncio.create_task(answer())
    await begun.wait()
    await asyncio.sleep(0)  # Now it waits for the second clause.
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    [piece] = await said(piper.speak("Done.", "en"))
    assert len(piece.pcm) == pytest.approx(len(expected.pcm), rel=0.4)
    assert piper.pid == before


async def test_text_without_anything_to_say_is_silence(piper: PiperSynthesizer) -> None:
    assert await said(piper.speak("…", "en")) == []
    assert await said(piper.speak("", "en")) == []


async def test_piper_refuses_a_language_that_its_voice_does_not_speak(
    piper: PiperSynthesizer,
) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await said(piper.speak("Fertig.", "de"))


async def test_a_voice_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DependencyMissingError, match="alicia models pull"):
        PiperSynthesizer(tmp_path / "nobody.onnx")


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise SystemExit(1)", EngineError),
        (
            r"import sys; sys.stdout.buffer.write(b'M\0\0\0\0\5\0\0\0piper')",
            DependencyMissingError,
        ),
        (r"import sys; sys.stdout.buffer.write(b'X\0\0\0\0\3\0\0\0bad')", EngineError),
    ],
)
async def test_a_process_that_does_not_start_is_told_and_leaves_nothing(
    tmp_path: Path, program: str, error: type[Exception]
) -> None:
    config = '{"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"}}'
    (tmp_path / "v.onnx.json").write_text(config)
    synthesizer = PiperSynthesizer(tmp_path / "v.onnx", command=(sys.executable, "-c", program))
    with pytest.raises(error):
        await synthesizer.start()
    assert synthesizer.pid is None


async def test_espeak_speaks_every_language() -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs the program espeak-ng")
    espeak = EspeakSynthesizer()
    for language in espeak.capabilities.languages:
        [piece] = await said(espeak.speak("OK 21.", language))
        assert len(piece.pcm) > 0.2 * 2 * piece.rate_hz


async def test_a_missing_espeak_is_told() -> None:
    with pytest.raises(DependencyMissingError, match="espeak-ng"):
        EspeakSynthesizer("espeak-that-nobody-has")
