"""How eval-mind judges: what is right, wrong, rejected; which lines it takes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.bench.voice.labels import Change
from tests.eval.mind import report as reporting
from tests.eval.mind.__main__ import COMMITTED, files, home_of, homes, measure
from tests.eval.mind.judging import Deed, Judged, Understood, Verdict, deed_of, judge, set_up
from tests.eval.mind.lines import Line, UnusableSentencesError, load
from tests.eval.mind.subjects import Hassil, heard

from alicia.contracts.schedules import After, At
from alicia.errors import NotUnderstoodError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.plan import Plan, PlannedAction, PlannedQuestion, QuestionKind
from alicia.language.schedule_requests import Act, ScheduleRequest
from alicia.language.tables import LANGUAGES

KITCHEN_ON = {"entity": "light.kitchen", "capability": "power", "value": True}
NOTHING = Understood(None, NotUnderstoodError(), 1.0)


@pytest.fixture
def home() -> Home:
    return demo.load().picture()


def line(**fields: object) -> Line:
    return Line.model_validate({"language": "en", "text": "do it", **fields})


def does(*actions: PlannedAction) -> Understood:
    return Understood(Plan(intent="HassTurnOn", actions=actions), None, 1.0)


def turns(entity: str, *, on: bool) -> PlannedAction:
    return PlannedAction((entity,), "power", on)


def written(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows), "utf-8")
    return path


# ---- judging ----


@pytest.mark.parametrize(
    ("understood", "verdict"),
    [
        (does(turns("light.kitchen", on=True)), Verdict.RIGHT),
        (does(turns("light.kitchen", on=False)), Verdict.WRONG),
        (does(turns("light.hallway", on=True)), Verdict.WRONG),
        (does(turns("light.kitchen", on=True), turns("light.hallway", on=True)), Verdict.WRONG),
        (NOTHING, Verdict.REJECTED),
    ],
)
def test_only_exactly_the_expected_change_is_right(
    understood: Understood, verdict: Verdict, home: Home
) -> None:
    assert judge(line(expect=[KITCHEN_ON]), understood, home).verdict is verdict


def test_a_part_of_what_was_wanted_is_partial_and_not_right(home: Home) -> None:
    both = line(expect=[KITCHEN_ON, KITCHEN_ON | {"entity": "light.hallway"}])
    assert judge(both, does(turns("light.kitchen", on=True)), home).verdict is Verdict.PARTIAL


def test_another_right_outcome_counts_too(home: Home) -> None:
    either = line(expect=[KITCHEN_ON], **{"or": [[KITCHEN_ON | {"entity": "light.hallway"}]]})
    assert judge(either, does(turns("light.hallway", on=True)), home).verdict is Verdict.RIGHT
    two = does(turns("light.hallway", on=True), turns("light.kitchen", on=True))
    assert judge(either, two, home).verdict is Verdict.WRONG


@pytest.mark.parametrize("expect", ["reject", "later"])
def test_what_must_be_refused_is_right_only_with_an_error(expect: str, home: Home) -> None:
    fields = {"expect": expect, **({"needs": "timer"} if expect == "later" else {})}
    one = line(**fields)
    assert judge(one, NOTHING, home).verdict is Verdict.RIGHT
    assert judge(one, does(turns("light.kitchen", on=True)), home).verdict is Verdict.WRONG
    hello = Understood(Plan(intent="HassRespond", response="hello"), None, 1.0)
    assert judge(one, hello, home).verdict is Verdict.MISANSWERED


def test_a_value_that_the_device_refuses_changes_nothing(home: Home) -> None:
    hot = does(PlannedAction(("climate.thermostat",), "target_temperature", 90.0))
    judged = judge(line(expect="reject"), hot, home)
    assert judged.verdict is Verdict.RIGHT
    assert judged.error == "device.invalid_value"
    wanted = {"entity": "climate.thermostat", "capability": "target_temperature", "value": 30}
    assert judge(line(expect=[wanted]), hot, home).verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [
        ({"above": 40}, Verdict.RIGHT),
        ({"above": 40, "below": 60.5}, Verdict.RIGHT),
        ({"above": 60}, Verdict.WRONG),
        ({"below": 40}, Verdict.WRONG),
        (60, Verdict.RIGHT),
    ],
)
def test_a_relative_change_starts_from_how_the_home_is(
    bound: object, verdict: Verdict, home: Home
) -> None:
    before = [{"entity": "light.kitchen", "capability": "brightness", "value": 40}]
    wanted = [{"entity": "light.kitchen", "capability": "brightness", "value": bound}]
    brighter = does(PlannedAction(("light.kitchen",), "brightness", 20.0, relative=True))
    one = line(expect=wanted, before=before)
    with set_up(home, one.before):
        assert judge(one, brighter, home).verdict is verdict
    assert home.value("light.kitchen", "brightness") == 80.0


def test_two_relative_changes_of_one_sentence_add_up(home: Home) -> None:
    brighter = PlannedAction(("light.hallway",), "brightness", 20.0, relative=True)
    plan = Plan(intent="AliciaLightStep", actions=(brighter, brighter))
    assert deed_of(plan, home) == Deed({("light.hallway", "brightness"): 80.0})


def asks(kind: QuestionKind, capability: str, *entities: str) -> Understood:
    question = PlannedQuestion(kind, entities, capability)
    return Understood(Plan(intent="HassGetState", question=question), None, 1.0)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (["18.5"], Verdict.RIGHT),
        (["nineteen", "18,5"], Verdict.RIGHT),
        ([], Verdict.RIGHT),
        (["8"], Verdict.MISANSWERED),
        (["19.5"], Verdict.MISANSWERED),
    ],
)
def test_a_question_needs_one_of_its_words_whole(
    answer: list[str], verdict: Verdict, home: Home
) -> None:
    understood = asks(QuestionKind.VALUE, "temperature", "sensor.bedroom_temperature")
    assert judge(line(expect=[], answer=answer), understood, home).verdict is verdict


def test_a_question_that_is_refused_acted_on_or_taken_for_a_command(home: Home) -> None:
    question = line(expect=[])
    assert judge(question, NOTHING, home).verdict is Verdict.REJECTED
    acted = does(turns("light.kitchen", on=True))
    assert judge(question, acted, home).verdict is Verdict.WRONG
    asked = asks(QuestionKind.VALUE, "temperature", "sensor.bedroom_temperature")
    assert judge(line(expect=[KITCHEN_ON]), asked, home).verdict is Verdict.MISANSWERED
    assert judge(line(expect="reject"), asked, home).verdict is Verdict.MISANSWERED


def test_what_asks_for_nothing_is_understood_and_no_question(home: Home) -> None:
    one = line(expect="nothing")
    never_mind = Understood(Plan(intent="HassNevermind"), None, 1.0)
    assert judge(one, never_mind, home).verdict is Verdict.RIGHT
    assert judge(one, NOTHING, home).verdict is Verdict.REJECTED
    asked = asks(QuestionKind.VALUE, "temperature", "sensor.bedroom_temperature")
    assert judge(one, asked, home).verdict is Verdict.MISANSWERED
    acted = does(turns("light.kitchen", on=True))
    assert judge(one, acted, home).verdict is Verdict.WRONG


# ---- lines ----


def test_a_colour_is_compared_as_the_device_takes_it(tmp_path: Path, home: Home) -> None:
    red = {"entity": "light.bedside_lamp", "capability": "color", "value": "red"}
    path = written(tmp_path, {"language": "en", "text": "red", "expect": [red]})
    (one,) = load([path], home)
    done = does(PlannedAction(("light.bedside_lamp",), "color", "#F00"))
    assert judge(one, done, home).verdict is Verdict.RIGHT


def test_a_line_without_a_language_is_in_the_only_one(tmp_path: Path, home: Home) -> None:
    path = written(tmp_path, {"text": "an", "expect": "reject"})
    assert [one.language for one in load([path], home, languages=["de"])] == ["de"]
    with pytest.raises(UnusableSentencesError, match="language"):
        load([path], home)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{nonsense", "property name"),
        ({"language": "en", "text": "a"}, "expect"),
        ({"language": "xx", "text": "a", "expect": []}, "'xx' is none of en"),
        ({"language": "en", "text": "a", "expect": [], "extra": 1}, "extra"),
        ({"language": "en", "text": "", "expect": []}, "text"),
        ({"language": "en", "text": "a", "expect": [], "area": "moon"}, "'moon' is none of"),
        ({"language": "en", "text": "a", "expect": "later"}, "needs"),
        ({"language": "en", "text": "a", "expect": "reject", "answer": ["no"]}, "question"),
        ({"language": "en", "text": "a", "expect": [], "or": [[KITCHEN_ON]]}, "changes"),
        ({"language": "en", "text": "a", "expect": [KITCHEN_ON | {"entity": "tv"}]}, "entity=tv"),
        ({"language": "en", "text": "a", "expect": [KITCHEN_ON | {"value": 7}]}, "valid"),
        (
            {"language": "en", "text": "a", "expect": [KITCHEN_ON | {"value": {"above": 7}}]},
            "no bound",
        ),
    ],
)
def test_a_bad_line_is_named_by_its_number(
    row: object, reason: str, tmp_path: Path, home: Home
) -> None:
    good = {"language": "en", "text": "on", "expect": [KITCHEN_ON]}
    path = written(tmp_path, good, "", row)
    with pytest.raises(UnusableSentencesError, match=reason) as raised:
        load([path], home)
    assert "line 3" in str(raised.value)
    assert "line 1" not in str(raised.value)


def test_nothing_to_evaluate_says_so(tmp_path: Path, home: Home) -> None:
    with pytest.raises(UnusableSentencesError, match=r"nowhere\.jsonl can't be read"):
        load([tmp_path / "nowhere.jsonl"], home)
    path = written(tmp_path, {"language": "en", "text": "on", "expect": [KITCHEN_ON]})
    with pytest.raises(UnusableSentencesError, match="no sentence in fr"):
        load([path], home, languages=["fr"])
    with pytest.raises(UnusableSentencesError, match="is no home"):
        home_of(written(tmp_path, "capabilities = {}"))


@pytest.mark.parametrize("path", files(COMMITTED), ids=lambda path: path.stem)
def test_the_committed_sentences_are_enough_and_for_the_demo_home(path: Path, home: Home) -> None:
    lines = load([path], home)
    assert {one.language for one in lines} == {path.stem}
    kinds = Counter(one.kind for one in lines)
    assert len(lines) >= 110
    assert kinds["act"] + kinds["answer"] >= 70
    assert kinds["times"] >= 10
    assert kinds["later"] >= 2
    assert kinds["reject"] >= 15
    assert kinds["answer"] >= 10
    assert all(one.intent != "untagged" for one in lines)
    assert max(Counter((one.text.lower(), one.area, *one.after) for one in lines).values()) == 1


def test_the_sentences_of_another_home_are_for_that_home() -> None:
    every = homes(COMMITTED, None)
    assert [folder.name for folder, _ in every] == ["sentences", "flat", "house"]
    for (folder, file), count in zip(every[1:], (100, 130), strict=True):
        counted = Counter(one.language for one in load(files(folder), home_of(file)))
        assert counted == dict.fromkeys(LANGUAGES, count)
        assert homes(COMMITTED, file) == [(COMMITTED, file)]
        with pytest.raises(UnusableSentencesError):
            load(files(folder), demo.load().picture())


def test_files_come_in_the_order_of_the_languages() -> None:
    stems = [path.stem for path in files(COMMITTED)]
    assert stems == [language for language in LANGUAGES if language in stems]
    assert {"en", "es", "fr", "de", "it"} <= set(stems)


# ---- the whole ----


def judged(verdict: Verdict, took_ms: float, **fields: object) -> Judged:
    return Judged(line(**fields), verdict, took_ms, {}, "", None)


TIMER = {"act": "timer_start", "after_s": 600.0}


@pytest.mark.parametrize(
    ("asked", "expect", "verdict"),
    [
        (After(seconds=600), TIMER, Verdict.RIGHT),
        (After(seconds=60), TIMER, Verdict.WRONG),
        (After(seconds=600), {**TIMER, "name": "pasta"}, Verdict.WRONG),
        (After(seconds=600), [KITCHEN_ON], Verdict.WRONG),
        (After(seconds=600), "reject", Verdict.WRONG),
    ],
)
def test_a_timer_that_nobody_meant_is_a_wrong_act(
    home: Home, asked: After, expect: object, verdict: Verdict
) -> None:
    request = ScheduleRequest(Act.TIMER_START, "so", when=asked, seconds=asked.seconds)
    understood = Understood(None, None, 1.0, request)
    assert judge(line(expect=expect), understood, home).verdict is verdict


def test_a_command_for_then_is_judged_by_its_time_and_by_what_it_does(home: Home) -> None:
    expect = {"act": "commands", "at": "2026-03-06T07:00", "do": [KITCHEN_ON]}
    plan = does(turns("light.kitchen", on=True)).plan
    for local, verdict in (
        ("2026-03-06T07:00", Verdict.RIGHT),
        ("2026-03-05T19:00", Verdict.WRONG),
    ):
        request = ScheduleRequest(Act.COMMANDS, "so", when=At(local=local), plan=plan)
        judged_one = judge(line(expect=expect), Understood(plan, None, 1.0, request), home)
        assert judged_one.verdict is verdict
    at_once = judge(line(expect=expect), does(turns("light.kitchen", on=True)), home)
    assert at_once.verdict is Verdict.WRONG


def test_what_is_about_time_counts_apart() -> None:
    of = [judged(Verdict.RIGHT, 2.0, expect=[KITCHEN_ON]), judged(Verdict.WRONG, 2.0, expect=TIMER)]
    row = reporting.figures(of, "en")
    assert (row["sentences"], row["accuracy"], row["times"]["wrong"]) == (1, 1.0, 1)
    assert row["wrong_share"] == 0.5


def test_later_counts_apart_but_its_wrong_acts_count() -> None:
    of = [
        *[judged(Verdict.RIGHT, 2.0, expect=[KITCHEN_ON])] * 9,
        judged(Verdict.REJECTED, 40.0, expect=[KITCHEN_ON]),
        judged(Verdict.WRONG, 2.0, expect="later", needs="timer"),
    ]
    row = reporting.figures(of, "ja")
    assert (row["sentences"], row["right"], row["rejected"], row["wrong"]) == (10, 9, 1, 0)
    assert row["later"]["wrong"] == 1
    assert row["accuracy"] == 0.9
    assert row["wrong_share"] == pytest.approx(1 / 11, abs=1e-4)
    assert row["goals_met"] == {
        "accuracy": True,
        "wrong_share": False,
        "p50_ms": True,
        "p95_ms": True,
    }
    assert reporting.figures(of, "en")["goals_met"]["accuracy"] is False


def test_sentences_go_through_both_and_leave_the_home_as_it_was(home: Home) -> None:
    before = [Change(entity="light.hallway", capability="power", value=False)]
    asked = line(text="Is the hallway light on?", expect=[], answer=["no"], before=before)
    lines = [
        line(text="turn on the kitchen light", expect=[KITCHEN_ON]),
        asked,
        line(text="my sister has a cat", expect="reject"),
    ]
    run = measure(lines, home, reference=True)
    for found in (run.ours, run.reference):
        assert [one.verdict for one in found] == [Verdict.RIGHT] * 3
        assert all(one.took_ms > 0 for one in found)
    assert run.ours[1].said.lower().startswith("no")
    assert home.value("light.hallway", "power") is True


def test_a_follow_up_is_understood_after_the_sentence_before_it(home: Home) -> None:
    wanted = [KITCHEN_ON | {"value": False}]
    alone = line(text="turn it off", expect="reject")
    following = line(text="turn it off", after=["turn on the kitchen light"], expect=wanted)
    assert [o.verdict for o in measure([alone, following], home, reference=False).ours] == [
        Verdict.RIGHT,
        Verdict.RIGHT,
    ]


def test_the_reference_has_nothing_of_ours_in_its_parse(home: Home) -> None:
    reference = Hassil("en", home)
    said = heard(reference, "turn on the ktichen light", None)
    assert isinstance(said.error, NotUnderstoodError)
    named = heard(reference, "turn on the kitchen light", None).plan
    assert named is not None
    assert named.entities == ("light.kitchen",)


def test_the_tables_name_what_failed_and_escape_what_was_said() -> None:
    rejected = judged(Verdict.REJECTED, 1.0, text="[red] lamp", expect=[KITCHEN_ON])
    rejected = replace(rejected, error="The sentence was not understood.")
    report = {
        "languages": reporting.by_language([rejected]),
        "reference": None,
        "sentences": [rejected.row()],
        "machine": {"busy": True, "load": 3.0},
    }
    out = Console(record=True, width=200, quiet=False, file=None, stderr=True)
    reporting.show(report, out, failures=True)
    text = out.export_text()
    assert "[red] lamp -> The sentence was not understood." in text
    assert "did other work" in text
