"""Speaks the full labelled set: sentences.toml in nine languages, and human recordings besides.

    make speech-set [ARGS="--only de,fr --voices 2"]

Writes .speech/neural and .speech/human: FLAC files with a labels.jsonl each. What is there already
is kept, so a run that was broken off goes on. Same packages, same processor kind: same audio.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from rich.progress import track

from speech_human import recordings
from speech_voices import NEURAL, SYNTHETIC, Voices, describe

ROOT = Path(__file__).parents[1]
SENTENCES = ROOT / "tests" / "data" / "speech" / "sentences.toml"
LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
OUT_HZ, PEAK = 16_000, 0.35
LEAD_S, TAIL_S = 0.3, 0.6
_CHOICE = re.compile(r"\{([^{}]*)\}")
_PAUSE = re.compile(r"\s*<([\d.]+)>\s*")


@dataclass(frozen=True)
class Sentence:
    """One sentence in one voice."""

    split: str
    language: str
    spoken: str
    """With its pauses."""
    spellings: tuple[str, ...]
    kind: str
    voice: str
    label: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def file(self) -> str:
        digest = hashlib.sha256(f"{self.spoken}|{self.voice}".encode()).hexdigest()[:10]
        return f"{self.language}/{self.split}-{digest}.{self.voice}.flac"


def sentences(languages: list[str], voices: int, *, few: bool = False) -> Iterator[Sentence]:
    """All that is to be spoken, or the committed few; a sentence in so many voices, in turn."""
    data: dict[str, list[dict[str, Any]]] = tomllib.loads(SENTENCES.read_text("utf-8"))
    for language in languages:
        for kind, table in (("neural", NEURAL), ("synthetic", SYNTHETIC)):
            for split, speakers in table.get(language, {}).items():
                for number, row in enumerate(data[split]):
                    if few and not row.get("committed"):
                        continue
                    # The few are even numbers all: they would get every second voice alone.
                    turn = number + number // 2 if few else number
                    for again in range(min(voices, len(speakers))):
                        voice = speakers[(turn + again) % len(speakers)]
                        yield _sentence(row, split, language, kind, voice)


def _sentence(row: dict[str, Any], split: str, language: str, kind: str, voice: str) -> Sentence:
    written = row[language]
    spoken = _CHOICE.sub(lambda found: found[1].split("|")[0], written)
    most = max((len(c.split("|")) for c in _CHOICE.findall(written)), default=1)
    spellings = [
        _CHOICE.sub(lambda found, at=at: _choice(found[1], at), written) for at in range(most)
    ]
    glue = "" if language in ("zh", "ja") else " "
    expect = row["expect"]
    label = {
        "expect": "reject" if expect == "reject" else changes(expect),
        "answer": row.get("answer", []),
        "before": changes(row.get("before", "")),
        "tags": [split, *row.get("tags", [])],
    }
    return Sentence(
        split,
        language,
        spoken,
        tuple(_PAUSE.sub(glue, text) for text in spellings),
        kind,
        voice,
        {name: value for name, value in label.items() if value or name == "expect"},
    )


def _choice(options: str, at: int) -> str:
    choices = options.split("|")
    return choices[min(at, len(choices) - 1)]


def changes(text: str) -> list[dict[str, Any]]:
    """`light.kitchen power=true; light.kitchen brightness=>50` as a label has it."""
    found: list[dict[str, Any]] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        entity, _, change = part.partition(" ")
        capability, _, value = change.partition("=")
        found.append({"entity": entity, "capability": capability, "value": _value(value)})
    return found


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text[0] in "<>":
        return {"above" if text[0] == ">" else "below": float(text[1:])}
    return text if text.startswith("#") else float(text)


def render(voices: Voices, sentence: Sentence) -> Any:
    """As a quiet room with somebody in it."""
    parts = _PAUSE.split(sentence.spoken)
    pieces: list[Any] = []
    for at, part in enumerate(parts):
        if at % 2:
            pieces.append(np.zeros(int(float(part) * OUT_HZ), np.float32))
            continue
        audio, rate_hz = voices.speak(part, sentence.language, sentence.voice)
        pieces.append(soxr.resample(audio, rate_hz, OUT_HZ))
    audio = np.concatenate(pieces)
    audio = audio * (PEAK / np.max(np.abs(audio)))
    audio = np.pad(audio, (int(LEAD_S * OUT_HZ), int(TAIL_S * OUT_HZ)))
    # Rooms are never digitally silent: -66 dB of fixed noise.
    return audio + np.random.default_rng(7).normal(0, 0.0005, len(audio))


def save(path: Path, audio: Any, *, small: bool) -> None:
    """FLAC; Opus, a fifth of its size, for what lies in git."""
    if small:
        soundfile.write(path, audio, OUT_HZ, subtype="OPUS", format="OGG", compression_level=0.9)
    else:
        soundfile.write(path, audio, OUT_HZ, subtype="PCM_16", format="FLAC")


def write_labels(folder: Path, rows: list[dict[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def write_neural(folder: Path, given: argparse.Namespace) -> None:
    """The machine's voices. What is committed besides, in other languages, stays as it is."""
    voices = Voices(given.kokoro, given.threads)
    rows: list[dict[str, Any]] = []
    languages = given.only.split(",")
    wanted = list(sentences(languages, given.voices, few=given.committed))
    if given.committed:
        lines = (folder / "labels.jsonl").read_text("utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["language"] not in languages]
    for one in track(wanted, description="speaking"):
        path = folder / one.file
        if given.committed:
            path = path.with_suffix(".ogg")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            save(new, render(voices, one), small=given.committed)
            new.replace(path)
        row = {
            "file": str(path.relative_to(folder)),
            "language": one.language,
            "kind": one.kind,
            "text": one.spellings[0],
            "also": list(one.spellings[1:]),
            "voice": describe(one.voice, one.language),
            "licence": "Apache-2.0",
            "held_out": one.split == "held_out",
            **one.label,
        }
        rows.append({name: value for name, value in row.items() if value or name != "also"})
    write_labels(folder, rows)
    sys.stdout.write(f"{len(rows)} sentences in {folder}\n")


def write_human(folder: Path, given: argparse.Namespace) -> None:
    """What Debian's packages have; WER alone, for none of it is a command to a home."""
    rows: list[dict[str, Any]] = []
    for one in recordings(given.only.split(","), given.human):
        path = folder / one.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            soundfile.write(path, one.audio(), OUT_HZ, subtype="PCM_16", format="FLAC")
        rows.append(one.row())
    if not rows:
        sys.stdout.write(
            "no human recordings: apt-get install pocketsphinx-testdata and "
            "asterisk-core-sounds-{en,es,fr,it} with asterisk-core-sounds-{en,es,fr,it}-g722\n"
        )
        return
    write_labels(folder, rows)
    sys.stdout.write(f"{len(rows)} human recordings in {folder}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kokoro", type=Path, required=True, help="folder of Kokoro's voices")
    parser.add_argument("--out", type=Path, default=ROOT / ".speech")
    parser.add_argument("--only", default=",".join(LANGUAGES))
    parser.add_argument("--voices", type=int, default=1, help="voices for each sentence")
    parser.add_argument("--human", type=int, default=30, help="human recordings of each language")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--committed", action="store_true", help="the few that lie in git, into tests/data/speech"
    )
    given = parser.parse_args()
    if given.committed:
        return write_neural(SENTENCES.parent, given)
    for name in ("human", "neural"):
        (given.out / name).mkdir(parents=True, exist_ok=True)
    write_human(given.out / "human", given)
    return write_neural(given.out / "neural", given)


if __name__ == "__main__":
    main()
