"""Unlocking by voice: a question, a reply, and nothing of the PIN anywhere afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import EntityState
from alicia.contracts.voice import (
    AUDIO,
    OPEN_TURN,
    SAY_TEXT,
    TURN_ENDED,
    AudioChunk,
    OpenTurn,
    SayText,
    TurnRecord,
)
from alicia.language.phrases import phrase
from alicia.language.tables import LANGUAGES
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.security.permissions import Decision, Role, Rule
from alicia.services.core.device_registry import DeviceRegistry
from alicia.services.devices.device_control import DeviceControl
from alicia.services.voice.ai import Ai
from alicia.services.voice.router import Router
from alicia.speech.number_words import digits
from alicia.testing.people import kept_people, lives_here
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import settled, until

from .others import Ear, Mouth

DOOR, GARAGE = "lock.front_door", "cover.garage_door"
PIN, WRONG = "258014", "741096"
UNLOCK = {
    "en": "Unlock the front door.",
    "de": "Entriegle die Haustür.",
    "es": "Desbloquea la puerta principal.",
    "fr": "Déverrouille la porte d'entrée.",
    "it": "Sblocca la porta d'ingresso.",
    "pt": "Destranque a porta da frente.",
    "zh": "打开前门的锁",
    "ja": "玄関の鍵を開けて",
    "ko": "현관문 잠금 해제해 줘",
}


@dataclass
class Talk:
    """A house that is spoken to: what is heard is given, all else is real."""

    home: RunningHouse
    ear: Ear
    turns: int = 0
    records: list[TurnRecord] = field(default_factory=list[TurnRecord])

    async def speak(
        self, text: str, *, satellite: str = "hall", language: str = "en", by: str | None = None
    ) -> TurnRecord:
        self.turns += 1
        turn_id = f"t{self.turns}"
        self.ear.texts[f"u-{turn_id}"] = text
        if by is not None:
            self.ear.whose[f"u-{turn_id}"] = by
        async with self.home.bus.hear(TURN_ENDED, satellite=satellite) as ended:
            await self.home.bus.ask(
                OPEN_TURN,
                OpenTurn(
                    turn_id=turn_id,
                    utterance_id=f"u-{turn_id}",
                    satellite=satellite,
                    language=language,
                ),
            )
            async for delivery in ended:
                if delivery.message.turn_id == turn_id:
                    return delivery.message
        raise AssertionError

    async def type(self, text: str, *, satellite: str = "hall") -> TurnRecord:
        self.turns += 1
        ask = SayText(turn_id=f"t{self.turns}", satellite=satellite, text=text)
        return await self.home.bus.ask(SAY_TEXT, ask)

    async def state(self, entity: str = DOOR) -> EntityState:
        return await self.home.until(devices.STATE, entity_id=entity)

    async def locked(self) -> bool:
        return (await self.state()).values["locked"] is True


@asynccontextmanager
async def talk(
    folder: Path, *, access_rules: bool = False, **settings: dict[str, object]
) -> AsyncGenerator[Talk, None]:
    kinds = (DeviceRegistry, VirtualHomeAdapter, DeviceControl)
    async with house(*kinds, folder=folder, settings=settings, access_rules=access_rules) as home:
        await home.until(devices.STATE, entity_id=DOOR)
        await home.until(devices.ENTITY, entity_id=DOOR)
        ear = await home.start(Ear)
        await home.start(Mouth)
        await home.start(Ai)
        await home.start(Router)
        yield Talk(home, ear)


async def test_a_pin_by_voice_unlocks_and_is_found_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path, router={"log_turns": True}, access_rules=True) as t:
        asked = await t.speak(UNLOCK["en"])
        assert (asked.reply, asked.expects_reply) == ("Please say your PIN.", True)
        assert (asked.asks_pin, asked.secret) == (True, False)
        assert asked.transcript == UNLOCK["en"]
        assert await t.locked()

        wrong = await t.speak(digits(WRONG, "en"))
        assert (wrong.reply, wrong.expects_reply) == ("That is not the PIN.", True)
        done = await t.speak(f"My PIN is {digits(PIN, 'en')}.")
        assert "unlocked" in (done.reply or "").lower()
        assert not done.expects_reply
        assert not await t.locked()
        for record in (wrong, done):
            assert (record.secret, record.transcript) == (True, None)
    words = [said.encode() for pin in (PIN, WRONG) for said in (pin, digits(pin, "en"))]
    for path in files(tmp_path):
        assert not [w for w in words if w in path.read_bytes()], path
    told = "".join(capfd.readouterr()).encode()
    assert not [w for w in words if w in told]


async def test_the_sound_of_a_pin_is_not_kept_where_sound_is_kept(tmp_path: Path) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path, router={"record": "*"}) as t:
        for said in (UNLOCK["en"], PIN):
            t.ear.leave.clear()
            turn = asyncio.create_task(t.speak(said))
            await until(lambda turns=t.turns: len(t.ear.asked) == turns + 1)
            utterance_id = f"u-t{t.turns}"
            for sequence in range(3):
                await t.home.bus.say(
                    AUDIO,
                    AudioChunk(
                        utterance_id=utterance_id,
                        sequence=sequence,
                        position=sequence * 160,
                        rate_hz=16_000,
                        pcm=b"\1\2" * 160,
                    ),
                )
            await settled()
            t.ear.leave.set()
            await turn
        assert not await t.locked()
    sounds = {path.stem for path in files(tmp_path) if path.suffix == ".flac"}
    assert sounds == {"t1"}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_goes_like_that_in_nine_languages(tmp_path: Path, language: str) -> None:
    lives_here(tmp_path, "Anna", Role.RESIDENT, pin=PIN)
    async with talk(tmp_path, ai={"languages": language}) as t:
        asked = await t.speak(UNLOCK[language], language=language)
        assert asked.error is None, asked.reply
        assert (asked.reply or "").startswith(phrase("security.pin_needed", language))
        assert asked.asks_pin
        wrong = await t.speak(digits(WRONG, language), language=language)
        assert wrong.reply == phrase("security.pin_wrong", language)
        done = await t.speak(digits(PIN, language), language=language)
        assert [a.outcome.value for a in done.actions] == ["confirmed"], done.reply
        assert not await t.locked()


async def test_a_misheard_pin_is_asked_for_again_and_another_sentence_ends_it(
    tmp_path: Path,
) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path) as t:
        await t.speak(UNLOCK["en"])
        for heard in ("two five tree ate oh", "purple elephants", "25"):
            again = await t.speak(heard)
            assert (again.reply, again.asks_pin) == ("Please say your PIN.", True)
            assert (again.secret, again.transcript) == (True, None)
        light = await t.speak("turn on the kitchen light")
        assert [a.entity for a in light.actions] == ["light.kitchen"]
        assert light.transcript == "turn on the kitchen light"
        late = await t.speak(PIN)
        assert late.error == "intent.not_understood"
        assert (late.secret, late.transcript) == (True, None)
        assert await t.locked()


async def test_no_and_stop_end_it(tmp_path: Path) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path) as t:
        for no in ("no", "stop"):
            await t.speak(UNLOCK["en"])
            ended = await t.speak(no)
            assert not ended.expects_reply
            await t.speak(PIN)
            assert await t.locked()


async def test_a_home_may_want_a_yes_instead(tmp_path: Path) -> None:
    people = kept_people(tmp_path)
    rule = Rule(decision=Decision.NEEDS_CONFIRMATION, entity=GARAGE, opens=True)
    people.put(people.record().with_rule(Role.UNKNOWN, rule))
    async with talk(tmp_path) as t:
        asked = await t.speak("open the garage door")
        assert (asked.expects_reply, asked.asks_pin) == (True, False)
        assert asked.reply == "The garage door: are you sure? Say yes or no."
        assert (await t.speak("no")).actions == []
        await t.speak("open the garage door")
        done = await t.speak("yes please")
        assert [a.outcome.value for a in done.actions] == ["confirmed"]
        assert done.transcript == "yes please"


async def test_typed_it_goes_the_same_way(tmp_path: Path) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path) as t:
        asked = await t.type(UNLOCK["en"])
        assert asked.asks_pin
        done = await t.type(PIN)
        assert (done.transcript, [a.outcome.value for a in done.actions]) == (None, ["confirmed"])


async def test_a_killed_router_has_written_no_pin_down(tmp_path: Path) -> None:
    lives_here(tmp_path, "Anna", Role.OWNER, pin=PIN)
    async with talk(tmp_path, router={"understand_s": 2.0}) as t:
        await t.speak(UNLOCK["en"])
        await t.home.kill(Ai)  # whoever understands does not come to it
        t.ear.texts["u-pin"] = PIN
        await t.home.bus.ask(
            OPEN_TURN, OpenTurn(turn_id="pin", utterance_id="u-pin", satellite="hall")
        )
        await t.home.until(TURN_ENDED, lambda record: record.turn_id == "pin", satellite="hall")
        await t.home.kill(Router)
        assert not [path for path in files(tmp_path) if PIN.encode() in path.read_bytes()]


async def test_where_nobody_has_a_pin_she_says_so(tmp_path: Path) -> None:
    async with talk(tmp_path) as t:
        said = await t.speak(UNLOCK["en"])
        assert said.reply == "That needs a PIN, and nobody here has one yet."
        assert not said.expects_reply
        locked = await t.speak("lock the front door")
        assert [a.outcome.value for a in locked.actions] == ["confirmed"]
