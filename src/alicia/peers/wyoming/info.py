"""What is offered to Wyoming clients, as far as it is true at the moment."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import Any

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    IntentModel,
    IntentProgram,
    TtsProgram,
    TtsVoice,
    WakeModel,
    WakeProgram,
)

from alicia import __version__
from alicia.contracts import name_of
from alicia.contracts.kinds import AnyTopic
from alicia.contracts.system import ALIVE
from alicia.contracts.voice import SAY_TEXT, SPEAK, TRANSCRIBE, Speak
from alicia.errors import VoiceError
from alicia.language.tables import LANGUAGES
from alicia.peers.wyoming import waking
from alicia.runtime.service import Service
from alicia.speech.models import ModelStore

WORD = "Alicia."
TRIED_WITHIN_S = 10.0
_BY = Attribution(name="Alicia", url="")


class Offer:
    """Which services are awake, and what they were found to do."""

    def __init__(self, peer: Service[Any]) -> None:
        self._peer = peer
        self.spoken: list[str] = []
        """Languages that a word was spoken in."""
        self._tried = asyncio.Event()
        self._speakers: set[str] = set()

    async def try_voices(self) -> None:
        """Have a word spoken in each language. Raises BusError where nobody speaks at all."""
        self._speakers = self._serving(SPEAK)
        spoken: list[str] = []
        for language in LANGUAGES:
            ask = Speak(turn_id=secrets.token_hex(8), text=WORD, language=language)
            try:
                await self._peer.ask(SPEAK, ask)
            except VoiceError:
                continue  # not in this language
            spoken.append(language)
        self.spoken = spoken
        self._tried.set()

    async def outdated(self) -> None:
        """Wait until others speak than those who were tried."""
        while self._serving(SPEAK) == self._speakers:
            self._peer.peers.changed.clear()
            await self._peer.peers.changed.wait()

    async def info(self) -> Info:
        """What is true now; the first to ask waits until the voices were tried."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TRIED_WITHIN_S):
                await self._tried.wait()
        return Info(
            asr=[self._asr()],
            tts=[self._tts()],
            handle=[self._handle()],
            intent=[self._intent()],
            wake=self._wake(),
        )

    def _asr(self) -> AsrProgram:
        awake = bool(self._serving(TRANSCRIBE))
        languages = recognized(ModelStore(self._peer.folder.models))
        model = AsrModel(
            **_artifact("alicia", "Speech to text", installed=awake), languages=languages
        )
        return AsrProgram(
            **_artifact("alicia", "Speech to text", installed=awake),
            models=[model],
            supports_transcript_streaming=True,
        )

    def _tts(self) -> TtsProgram:
        awake = bool(self._serving(SPEAK))
        voices = [
            TtsVoice(
                **_artifact(f"alicia-{language}", f"Alicia ({language})", installed=awake),
                languages=[language],
            )
            for language in self.spoken
        ]
        return TtsProgram(
            **_artifact("alicia", "Text to speech", installed=awake and bool(voices)),
            voices=voices,
            supports_synthesize_streaming=True,
        )

    def _handle(self) -> HandleProgram:
        artifact = _artifact("alicia", "Alicia", installed=bool(self._serving(SAY_TEXT)))
        return HandleProgram(
            **artifact,
            models=[HandleModel(**artifact, languages=list(LANGUAGES))],
            supports_home_control=True,
        )

    def _intent(self) -> IntentProgram:
        artifact = _artifact(
            "alicia", "Alicia, who also does it", installed=bool(self._serving(SAY_TEXT))
        )
        return IntentProgram(
            **artifact, models=[IntentModel(**artifact, languages=list(LANGUAGES))]
        )

    def _wake(self) -> list[WakeProgram]:
        models = [
            WakeModel(
                **_artifact(word.name, word.phrase, installed=True),
                languages=list(word.languages),
                phrase=word.phrase,
            )
            for word in waking.words()
        ]
        if not models:
            return []
        return [WakeProgram(**_artifact("alicia", "Wake words", installed=True), models=models)]

    def _serving(self, command: AnyTopic) -> set[str]:
        return {
            peer.instance
            for peer in self._peer.peers.all()
            if peer.phase in ALIVE and name_of(command) in peer.serves
        }


def recognized(store: ModelStore) -> list[str]:
    """Languages of the recognizers that are on this machine."""
    known = {
        language
        for model, here in store.list_models()
        if here and model.kind == "recognizer"
        for language in model.languages
    }
    return [language for language in LANGUAGES if language in known]


def _artifact(name: str, description: str, *, installed: bool) -> dict[str, Any]:
    return {
        "name": name,
        "attribution": _BY,
        "installed": installed,
        "description": description,
        "version": __version__,
    }
