"""How soon speech begins: a phrase that is known, and one that is not, in each language.

    python tests/bench/tts.py [--home FOLDER] [--runs N] [LANGUAGE...]

Prints one JSON object. The room is the real one, on the bus in memory: from SPEAK asked to the
first SPEECH chunk heard, in milliseconds. `memory`: said just before. `disk`: kept by an earlier
instance. `miss`: never said; the live voice has been started. FOLDER is a house's, for its models.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from alicia.contracts.voice import SPEAK, SPEECH, Speak
from alicia.errors import AliciaError
from alicia.runtime.settings import Folder
from alicia.services.voice.tts import Tts
from alicia.testing.running import RunningHouse, house

PHRASES = {
    "en": "Turned on the kitchen light number {n}.",
    "es": "He encendido la luz número {n} de la cocina.",
    "fr": "La lumière numéro {n} de la cuisine est allumée.",
    "de": "Das Licht Nummer {n} in der Küche ist eingeschaltet.",
    "it": "Ho acceso la luce numero {n} della cucina.",
    "pt": "Liguei a luz número {n} da cozinha.",
    "zh": "厨房的{n}号灯已经打开了。",
    "ja": "キッチンの{n}番の電気をつけました。",
    "ko": "주방 {n}번 조명을 켰습니다.",
}


async def _first_chunk(home: RunningHouse, text: str, language: str, turn_id: str) -> float:
    async with home.bus.hear(SPEECH, limit=4096, turn_id=turn_id) as speech:
        began = time.perf_counter()
        asking = asyncio.ensure_future(
            home.bus.ask(SPEAK, Speak(turn_id=turn_id, text=text, language=language))
        )
        first = asyncio.ensure_future(anext(speech))
        await asyncio.wait({asking, first}, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            first.cancel()
            await asking  # Raises why nothing was said.
        took = (time.perf_counter() - began) * 1000
        await asking
        return took


def _told(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[max(0, int(len(ordered) * 0.95) - 1)], 2),
        "max_ms": round(ordered[-1], 2),
    }


async def _language(folder: Path, language: str, runs: int) -> dict[str, Any]:
    texts = [PHRASES[language].format(n=number) for number in range(1, runs + 1)]
    settings = {"tts": {"warm": False, "languages": language}}
    found: dict[str, list[float]] = {"miss": [], "memory": [], "disk": []}
    voice = ""
    async with house(Tts, folder=folder, settings=settings) as home:
        await _first_chunk(home, PHRASES[language].format(n=99), language, "t0")
        for name in ("miss", "memory"):
            for number, text in enumerate(texts):
                found[name].append(await _first_chunk(home, text, language, f"{name}{number}"))
        spoken = await home.bus.ask(SPEAK, Speak(turn_id="t9", text=texts[0], language=language))
        voice = spoken.voice or ""
    async with house(Tts, folder=folder, settings=settings) as home:
        for number, text in enumerate(texts):
            found["disk"].append(await _first_chunk(home, text, language, f"disk{number}"))
    return {"voice": voice, **{name: _told(values) for name, values in found.items()}}


async def _all(models: Path, languages: list[str], runs: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for language in languages:
        with tempfile.TemporaryDirectory(prefix="alicia-tts-") as name:
            (Path(name) / "models").symlink_to(models)
            try:
                told[language] = await _language(Path(name), language, runs)
            except AliciaError as error:
                told[language] = {"error": error.code, "reason": error.message}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon speech begins.")
    parser.add_argument("languages", nargs="*", default=list(PHRASES))
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()
    models = Folder(given.home).models
    told = asyncio.run(_all(models, given.languages, given.runs))
    print(json.dumps({"unit": "SPEAK asked to first SPEECH chunk", "languages": told}))


if __name__ == "__main__":
    main()
