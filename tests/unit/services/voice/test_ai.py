from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import (
    CONTROL,
    Control,
    EntityState,
    Outcome,
    OutcomeKind,
    PatchEntity,
    Result,
)
from alicia.contracts.voice import (
    PREPARE,
    PREVIEW,
    UNDERSTAND,
    Completeness,
    Prepare,
    Prepared,
    Preview,
    Previewed,
    Understand,
    Understood,
)
from alicia.errors import (
    AliciaError,
    AmbiguousError,
    DeadlineError,
    MissingSlotError,
    NoResponderError,
    NotCapableError,
    NoTimekeeperError,
    NotUnderstoodError,
    UnknownEntityError,
    UnsupportedLanguageError,
)
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.core.device_registry import DeviceRegistry
from alicia.services.devices.device_control import DeviceControl
from alicia.services.voice.ai import Ai
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, until

LAMP = "light.kitchen"


class Hand(Service[Settings]):
    """Device control as it looks from here: notes what it is asked, and confirms it."""

    name = "device_control"

    def __init__(self) -> None:
        self.asked: list[Control] = []
        self.leave = asyncio.Event()
        self.leave.set()

    @serves(CONTROL, concurrency=8)
    async def control(self, ask: Control) -> Outcome:
        self.asked.append(ask)
        await self.leave.wait()
        return Outcome(
            command_id=ask.command_id,
            results=[
                Result(
                    entity_id=entity,
                    capability=ask.capability,
                    value=ask.value,
                    outcome=OutcomeKind.CONFIRMED,
                )
                for entity in ask.entities
            ],
        )


@asynccontextmanager
async def demo(
    folder: Path,
    hand: type[Service[Any]] = DeviceControl,
    *,
    access_rules: bool = False,
    **settings: dict[str, Any],
) -> AsyncGenerator[RunningHouse, None]:
    """The demo home, described to an AI."""
    kinds = (DeviceRegistry, VirtualHomeAdapter, DeviceControl)
    async with house(*kinds, folder=folder, settings=settings, access_rules=access_rules) as home:
        await home.until(devices.STATE, entity_id=LAMP)
        await home.until(devices.ENTITY, entity_id=LAMP)
        if hand is not DeviceControl:
            await home.stop(DeviceControl)
            await home.start(hand)
        await home.start(Ai)
        yield home


async def understood(
    home: RunningHouse,
    text: str,
    *,
    turn_id: str = "t1",
    area_id: str | None = None,
    language: str = "en",
    alternatives: tuple[str, ...] = (),
) -> Understood:
    ask = Understand(
        turn_id=turn_id,
        text=text,
        language=language,
        area_id=area_id,
        satellite="s1",
        alternatives=list(alternatives),
    )
    return await home.bus.ask(UNDERSTAND, ask, deadline_s=PATIENCE_S)


def changes(result: Understood) -> dict[str, tuple[str, object, str]]:
    return {
        action.entity: (action.capability, action.value, action.outcome.value)
        for action in result.actions
    }


# ---- words that somebody may still be speaking --------------------------------------------------


class Mouth(Service[Settings]):
    """Speech as it looks from here: notes what it is to have ready."""

    name = "tts"

    def __init__(self) -> None:
        self.asked: list[str] = []

    @serves(PREPARE, concurrency=4)
    async def prepare(self, ask: Prepare) -> Prepared:
        self.asked.append(ask.text)
        return Prepared(turn_id=ask.turn_id, ready=True)


async def previewed(home: RunningHouse, text: str, language: str = "en") -> Previewed:
    ask = Preview(utterance_id="u1", turn_id="t1", text=text, language=language)
    return await home.bus.ask(PREVIEW, ask, deadline_s=20)


async def test_words_are_whole_or_demand_more(tmp_path: Path) -> None:
    expected = {
        ("Turn on the kitchen light.", "en"): Completeness.COMPLETE,
        ("Turn on the", "en"): Completeness.OPEN,
        ("Turn on the kitchen", "en"): Completeness.OPEN,
        ("I had a dream last night", "en"): Completeness.UNKNOWN,
        ("Schalte das Küchenlicht ein.", "de"): Completeness.COMPLETE,
        ("Enciende la luz de la", "es"): Completeness.OPEN,
    }
    async with demo(tmp_path) as home:
        found = {row: (await previewed(home, *row)).completeness for row in expected}
    assert found == expected


async def test_a_preview_changes_nothing_and_has_its_answer_ready(tmp_path: Path) -> None:
    async with demo(tmp_path, Hand) as home:
        hand = home._running[-2].runner.service
        await home.start(Mouth)
        mouth = home._running[-1].runner.service
        assert isinstance(hand, Hand)
        assert isinstance(mouth, Mouth)
        await previewed(home, "turn on the kitchen light")
        await until(lambda: mouth.asked)
        assert hand.asked == []
        said = await understood(home, "turn on the kitchen light")
        assert mouth.asked == [said.reply]


