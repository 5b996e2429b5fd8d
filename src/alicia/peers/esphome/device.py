"""One ESPHome voice device: its connection, its turns, and what it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.model import (
    VoiceAssistantAudioSettings,
    VoiceAssistantEventType,
    VoiceAssistantFeature,
)

from alicia.audio.converting import Converter
from alicia.audio.formats import RATE_HZ
from alicia.audio.framing import Frames
from alicia.errors import AliciaError, NotReadyError
from alicia.language.phrases import phrase, phrase_for
from alicia.peers.seat import Heard, Seat

if TYPE_CHECKING:
    from alicia.peers.esphome.driver import DeviceAt, Esphome

CHUNK_BYTES = 1024
"""What a device's speaker buffer takes at once: 32 ms."""
AHEAD_S = 0.25
"""How much audio a device may have that it has not played."""
Type = VoiceAssistantEventType


class Device:
    """A device. Its session lasts as long as the connection."""

    def __init__(self, driver: Esphome, at: DeviceAt) -> None:
        self.at = at
        self.connected = False
        self.welcomed = False
        """Whether the last session got as far as a device with a microphone."""
        self.turns = 0
        self._driver = driver
        self._frames: Frames | None = None
        self._turn: asyncio.Task[None] | None = None

    async def session(self) -> None:
        """Until the connection is lost. Raises NotReadyError."""
        self.welcomed = False
        gone = asyncio.Event()

        async def on_stop(_: bool) -> None:
            gone.set()

        key = self.at.key.get_secret_value() if self.at.key else None
        self._client = APIClient(
            self.at.host, self.at.port, client_info="Alicia", noise_psk=key, keepalive=10.0
        )
        try:
            async with asyncio.timeout(self._driver.settings.connect_s):
                await self._client.connect(on_stop=on_stop, log_errors=False)
                await self._greet()
            self.connected = self.welcomed = True
            self._driver.note()
            self._driver.log.info("device connected", device=self.at.name)
            await gone.wait()
        except (APIConnectionError, OSError) as error:
            raise NotReadyError("The device does not answer.", name=self.at.name) from error
        finally:
            self.connected = False
            await self._end_turn()
            await self._client.disconnect(force=True)

    async def _greet(self) -> None:
        """Ask what it can do, and listen to it. Raises NotReadyError for one without audio."""
        info = await self._client.device_info()
        version = self._client.api_version
        flags = info.voice_assistant_feature_flags_compat(version) if version else 0
        if not flags & VoiceAssistantFeature.API_AUDIO:
            raise NotReadyError("The device sends no audio over its API.", name=self.at.name)
        self._speaks = bool(flags & VoiceAssistantFeature.SPEAKER)
        area_id = self.at.area(info.suggested_area)
        self._seat = Seat(self._driver, self.at.name, area_id=area_id, language=self.at.language)
        self._client.subscribe_voice_assistant(
            handle_start=self._start, handle_stop=self._stop, handle_audio=self._audio
        )

    # ---- what the device tells ----

    async def _start(
        self, _conversation: str, _flags: int, _how: VoiceAssistantAudioSettings, _word: str | None
    ) -> int | None:
        """A turn begins; 0 says that audio comes over the API."""
        await self._end_turn()
        self._frames = Frames()
        self._turn = asyncio.create_task(self._converse(self._frames))
        return 0

    async def _audio(self, data: bytes, _second: bytes | None) -> None:
        if self._frames is not None:
            self._frames.feed(data)

    async def _stop(self, abort: bool) -> None:
        if self._frames is not None:
            self._frames.close()
        if abort:
            await self._end_turn()

    async def _end_turn(self) -> None:
        turn, self._turn, self._frames = self._turn, None, None
        if turn is not None:
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)

    # ---- what it is told ----

    def _tell(self, kind: Type, **data: str) -> None:
        try:
            self._client.send_voice_assistant_event(kind, data or None)
        except APIConnectionError as error:
            raise NotReadyError("The device has gone.", name=self.at.name) from error

    async def _converse(self, frames: Frames) -> None:
        self._tell(Type.VOICE_ASSISTANT_RUN_START)
        self._tell(Type.VOICE_ASSISTANT_STT_START)
        self._started = False
        try:
            with self._driver.edge("turn of a device"):
                heard = await self._seat.converse(
                    frames.frames(),
                    on_speech=lambda _pcm, _rate_hz: None,
                    on_end=self._on_end,
                    on_partial=lambda _: self._begun(),
                )
                self.turns += 1
                await self._answer(heard)
        except AliciaError as error:
            if not self.connected:
                return
            text = phrase_for(error, self.at.language)
            self._tell(Type.VOICE_ASSISTANT_ERROR, code=error.code, message=text)
        self._tell(Type.VOICE_ASSISTANT_RUN_END)

    def _begun(self) -> None:
        if not self._started:
            self._started = True
            self._tell(Type.VOICE_ASSISTANT_STT_VAD_START)

    def _on_end(self, _: object) -> None:
        self._begun()
        self._tell(Type.VOICE_ASSISTANT_STT_VAD_END)

    async def _answer(self, heard: Heard) -> None:
        """The whole reply at once: a device plays nothing before it has been told its text."""
        record = heard.record
        code = heard.error or (record.error if record else None)
        reply = (record.reply if record else None) or ""
        if code is not None and not heard.speech:
            # With speech, the reply itself says what is wrong, and an error would silence it.
            self._tell(
                Type.VOICE_ASSISTANT_ERROR,
                code=code,
                message=reply or phrase(code, self.at.language),
            )
            return
        self._tell(Type.VOICE_ASSISTANT_STT_END, text=(record.transcript if record else "") or "")
        self._tell(Type.VOICE_ASSISTANT_INTENT_START)
        self._tell(Type.VOICE_ASSISTANT_INTENT_END, continue_conversation="0")
        self._tell(Type.VOICE_ASSISTANT_TTS_START, text=reply or phrase("alicia", self.at.language))
        if heard.speech:
            # Also for who plays what is streamed: without an address it would not begin.
            url = self._driver.media.put(heard.speech, heard.rate_hz, self.at.host)
            self._tell(Type.VOICE_ASSISTANT_TTS_END, url=url)
        if heard.speech and self._speaks:
            await self._play(heard.speech, heard.rate_hz)

    async def _play(self, speech: bytes, rate_hz: int) -> None:
        """The reply's audio, no faster than the device plays it."""
        loop = asyncio.get_running_loop()
        pcm = Converter(rate_hz).feed(speech, last=True)
        self._tell(Type.VOICE_ASSISTANT_TTS_STREAM_START)
        started = loop.time()
        for at in range(0, len(pcm), CHUNK_BYTES):
            early = at / 2 / RATE_HZ - (loop.time() - started) - AHEAD_S
            await asyncio.sleep(max(0.0, early))
            self._client.send_voice_assistant_audio(pcm[at : at + CHUNK_BYTES])
        await asyncio.sleep(max(0.0, len(pcm) / 2 / RATE_HZ - (loop.time() - started)))
        self._tell(Type.VOICE_ASSISTANT_TTS_STREAM_END)
