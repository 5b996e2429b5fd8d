"""Open JTalk: Japanese, dictionary and voice in one package (pyopenjtalk-plus; MIT, BSD)."""

from typing import Any

import numpy as np

from alicia.speech.child import ChildSynthesizer
from alicia.speech.engine_worker import Speak, command
from alicia.speech.synthesizer import SynthesizerCapabilities, resampled

_MADE_HZ, _RATE_HZ = 48_000, 24_000
"""The voice holds nothing above 12 kHz that anybody would miss."""


class OpenJTalkSynthesizer(ChildSynthesizer):
    """The voice that comes with it."""

    name = "openjtalk"
    package = "japanese"

    def __init__(self, *, nice: int = 0) -> None:
        super().__init__(
            command("openjtalk"),
            voice="openjtalk-1",
            capabilities=SynthesizerCapabilities(
                languages=frozenset({"ja"}), rate_hz=_RATE_HZ, streaming=True, sound="synthetic"
            ),
            nice=nice,
        )


def load(_settings: dict[str, Any]) -> tuple[int, Speak]:
    """In the child. Raises ImportError."""
    import pyopenjtalk  # noqa: PLC0415 - heavy

    def speak(request: dict[str, Any]) -> bytes:
        # Without Sudachi, whose dictionary is 190 MB: homographs alone would gain by it.
        wave, _ = pyopenjtalk.tts(
            request["text"], speed=request["speed"], use_sudachi_kanji_yomi=False
        )
        return resampled(np.clip(wave, -32_768, 32_767).astype("<i2").tobytes(), _MADE_HZ, _RATE_HZ)

    speak({"text": "はい。", "speed": 1.0})
    return _RATE_HZ, speak
