"""The home of another time, that replays are understood by."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import HomeSnapshot, PatchEntity
from alicia.contracts.voice import GET_HOME, OPEN_TURN, UNDERSTAND, GetHome, OpenTurn, Understand
from alicia.errors import AliciaError, MalformedMessageError
from alicia.testing.waiting import PATIENCE_S

from .test_ai import LAMP, changes, demo
from .test_router import scene


def names(home: HomeSnapshot) -> list[str]:
    return [entity.name for entity in home.entities]


async def test_a_replay_is_understood_by_the_home_of_then(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        then = await home.bus.ask(GET_HOME, GetHome())
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, name="Sun", names={"en": ["Sun"]})
        )
        changed = then
        while "Sun" not in names(changed):
            changed = await home.bus.ask(GET_HOME, GetHome())
        assert "Sun" not in names(then)
        assert changed.taken_at > then.taken_at
        told = await home.until(devices.STATE, entity_id=LAMP)
        ask = Understand(
            turn_id="t1",
            text="turn on the kitchen light",
            language="en",
            satellite="s1",
            dry_run=True,
            home=then,
        )
        again = [await home.bus.ask(UNDERSTAND, ask, deadline_s=PATIENCE_S) for _ in range(2)]
        sun = ask.model_copy(update={"text": "turn on the sun"})
        now = await home.bus.ask(
            UNDERSTAND, sun.model_copy(update={"home": None}), deadline_s=PATIENCE_S
        )
        with pytest.raises(AliciaError):
            await home.bus.ask(UNDERSTAND, sun)
        before = await home.until(devices.STATE, entity_id=LAMP)
    assert changes(again[0]) == {LAMP: ("power", True, "planned")}
    assert again[0] == again[1]
    assert changes(now) == {LAMP: ("power", True, "planned")}
    assert before == told, "no device was told"


async def test_what_is_right_for_another_home_is_never_done_in_this_one(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        then = await home.bus.ask(GET_HOME, GetHome())
        told = await home.until(devices.STATE, entity_id=LAMP)
        real = Understand(
            turn_id="t1", text="turn on the kitchen light", language="en", satellite="s1", home=then
        )
        with pytest.raises(MalformedMessageError):
            await home.bus.ask(UNDERSTAND, real)
        assert await home.until(devices.STATE, entity_id=LAMP) == told
    async with scene(tmp_path / "router") as s:
        ask = OpenTurn(turn_id="t1", utterance_id="u1", satellite="s1", home=then)
        with pytest.raises(MalformedMessageError):
            await s.home.bus.ask(OPEN_TURN, ask)
        assert s.ear.asked == []
