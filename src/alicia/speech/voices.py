"""Voices: which engine speaks a language at once, and which renders early (`voices.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from alicia.errors import DependencyMissingError, SetupError, UnsupportedLanguageError
from alicia.speech.child import LOW
from alicia.speech.espeak import EspeakLibrary, EspeakSynthesizer
from alicia.speech.kokoro import KokoroSynthesizer
from alicia.speech.models import ModelStore, catalogue
from alicia.speech.openjtalk import OpenJTalkSynthesizer
from alicia.speech.pico import PicoSynthesizer
from alicia.speech.piper import PiperSynthesizer
from alicia.speech.synthesizer import Synthesizer

TABLE = Path(__file__).with_name("voices.toml")
KOKORO = "kokoro-82m"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who speaks a language here."""

    language: str
    live: tuple[str, ...]
    """Engines that are here and quick, best first."""
    early: str | None
    """The engine that renders phrases early; None where the first of `live` does."""
    missing: tuple[str, ...] = ()
    """What would speak it too, and why it does not."""

    @property
    def renders(self) -> str | None:
        return self.early or (self.live[0] if self.live else None)


@cache
def table(path: Path = TABLE) -> dict[str, dict[str, list[str]]]:
    with path.open("rb") as file:
        return tomllib.load(file)


@dataclass
class Voices:
    """Makes the engines of this machine, and keeps those that speak live."""

    store: ModelStore
    wanted: Sequence[str] = ()
    """Piper voices of the catalogue to use before others of their language."""
    engines: Sequence[str] = ()
    """The only ones that may speak; empty: all that are here."""
    threads: int = 1
    nice: int = 0
    _made: dict[str, Synthesizer] = field(default_factory=dict[str, Synthesizer])

    def cast(self, language: str) -> Cast:
        """Raises UnsupportedLanguageError where nobody could speak it, installed or not."""
        found = table().get(language)
        if found is None:
            raise UnsupportedLanguageError(language=language)
        missing: list[str] = []
        live = [name for name in found["live"] if self._here(name, language, missing)]
        early = next((n for n in found["early"] if self._here(n, language, missing)), None)
        if live and live[0] == early:
            early = None
        return Cast(language, tuple(live), early, tuple(dict.fromkeys(missing)))

    def engine(self, name: str, language: str) -> Synthesizer:
        """The engine, made when it is first asked for. Raises SetupError."""
        several = name in ("pico", "espeak")
        key = name if several else f"{name} {language}"
        if key not in self._made:
            self._made[key] = self._make(name, language)
        return self._made[key]

    def live(self, language: str) -> list[Synthesizer]:
        """Raises UnsupportedLanguageError."""
        return [self.engine(name, language) for name in self.cast(language).live]

    def low(self, nice: int = LOW) -> Voices:
        """The same voices in processes of low priority, for rendering early."""
        return Voices(self.store, self.wanted, self.engines, threads=1, nice=nice)

    async def aclose(self) -> None:
        made, self._made = self._made, {}
        for engine in made.values():
            await engine.aclose()

    def _here(self, name: str, language: str, missing: list[str]) -> bool:
        if self.engines and name not in self.engines:
            missing.append(f"{name}: left out by the settings")
            return False
        try:
            self.engine(name, language)
        except (SetupError, UnsupportedLanguageError) as error:
            missing.append(f"{name}: {error.message}")
            return False
        return True

    def _make(self, name: str, language: str) -> Synthesizer:
        makers: dict[str, Callable[[str], Synthesizer]] = {
            "piper": self._piper,
            "kokoro": self._kokoro,
            "pico": self._pico,
            "openjtalk": self._openjtalk,
            "espeak": self._espeak,
        }
        return makers[name](language)

    def _piper(self, language: str) -> Synthesizer:
        _require("piper", "piper", "piper")
        known = [
            model.name
            for model in catalogue()
            if model.engine == "piper" and language in model.languages
        ]
        first = [name for name in self.wanted if name in known]
        for voice in (*first, *known):
            if self.store.has(voice):
                return PiperSynthesizer(
                    self.store.resolve(voice), threads=self.threads, nice=self.nice
                )
        raise DependencyMissingError(
            f"No Piper voice is here. Run: alicia models pull {(first or known or ['piper'])[0]}"
            if known
            else "Piper has no voice for it in the catalogue.",
            language=language,
        )

    def _kokoro(self, language: str) -> Synthesizer:
        _require("kokoro", "onnxruntime", "kokoro")
        folder = self.store.resolve(KOKORO)
        return KokoroSynthesizer(folder, language, threads=self.threads, nice=self.nice)

    def _pico(self, _language: str) -> Synthesizer:
        _require("Pico", "py_nanotts", "pico")
        return PicoSynthesizer(nice=self.nice)

    def _openjtalk(self, _language: str) -> Synthesizer:
        _require("Open JTalk", "pyopenjtalk", "japanese")
        return OpenJTalkSynthesizer(nice=self.nice)

    def _espeak(self, _language: str) -> Synthesizer:
        if find_spec("espeakng_loader"):
            return EspeakLibrary(nice=self.nice)
        return EspeakSynthesizer()


def _require(engine: str, package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise DependencyMissingError(
            f"{engine} is not installed. Run: pip install 'alicia[{extra}]'", package=package
        )
