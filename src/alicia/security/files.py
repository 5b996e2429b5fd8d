"""Files that only their owner may read, and that are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from alicia.errors import SetupError


def private_folder(folder: Path) -> Path:
    """The folder, made (0700) where it is missing. One that exists keeps its mode."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The folder {folder} can't be made: {error.strerror}.", path=str(folder)
        ) from error
    return folder


def write_private(path: Path, data: bytes) -> bool:
    """Make the file hold exactly this (0600), in one step. False where it already did."""
    if _holds(path, data):
        return False
    temporary = _temporary(path, data)
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return True


def write_once(path: Path, data: bytes) -> bool:
    """Make the file (0600) unless it exists. False where somebody was first."""
    temporary = _temporary(path, data)
    try:
        # A link, unlike a rename, refuses to replace: of two who create at once, one wins.
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return True


def open_to_others(path: Path) -> bool:
    """Whether anyone but the owner may read or write it."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data and not open_to_others(path)
    except OSError:
        return False


def _temporary(path: Path, data: bytes) -> Path:
    """The data, on the disk, in a new file (0600) beside the path."""
    private_folder(path.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error
    return Path(name)


def _unwritable(path: Path, error: OSError) -> SetupError:
    return SetupError(f"{path} can't be written: {error.strerror}.", path=str(path))
