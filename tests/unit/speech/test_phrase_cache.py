"""Phrases on disk: shared, limited, and never broken ones."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.speech.phrase_cache import Key, PhraseCache
from alicia.speech.synthesizer import Speech, Style

RATE_HZ = 22_050


def speech(seconds: float = 0.5, seed: int = 0) -> Speech:
    noise = np.random.default_rng(seed).normal(0, 3_000, int(seconds * RATE_HZ))
    return Speech(noise.astype("<i2").tobytes(), RATE_HZ, "x")


def key(text: str, language: str = "en", voice: str = "piper-joe") -> Key:
    return Key(language, voice, text)


def cache(folder: Path, limit: int = 10_000_000, memory: int = 0) -> PhraseCache:
    return PhraseCache(folder, limit_bytes=limit, memory_bytes=memory)


def test_what_is_kept_is_the_very_same_after_a_restart(tmp_path: Path) -> None:
    cache(tmp_path).put(key("on"), speech())
    found = cache(tmp_path).get(key("on"))
    assert found is not None
    assert (found.pcm, found.rate_hz, found.text) == (speech().pcm, RATE_HZ, "on")


@pytest.mark.parametrize(
    "other",
    [
        key("off"),
        key("on", language="de"),
        key("on", voice="piper-amy"),
        Key("en", "piper-joe", "on", Style(rate=1.2)),
        Key("en", "piper-joe", "on", Style(pitch=0.9)),
        Key("en", "piper-joe", "on", Style(volume_db=-3)),
    ],
)
def test_all_that_the_sound_depends_on_tells_phrases_apart(tmp_path: Path, other: Key) -> None:
    kept = cache(tmp_path)
    kept.put(key("on"), speech())
    assert not kept.has(other)
    assert kept.get(other) is None


def test_the_text_itself_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    cache(tmp_path).put(key("the canary sings"), speech())
    for path in tmp_path.rglob("*"):
        assert "canary" not in path.name
        assert not path.is_file() or b"canary" not in path.read_bytes()


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    for number in range(6):
        kept.put(key(str(number)), speech(seed=number))
        os.utime(tmp_path / key(str(number)).place, (number, number))
    assert kept.get(key("0")) is not None  # Used just now.
    size = sum(shelf.size_bytes for shelf in kept.shelves())
    full = cache(tmp_path, limit=size - 1)
    assert full.trim() >= 1
    assert full.has(key("0"))
    assert not full.has(key("1"))


def test_it_never_grows_beyond_its_limit(tmp_path: Path) -> None:
    one = len(speech().pcm)
    kept = cache(tmp_path, limit=4 * one)
    for number in range(12):
        kept.put(key(str(number)), speech(seed=number))
        assert sum(shelf.size_bytes for shelf in kept.shelves()) <= 4 * one
    assert kept.evicted
    assert kept.has(key("11"))


@pytest.mark.parametrize("damage", ["empty", "cut", "head", "middle", "tail", "other"])
def test_what_is_broken_is_deleted_and_not_spoken(tmp_path: Path, damage: str) -> None:
    kept = cache(tmp_path)
    kept.put(key("on"), speech())
    path = tmp_path / key("on").place
    data = bytearray(path.read_bytes())
    if damage == "empty":
        data.clear()
    elif damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "other":
        data[:] = os.urandom(len(data))
    else:
        at = {"head": 6, "middle": len(data) // 2, "tail": len(data) - 3}[damage]
        data[at] ^= 0xFF
    path.write_bytes(data)
    assert kept.get(key("on")) is None
    assert not path.exists()
    assert kept.broken == 1


@given(st.binary(max_size=200))
def test_no_file_whatever_is_in_it_breaks_a_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("phrases")
    path = folder / key("on").place
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert cache(folder).get(key("on")) is None


def test_what_is_in_memory_needs_no_disk(tmp_path: Path) -> None:
    kept = cache(tmp_path, memory=10_000_000)
    kept.put(key("on"), speech())
    (tmp_path / key("on").place).unlink()
    assert kept.in_memory(key("on")) is not None
    assert kept.get(key("on")) is not None


def test_memory_has_its_own_limit(tmp_path: Path) -> None:
    kept = cache(tmp_path, memory=3 * len(speech().pcm))
    for number in range(5):
        kept.put(key(str(number)), speech(seed=number))
    assert kept.in_memory(key("0")) is None
    assert kept.in_memory(key("4")) is not None


def test_without_a_place_on_disk_it_goes_on_in_memory(tmp_path: Path) -> None:
    (tmp_path / "phrases").write_text("a file where the folder should be")
    kept = cache(tmp_path / "phrases", memory=10_000_000)
    kept.put(key("on"), speech())
    assert kept.in_memory(key("on")) is not None
    assert cache(tmp_path / "phrases").get(key("on")) is None


def test_a_language_can_be_forgotten(tmp_path: Path) -> None:
    kept = cache(tmp_path, memory=10_000_000)
    kept.put(key("on"), speech())
    kept.put(key("an", language="de"), speech())
    assert kept.clear("de") == 1
    assert [shelf.language for shelf in kept.shelves()] == ["en"]


def test_what_a_killed_writer_left_is_swept_up(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(key("on"), speech())
    left = (tmp_path / key("on").place).with_name("abc.unfinished")
    left.write_bytes(b"half a phr")
    long_ago = time.time() - 7200
    os.utime(left, (long_ago, long_ago))
    kept.trim()
    assert not left.exists()
    assert kept.has(key("on"))


def _write(folder: Path, start: int) -> None:
    kept = cache(folder, limit=600_000)
    for number in range(start, start + 40):
        kept.put(key(str(number % 30)), speech(0.3, seed=number % 30))
        found = kept.get(key(str((number * 7) % 30)))
        if found is not None and found.pcm != speech(0.3, seed=(number * 7) % 30).pcm:
            os._exit(3)
    os._exit(4 if kept.broken else 0)


def test_processes_share_it_while_it_is_written_and_evicted(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write, args=(tmp_path, start)) for start in (0, 10, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    # Each trims what it knows of: at most one put of the others lies above the limit.
    assert sum(shelf.size_bytes for shelf in cache(tmp_path).shelves()) < 1_800_000
