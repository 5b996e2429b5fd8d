"""eSpeak NG, the last resort: robotic, instant, every language.

GPL-3.0, so in a process of its own. Where `espeakng-loader` is installed its library speaks: it is
newer than the program `espeak-ng` of most systems, whose Mandarin reads the digits of tones aloud.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.child import ChildSynthesizer, Worker
from alicia.speech.clauses import clauses
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import (
    PLAIN,
    Speech,
    Style,
    SynthesizerCapabilities,
    louder,
    polished,
    shifted,
)

VOICES = {
    "en": "en-us", "es": "es", "fr": "fr", "de": "de", "it": "it",
    "pt": "pt-br", "zh": "cmn", "ja": "ja", "ko": "ko",
}  # fmt: skip
_WORKER = Path(__file__).with_name("espeak_worker.py")
_COMMAND = (sys.executable, "-P", str(_WORKER))
_RATE_HZ = 22_050
_HEADER_BYTES = 44
_ANSWER_S = 10.0
_WORDS_PER_MINUTE = 165
_CAPABILITIES = SynthesizerCapabilities(
    languages=frozenset(VOICES), rate_hz=_RATE_HZ, streaming=True, sound="robotic"
)


class EspeakLibrary(ChildSynthesizer):
    """The library, in one child that stays."""

    name = "espeak"
    package = "espeak"

    def __init__(self, *, nice: int = 0) -> None:
        super().__init__(_COMMAND, voice="espeak-1.52", capabilities=_CAPABILITIES, nice=nice)

    async def _request(self, text: str, language: str, speed: float) -> dict[str, object]:
        return {"text": text, "voice": VOICES[language], "speed": speed}


class Phonemizer:
    """Text to IPA, by eSpeak NG's library."""

    def __init__(self, *, nice: int = 0) -> None:
        self._nice = nice
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()

    async def ipa(self, text: str, language: str) -> str:
        """Raises DependencyMissingError, EngineError."""
        async with self._turn:
            if self._worker is None or self._worker.dead:
                await self._stop()
                self._worker = await Worker.start(
                    _COMMAND, engine="espeak", package="espeak", nice=self._nice
                )
            request = {"text": text, "voice": VOICES[language], "phonemes": True}
            try:
                answer = await self._worker.ask(request, within_s=_ANSWER_S, engine="espeak")
            except (OSError, EOFError, TimeoutError) as error:
                await self._stop()
                raise EngineError(engine="espeak", reason=type(error).__name__) from error
            return answer.decode()

    async def aclose(self) -> None:
        await self._stop()

    async def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


class EspeakSynthesizer:
    """The program `espeak-ng`, run once for each clause."""

    name = "espeak"
    voice = "espeak-program"
    capabilities = _CAPABILITIES

    def __init__(self, program: str = "espeak-ng") -> None:
        """Takes the program's name or path.

        Raises:
            DependencyMissingError: there is no such program here.
        """
        found = shutil.which(program)
        if found is None:
            raise DependencyMissingError(
                "eSpeak NG is not installed. Install your system's package espeak-ng.",
                program=program,
            )
        self._program = found

    async def speak(
        self, text: str, language: str, style: Style = PLAIN
    ) -> AsyncGenerator[Speech, None]:
        if language not in VOICES:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        for clause in clauses(text):
            speech = await self.clause(spoken(clause, language), language, style)
            if speech is not None:
                yield Speech(speech.pcm, speech.rate_hz, clause)

    async def clause(self, text: str, language: str, style: Style = PLAIN) -> Speech | None:
        if language not in VOICES:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        style = style.bounded()
        pcm = await self._pcm(text, VOICES[language], style.rate / style.pitch)
        if not pcm:
            return None
        pcm = polished(shifted(pcm, style.pitch), _RATE_HZ, text)
        return Speech(louder(pcm, style.volume_db), _RATE_HZ, text)

    async def aclose(self) -> None:
        """Nothing stays between clauses."""

    async def _pcm(self, text: str, voice: str, speed: float) -> bytes:
        pipe = asyncio.subprocess.PIPE
        pace = str(int(_WORDS_PER_MINUTE * speed))
        # The text goes through stdin: it is no argument that could be taken for an option.
        process = await asyncio.create_subprocess_exec(
            self._program, "-v", voice, "-s", pace, "-b", "1", "--stdin", "--stdout",
            stdin=pipe, stdout=pipe,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_ANSWER_S):
                wav, _ = await process.communicate(text.encode())
        except TimeoutError as error:
            raise EngineError(engine=self.name, reason="no answer in time") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise EngineError(engine=self.name, reason=f"exit {process.returncode}")
        # A streamed WAV: its header knows the rate, not the length.
        rate_hz = int.from_bytes(wav[24:28], "little")
        if rate_hz and rate_hz != _RATE_HZ:
            raise EngineError(engine=self.name, reason=f"unexpected rate {rate_hz}")
        return wav[_HEADER_BYTES:]
