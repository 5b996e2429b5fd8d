"""Sentences about time, in nine languages: what each asks of the keeper of time.

The tables in `data/times` have a sentence a line, and behind a tab what is asked: the act, when or
for how long, the name or the words, the command. `-`: it does not speak of time, and is understood
as ever, which tells what it does at once, if it does anything. A code of an error: nothing may be
done. Where several times are named, `&` stands between what is asked. The clock stands at
Thursday, 5 March 2026, 14:30.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from alicia.contracts.conversation import Topic
from alicia.contracts.schedules import After, At, Becomes, Every, Sun, When
from alicia.errors import AliciaError, NoOppositeError, TimeNotUnderstoodError
from alicia.home.model import Home
from alicia.language.moments import moment
from alicia.language.plan import Plan, PlannedAction
from alicia.language.schedule_answers import TimeSpeech
from alicia.language.schedule_requests import ScheduleRequest
from alicia.language.schedules import Recognize, load_schedules, opposite
from alicia.language.tables import LANGUAGES
from alicia.language.time_phrases import TimePhrase, time_table
from alicia.language.understanding import Understanding

NOW = datetime(2026, 3, 5, 14, 30)  # noqa: DTZ001 - the home's clock
TABLES = Path(__file__).parent / "data" / "times"
Understandings = Callable[[str], Understanding]


def rows(language: str) -> list[tuple[str, str]]:
    lines = (TABLES / f"{language}.tsv").read_text("utf-8").splitlines()
    return [(text, wanted) for text, _, wanted in (line.partition("\t") for line in lines)]


def outcome(text: str, language: str, understanding: Understanding, home: Home) -> str:
    def after(said: str, topic: Topic | None) -> Plan:
        return understanding.recognize(said, home=home, topic=topic)

    def recognize(said: str) -> Plan:
        return after(said, None)

    schedules = load_schedules(language)
    try:
        request = schedules.request(text, recognize, home, NOW)
        otherwise = " ".join(["-", *at_once(text, recognize)])
    except AliciaError as error:
        request, otherwise = None, error.code
    if request is not None:
        return told(request)
    return " & ".join(map(told, schedules.several(text, after, home, NOW))) or otherwise


def at_once(text: str, recognize: Recognize) -> list[str]:
    try:
        return changes(recognize(text))
    except AliciaError:
        return []


def changes(plan: Plan) -> list[str]:
    return [
        f"{a.entities[0] if len(a.entities) == 1 else len(a.entities)} {a.capability}={a.value}"
        for a in plan.actions
    ]


def told(request: ScheduleRequest) -> str:
    parts = [request.act.value, when_told(request.when)]
    if request.seconds is not None and request.when is None:
        parts.append(f"{request.seconds:+g}s")
    if request.undo_after_s is not None:
        parts.append(f"for {request.undo_after_s:g}s")
    if request.at is not None:
        parts.append(f"then {moment(request.at, NOW, any_time=True).local:%Y-%m-%dT%H:%M}")
    parts.extend(filter(None, (request.name, request.text)))
    if request.plan is not None:
        parts.extend(changes(request.plan))
    return " | ".join(part for part in parts if part)


def when_told(when: When | None) -> str:
    match when:
        case None:
            return ""
        case After(seconds=seconds):
            return f"after {seconds:g}s"
        case At(local=local):
            return f"at {local[:16]}"
        case Every(rule=rule):
            return f"every {rule}"
        case Sun() as sun:
            return f"{sun.event.value} {sun.offset_s:+g}s{' daily' if sun.repeat else ''}"
        case Becomes() as state:
            bound = f" below {state.below} above {state.above}" if state.value is None else ""
            return f"when {','.join(state.entities)} {state.capability}={state.value}{bound}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_sentence_asks_of_the_keeper_of_time(
    language: str, understandings: Understandings, home: Home
) -> None:
    table = rows(language)
    assert len(table) >= 40
    understanding = understandings(language)
    got = [(text, outcome(text, language, understanding, home)) for text, _ in table]
    assert got == table


def test_the_languages_speak_of_the_same() -> None:
    english = time_table("en")
    for language in LANGUAGES:
        table = time_table(language)
        assert table["acts"].keys() == english["acts"].keys(), language
        ours = set(table["say"]) - {k for k in table["say"] if k.startswith("clock")}
        theirs = {k for k in english["say"] if not k.startswith("clock")}
        assert ours - {"halves", "parts"} == theirs, language


# ---- moments ----


@pytest.mark.parametrize(
    ("phrase", "early", "local"),
    [
        (TimePhrase(clock=420), False, "2026-03-05T19:00"),
        (TimePhrase(clock=120), False, "2026-03-06T02:00"),
        (TimePhrase(clock=180), False, "2026-03-05T15:00"),
        (TimePhrase(clock=420, exact=True), False, "2026-03-06T07:00"),
        (TimePhrase(clock=180, day=1), False, "2026-03-06T15:00"),
        (TimePhrase(clock=180, day=1), True, "2026-03-06T03:00"),
        (TimePhrase(clock=420, weekday=3), False, "2026-03-12T07:00"),
        (TimePhrase(clock=720, part="evening", day=0), False, "2026-03-06T00:00"),
        (TimePhrase(clock=120, part="night", day=0), False, "2026-03-06T02:00"),
        (TimePhrase(clock=540, date=(2, 29)), False, "2028-02-29T09:00"),
        (TimePhrase(clock=1440, exact=True), False, "2026-03-06T00:00"),
        (TimePhrase(part="morning"), False, "2026-03-06T08:00"),
    ],
)
def test_a_moment_is_the_next_such_time(phrase: TimePhrase, early: bool, local: str) -> None:
    when = moment(phrase, NOW, early=early).when
    assert isinstance(when, At)
    assert when.local[:16] == local


@pytest.mark.parametrize(
    "phrase",
    [
        TimePhrase(day=1),
        TimePhrase(after_s=60, clock=420),
        TimePhrase(every="MO"),
        TimePhrase(sun="sunset", day=1),
        TimePhrase(clock=420, part="morning", day=0),
        TimePhrase(clock=420, day=1, weekday=3),
        TimePhrase(date=(2, 31), clock=60),
        TimePhrase(after_s=0),
        TimePhrase(interval_s=30),
    ],
)
def test_what_is_no_moment_is_not_guessed(phrase: TimePhrase) -> None:
    with pytest.raises(TimeNotUnderstoodError):
        moment(phrase, NOW)


def test_two_times_in_one_sentence_contradict_each_other() -> None:
    with pytest.raises(TimeNotUnderstoodError):
        _ = TimePhrase(clock=420) | TimePhrase(clock=480)


def test_only_what_has_a_clear_opposite_is_done_for_a_while() -> None:
    assert opposite(PlannedAction(("light.a",), "power", value=True)).value is False
    assert opposite(PlannedAction(("cover.a",), "position", 100.0)).value == 0.0
    for action in (
        PlannedAction(("light.a",), "brightness", 30.0),
        PlannedAction(("lock.a",), "locked", value=False),
        PlannedAction(("cover.a",), "position", 100.0, relative=True),
    ):
        with pytest.raises(NoOppositeError):
            opposite(action)


# ---- answers ----


@pytest.mark.parametrize(
    ("language", "hours", "seconds", "tomorrow"),
    [
        ("en", "1 hour and 30 minutes", "1 second", "tomorrow at 6:30 AM"),
        ("es", "1 hora y 30 minutos", "1 segundo", "mañana a las 6:30"),
        ("fr", "1 heure et 30 minutes", "1 seconde", "demain à 6 h 30"),
        ("de", "1 Stunde und 30 Minuten", "1 Sekunde", "morgen um 6:30 Uhr"),
        ("it", "1 ora e 30 minuti", "1 secondo", "domani alle 6:30"),
        ("pt", "1 hora e 30 minutos", "1 segundo", "amanhã às 6:30"),
        ("zh", "1小时30分钟", "1秒", "明天6点30分"),
        ("ja", "1時間30分", "1秒", "明日6時30分"),
        ("ko", "1시간 30분", "1초", "내일 오전 6시 30분"),
    ],
)
def test_times_are_told_as_the_language_does(
    language: str, hours: str, seconds: str, tomorrow: str
) -> None:
    speech = TimeSpeech(language, NOW)
    assert speech.duration(5400) == hours
    assert speech.duration(1) == seconds
    assert speech.moment(datetime(2026, 3, 6, 6, 30)) == tomorrow  # noqa: DTZ001 - the home's clock


def test_noon_and_midnight_have_their_half_of_the_day() -> None:
    speech = TimeSpeech("en", NOW)
    assert [speech.clock(m) for m in (0, 720, 779, 780)] == [
        "12:00 AM",
        "12:00 PM",
        "12:59 PM",
        "1:00 PM",
    ]


@pytest.mark.parametrize(
    ("language", "text", "at_once"),
    [
        ("de", "mach das Küchenlicht um 20 Prozent heller", "- light.kitchen brightness=20.0"),
        ("es", "apaga las dos luces de la cocina", "- 2 power=False"),
        ("pt", "acende as duas luzes da cozinha", "- 2 power=True"),
        ("pt", "se importa de apagar a luz do corredor?", "- light.hallway power=False"),
        ("ko", "천장등 25%로 낮춰 줘", "- light.living_room_ceiling brightness=25.0"),
        ("es", "dime qué luces están encendidas", "-"),
        ("en", "desk lamp at 8", "intent.not_understood"),
        ("pt", "acende a luz da cozinha daqui a pouco", "-"),
        ("es", "enciende luego la luz de la cocina", "-"),
        (
            "de",
            "mach die Heizung um ein halbes Grad wärmer",
            "- climate.thermostat target_temperature=0.5",
        ),
    ],
)
def test_what_only_looks_like_a_time(
    language: str, text: str, at_once: str, understandings: Understandings, home: Home
) -> None:
    assert outcome(text, language, understandings(language), home) == at_once


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the guests stay tonight, turn on the hallway light"),
        ("en", "turn on the hallway light, the guests stay tonight"),
        ("de", "in fünf Minuten kommen die Gäste, mach das Licht im Flur an"),
        ("es", "esta noche vienen invitados, enciende la luz del pasillo"),
        ("fr", "on reçoit des invités ce soir, allume la lumière du couloir"),
        ("it", "stasera arrivano gli ospiti, accendi la luce del corridoio"),
        ("pt", "hoje à noite vêm visitas, acende a luz do corredor"),
        ("zh", "今晚客人住这儿，把走廊灯打开"),
        ("ko", "오늘 밤에 손님 오니까 복도 불 켜 줘"),
    ],
)
def test_a_time_that_is_told_beside_a_command_is_none_of_it(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    assert outcome(text, language, understandings(language), home) == "- light.hallway power=True"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "allume la lumière du couloir, je pars dans cinq minutes"),
        ("fr", "couleur bleue pour la lampe du salon, le match est à 21 heures"),
    ],
)
def test_a_time_beside_a_pause_that_is_not_understood_makes_nothing_later(
    language: str, text: str, understandings: Understandings, home: Home
) -> None:
    assert "At(" not in outcome(text, language, understandings(language), home)
    assert "light." not in outcome(text, language, understandings(language), home)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("in the evening, turn on the hallway light", "2026-03-05T19:00"),
        ("tonight, turn on the hallway light", "2026-03-05T19:00"),
        ("turn off the hallway light at nine, we're going to bed", "2026-03-05T21:00"),
    ],
)
def test_a_time_of_the_command_stays_its_time(
    text: str, when: str, understandings: Understandings, home: Home
) -> None:
    assert when in outcome(text, "en", understandings("en"), home)
