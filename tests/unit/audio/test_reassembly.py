from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.audio.reassembly import FILLED, WINDOW, Reassembly
from alicia.errors import AudioLostError


def frame(number: int) -> bytes:
    return number.to_bytes(2, "little") * 320


def given_out(frames: list[tuple[int, bool]]) -> list[bytes]:
    """What comes out of these frames (number, last), the end waited for."""
    pieces = Reassembly()
    out = [pcm for number, last in frames for pcm in pieces.put(number, frame(number), last=last)]
    out += pieces.flush()
    assert pieces.over
    return out


def numbered(count: int) -> list[tuple[int, bool]]:
    return [(number, number == count - 1) for number in range(count)]


@given(st.integers(1, 60), st.randoms(use_true_random=False), st.integers(1, WINDOW - 1))
def test_what_is_reordered_within_the_window_comes_out_in_order(
    count: int, chance: random.Random, distance: int
) -> None:
    frames = sorted(numbered(count), key=lambda f: f[0] + chance.random() * distance)
    assert given_out(frames) == [frame(number) for number in range(count)]


@given(st.integers(2, 60), st.randoms(use_true_random=False))
def test_what_comes_twice_comes_out_once(count: int, chance: random.Random) -> None:
    frames = numbered(count)
    for _ in range(count // 2):
        number = chance.randrange(count)
        frames.insert(chance.randrange(number, len(frames)) + 1, (number, number == count - 1))
    firsts = list(dict.fromkeys(frames))
    assert given_out(sorted(firsts) + frames) == [frame(number) for number in range(count)]


@given(st.sets(st.integers(0, 98)), st.randoms(use_true_random=False))
def test_the_samples_keep_their_place_when_frames_are_lost(
    lost: set[int], chance: random.Random
) -> None:
    """Whatever is lost: either every frame stands where it was said, or it is a loss."""
    frames = [f for f in numbered(100) if f[0] not in lost]
    frames.sort(key=lambda f: f[0] + chance.random() * 2)
    longest = run = 0
    for number in range(100):
        run = run + 1 if number in lost else 0
        longest = max(longest, run)
    if longest > FILLED:
        with pytest.raises(AudioLostError):
            given_out(frames)
        return
    out = given_out(frames)
    assert len(out) == 100
    assert all(out[number] == frame(number) for number in range(100) if number not in lost)


def test_five_per_cent_of_lost_frames_end_no_utterance() -> None:
    chance = random.Random(7)
    for _ in range(200):
        frames = [f for f in numbered(250) if f[1] or chance.random() >= 0.05]
        assert len(given_out(frames)) == 250


def test_a_gap_is_filled_with_what_was_before_it_fading_into_silence() -> None:
    out = given_out([(0, False), (1, False), (4, True)])
    assert out[1] == frame(1)
    assert out[2][:2] == frame(1)[:2]
    assert out[2][-2:] == b"\0\0"
    assert out[3] == bytes(640)
    assert out[4] == frame(4)


def test_a_gap_is_told_as_soon_as_the_window_is_full() -> None:
    pieces = Reassembly()
    pieces.put(0, frame(0))
    for number in range(2, 1 + WINDOW):
        assert pieces.put(number, frame(number)) == []
    assert len(pieces.put(1 + WINDOW, frame(1 + WINDOW))) == WINDOW + 1
    assert pieces.made_up == 1


def test_a_long_gap_names_what_is_missing() -> None:
    pieces = Reassembly()
    pieces.put(0, frame(0))
    with pytest.raises(AudioLostError) as raised:
        pieces.put(30, frame(30))
    assert raised.value.fields == {"missing": 1, "got": 30}


def test_the_last_frame_waits_for_those_before_it() -> None:
    pieces = Reassembly()
    assert pieces.put(0, frame(0)) == [frame(0)]
    assert pieces.put(2, b"", last=True) == []
    assert pieces.ending
    assert pieces.put(1, frame(1)) == [frame(1), b""]
    assert pieces.over
