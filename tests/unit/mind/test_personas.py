from __future__ import annotations

import pytest

from alicia.contracts.personas import (
    Mood,
    Persona,
    PersonaDocument,
    PersonaVersion,
    Traits,
    VoiceStyle,
)
from alicia.errors import InvalidPersonaError, UnsupportedLanguageError
from alicia.language.tables import LANGUAGES
from alicia.mind.personas import (
    DEFAULT,
    TRAITS,
    at,
    blend,
    bundled,
    checked,
    is_plain,
    mood_at,
    parse,
    prompt,
    read_document,
    style,
)


def persona(**given: object) -> Persona:
    return Persona.model_validate({"persona_id": "somebody", "name": "Somebody", **given})


# ---- what comes with Alicia ---------------------------------------------------------------------


def test_alicia_is_plain_and_the_others_are_not() -> None:
    assert DEFAULT in bundled()
    assert [key for key, one in bundled().items() if is_plain(one)] == [DEFAULT]
    assert len(bundled()) >= 4
    assert style(bundled()[DEFAULT]) == VoiceStyle()


@pytest.mark.parametrize("key", sorted(bundled()))
def test_a_bundled_persona_is_quieter_at_night_or_as_it_is_all_day(key: str) -> None:
    one = bundled()[key]
    day, night = style(at(one, 14)), style(at(one, 2))
    assert night.volume_db <= day.volume_db
    assert (night == day) == (not one.moods)


# ---- valid --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("persona_id", {"persona_id": "Not an id"}),
        ("persona_id", {"persona_id": "a/b"}),
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 61}),
        ("description", {"description": "x" * 601}),
        ("traits.warmth", {"traits": {"warmth": 1.2}}),
        ("voice.rate", {"voice": {"rate": 3}}),
        ("moods.0.hour", {"moods": [{"hour": 24.5}]}),
        ("moods", {"moods": [{"hour": 0}, {"hour": 24}]}),
        ("moods", {"moods": [{"hour": 3}, {"hour": 3}]}),
        ("moods", {"moods": [{"hour": n / 2} for n in range(25)]}),
        ("languages", {"languages": ["en", "xx"]}),
        ("languages", {"languages": ["en-GB"]}),
        ("greetings", {"greetings": {"en": " "}}),
        ("greetings", {"greetings": {"klingon": "nuqneH"}}),
        ("colour", {"colour": "blue"}),
    ],
)
def test_what_no_persona_can_be_is_refused_by_its_field(
    field: str, given: dict[str, object]
) -> None:
    with pytest.raises(InvalidPersonaError) as refused:
        parse({"persona_id": "somebody", "name": "Somebody", **given})
    assert refused.value.fields["field"] == field


def test_what_was_parsed_is_what_was_given() -> None:
    given = {"persona_id": "opa", "name": "Opa", "traits": {"warmth": 1.0}, "languages": ["de"]}
    assert parse(given) == checked(
        Persona(persona_id="opa", name="Opa", traits=Traits(warmth=1), languages=["de"])
    )


def test_a_document_is_read_as_json_or_toml_or_written_by_hand() -> None:
    by_hand = '[[persona]]\npersona_id = "opa"\nname = "Opa"\ntraits = { warmth = 0.9 }\n'
    opa = persona(persona_id="opa", name="Opa", traits={"warmth": 0.9})
    assert read_document(by_hand, toml=True) == (None, [opa])
    version = PersonaVersion(persona_id="opa", version=1, at=1.0, by="eva", persona=opa)
    document = PersonaDocument(versions=[version])
    assert read_document(document.model_dump_json(), toml=False) == (document, [])


@pytest.mark.parametrize(
    ("text", "toml"),
    [
        ("{", False),
        ("[[persona]", True),
        ("[]", False),
        ('{"versions": 3}', False),
        ('{"persona": {"persona_id": "opa"}}', False),
        ('{"persona": ["opa"]}', False),
        ('{"persona": [{"persona_id": "opa"}]}', False),
    ],
)
def test_a_document_that_is_none_is_refused(text: str, toml: bool) -> None:
    with pytest.raises(InvalidPersonaError):
        read_document(text, toml=toml)


# ---- blended ------------------------------------------------------------------------------------

