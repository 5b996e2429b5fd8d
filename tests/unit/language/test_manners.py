"""A persona changes the tone of a reply, in nine languages, and never what it tells."""

from __future__ import annotations

import re
import string
import tomllib
from importlib import resources

import pytest

from alicia.contracts.devices import OutcomeKind
from alicia.contracts.personas import Persona, ReplyKind, Traits
from alicia.home.demo import load as load_demo
from alicia.home.model import Home
from alicia.language import manners
from alicia.language.answers import answer
from alicia.language.phrases import phrase
from alicia.language.plan import Plan, PlannedAction, PlannedQuestion, QuestionKind
from alicia.language.repertoire import expected_results
from alicia.language.tables import LANGUAGES
from alicia.mind.casting import Answerer

FORMAL, CASUAL = Traits(formality=1), Traits(formality=0)
WARM, WITTY, WORDY = Traits(warmth=1), Traits(humour=1), Traits(verbosity=1)
BRIEF = Traits(verbosity=0)
EVERYTHING = Traits(warmth=1, humour=1, formality=1, verbosity=1, energy=1)
ALL = (FORMAL, CASUAL, WARM, WITTY, WORDY, EVERYTHING, Traits(warmth=0, formality=0, humour=0))
"""All that leaves the whole reply as it is."""

LAMP, COVER, CLIMATE, LOCK = (
    "light.kitchen",
    "cover.bedroom",
    "climate.home",
    "lock.front_door",
)
INFORMAL = {
    "en": r"n't\b|\bI'm\b|\bI've\b|\bI'll\b",
    "de": r"\b(du|dir|dich|deine?|Bitte (sag|prüfe|versuch)\b(?! Sie))\b",
    "fr": r"\b(tu|te|toi|ta|ton|Redis|Réessaie|Répète|(?<!ne )Dis|Vérifie)\b|'il te",
    "es": r"\b(te|tú|tu|tienes|Repítelo|Inténtalo|Dilo|Vuelve|Perdona|Comprueba)\b",
    "it": r"\b(ti|tu|tuo|hai|intendi|Riprova|Ripetilo|Ripeti|Dillo|Scusa|Accedi|Controlla)\b",
    "pt": r"\bvocê\b",
    "zh": "你",
    "ja": r"(?<![消逃た])しました。|すみません|言ってください|ごめん|(?<!ま)です。",
    "ko": r"요[.?!]",
}
"""What nobody says who speaks formally."""


def home() -> Home:
    demo = load_demo()
    made = Home()
    for area in demo.areas:
        made.put_area(area)
    for entity in demo.entities:
        made.put_entity(entity)
    return made


HOME = home()


def plan(capability: str, value: object, *entities: str, response: str = "default") -> Plan:
    intents = {"power": "HassTurnOn", "position": "HassSetPosition", "locked": "HassTurnOn"}
    intents |= {"brightness": "HassLightSet", "target_temperature": "HassClimateSetTemperature"}
    if value is False:
        intents["power"] = "HassTurnOff"
    act = PlannedAction(entities=entities, capability=capability, value=value)  # type: ignore[arg-type]
    return Plan(intent=intents[capability], response=response, actions=(act,))


def replies(language: str) -> list[tuple[str, Plan, list[OutcomeKind]]]:
    """Plain replies: to all that went well, partly and not at all."""
    lights = [e.entity_id for e in HOME.entities() if e.domain == "light"][:3]
    plans = [
        plan("power", True, lights[0]),
        plan("power", False, *lights),
        plan("brightness", 30.0, lights[0], response="brightness"),
    ]
    good, bad = OutcomeKind.CONFIRMED, OutcomeKind.UNREACHABLE
    found: list[tuple[str, Plan, list[OutcomeKind]]] = []
    for made in plans:
        entities = made.actions[0].entities
        for outcomes in ([good] * len(entities), [bad] * len(entities), [bad] + [good] * 2):
            mine = outcomes[: len(entities)]
            results = [
                result.model_copy(update={"outcome": outcome})
                for result, outcome in zip(expected_results(made, HOME, good), mine, strict=True)
            ]
            found.append((answer(made, results, HOME, language), made, mine))
    return found


