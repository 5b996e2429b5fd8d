"""TTS: turns text into speech.

    SPEAK asked -> SPEECH* said (a stream of this turn) -> Spoken replied

The satellite is subscribed to the turn's SPEECH before it asks for the turn, so the first sample is
heard. What was said lately is kept, and said again at once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field

from alicia.contracts.voice import CANCEL, SPEAK, SPEECH, Speak, SpeechChunk, Spoken
from alicia.errors import DependencyMissingError, EngineError
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.speech.synthesizer import Speech, Synthesizer

CHUNK_S = 0.1


class TtsSettings(Settings):
    voices: str = "piper-en-joe"
    """Voices of the catalogue, separated by commas, in order of preference."""
    espeak: bool = True
    """Fall back on eSpeak NG where it is installed."""
    keep_mb: int = Field(default=16, ge=0)
    """Speech that was said lately and is kept."""


class Tts(Service[TtsSettings]):
    """Text to speech."""

    name = "tts"
    says = (SPEECH,)
    hears = (CANCEL,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.speech.synthesizer import SynthesizerChain  # noqa: PLC0415 - heavy

        engines = await self._engines()
        if not engines:
            raise DependencyMissingError(
                "There is no voice. Run `alicia models pull`, or install espeak-ng.",
                voices=self.settings.voices,
            )
        self._kept: OrderedDict[tuple[str, str], list[Speech]] = OrderedDict()
        self._chain = SynthesizerChain(engines)
        try:
            yield
        finally:
            await self._chain.aclose()

    async def _engines(self) -> list[Synthesizer]:
        from alicia.speech.espeak import EspeakSynthesizer  # noqa: PLC0415 - heavy
        from alicia.speech.models import ModelStore  # noqa: PLC0415 - heavy
        from alicia.speech.piper import PiperSynthesizer  # noqa: PLC0415 - heavy

        engines: list[Synthesizer] = []
        store = ModelStore(self.folder.models)
        for voice in self.settings.voices.split(","):
            try:
                model = await self.off_loop(store.resolve, voice.strip())
                piper = PiperSynthesizer(model)
                await piper.start()
            except (DependencyMissingError, EngineError) as error:
                self.log.warning("voice not available", voice=voice, reason=str(error))
                self.set_degraded(f"The voice {voice} is not available: {error.message}")
            else:
                engines.append(piper)
        if self.settings.espeak:
            try:
                engines.append(EspeakSynthesizer())
            except DependencyMissingError:
                self.log.info("no espeak-ng to fall back on")
        return engines

    @serves(SPEAK, concurrency=4)
    async def speak(self, ask: Speak) -> Spoken:
        sequence = position = rate_hz = 0
        first_audio_at = 0.0
        async with aclosing(self._pieces(ask)) as pieces:
            async for piece in pieces:
                rate_hz = piece.rate_hz
                for pcm in _cut(piece):
                    first_audio_at = first_audio_at or time.time()
                    await self.say(
                        SPEECH,
                        SpeechChunk(
                            turn_id=ask.turn_id,
                            sequence=sequence,
                            position=position,
                            rate_hz=rate_hz,
                            pcm=pcm,
                        ),
                    )
                    sequence += 1
                    position += len(pcm) // 2
        if not position:
            raise EngineError("There was nothing to pronounce.")
        await self.say(
            SPEECH,
            SpeechChunk(
                turn_id=ask.turn_id,
                sequence=sequence,
                position=position,
                rate_hz=rate_hz,
                last=True,
            ),
        )
        return Spoken(
            turn_id=ask.turn_id,
            duration_ms=position * 1000 / rate_hz,
            rate_hz=rate_hz,
            first_audio_at=first_audio_at,
        )

    async def _pieces(self, ask: Speak) -> AsyncGenerator[Speech, None]:
        key = ask.language, ask.text
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            for piece in kept:
                yield piece
            return
        pieces: list[Speech] = []
        async with aclosing(self._chain.speak(ask.text, ask.language)) as speaking:
            async for piece in speaking:
                pieces.append(piece)
                yield piece
        self._keep(key, pieces)

    def _keep(self, key: tuple[str, str], pieces: list[Speech]) -> None:
        self._kept[key] = pieces
        size = sum(len(piece.pcm) for kept in self._kept.values() for piece in kept)
        while size > self.settings.keep_mb * 1_000_000 and self._kept:
            _, oldest = self._kept.popitem(last=False)
            size -= sum(len(piece.pcm) for piece in oldest)


def _cut(piece: Speech) -> list[bytes]:
    step = int(piece.rate_hz * CHUNK_S) * 2
    return [piece.pcm[at : at + step] for at in range(0, len(piece.pcm), step)]
