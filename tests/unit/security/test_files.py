"""Private files: whole, and for their owner alone."""

import stat
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.security.files import private_folder, write_once, write_private


def test_a_file_is_written_only_where_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert write_private(path, b"one")
    inode = path.stat().st_ino
    assert not write_private(path, b"one")
    assert path.stat().st_ino == inode
    assert write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    path.chmod(0o644)
    assert write_private(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_two_who_create_a_file_the_first_wins(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_once(path, b"first")
    assert not write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    assert stat.S_IMODE(private_folder(folder).stat().st_mode) == 0o755


def test_a_place_that_can_hold_no_file_is_a_setup_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SetupError, match="can't be made"):
        write_private(tmp_path / "file" / "below", b"")
