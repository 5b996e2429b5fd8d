"""Writes what is derived from the contract, or checks it: `python -m alicia.runtime.derive`.

These files are committed, so that each change of the contract is a diff that somebody reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from alicia.runtime import access, asyncapi, reference

FOLDER = Path("docs/reference")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _access() -> str:
    return _json({name: asdict(rules) for name, rules in access.derive().items()})


def _asyncapi() -> str:
    return _json(asyncapi.document())


FILES: dict[str, Callable[[], str]] = {
    "access.json": _access,
    "asyncapi.json": _asyncapi,
    "messages.md": reference.page,
}


def stale(folder: Path) -> list[str]:
    """The files that are not what the contract says now."""
    return [name for name, make in FILES.items() if _read(folder / name) != make()]


def write(folder: Path) -> list[str]:
    """Write what is stale; its names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = stale(folder)
    for name in changed:
        (folder / name).write_text(FILES[name](), "utf-8")
    return changed


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m alicia.runtime.derive", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where stale")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    if given.check:
        for name in (found := stale(given.folder)):
            sys.stderr.write(f"{given.folder / name} is not what the contract says.\n")
        if found:
            sys.stderr.write("run make generate\n")
        return 1 if found else 0
    for name in write(given.folder):
        sys.stdout.write(f"{given.folder / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
