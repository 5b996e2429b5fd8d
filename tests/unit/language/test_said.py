"""What people say at home, in three homes and nine languages, as it was understood once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.eval.mind.__main__ import COMMITTED, home_of
from tests.eval.mind.judging import Verdict, judge, set_up
from tests.eval.mind.lines import load
from tests.eval.mind.subjects import Alicia, heard

from alicia.language.tables import LANGUAGES

SAID = Path(__file__).parent / "data" / "said"
HOMES = {
    "demo": None,
    "flat": COMMITTED / "flat" / "home.toml",
    "house": COMMITTED / "house" / "home.toml",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOMES)
def test_what_was_understood_is_understood(name: str, language: str) -> None:
    home = home_of(HOMES[name])
    lines = load([SAID / name / f"{language}.jsonl"], home)
    assert len(lines) >= 85
    alicia = Alicia(language, home)
    failed: list[str] = []
    for line in lines:
        with set_up(home, line.before):
            judged = judge(line, heard(alicia, line.text, line.area, line.after), home)
        if judged.verdict is not Verdict.RIGHT:
            failed.append(f"{judged.verdict}: {line.text} -> {judged.did or judged.error}")
    assert failed == []
