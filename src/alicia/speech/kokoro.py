"""Kokoro-82M (Apache-2.0): natural, and slow: about a second for a short answer on one core.

It renders phrases into the cache before anybody waits for them.
"""

import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from alicia.errors import DependencyMissingError, UnsupportedLanguageError
from alicia.speech.child import ChildSynthesizer
from alicia.speech.engine_worker import Speak, command
from alicia.speech.espeak import Phonemizer
from alicia.speech.synthesizer import SynthesizerCapabilities

_DATA = Path(__file__).with_name("kokoro.toml")
_MODEL = "kokoro-v1.0.int8.onnx"
_RATE_HZ = 24_000
_MOST_TOKENS = 500
_STYLES, _STYLE_SIZE = 510, 256


class KokoroSynthesizer(ChildSynthesizer):
    """One Kokoro voice.

    Its phonemes are eSpeak's, from another child; its own child makes those of Mandarin and
    Japanese.
    """

    name = "kokoro"
    package = "kokoro"

    def __init__(self, folder: Path, language: str, *, threads: int = 1, nice: int = 0) -> None:
        """`folder` is the model's, as `alicia models pull kokoro-82m` makes it.

        Raises:
            DependencyMissingError: the voice is not in it.
            UnsupportedLanguageError: Kokoro has no voice for it.
        """
        found = data()["language"].get(language)
        if found is None:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        name = found["voice"]
        for file in (folder / _MODEL, folder / f"{name}.bin"):
            if not file.is_file():
                raise DependencyMissingError(
                    "The Kokoro voice is not here. Run: alicia models pull kokoro-82m",
                    path=str(file),
                )
        own = find_spec(found["needs"]) if "needs" in found else True
        if own is None:
            raise DependencyMissingError(
                f"Kokoro's voice for {language} needs one more package. "
                "Run: pip install 'alicia[kokoro,japanese]'",
                package=found["needs"],
            )
        self._phonemes = Phonemizer(nice=nice) if found["phonemes"] == "espeak" else None
        super().__init__(
            command("kokoro", folder=str(folder), voice=name, threads=threads),
            voice=f"kokoro-1.0-{name}",
            capabilities=SynthesizerCapabilities(
                languages=frozenset({language}), rate_hz=_RATE_HZ, streaming=True
            ),
            nice=nice,
        )

    async def aclose(self) -> None:
        await super().aclose()
        if self._phonemes is not None:
            await self._phonemes.aclose()

    async def _request(self, text: str, language: str, speed: float) -> dict[str, object]:
        request = await super()._request(text, language, speed)
        if self._phonemes is not None:
            request["ipa"] = await self._phonemes.ipa(text, language)
        return request


@cache
def data() -> dict[str, Any]:
    """Kokoro's alphabet, and how each language is written in it."""
    return tomllib.loads(_DATA.read_text("utf-8"))


def tokens(ipa: str, language: str) -> list[int]:
    """The numbers of Kokoro's alphabet; what it does not know is left out."""
    alphabet: dict[str, int] = data()["alphabet"]
    found = data()["language"][language]
    for spelling in (*found.get("replace", ()), *data()["replace"]):
        ipa = ipa.replace(*spelling)
    return [alphabet[sign] for sign in ipa if sign in alphabet][:_MOST_TOKENS]


def load(settings: dict[str, Any]) -> tuple[int, Speak]:
    """In the child. Raises ImportError."""
    import onnxruntime  # noqa: PLC0415 - heavy

    folder = Path(settings["folder"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / _MODEL), sess_options=options, providers=["CPUExecutionProvider"]
    )
    styles = np.fromfile(folder / f"{settings['voice']}.bin", np.float32)
    styles = styles.reshape(_STYLES, 1, _STYLE_SIZE)

    def speak(request: dict[str, Any]) -> bytes:
        ipa = request.get("ipa") or _own_phonemes(request["text"], request["language"])
        said = tokens(ipa, request["language"])
        if not said:
            return b""
        inputs = {
            "tokens": np.array([[0, *said, 0]], np.int64),
            "style": styles[len(said)],
            "speed": np.array([request["speed"]], np.float32),
        }
        wave = np.asarray(session.run(None, inputs)[0], np.float32).ravel()
        return (np.clip(wave, -1, 1) * 32_767).astype("<i2").tobytes()

    return _RATE_HZ, speak


def _own_phonemes(text: str, language: str) -> str:
    if language == "zh":
        from alicia.speech.mandarin import ipa  # noqa: PLC0415 - heavy

        return ipa(text)
    from alicia.speech.japanese import ipa as japanese  # noqa: PLC0415 - heavy

    return japanese(text)
