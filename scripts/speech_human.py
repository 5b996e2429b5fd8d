"""Human recordings that Debian packages carry, with their transcripts. None is copied into git.

asterisk-core-sounds-*: a telephone exchange's studio prompts, one speaker a language, CC-BY-SA-3.0.
pocketsphinx-testdata: sentences of an audio book (public domain) and `go forward ten meters`.
"""

from __future__ import annotations

import gzip
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HZ = 16_000
SOUNDS = Path("/usr/share/asterisk/sounds")
TEXTS = "/usr/share/doc/asterisk-core-sounds-{0}/core-sounds-{0}.txt.gz"
SPEAKERS = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
}
SPHINX = Path("/usr/share/pocketsphinx/test/data")
LEAST_WORDS, LEAST_S, MOST_S = 4, 1.2, 8.0
LEAD_S, TAIL_S = 0.3, 0.6


@dataclass(frozen=True)
class Human:
    """One recording of a person."""

    language: str
    source: Path
    text: str
    speaker: str
    licence: str

    @property
    def file(self) -> str:
        return f"{self.language}/{self.source.stem}.flac"

    def audio(self) -> Any:
        found = decoded(self.source)
        return np.pad(found, (int(LEAD_S * HZ), int(TAIL_S * HZ)))

    def row(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "language": self.language,
            "kind": "human",
            "text": self.text,
            "voice": self.speaker,
            "licence": self.licence,
            "tags": ["recognition"],
        }


def recordings(languages: list[str], most: int) -> list[Human]:
    """At most so many of each language, evenly spread; none where the packages are absent."""
    found: list[Human] = []
    for language in languages:
        mine = list(_prompts(language))
        step = max(1, len(mine) // most) if most else 1
        found += mine[::step][:most]
        if language == "en":
            found += list(_sphinx())
    return found


def _prompts(language: str) -> Iterator[Human]:
    speaker = SPEAKERS.get(language)
    path = Path(TEXTS.format(language))
    folders = sorted(SOUNDS.glob(f"{language}_*")) if speaker else []
    if not folders or not path.exists():
        return
    folder = SOUNDS / str(speaker) if (SOUNDS / str(speaker)).exists() else folders[0]
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, text = line.strip().partition(":")
            text = re.sub(r"\s+", " ", text).strip()
            source = folder / f"{name}.g722"
            # What stands in brackets describes a sound, or is not read aloud.
            if line.startswith(";") or re.search(r"[\[\]()<>\d]|\.\.\.", text):
                continue
            if len(text.split()) < LEAST_WORDS or not source.exists():
                continue
            # G.722 takes 8,000 bytes a second.
            if LEAST_S <= source.stat().st_size / 8_000 <= MOST_S:
                yield Human(language, source, text, f"Asterisk {folder.name}", "CC-BY-SA-3.0")


def _sphinx() -> Iterator[Human]:
    listed = SPHINX / "librivox" / "transcription"
    if listed.exists():
        for line in listed.read_text("utf-8").splitlines():
            if found := re.match(r"(.*)\((.*)\)\s*$", line):
                source = SPHINX / "librivox" / f"{found[2].strip()}.wav"
                text = re.sub(r"</?s>", "", found[1]).strip()
                if source.exists():
                    yield Human("en", source, text, "LibriVox reader", "public domain")
    raw = SPHINX / "goforward.raw"
    if raw.exists():
        yield Human("en", raw, "go forward ten meters", "PocketSphinx", "BSD-2-Clause")


def decoded(path: Path) -> Any:
    """Mono at 16 kHz."""
    if path.suffix == ".raw":
        return np.frombuffer(path.read_bytes(), "<i2").astype(np.float32) / 32_768
    av: Any = importlib.import_module("av")
    pieces: list[Any] = []
    with av.open(str(path)) as file:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HZ)
        for frame in file.decode(audio=0):
            pieces += [part.to_ndarray().ravel() for part in resampler.resample(frame)]
        pieces += [part.to_ndarray().ravel() for part in resampler.resample(None)]
    return np.concatenate(pieces).astype(np.float32) / 32_768
