import json
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.speech.recordings import LABELS, Recording, find


def recordings(folder: Path, *names: str, labels: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    if labels:
        (folder / LABELS).write_text(labels, "utf-8")
    return folder


def test_a_folder_gives_its_audio_files(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "a.wav", "b.OGG", "notes.txt")
    assert find([folder]) == [
        Recording(folder / "a.wav", None, None),
        Recording(folder / "b.OGG", None, None),
    ]


def test_a_folder_with_labels_gives_what_they_name(tmp_path: Path) -> None:
    row = {"file": "a.wav", "text": "yes", "language": "en", "voice": "somebody"}
    folder = recordings(tmp_path, "a.wav", "b.wav", labels=json.dumps(row))
    assert find([folder]) == [Recording(folder / "a.wav", "yes", "en")]


def test_a_file_finds_the_label_beside_it(tmp_path: Path) -> None:
    folder = recordings(tmp_path, "a.wav", labels='{"file": "a.wav", "text": "no"}')
    assert find([folder / "a.wav"]) == [Recording(folder / "a.wav", "no", None)]


def test_nothing_to_hear_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        find([recordings(tmp_path, "notes.txt")])


@pytest.mark.parametrize("line", ["nonsense", '{"file": "a.wav"}', "[1]"])
def test_a_label_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    good = '{"file": "a.wav", "text": "no"}'
    folder = recordings(tmp_path, "a.wav", labels=f"{good}\n{line}\n")
    with pytest.raises(SetupError) as caught:
        find([folder])
    assert caught.value.fields["line"] == 2
