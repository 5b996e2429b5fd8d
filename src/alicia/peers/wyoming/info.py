"""What is offered to Wyoming clients, as far as it is true at the moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
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
from alicia.contracts.voice import SAY_TEXT, SPEAK, TRANSCRIBE
from alicia.language.tables import LANGUAGES
from alicia.peers.wyoming import waking
from alicia.runtime.service import Service
from alicia.speech.models import ModelStore
from alicia.speech.voices import Voices

SEEN_WITHIN_S = 1.0
PREFIX = "alicia-"
"""Of the names of voices."""
_BY = Attribution(name="Alicia", url="")


class Offer:
    """What is installed on this machine, and which services are awake."""

    def __init__(self, peer: Service[Any]) -> None:
        self._peer = peer

    async def info(self) -> Info:
        """What is true now; a house whose services are still being seen is waited for a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SEEN_WITHIN_S):
                while not all(map(self._serving, (TRANSCRIBE, SPEAK, SAY_TEXT))):
                    self._peer.peers.changed.clear()
                    await self._peer.peers.changed.wait()
        voices = await self._peer.off_loop(_voices, self._peer.folder.models)
        return Info(
            asr=[self._asr()],
            tts=[self._tts(voices)],
            handle=[self._handle()],
            intent=[self._intent()],
            wake=_wake(await self._peer.off_loop(waking.words, self._peer.folder)),
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

    def _tts(self, spoken: dict[str, tuple[str, ...]]) -> TtsProgram:
        """`alicia-en` is the house's own choice for English, `alicia-en-piper` one engine."""
        awake = bool(self._serving(SPEAK))
        voices = [
            TtsVoice(
                **_artifact(f"{PREFIX}{name}", f"Alicia ({name})", installed=awake),
                languages=[language],
            )
            for language, engines in spoken.items()
            for name in (language, *(f"{language}-{engine}" for engine in engines))
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
        artifact = _artifact("alicia", "Alicia", installed=bool(self._serving(SAY_TEXT)))
        return IntentProgram(
            **artifact, models=[IntentModel(**artifact, languages=list(LANGUAGES))]
        )

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


def _wake(words: list[waking.Word]) -> list[WakeProgram]:
    models = [
        WakeModel(
            **_artifact(word.name, word.phrase, installed=True),
            languages=list(word.languages),
            phrase=word.phrase,
        )
        for word in words
    ]
    if not models:
        return []
    return [WakeProgram(**_artifact("alicia", "Wake words", installed=True), models=models)]


def _voices(models: Path) -> dict[str, tuple[str, ...]]:
    """The engines that speak at once, by language."""
    voices = Voices(ModelStore(models))
    casts = {language: voices.cast(language).live for language in LANGUAGES}
    return {language: engines for language, engines in casts.items() if engines}


def _artifact(name: str, description: str, *, installed: bool) -> dict[str, Any]:
    return {
        "name": name,
        "attribution": _BY,
        "installed": installed,
        "description": description,
        "version": __version__,
    }