def said(plain: str, made: Plan, outcomes: list[OutcomeKind], traits: Traits, language: str) -> str:
    results = [
        result.model_copy(update={"outcome": outcome})
        for result, outcome in zip(
            expected_results(made, HOME, OutcomeKind.CONFIRMED), outcomes, strict=True
        )
    ]
    somebody = Answerer(Persona(persona_id="somebody", name="Somebody", traits=traits))
    return somebody.reply(plain, made, results, HOME, language)


def named_in(text: str, language: str) -> list[str]:
    names = {
        name
        for entity in HOME.entities()
        for name in (*entity.names.get(language, []), entity.name)
        if name.lower() in text.lower()
    }
    return sorted(names)


# ---- what is told stays -------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("traits", ALL, ids=str)
def test_every_name_and_number_survives(language: str, traits: Traits) -> None:
    named = numbers = 0
    for plain, made, outcomes in replies(language):
        text = said(plain, made, outcomes, traits, language)
        for name in named_in(plain, language):
            assert name.lower() in text.lower(), (plain, text)
            named += 1
        assert re.findall(r"\d+", text) == re.findall(r"\d+", plain), (plain, text)
        numbers += len(re.findall(r"\d+", plain))
    assert named >= 4
    assert numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_brief_tells_failures_in_full_and_only_successes_in_brief(language: str) -> None:
    shorter = 0
    for plain, made, outcomes in replies(language):
        text = said(plain, made, outcomes, BRIEF, language)
        if all(outcome is OutcomeKind.CONFIRMED for outcome in outcomes):
            done = _rules(language)["brief"]
            numbers = re.findall(r"\d+", plain)
            assert text == (done["value"].format(value=numbers[0]) if numbers else done["done"]), (
                plain,
                text,
            )
            shorter += len(text) < len(plain)
        else:
            assert text == plain
    assert shorter


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("traits", [BRIEF, WARM, WITTY, WORDY], ids=str)
def test_a_lock_and_a_guess_are_told_as_they_are(language: str, traits: Traits) -> None:
    lock = next(e.entity_id for e in HOME.entities() if e.protected)
    for outcome in (OutcomeKind.CONFIRMED, OutcomeKind.TIMED_OUT):
        plain = "The front door is 1 of 2."
        made = plan("locked", True, lock)
        assert said(plain, made, [outcome], traits, language) == plain
    lamp = next(e.entity_id for e in HOME.entities() if e.domain == "light")
    guess = plan("power", True, lamp)
    guess = Plan(intent=guess.intent, actions=guess.actions, snapped=True)
    assert said("Light.", guess, [OutcomeKind.CONFIRMED], traits, language) == "Light."


def test_of_several_commands_a_question_is_answered_and_a_guess_told_by_whoever_is_brief() -> None:
    lamp = next(e.entity_id for e in HOME.entities() if e.domain == "light")
    on = plan("power", True, lamp)
    asked = Plan("HassGetState", question=PlannedQuestion(QuestionKind.TIME))
    guess = Plan(on.intent, actions=on.actions, snapped=True)
    for parts, text in (
        ((on, asked), "Turned on the kitchen light. It is 8:15."),
        ((on, guess), "Turned on the kitchen light. Turned on the kitchen light."),
    ):
        both = Plan("several", actions=on.actions, parts=parts)
        assert said(text, both, [OutcomeKind.CONFIRMED], BRIEF, "en") == text
    both = Plan("several", actions=on.actions, parts=(on, on))
    assert said("Turned on. Turned on.", both, [OutcomeKind.CONFIRMED], BRIEF, "en") == "Done."


