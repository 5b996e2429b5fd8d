"""eSpeak NG, the last resort: robotic, instant, every language. A program of its own (GPL-3.0)."""

import asyncio
import shutil
from collections.abc import AsyncGenerator

from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.clauses import clauses
from alicia.speech.spoken import spoken
from alicia.speech.synthesizer import Speech, SynthesizerCapabilities, polished

_VOICES = {
    "en": "en-us", "es": "es", "fr": "fr", "de": "de", "it": "it",
    "pt": "pt-br", "zh": "cmn", "ja": "ja", "ko": "ko",
}  # fmt: skip
_RATE_HZ = 22_050
_HEADER_BYTES = 44
_ANSWER_S = 10.0


class EspeakSynthesizer:
    """The program `espeak-ng`, run once for each clause."""

    name = "espeak"
    capabilities = SynthesizerCapabilities(
        languages=frozenset(_VOICES), rate_hz=_RATE_HZ, streaming=True, natural=False
    )

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

    async def speak(self, text: str, language: str) -> AsyncGenerator[Speech, None]:
        if language not in _VOICES:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        for clause in clauses(text):
            pcm = await self._clause(spoken(clause, language), _VOICES[language])
            if pcm:
                yield Speech(polished(pcm, _RATE_HZ), _RATE_HZ, clause)

    async def aclose(self) -> None:
        """Nothing stays between clauses."""

    async def _clause(self, text: str, voice: str) -> bytes:
        pipe = asyncio.subprocess.PIPE
        # The text goes through stdin: it is no argument that could be taken for an option.
        process = await asyncio.create_subprocess_exec(
            self._program, "-v", voice, "-b", "1", "--stdin", "--stdout", stdin=pipe, stdout=pipe
        )
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