QUIET = persona(
    traits={"warmth": 0.2, "energy": 0.0},
    voice={"rate": 0.8, "volume_db": -10, "voice": "piper"},
    moods=[{"hour": 0, "volume_db": -6}, {"hour": 12}],
    languages=["en", "de"],
    greetings={"en": "Hush."},
)
LOUD = persona(traits={"warmth": 1.0}, voice={"rate": 1.2}, languages=["de", "fr"])


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_a_blend_is_between_the_two(weight: float) -> None:
    made = blend(QUIET, LOUD, weight, "both", "Both")
    for trait in TRAITS:
        low, high = sorted((getattr(QUIET.traits, trait), getattr(LOUD.traits, trait)))
        assert low <= getattr(made.traits, trait) <= high
    assert made.traits.warmth == pytest.approx(0.2 + 0.8 * weight)
    assert made.voice.rate == pytest.approx(0.8 + 0.4 * weight)
    assert made.voice.voice == (None if weight > 0.5 else "piper")
    assert mood_at(made, 0).volume_db == pytest.approx(-6 * (1 - weight))
    assert made.languages == ["de"]
    assert (made.persona_id, made.name) == ("both", "Both")


def test_a_blend_with_who_speaks_all_languages_speaks_those_of_the_other() -> None:
    assert blend(persona(), LOUD, 0.5, "both", "Both").languages == ["de", "fr"]
    assert blend(persona(), persona(), 0.5, "both", "Both").languages == []


def test_a_blend_of_no_weight_at_all_is_refused() -> None:
    with pytest.raises(InvalidPersonaError):
        blend(QUIET, LOUD, 1.5, "both", "Both")
    with pytest.raises(InvalidPersonaError):
        blend(QUIET, LOUD, 0.5, "No id", "Both")


# ---- by the hour --------------------------------------------------------------------------------

EVENING = persona(
    traits={"energy": 0.6},
    moods=[{"hour": 6}, {"hour": 20}, {"hour": 22, "energy": -0.4, "rate": 0.9, "volume_db": -8}],
)


@pytest.mark.parametrize(
    ("hour", "volume_db"),
    [(6, 0), (12, 0), (20, 0), (21, -4), (22, -8), (2, -4), (0, -6), (23.99, -6.01), (24, -6)],
)
def test_the_days_curve_is_straight_between_its_points_around_midnight_too(
    hour: float, volume_db: float
) -> None:
    assert mood_at(EVENING, hour).volume_db == pytest.approx(volume_db, abs=0.01)


def test_one_point_counts_all_day() -> None:
    calm = persona(moods=[{"hour": 3, "energy": -0.2}])
    assert {mood_at(calm, hour).energy for hour in (0, 3, 12, 23.5)} == {-0.2}


def test_a_mood_never_leads_out_of_what_a_trait_can_be() -> None:
    wild = persona(traits={"energy": 0.9}, moods=[{"hour": 0, "energy": 1, "warmth": -1}])
    now = at(wild, 0)
    assert (now.traits.energy, now.traits.warmth) == (1.0, 0.0)
    assert now.moods == []


def test_a_voice_moves_in_steps_so_that_its_phrases_are_found_again() -> None:
    styles = {style(at(EVENING, minute / 60)).model_dump_json() for minute in range(24 * 60)}
    assert len(styles) < 40
    for minute in range(0, 24 * 60, 7):
        told = style(at(EVENING, minute / 60))
        assert told.rate * 20 == pytest.approx(round(told.rate * 20))
        assert told.volume_db == round(told.volume_db)


def test_the_livelier_the_faster_and_a_voice_is_never_out_of_bounds() -> None:
    assert style(persona(traits={"energy": 1})).rate == 1.1
    assert style(persona(traits={"energy": 0})).rate == 0.9
    edge = persona(
        traits={"energy": 1},
        voice={"rate": 2, "pitch": 2, "volume_db": -20},
        moods=[Mood(hour=0, rate=2, volume_db=-20)],
    )
    assert style(at(edge, 0)) == VoiceStyle(rate=2, pitch=2, volume_db=-20)


# ---- what a model is told -----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_is_told_who_it_is_and_what_it_must_not_change(language: str) -> None:
    albert = prompt(bundled()["albert"], language)
    assert "Albert" in albert
    assert "formally" in albert
    assert "Never change names, numbers" in albert
    assert repr(language) in albert
    nova = prompt(bundled()["nova"], language)
    assert "few words" in nova
    assert "formally" not in nova


def test_plain_alicia_is_told_no_manner() -> None:
    assert "Speak" not in prompt(bundled()[DEFAULT], "en")
    with pytest.raises(UnsupportedLanguageError):
        prompt(bundled()[DEFAULT], "tlh")
