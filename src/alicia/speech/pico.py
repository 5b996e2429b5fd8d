"""SVOX Pico: small, very quick voices that need no model; en es fr de it (Apache-2.0)."""

from typing import Any

from alicia.speech.child import ChildSynthesizer
from alicia.speech.engine_worker import Speak, command
from alicia.speech.synthesizer import SynthesizerCapabilities

VOICES = {"en": "en-US", "es": "es-ES", "fr": "fr-FR", "de": "de-DE", "it": "it-IT"}
_RATE_HZ = 16_000


class PicoSynthesizer(ChildSynthesizer):
    """All of Pico's voices; one process."""

    name = "pico"
    package = "pico"

    def __init__(self, *, nice: int = 0) -> None:
        super().__init__(
            command("pico"),
            voice="pico-1",
            capabilities=SynthesizerCapabilities(
                languages=frozenset(VOICES), rate_hz=_RATE_HZ, streaming=True, sound="synthetic"
            ),
            nice=nice,
        )

    async def _request(self, text: str, language: str, speed: float) -> dict[str, object]:
        # Pico obeys markup of its own.
        plain = text.replace("<", " ").replace(">", " ")
        return {"text": plain, "voice": VOICES[language], "speed": speed}


def load(_settings: dict[str, Any]) -> tuple[int, Speak]:
    """In the child. Raises ImportError."""
    from py_nanotts import NanoTTS  # noqa: PLC0415 - heavy

    engine = NanoTTS()

    def speak(request: dict[str, Any]) -> bytes:
        return engine.speak(request["text"], voice=request["voice"], speed=request["speed"])

    speak({"text": "Hello.", "voice": "en-US", "speed": 1.0})
    return _RATE_HZ, speak