async def test_what_may_have_been_said_is_offered_but_no_lock(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        found = await previewed(home, "Turn off the whole wheel light.")
        assert found.completeness is Completeness.UNKNOWN
        assert "Turn off the hallway light." in [near.text for near in found.likely]
        locked = await previewed(home, "Unlog the frond tore.")
        assert not [near for near in locked.likely if near.text.startswith("Unlock")]


# ---- understood and carried out -----------------------------------------------------------------


async def test_a_sentence_changes_the_device_and_is_answered(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        result = await understood(home, "turn on the kitchen light")
        assert changes(result) == {LAMP: ("power", True, "confirmed")}
        assert (result.turn_id, result.language) == ("t1", "en")
        assert result.heard == "turn on the kitchen light"
        assert "kitchen light" in result.reply.lower()
        await home.until(devices.STATE, lambda s: s.values["power"] is True, entity_id=LAMP)


async def test_it_works_under_the_access_rules_of_the_real_house(tmp_path: Path) -> None:
    async with demo(tmp_path, access_rules=True) as home:
        assert changes(await understood(home, "turn on the kitchen light"))


async def test_a_question_is_answered_from_what_is_confirmed_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path) as home:
        sensor = "sensor.bedroom_temperature"
        state = await home.until(devices.STATE, entity_id=sensor)
        result = await understood(home, "what is the temperature in the bedroom")
        assert result.actions == []
        assert f"{state.values['temperature']:g}" in result.reply


async def test_the_same_words_mean_the_room_they_are_said_in(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        for area in ("kitchen", "bathroom"):
            result = await understood(home, "turn on the light", area_id=area, turn_id=area)
            entities = [
                await home.until(devices.ENTITY, entity_id=entity_id)
                for entity_id in changes(result)
            ]
            assert entities
            assert {entity.area_id for entity in entities} == {area}


async def test_another_guess_of_the_recognizer_counts_where_it_fits_exactly(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path) as home:
        wanted = "turn on the kitchen light"
        result = await understood(home, "churn on a chicken flight", alternatives=(wanted,))
        assert (result.heard, list(changes(result))) == (wanted, [LAMP])


async def test_a_turn_that_is_understood_twice_asks_for_the_same_changes(tmp_path: Path) -> None:
    async with demo(tmp_path, Hand) as home:
        hand = home._running[-2].runner.service
        assert isinstance(hand, Hand)
        sentence = "turn off everything downstairs"
        first = await understood(home, sentence, turn_id="t7")
        asked = list(hand.asked)
        second = await understood(home, sentence, turn_id="t7")
        assert first == second
        assert hand.asked == asked * 2
        assert [ask.command_id for ask in asked] == [f"t7:{n}" for n in range(len(asked))]
        assert {ask.turn_id for ask in asked} == {"t7"}
        other = await understood(home, sentence, turn_id="t8")
        assert changes(other) == changes(first)
        ids = [ask.command_id for ask in hand.asked]
        assert len(set(ids)) == 2 * len(asked)


async def test_a_turn_that_is_understood_twice_is_carried_out_once(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        for _ in range(2):
            result = await understood(home, "turn on the kitchen light")
            assert changes(result) == {LAMP: ("power", True, "confirmed")}
        state = await home.until(devices.ADAPTER_STATE, entity_id=LAMP)
        assert state.applied == 1


# ---- what changes while it runs -----------------------------------------------------------------


async def test_a_renamed_entity_is_understood_by_its_new_name_at_once(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        with pytest.raises(AliciaError):
            await understood(home, "turn on the moonbeam")
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, name="Moonbeam", aliases=["zorbulon"])
        )
        for number, name in enumerate(("moonbeam", "zorbulon")):
            result = await understood(home, f"turn on the {name}", turn_id=f"t{number}")
            assert list(changes(result)) == [LAMP]


async def test_a_retired_entity_is_not_understood_any_more(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, retired=True))
        try:
            result = await understood(home, "turn on the kitchen light")
        except AliciaError:
            return
        assert LAMP not in changes(result)


async def test_the_home_is_known_though_the_registry_is_away(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        await home.kill(DeviceRegistry)
        assert list(changes(await understood(home, "turn on the kitchen light"))) == [LAMP]


async def test_a_new_instance_knows_the_home_from_what_is_retained(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        await home.kill(Ai)
        await home.kill(DeviceRegistry)
        await home.start(Ai)
        assert list(changes(await understood(home, "turn on the kitchen light"))) == [LAMP]


async def test_it_starts_in_an_empty_home_and_learns_it_later(tmp_path: Path) -> None:
    async with house(Ai, folder=tmp_path) as home:
        with pytest.raises((NotUnderstoodError, UnknownEntityError)):
            await understood(home, "turn on the kitchen light")
        for kind in (DeviceRegistry, VirtualHomeAdapter, DeviceControl):
            await home.start(kind)
        await home.until(devices.STATE, entity_id=LAMP)
        result = await understood(home, "turn on the kitchen light")
        assert list(changes(result)) == [LAMP]


# ---- errors, at the asker -----------------------------------------------------------------------


async def test_what_can_not_be_done_is_an_error_of_its_own_class(tmp_path: Path) -> None:
    wrong: dict[str, type[AliciaError]] = {
        "the purple elephants vote on tuesdays": NotUnderstoodError,
        "": NotUnderstoodError,
        "turn on the light": MissingSlotError,
        "set the temperature in the garage to 21": UnknownEntityError,
        "make the lights in the kitchen red": NotCapableError,
        "set a timer for five minutes": NoTimekeeperError,
    }
    async with demo(tmp_path, Hand) as home:
        for text, error in wrong.items():
            with pytest.raises(error):
                await understood(home, text)
        hand = home._running[-2].runner.service
        assert isinstance(hand, Hand)
        assert hand.asked == []


async def test_a_name_that_two_things_have_is_asked_back(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        for entity in (LAMP, "light.bathroom"):
            await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id=entity, name="Spot"))
        with pytest.raises(AmbiguousError) as raised:
            await understood(home, "turn on the spot")
        assert sorted(raised.value.fields["choices"]) == ["Bathroom Spot", "Kitchen Spot"]
        here = await understood(home, "turn on the spot", area_id="kitchen", turn_id="t2")
        assert list(changes(here)) == [LAMP]


async def test_a_language_that_is_not_one_of_the_nine_is_refused(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        with pytest.raises(UnsupportedLanguageError):
            await understood(home, "wlacz swiatlo", language="pl")


async def test_another_language_is_loaded_when_it_is_first_heard(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, aliases=["Küchenlicht"])
        )
        result = await understood(home, "schalte das Küchenlicht ein", language="de")
        assert changes(result) == {LAMP: ("power", True, "confirmed")}
        assert result.language == "de"
        assert "eingeschaltet" in result.reply


async def test_a_device_that_does_not_answer_is_told_in_the_reply(tmp_path: Path) -> None:
    faults = {LAMP: "unreachable"}
    async with demo(tmp_path, virtual_home={"faults": faults}) as home:
        await home.until(devices.STATE, _is_away, entity_id=LAMP)
        result = await understood(home, "turn on the kitchen light")
        [action] = result.actions
        assert (action.outcome, action.error) == (OutcomeKind.UNREACHABLE, "device.unavailable")
        assert "kitchen light" in result.reply.lower()


def _is_away(state: EntityState) -> bool:
    return not state.available


async def test_nobody_who_carries_out_is_an_error(tmp_path: Path) -> None:
    async with house(DeviceRegistry, VirtualHomeAdapter, folder=tmp_path) as home:
        await home.until(devices.ENTITY, entity_id=LAMP)
        await home.start(Ai)
        with pytest.raises(NoResponderError):
            await understood(home, "turn on the kitchen light")


async def test_control_that_dies_in_the_middle_is_asked_again_by_the_same_id(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path, Hand) as home:
        hand = home._running[-2].runner.service
        assert isinstance(hand, Hand)
        hand.leave.clear()
        asking = asyncio.create_task(understood(home, "turn on the kitchen light"))
        await until(lambda: hand.asked)
        await home.kill(Hand)
        again = await home.start(Hand)
        assert list(changes(await asking)) == [LAMP]
        assert again.asked == hand.asked


async def test_one_that_dies_in_the_middle_is_asked_again_and_changes_nothing_twice(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path, Hand) as home:
        hand = home._running[-2].runner.service
        assert isinstance(hand, Hand)
        hand.leave.clear()
        ask = Understand(
            turn_id="t1", text="turn on the kitchen light", language="en", satellite="s"
        )
        asking = asyncio.create_task(home.bus.ask(UNDERSTAND, ask, deadline_s=0.5))
        await until(lambda: hand.asked)
        await home.kill(Ai)
        with pytest.raises(DeadlineError):
            await asking
        hand.leave.set()
        await home.start(Ai)
        assert list(changes(await home.bus.ask(UNDERSTAND, ask))) == [LAMP]
        assert [control.command_id for control in hand.asked] == ["t1:0", "t1:0"]


async def test_nothing_that_was_said_stands_in_the_log(tmp_path: Path, logged: StringIO) -> None:
    async with demo(tmp_path) as home:
        name = "canary cage"
        await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, name=name))
        assert list(changes(await understood(home, f"turn on the {name}"))) == [LAMP]
        with pytest.raises(AliciaError):
            await understood(home, "canary birds sing in the cage", turn_id="t2")
        await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id="light.bathroom", name=name))
        with pytest.raises(AmbiguousError):
            await understood(home, f"turn on the {name}", turn_id="t3")
    assert "understood" in logged.getvalue()
    assert "canary" not in logged.getvalue()