def _rules(language: str) -> dict[str, dict[str, str]]:
    source = resources.files("alicia.language").joinpath("data", "manners", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_neutral_traits_change_nothing(language: str) -> None:
    for plain, made, outcomes in replies(language):
        assert said(plain, made, outcomes, Traits(), language) == plain


# ---- the tone -----------------------------------------------------------------------------------


def phrases(language: str) -> list[str]:
    source = resources.files("alicia.language").joinpath("data", "phrases", f"{language}.toml")
    table: dict[str, str] = tomllib.loads(source.read_text("utf-8"))
    families = ("alicia", "internal", "bus", "contract", "setup", "security", "voice", "intent")
    families += ("device", "persona", "upstream")
    every = "".join(table.values())
    fields = {field for _, field, _, _ in string.Formatter().parse(every)}
    given = {field: "X" for field in fields if field}
    return [
        text.format_map(given) for key, text in table.items() if key.split(".")[0] in families
    ] + [table[key] for key in ("answer.okay", "answer.hello", "answer.done", "answer.unknown")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_formal_never_slips_into_the_familiar_address(language: str) -> None:
    kinds = {kind: _texts(language, kind) for kind in (ReplyKind.DONE, ReplyKind.FAILED)}
    texts = [manners.say(text, ReplyKind.ERROR, FORMAL, language) for text in phrases(language)]
    texts += [said(*reply, FORMAL, language) for reply in replies(language)]
    texts += [
        manners.say(text, kind, EVERYTHING, language)
        for kind, some in kinds.items()
        for text in some
    ]
    slips = [text for text in texts if re.search(INFORMAL[language], text, re.IGNORECASE)]
    assert slips == []


def _texts(language: str, kind: ReplyKind) -> list[str]:
    """Enough different ones for every addition to be chosen."""
    code = "answer.done" if kind is ReplyKind.DONE else "device.unconfirmed"
    return [f"{phrase(code, language)} {letter}" for letter in string.ascii_letters]


@pytest.mark.parametrize("language", LANGUAGES)
def test_formal_and_casual_are_heard(language: str) -> None:
    for code in ("answer.okay", "answer.hello"):
        plain = phrase(code, language)
        told = [manners.say(plain, ReplyKind.OKAY, traits, language) for traits in (FORMAL, CASUAL)]
        assert len({plain, *told}) >= 2, told
    assert {
        manners.say(phrase("answer.hello", language), ReplyKind.HELLO, FORMAL, language)
    }.isdisjoint({phrase("answer.hello", language)})


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_warm_adds_a_word_to_a_success_and_regrets_a_failure(language: str) -> None:
    done, failed = phrase("answer.done", language), phrase("device.unconfirmed", language)
    for plain, kind in ((done, ReplyKind.DONE), (failed, ReplyKind.FAILED)):
        text = manners.say(plain, kind, WARM, language)
        assert plain in text
        assert len(text) > len(plain)
    assert manners.say(failed, ReplyKind.FAILED, WITTY, language) == failed, "no joke about it"
    for kind in (ReplyKind.ERROR, ReplyKind.ANSWER, ReplyKind.GUARDED):
        assert manners.say(failed, kind, WARM, language) == failed


def test_the_same_words_are_said_the_same_way_again() -> None:
    told = {manners.say("Turned on the lamp.", ReplyKind.DONE, EVERYTHING, "en") for _ in range(20)}
    assert len(told) == 1
    others = {manners.say(f"Lamp {c}.", ReplyKind.DONE, WARM, "en")[:4] for c in "abcdefgh"}
    assert len(others) > 1, "but others in others"


def test_a_name_is_no_part_of_a_rule_or_of_a_longer_word() -> None:
    text = manners.say(
        "Okay. Hello. didn't answer.", ReplyKind.ERROR, FORMAL, "en", names=["Hello.", "on", "did"]
    )
    assert text == "Very well. Hello. did not answer."


def test_two_numbers_are_too_much_for_a_brief_word() -> None:
    plain = "From 20 to 22 degrees."
    assert manners.say(plain, ReplyKind.DONE, BRIEF, "en") == plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rules_of_a_language_are_whole(language: str) -> None:
    rules, english = _rules(language), _rules("en")
    assert rules.keys() == english.keys()
    for part in ("brief", "full", "warm", "humour"):
        assert rules[part].keys() == english[part].keys()
    for part in ("full", "warm", "humour"):
        for texts in rules[part].values():
            for text in [texts] if part == "full" else texts:
                assert text.count("{reply}") == 1
