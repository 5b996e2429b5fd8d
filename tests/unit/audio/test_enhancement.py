from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.augmentation import at_snr, in_room, noise, pcm_of, rms, wave_of
from alicia.audio.echo import WebRtcEchoCanceller
from alicia.audio.enhancement import EnhancementSettings, Enhancer
from alicia.audio.formats import RATE_HZ, Pcm, level_db, read

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pywebrtc_audio") is None, reason="needs alicia[enhancement]"
)
SPEECH = Path(__file__).parents[2] / "data" / "speech"


def spoken(name: str) -> Pcm:
    return read(SPEECH / f"{name}.flac", max_s=10)


def in_pieces(work: Enhancer, pcm: Pcm, size: int) -> Pcm:
    return np.concatenate([work.process(pcm[at : at + size]) for at in range(0, len(pcm), size)])


def test_steady_noise_becomes_quieter_and_speech_stays() -> None:
    clean = wave_of(spoken("turn_on_the_kitchen_light.af_heart"))
    chance = np.random.default_rng(4)
    clean = np.concatenate([np.zeros(RATE_HZ, np.float32), clean])
    noisy = pcm_of(at_snr(clean, noise("pink", len(clean), chance), 10))
    quiet = in_pieces(Enhancer(EnhancementSettings(noise_level=2)), noisy, 320)
    before, after = (rms(wave_of(pcm[8000:15_000])) for pcm in (noisy, quiet))
    assert after < before / 2.5
    loud = slice(RATE_HZ + 8000, RATE_HZ + 20_000)
    assert rms(wave_of(quiet[loud])) > 0.5 * rms(clean[loud])


def test_pieces_of_any_size_give_the_same_as_the_whole() -> None:
    pcm = spoken("turn_on_the_kitchen_light.af_heart")
    pcm = pcm[: len(pcm) // 160 * 160]
    whole = Enhancer().process(pcm)
    assert len(whole) == len(pcm)
    pieces = in_pieces(Enhancer(), pcm, 641)
    assert np.array_equal(pieces, whole[: len(pieces)])
    assert len(pieces) == len(whole)


def test_quiet_speech_is_brought_up() -> None:
    quiet = pcm_of(wave_of(spoken("set_the_bedroom_lamp_to_thirty_percent.bf_emma")) * 0.05)
    quiet = np.concatenate([quiet] * 4)
    up = Enhancer(EnhancementSettings(noise_level=None, gain=True)).process(quiet)
    last = len(quiet) * 3 // 4
    assert rms(wave_of(up[last:])) > 2 * rms(wave_of(quiet[last:]))


def echo_of(far: Pcm, seed: int = 3) -> Pcm:
    """What a microphone beside the speaker hears of it: 40 ms later, through a room."""
    chance = np.random.default_rng(seed)
    late = np.concatenate([np.zeros(640, np.float32), wave_of(far)])[: len(far)]
    return pcm_of(in_room(late * np.float32(0.4), 0.25, chance))


def test_what_the_speaker_plays_is_taken_out_of_the_microphone() -> None:
    far = np.concatenate([spoken(path.stem) for path in sorted(SPEECH.glob("*am_*.flac"))[:4]])
    mic = echo_of(far)
    left = WebRtcEchoCanceller().clean(mic, far)
    second_half = slice(len(left) // 2, len(left))
    assert level_db(mic[: len(left)][second_half]) - level_db(left[second_half]) > 20


def test_who_speaks_over_the_reply_is_still_heard() -> None:
    far = np.concatenate([spoken(path.stem) for path in sorted(SPEECH.glob("*am_*.flac"))[:4]])
    near = np.zeros(len(far), np.int16)
    said = spoken("turn_on_the_kitchen_light.bf_emma")
    start = len(far) - len(said) - 1600
    near[start : start + len(said)] = said
    mic = pcm_of(wave_of(echo_of(far)) + wave_of(near))
    left = WebRtcEchoCanceller().clean(mic, far)
    part = slice(start + 8000, start + len(said) - 8000)
    assert rms(wave_of(left[part])) > 0.4 * rms(wave_of(near[part]))


def test_without_a_speaker_nothing_is_taken_out() -> None:
    mic = spoken("turn_on_the_kitchen_light.af_heart")
    left = WebRtcEchoCanceller().clean(mic, np.zeros(len(mic), np.int16))
    assert abs(level_db(mic[: len(left)]) - level_db(left)) < 3
