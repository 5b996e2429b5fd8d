"""Keys by reference: a setting says where a key is, and is none."""

from __future__ import annotations

import os
from pathlib import Path

from alicia.errors import SettingsError
from alicia.security.files import open_to_others

ENV, FILE = "env:", "file:"


def is_reference(text: str) -> bool:
    """`env:NAME`, `file:PATH`, or nothing: a server of one's own may want no key."""
    return not text or any(text.startswith(kind) and text != kind for kind in (ENV, FILE))


def resolved(reference: str, folder: Path) -> str:
    """The key; empty for no reference. A path that is not absolute is in this folder.

    Blocking. Raises SettingsError, with a sentence that tells what is missing and never the key.
    """
    if reference.startswith(ENV):
        name = reference.removeprefix(ENV)
        key = os.environ.get(name, "").strip()
        if not key:
            raise SettingsError(f"The environment variable {name} is not set, or empty.")
        return key
    if reference.startswith(FILE):
        return _read(folder / Path(reference.removeprefix(FILE)).expanduser())
    return ""


def _read(path: Path) -> str:
    try:
        if open_to_others(path):
            raise SettingsError(
                f"The key in {path} can be read by others: chmod 600 {path}", path=str(path)
            )
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The key in {path} can't be read.", path=str(path)) from error
    if not key:
        raise SettingsError(f"There is no key in {path}.", path=str(path))
    return key
