"""Doorbell: PRESS asked, or its button seen pressed -> RANG said -> SPEAK asked."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from alicia.contracts import devices, voice
from alicia.contracts.kinds import Command, Event, Message
from alicia.errors import BusError
from alicia.runtime.service import Service, Settings, handles, serves


class Press(Message):
    door: str


class Rang(Message):
    door: str
    visitor: int


RANG: Event[Rang] = Event("devices/doorbell/rang/{door}", Rang, expiry_s=30)
PRESS: Command[Press, Rang] = Command("devices/doorbell/press", Press, reply=Rang)


class DoorbellSettings(Settings):
    sentence: str = "Somebody is at the door."
    button: str = "binary_sensor.doorbell"


class Doorbell(Service[DoorbellSettings]):
    name = "doorbell"
    says = (RANG,)
    asks = (voice.SPEAK,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        count = self.folder.state(self.name) / "visitors"
        self._visitors = int(count.read_text("utf-8")) if count.exists() else 0
        self._pressed = True  # what is retained from before is no new visitor
        yield
        count.write_text(str(self._visitors), "utf-8")

    @serves(PRESS)
    async def press(self, ask: Press) -> Rang:
        self._visitors += 1
        rang = Rang(door=ask.door, visitor=self._visitors)
        await self.say(RANG, rang)
        words = voice.Speak(turn_id=self.bus.new_id(), text=self.settings.sentence, language="en")
        try:
            await self.ask(voice.SPEAK, words)
        except BusError as error:  # nobody speaks here: it has rung all the same
            self.log.warning("not spoken", code=error.code)
        return rang

    @handles(devices.STATE)
    async def button(self, state: devices.EntityState) -> None:
        if state.entity_id == self.settings.button:
            before, self._pressed = self._pressed, state.values.get("open") is True
            if self._pressed and not before:
                await self.press(Press(door="front"))
