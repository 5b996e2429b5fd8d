"""What a wake word is learned from: recordings, speech made elsewhere, and eSpeak's voices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alicia.audio.augmentation import wave_of
from alicia.audio.formats import RATE_HZ, read
from alicia.errors import SetupError
from alicia.speech.wake_speech import SENTENCES, EspeakVoices, near_words
from alicia.speech.wake_training import Clip

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_LONGEST_S, _PIECE_S = 120.0, 15.0


def of_folder(folder: Path, kind: str) -> list[Clip]:
    """Every audio file below the folder.

    `WHAT.VOICE.flac` says whose voice it is, and `near-WORD.…` what is nearly said; other files are
    each a voice of its own. Raises SetupError where there are none, UnsupportedAudioError.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise SetupError(f"There are no recordings in {folder}.", formats=" ".join(SUFFIXES))
    return [clip for path in paths for clip in _of_file(path, kind)]


def _of_file(path: Path, kind: str) -> list[Clip]:
    wave = wave_of(read(path, max_s=_LONGEST_S))
    what, _, voice = path.stem.partition(".")
    group = f"voice {voice}" if voice else f"file {path}"
    label = what.removeprefix("near-").replace("_", " ") if what.startswith("near-") else ""
    size = int(_PIECE_S * RATE_HZ)
    return [Clip(wave[at : at + size], group, kind, label) for at in range(0, len(wave), size)]


def robotic(
    word: str, count: int, *, near: Sequence[str] = (), seed: int = 5
) -> tuple[list[Clip], list[Clip]]:
    """The word in `count` of eSpeak's voices, and what else they say.

    Raises DependencyMissingError, SetupError where it is no word.
    """
    if not any(character.isalpha() for character in word):
        raise SetupError("A wake word is something that can be said: it needs letters.", word=word)
    if not count:
        return [], []
    voices, chance = EspeakVoices(), np.random.default_rng(seed)

    def said(text: str, times: int, label: str = "") -> list[Clip]:
        return [
            Clip(wave, f"robot {voice}", "robotic", label)
            for voice, wave in voices.say(text, times, chance)
        ]

    spoken = said(word.replace("_", " "), count)
    few = max(3, count // 8)
    other = [clip for sentence in SENTENCES for clip in said(sentence, few)]
    for text in dict.fromkeys([*near, *near_words(word.replace("_", " "))]):
        other += said(text, few, text)
    return spoken, other
