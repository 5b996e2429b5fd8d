"""What is said when something is due, in nine languages."""

from __future__ import annotations

from datetime import datetime

import pytest

from alicia.contracts.schedules import (
    After,
    Maker,
    Run,
    RunOutcome,
    Schedule,
    ScheduleKind,
)
from alicia.language.reminding import due_sentence, failed_sentence, missed_sentence

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
DUE = datetime(2026, 11, 30, 7, 5)  # noqa: DTZ001 - the clock's face


def planned(
    kind: ScheduleKind, language: str, name: str | None = None, text: str | None = None
) -> tuple[Schedule, Run]:
    schedule = Schedule(
        schedule_id="x",
        kind=kind,
        when=After(seconds=1),
        maker=Maker(language=language),
        created_at=0,
        name=name,
        text=text,
    )
    return schedule, Run(
        run_id="x-1",
        schedule_id="x",
        kind=kind,
        due_at=1,
        began_at=1,
        outcome=RunOutcome.BEGUN,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ScheduleKind)
def test_what_was_missed_is_told_with_its_time(kind: ScheduleKind, language: str) -> None:
    schedule, _ = planned(kind, language)
    named, _ = planned(kind, language, name="Pasta")
    said = missed_sentence([(schedule, DUE), (named, DUE)], language)
    assert said.count("07:05") == 2
    assert "Pasta" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_due_is_said(language: str) -> None:
    for kind, name, text, holds in (
        (ScheduleKind.TIMER, None, None, ""),
        (ScheduleKind.TIMER, "Pasta", None, "Pasta"),
        (ScheduleKind.ALARM, None, None, "07:05"),
        (ScheduleKind.ALARM, "Pasta", None, "Pasta"),
        (ScheduleKind.REMINDER, None, "Pasta!", "Pasta!"),
    ):
        schedule, run = planned(kind, language, name, text)
        said = due_sentence(schedule, run, DUE, DUE)
        assert holds in said
        assert "{" not in said
        late = run.model_copy(update={"late_s": 600.0})
        assert len(due_sentence(schedule, late, DUE, DUE)) > len(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_it_failed_is_said_in_the_makers_language(language: str) -> None:
    schedule, _ = planned(ScheduleKind.COMMANDS, language)
    reasons = {failed_sentence(schedule, [code], DUE) for code in ("device", "security.pin_needed")}
    assert len(reasons) == 2
    assert all("07:05" in said for said in reasons)


def test_a_language_that_nobody_speaks_is_english() -> None:
    schedule, run = planned(ScheduleKind.TIMER, "tlh")
    assert due_sentence(schedule, run, DUE, DUE) == "The timer is done."
