"""Every sentence of the languages' own patterns, in the demo house: it does what it is filed as."""

from __future__ import annotations

import pytest

from alicia.errors import NotCapableError
from alicia.home import demo
from alicia.home.model import Home, names_of
from alicia.language.candidates import Candidate, candidates
from alicia.language.intents import plan
from alicia.language.patterns import expand
from alicia.language.tables import LANGUAGES, load_tables
from alicia.language.wording import NUMBER, Wording

EVERY = 7
"""One in so many is planned: there are some twenty thousand in a language."""


@pytest.fixture(scope="module")
def house() -> Home:
    return demo.load().picture()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_acts_on_what_it_names(house: Home, language: str) -> None:
    every = candidates(load_tables(language), house)
    assert len(every) > 500
    for candidate in every[::EVERY]:
        number = 20.0 if NUMBER in candidate.text else None
        if candidate.targets & {"home", "here"}:
            continue
        try:
            made = plan(candidate.reading(number, "living_room"), house)
        except NotCapableError:
            continue  # and it is told so: the garden's lights can't be dimmed
        sets = {v.entity_id for e in candidate.targets for v in house.entity(e).scene}
        assert set(made.entities) <= candidate.targets | sets, candidate.text
        moved = {e for action in made.actions for e in action.entities}
        assert candidate.protected == any(house.entity(e).protected for e in moved)


@pytest.mark.parametrize("language", LANGUAGES)
def test_here_and_home_find_somebody(house: Home, language: str) -> None:
    """Said in the living room, which has of everything but a fan."""
    for candidate in candidates(load_tables(language), house):
        if not candidate.targets & {"home", "here"}:
            continue
        number = 20.0 if NUMBER in candidate.text else None
        if candidate.does == "get_humidity":  # nothing measures it there
            continue
        made = plan(candidate.reading(number, "living_room"), house)
        assert made.actions or made.question or candidate.does in ("nevermind", "hello")


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_everything_in_the_demo_house_has_names_in_every_language(
    house: Home, language: str
) -> None:
    for thing in (*house.areas(), *house.entities()):
        assert thing.names[language]
        assert names_of(thing, language)[0] == thing.names[language][0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_things_of_the_demo_house_share_a_name(house: Home, language: str) -> None:
    wording = Wording(load_tables(language))
    owner: dict[str, str] = {}
    for entity in house.entities():
        for name in names_of(entity, language):
            bare = wording.bare(name.lower()).text
            assert owner.setdefault(bare, entity.entity_id) == entity.entity_id, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pattern_keeps_its_meaning_in_its_bare_form(language: str) -> None:
    """No pattern of one act is, without articles, also one of its contrary."""
    tables = load_tables(language)
    wording = Wording(tables)
    contraries = (("on", "off"), ("open", "close"), ("lock", "unlock"), ("brighter", "dimmer"))
    for one, other in contraries:
        forms = [
            {
                wording.bare(text.replace("{name}", "xyz")).text
                for pattern in tables.say["name"].get(key, [])
                for text in expand(pattern.lstrip("~="))
            }
            for key in (one, other)
        ]
        assert forms[0].isdisjoint(forms[1])
        assert "xyz" not in forms[0] | forms[1]


def test_the_same_about_a_part_is_no_rival_and_anything_else_is(house: Home) -> None:
    every = candidates(load_tables("en"), house)

    def of(text: str) -> Candidate:
        return next(c for c in every if " ".join(c.text.split()) == text)

    one, room = of("turn on the kitchen light"), of("turn on all the lights in the kitchen")
    assert not one.rivals(room)
    assert one.rivals(of("turn off the kitchen light"))
    assert one.rivals(of("turn on the bedroom lamp"))


@pytest.mark.parametrize("pattern", ["(a", "[a", "a)", "a]b"])
def test_a_bracket_that_does_not_match_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="bracket"):
        expand(pattern)


def test_a_pattern_stands_for_all_its_texts() -> None:
    assert expand("(turn|switch) on [the] {name}") == (
        "turn on {name}",
        "turn on the {name}",
        "switch on {name}",
        "switch on the {name}",
    )
