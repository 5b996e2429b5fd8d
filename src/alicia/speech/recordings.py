"""Recordings to measure recognizers with: audio files, and what is said in them where it is known.

A folder may have a `labels.jsonl` beside its files: a line of JSON for each, with `file`, `text`
and `language`. Then it has those recordings, else all its audio files.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alicia.errors import SetupError

LABELS = "labels.jsonl"
_ENDINGS = frozenset({".wav", ".flac", ".ogg", ".opus", ".oga", ".mp3", ".webm"})


@dataclass(frozen=True, slots=True)
class Recording:
    path: Path
    text: str | None
    """What is said; None: nobody wrote it down."""
    language: str | None


def find(places: Iterable[Path]) -> list[Recording]:
    """The recordings in these files and folders, in order.

    Raises:
        SetupError: there is none, or a label can't be read.
    """
    found: list[Recording] = []
    for place in places:
        if not place.exists():
            raise SetupError(f"There is no {place}.")
        labels = labels_of(place if place.is_dir() else place.parent)
        if place.is_dir() and labels:
            found += labels.values()
            continue
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        found += [
            labels.get(path.name, Recording(path, None, None))
            for path in files
            if path.suffix.lower() in _ENDINGS or not place.is_dir()
        ]
    if not found:
        raise SetupError("There are no recordings here.", places=[str(one) for one in places])
    return found


def labels_of(folder: Path) -> dict[str, Recording]:
    """What is known of the files of a folder, by name.

    Raises:
        SetupError: a line of `labels.jsonl` can't be read.
    """
    path = folder / LABELS
    if not path.is_file():
        return {}
    labels: dict[str, Recording] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            name, text = str(row["file"]), str(row["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(
                "A label needs `file` and `text`.", file=str(path), line=number
            ) from error
        labels[name] = Recording(folder / name, text, row.get("language"))
    return labels
