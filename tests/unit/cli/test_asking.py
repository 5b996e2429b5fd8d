"""`alicia ask --image`: what is no picture is told before any house is looked for."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alicia.cli.app import build

pytest.importorskip("PIL", reason="needs alicia[pictures]")

from PIL import Image

runner = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})


def asked(image: str, home: Path, given: bytes = b"") -> dict[str, object]:
    words = ["ask", "what is this?", "--image", image, "--json", "--home", str(home)]
    told = runner.invoke(build(["ask"]), words, input=given)
    assert told.exit_code == 1, told.output
    return json.loads(told.output.splitlines()[0])


def test_what_is_no_picture_is_told_with_its_code(tmp_path: Path) -> None:
    note = tmp_path / "note.jpg"
    note.write_text("turn on the light")
    for image, given in ((str(note), b""), (str(tmp_path / "none.jpg"), b""), ("-", b"no picture")):
        told = asked(image, tmp_path, given)
        assert (told["error"], told["turn_id"]) == ("picture.unreadable", None)
        assert told["reply"]


def test_a_picture_needs_a_house(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    assert asked("-", tmp_path, out.getvalue())["error"] == "setup.not_ready"
