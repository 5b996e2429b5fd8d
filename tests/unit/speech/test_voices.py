"""Who speaks which language, and the engines that need no model."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import from_bytes
from alicia.audio.loudness import TARGET_LUFS, loudness
from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech import japanese, mandarin
from alicia.speech.child import CAN_STOP, ChildSynthesizer
from alicia.speech.espeak import EspeakLibrary, Phonemizer
from alicia.speech.kokoro import KokoroSynthesizer, data, tokens
from alicia.speech.models import ModelStore
from alicia.speech.openjtalk import OpenJTalkSynthesizer
from alicia.speech.phrase_cache import PhraseCache
from alicia.speech.pico import VOICES as PICO
from alicia.speech.pico import PicoSynthesizer
from alicia.speech.speaking import Speaker, Told, plain
from alicia.speech.synthesizer import Speech, Style
from alicia.speech.voices import TABLE, Voices, table

NINE = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
ANSWERS = {
    "en": "The kitchen light is on.", "es": "La luz está encendida.",
    "fr": "La lumière est allumée.", "de": "Das Licht ist an.", "it": "La luce è accesa.",
    "pt": "A luz está acesa.", "zh": "灯已经打开了。", "ja": "電気をつけました。",
    "ko": "조명을 켰습니다.",
}  # fmt: skip


def require(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs alicia[{extra}]: {package} is not installed")


@pytest.fixture
async def voices(tmp_path: Path) -> AsyncIterator[Voices]:
    """Without any model."""
    found = Voices(ModelStore(tmp_path / "models"))
    yield found
    await found.aclose()


async def told(pieces: AsyncGenerator[Told, None]) -> list[Told]:
    async with aclosing(pieces):
        return [piece async for piece in pieces]


# ---- the table ----------------------------------------------------------------------------------


def test_every_language_has_someone_to_fall_back_on() -> None:
    assert set(table()) == set(NINE)
    for entry in table().values():
        assert entry["live"][-1] == "espeak"
        assert "kokoro" not in entry["live"]  # Nobody waits a second for the first word.
    assert TABLE.is_file()


async def test_without_a_model_the_quickest_that_is_here_speaks(voices: Voices) -> None:
    require("py_nanotts", "pico")
    require("espeakng_loader", "espeak")
    for language in ("es", "fr", "de", "it"):
        assert voices.cast(language).live == ("pico", "espeak")
    assert voices.cast("ko").live == ("espeak",)
    assert voices.cast("es").early is None
    assert any("alicia models pull" in reason for reason in voices.cast("es").missing)


def test_the_settings_may_leave_engines_out(tmp_path: Path) -> None:
    assert Voices(ModelStore(tmp_path), engines=("piper",)).cast("de").live == ()


def test_a_tenth_language_is_refused(voices: Voices) -> None:
    with pytest.raises(UnsupportedLanguageError):
        voices.cast("fi")


# ---- the engines --------------------------------------------------------------------------------


async def spoken(engine: ChildSynthesizer, text: str, language: str) -> Speech:
    try:
        speech = await engine.clause(text, language)
    finally:
        await engine.aclose()
    assert speech is not None
    return speech


@pytest.mark.parametrize("language", sorted(PICO))
async def test_pico_is_as_loud_as_all_and_starts_at_once(language: str) -> None:
    require("py_nanotts", "pico")
    speech = await spoken(PicoSynthesizer(), ANSWERS[language], language)
    samples = from_bytes(speech.pcm)
    assert loudness(samples, speech.rate_hz) == pytest.approx(TARGET_LUFS, abs=1)
    assert np.flatnonzero(np.abs(samples) > 500)[0] < 0.05 * speech.rate_hz
    assert len(samples) > 0.6 * speech.rate_hz


async def test_open_jtalk_is_as_loud_as_all() -> None:
    require("pyopenjtalk", "japanese")
    speech = await spoken(OpenJTalkSynthesizer(), ANSWERS["ja"], "ja")
    assert loudness(from_bytes(speech.pcm), speech.rate_hz) == pytest.approx(TARGET_LUFS, abs=1)


@pytest.mark.parametrize("language", NINE)
async def test_espeaks_library_speaks_every_language_as_loud(language: str) -> None:
    require("espeakng_loader", "espeak")
    speech = await spoken(EspeakLibrary(), ANSWERS[language], language)
    assert loudness(from_bytes(speech.pcm), speech.rate_hz) == pytest.approx(TARGET_LUFS, abs=1)
    assert "espeakng_loader" not in sys.modules


async def test_a_style_changes_pace_and_pitch_apart() -> None:
    require("py_nanotts", "pico")
    engine = PicoSynthesizer()
    try:
        made = {
            style: await engine.clause(ANSWERS["en"], "en", style)
            for style in (Style(), Style(rate=0.6), Style(pitch=1.4), Style(volume_db=-10))
        }
    finally:
        await engine.aclose()
    lengths = {style: len(speech.pcm) for style, speech in made.items() if speech}
    normal = lengths[Style()]
    assert lengths[Style(rate=0.6)] > 1.3 * normal
    assert lengths[Style(pitch=1.4)] == pytest.approx(normal, rel=0.15)
    quiet = made[Style(volume_db=-10)]
    assert quiet is not None
    heard = loudness(from_bytes(quiet.pcm), quiet.rate_hz)
    assert heard == pytest.approx(TARGET_LUFS - 10, abs=1)


async def test_markup_of_picos_own_is_not_obeyed() -> None:
    require("py_nanotts", "pico")
    engine = PicoSynthesizer()
    plain_text = await engine.clause("volume hello", "en")
    speech = await spoken(engine, '<volume level="0">hello', "en")
    assert plain_text is not None
    assert np.abs(from_bytes(speech.pcm)).max() > 3_000


async def test_a_paused_engine_waits_and_then_goes_on() -> None:
    require("py_nanotts", "pico")
    if not CAN_STOP:
        pytest.skip("children are stopped on Linux alone")
    engine = PicoSynthesizer()
    await engine.start()
    engine.pause()
    waiting = asyncio.create_task(engine.clause(ANSWERS["en"], "en"))
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    assert not done
    engine.resume()
    assert await waiting is not None
    await engine.aclose()


async def test_a_voice_that_is_not_installed_says_how_to_get_it() -> None:
    program = r"import sys; sys.stdout.buffer.write(b'M\0\0\0\0\3\0\0\0abc')"
    engine = PicoSynthesizer()
    engine._command = (sys.executable, "-c", program)
    with pytest.raises(DependencyMissingError, match=r"alicia\[pico\]"):
        await engine.start()
    assert engine.pid is None


# ---- phonemes -----------------------------------------------------------------------------------


async def test_phonemes_keep_the_punctuation() -> None:
    require("espeakng_loader", "espeak")
    phonemizer = Phonemizer()
    try:
        ipa = await phonemizer.ipa("La luz, por favor.", "es")
        german = await phonemizer.ipa("Ja!", "de")
    finally:
        await phonemizer.aclose()
    assert ipa.startswith("la lˈuθ,")
    assert ipa.endswith(".")
    assert german.endswith("!")


@pytest.mark.parametrize(
    ("pinyin", "phonemes"),
    [
        ("kai1", "kʰai→"), ("deng1", "tə→ŋ"), ("zhu3", "ꭧu↓"), ("shi4", "ʂɨ↘"), ("nü3", "ny↓"),
        ("yuan2", "ɥɛ↗n"), ("le5", "lɤ"), ("xue2", "ɕɥe↗"), ("wo3", "wo↓"), ("er4", "ɚ↘"),
        ("hello", "hello"),
    ],
)  # fmt: skip
def test_pinyin_becomes_phonemes_of_kokoros_alphabet(pinyin: str, phonemes: str) -> None:
    assert mandarin.syllable(pinyin) == phonemes
    if pinyin != "hello":
        assert set(phonemes) <= set(data()["alphabet"])


def test_mandarin_is_read_word_by_word_with_its_tones() -> None:
    require("pypinyin", "kokoro")
    assert mandarin.ipa("灯已经打开了。") == "tə→ŋ i↓ ʨi→ŋ ta↓kʰai→ lɤ."


@pytest.mark.parametrize(
    ("kana", "phonemes"),
    [
        ("キッチン", "kʲiʔʨiɴ"), ("デンキ", "deŋkʲi"), ("シャシン", "ɕaɕiɴ"), ("ディー", "dʲiː"),
        ("サンポ", "sampo"), ("スズ", "sɨzɨ"), ("リョコー", "ɾʲokoː"),
    ],
)  # fmt: skip
def test_kana_become_phonemes_of_kokoros_alphabet(kana: str, phonemes: str) -> None:
    assert japanese.phonemes(kana) == phonemes
    assert set(phonemes) <= set(data()["alphabet"])


def test_what_kokoro_does_not_know_is_left_out() -> None:
    assert tokens("aʏ☃", "es") == [data()["alphabet"]["a"]]
    assert tokens("haʊ", "en") == tokens("hW", "en")


def test_kokoro_without_its_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DependencyMissingError, match="alicia models pull kokoro-82m"):
        KokoroSynthesizer(tmp_path, "es")
    with pytest.raises(UnsupportedLanguageError):
        KokoroSynthesizer(tmp_path, "de")


# ---- speaking with several ----------------------------------------------------------------------


def cache(folder: Path) -> PhraseCache:
    return PhraseCache(folder / "phrases", limit_bytes=50_000_000)


async def test_the_next_voice_goes_on_where_one_fails(tmp_path: Path, voices: Voices) -> None:
    require("py_nanotts", "pico")
    require("espeakng_loader", "espeak")
    speaker = Speaker(voices, cache(tmp_path))
    pico = voices.engine("pico", "de")
    assert isinstance(pico, ChildSynthesizer)
    pico._command = (sys.executable, "-c", "raise SystemExit(1)")
    pieces = await told(speaker.speak(plain(ANSWERS["de"], "de")))
    assert [piece.voice for piece in pieces] == ["espeak-1.52"]
    await speaker.aclose()


async def test_when_all_fail_the_last_reason_is_told(tmp_path: Path) -> None:
    require("py_nanotts", "pico")
    voices = Voices(ModelStore(tmp_path), engines=("pico",))
    speaker = Speaker(voices, cache(tmp_path))
    pico = voices.engine("pico", "de")
    assert isinstance(pico, ChildSynthesizer)
    pico._command = (sys.executable, "-c", "raise SystemExit(1)")
    with pytest.raises(EngineError):
        await told(speaker.speak(plain(ANSWERS["de"], "de")))
    await speaker.aclose()
    await voices.aclose()


async def test_a_voice_that_is_asked_for_speaks_though_others_have_said_it(
    tmp_path: Path, voices: Voices
) -> None:
    require("py_nanotts", "pico")
    require("espeakng_loader", "espeak")
    speaker = Speaker(voices, cache(tmp_path))
    words = plain(ANSWERS["de"], "de")
    await told(speaker.speak(words))
    [piece] = await told(speaker.speak(words, voice="espeak"))
    assert (piece.voice, piece.cached) == ("espeak-1.52", False)
    [piece] = await told(speaker.speak(words))
    assert (piece.voice, piece.cached) == ("pico-1", True)
    await speaker.aclose()


async def test_two_who_want_the_same_clause_share_one_rendering(
    tmp_path: Path, voices: Voices
) -> None:
    require("py_nanotts", "pico")
    speaker = Speaker(voices, cache(tmp_path))
    words = plain(ANSWERS["it"], "it")
    first, second = await asyncio.gather(*(told(speaker.speak(words)) for _ in range(2)))
    assert first[0].speech.pcm == second[0].speech.pcm
    assert not speaker._making
    await speaker.aclose()


async def test_a_voice_that_died_is_started_again_for_the_next(
    tmp_path: Path, voices: Voices
) -> None:
    require("py_nanotts", "pico")
    speaker = Speaker(voices, cache(tmp_path))
    await told(speaker.speak(plain("Uno.", "it")))
    pico = voices.engine("pico", "it")
    assert isinstance(pico, ChildSynthesizer)
    assert pico.pid is not None
    os.kill(pico.pid, signal.SIGKILL)
    await asyncio.sleep(0.2)
    [piece] = await told(speaker.speak(plain("Due.", "it")))
    assert piece.voice == "pico-1"
    await speaker.aclose()
