"""Speech to train a wake word on, where there are few recordings: eSpeak's many voices.

A program of its own (GPL-3.0). It is robotic: a word that is trained on it alone is a start.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import soxr

from alicia.audio.augmentation import Wave, trimmed, wave_of
from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.errors import DependencyMissingError

_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "es-419", "es", "fr", "de", "it", "pt-br")
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
_ESPEAK_HZ, _HEADER_BYTES, _ANSWER_S = 22_050, 44, 10.0
_VOWELS = "aeiouy"
SENTENCES = (
    "turn on the light in the kitchen and close the blinds in the living room",
    "what is the temperature in the bedroom and is the front door locked",
    "please play some music in the bathroom until I tell you to stop",
    "set a timer for ten minutes and remind me to take the bread out of the oven",
    "yesterday we went to the market and bought apples and a bottle of wine",
    "the weather was lovely so the children played in the garden until it was dark",
    "I think that the meeting has been moved to Thursday but nobody has told me why",
    "could you pass me the salt thank you this is delicious who made it",
    "the news at eight with a report on the elections and the price of electricity",
    "she said that there is a list of things to do before the guests arrive",
)


class EspeakVoices:
    """Robotic voices: ten accents, twelve timbres, several speeds and heights."""

    def __init__(self, program: str = "espeak-ng") -> None:
        """Raises DependencyMissingError."""
        found = shutil.which(program)
        if found is None:
            raise DependencyMissingError(
                "eSpeak NG is not installed. Install your system's package espeak-ng.",
                program=program,
            )
        self._program = found

    def say(self, text: str, count: int, chance: np.random.Generator) -> Iterator[tuple[str, Wave]]:
        """The text in `count` voices; with each the voice's name."""
        for number in range(count):
            voice = f"{_ACCENTS[number % len(_ACCENTS)]}+{chance.choice(_VARIANTS)}"
            speed, pitch = int(chance.integers(125, 200)), int(chance.integers(25, 75))
            wave = self._wave(text, voice, speed, pitch)
            if len(wave):
                yield voice, wave

    def _wave(self, text: str, voice: str, speed: int, pitch: int) -> Wave:
        # The text goes through stdin: it is no argument that could be taken for an option.
        done = subprocess.run(  # noqa: S603 - the program that was looked up, with our arguments
            [self._program, "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdin", "--stdout"],
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=_ANSWER_S,
        )
        wave = wave_of(from_bytes(done.stdout[_HEADER_BYTES : len(done.stdout) // 2 * 2]))
        if not len(wave):
            return wave
        return trimmed(soxr.resample(wave, _ESPEAK_HZ, RATE_HZ).astype(np.float32))


def near_words(word: str) -> list[str]:
    """What sounds like a part of the word, or nearly like it: it must not wake the house."""
    word = word.lower().strip()
    letters = word.replace(" ", "")
    found = [letters[: len(letters) * 3 // 5], letters[len(letters) // 3 :]]
    found += [part for part in word.split() if part != word]
    lead = "fmdptgs"
    if letters[0] in _VOWELS:
        found += [consonant + letters for consonant in lead[:3]]
    else:
        found += [consonant + letters[1:] for consonant in lead if consonant != letters[0]][:3]
    for old, new in (("i", "o"), ("a", "e"), ("c", "t"), ("l", "r"), ("o", "u"), ("s", "m")):
        if old in letters[1:]:
            found.append(letters[0] + letters[1:].replace(old, new))
    found.append(letters + "mento")
    return [near for near in dict.fromkeys(found) if len(near) > 2 and near != letters]
