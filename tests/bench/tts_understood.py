"""Whether our voices are understood: each speaks, Whisper (base, told the language) writes it down.

    python tests/bench/tts_understood.py [--home FOLDER] [ENGINE...]

Prints one JSON object: errors of characters in percent, by engine and language, over eight answers
each. How it sounds is compared: numbers in words, Mandarin in pinyin without tones, Japanese
in kana. The recognizer's own errors are in it, so read it as a comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import unicodedata
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import soxr
from rapidfuzz.distance import Levenshtein

from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.errors import AliciaError
from alicia.runtime.settings import Folder
from alicia.speech.models import ModelStore
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import Synthesizer
from alicia.speech.voices import Voices
from alicia.speech.whisper import WhisperRecognizer

SENTENCES = json.loads(Path(__file__).with_name("tts_sentences.json").read_text("utf-8"))
ENGINES = ("piper", "kokoro", "pico", "openjtalk", "espeak")
QUIET = np.zeros(RATE_HZ // 2, np.int16)


def _sound(language: str) -> Callable[[str], str]:
    """A text as it sounds, letters alone."""
    if language == "zh":
        from pypinyin import lazy_pinyin  # noqa: PLC0415 - for Mandarin alone

        return lambda text: "".join(lazy_pinyin(_letters(spoken(text, "zh"))))
    if language == "ja":
        import pyopenjtalk  # noqa: PLC0415 - for Japanese alone

        return lambda text: str(pyopenjtalk.g2p(_letters(text), kana=True))
    return lambda text: _letters(spoken(text, language))


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.lower())
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LN")


async def _errors(engine: Synthesizer, language: str, whisper: WhisperRecognizer) -> float:
    sound = _sound(language)
    wrong = length = 0
    for sentence in SENTENCES[language]:
        parts = [QUIET]
        async with aclosing(engine.speak(sentence, language)) as pieces:
            async for piece in pieces:
                wave = from_bytes(piece.pcm).astype(np.float32)
                parts.append(soxr.resample(wave, piece.rate_hz, RATE_HZ).astype(np.int16))
        heard = await whisper.transcribe(np.concatenate([*parts, QUIET]), language)
        said = sound(sentence)
        wrong += min(Levenshtein.distance(said, sound(heard.text)), len(said))
        length += len(said)
    return round(100 * wrong / length, 1)


async def _all(store: ModelStore, engines: list[str]) -> dict[str, dict[str, float]]:
    voices = Voices(store)
    whisper = await WhisperRecognizer.load(store.pull("whisper-base-int8"), threads=1)
    told: dict[str, dict[str, float]] = {name: {} for name in engines}
    for name in engines:
        for language in SENTENCES:
            try:
                engine = voices.engine(name, language)
                told[name][language] = await _errors(engine, language, whisper)
            except AliciaError:
                continue  # It does not speak that, or is not here.
    await voices.aclose()
    await whisper.aclose()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether our voices are understood.")
    parser.add_argument("engines", nargs="*", default=list(ENGINES))
    parser.add_argument("--home", type=Path, default=None)
    given = parser.parse_args()
    store = ModelStore(Folder(given.home).models)
    print(json.dumps({"character_errors_pct": asyncio.run(_all(store, given.engines))}))


if __name__ == "__main__":
    main()
