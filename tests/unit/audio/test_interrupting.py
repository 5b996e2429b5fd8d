"""Speech over speech in a simulated room, with the real canceller and VAD. Time is samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.duplex import BLOCK
from alicia.audio.earcons import Earcon, tone
from alicia.audio.echo import NoEchoCanceller, WebRtcEchoCanceller
from alicia.audio.formats import Pcm, level_db, read
from alicia.audio.interrupting import Cue, Interruption
from alicia.testing.room import Room

FILES = sorted((Path(__file__).parents[2] / "data" / "speech").glob("*.flac"))


def recorded(number: int) -> Pcm:
    return read(FILES[number % len(FILES)], max_s=10)


def reply(number: int) -> Pcm:
    return np.concatenate([recorded(number * 3 + part) for part in range(4)])


def cleaned(room: Room, seconds: float) -> Iterator[Pcm]:
    for _ in range(round(seconds * 100)):
        room.tick()
        yield room.duplex.clean()


def playing(room: Room, pcm: Pcm) -> None:
    room.duplex.speaker.start()
    room.duplex.speaker.feed(pcm, 16_000)
    room.duplex.speaker.finish()


def test_the_canceller_takes_20_db_and_more_of_the_echo_away() -> None:
    for delay_ms in (20, 45, 90):
        room = Room(WebRtcEchoCanceller(), echo_db=-10, delay_ms=delay_ms)
        deaf = Room(NoEchoCanceller(), echo_db=-10, delay_ms=delay_ms)
        for one in (room, deaf):
            playing(one, reply(1))
        left = np.concatenate(list(cleaned(room, 6)))[16_000:]
        before = np.concatenate(list(cleaned(deaf, 4)))[16_000:]
        assert level_db(before) - level_db(left) > 20, delay_ms


@pytest.mark.parametrize("number", range(8))
def test_a_reply_does_not_interrupt_itself(number: int) -> None:
    room = Room(WebRtcEchoCanceller(), echo_db=-15, delay_ms=20 + number * 7, seed=number)
    interruption = Interruption()
    playing(room, reply(number))
    cues = [
        cue
        for pcm in cleaned(room, 6)
        for cue in interruption.feed(pcm, learned=room.duplex.gauge.learned)
    ]
    assert Cue.STOP not in cues


def test_a_click_ducks_at_most() -> None:
    room, interruption = Room(WebRtcEchoCanceller(), echo_db=-15), Interruption()
    playing(room, reply(2))
    chance = np.random.default_rng(3)
    for number in range(5):
        click = (chance.standard_normal(160) * 6000).astype(np.int16)
        room.say(click, after_s=4 + number * 0.3)
    cues = [
        cue
        for pcm in cleaned(room, 6)
        for cue in interruption.feed(pcm, learned=room.duplex.gauge.learned)
    ]
    assert Cue.STOP not in cues


def test_speech_ducks_first_and_stops_when_it_goes_on() -> None:
    room, interruption = Room(WebRtcEchoCanceller(), echo_db=-15), Interruption()
    playing(room, np.concatenate([reply(2), reply(3)]))
    before = [cue for pcm in cleaned(room, 6) for cue in interruption.feed(pcm, learned=False)]
    assert before == []
    assert room.duplex.gauge.learned
    room.say(recorded(9))
    cues = [cue for pcm in cleaned(room, 1.5) for cue in interruption.feed(pcm)]
    assert cues[-1] is Cue.STOP
    assert Cue.DUCK in cues[:-1]


def test_a_noise_that_was_nothing_takes_the_ducking_back() -> None:
    class Guesses:
        frame_samples = 256

        def __init__(self, *guesses: float) -> None:
            self._guesses = iter(guesses)

        def speech_probability(self, frame: Pcm) -> float:
            del frame
            return next(self._guesses, 0.0)

    interruption = Interruption(vad=Guesses(0.5))
    heard = np.full(256 * 40, 100, np.int16)
    assert interruption.feed(heard) == [Cue.DUCK, Cue.RESUME]


@pytest.mark.parametrize("earcon", Earcon)
def test_an_earcon_is_short_soft_and_begins_and_ends_in_silence(earcon: Earcon) -> None:
    pcm = tone(earcon)
    assert 0.03 < len(pcm) / 16_000 < 0.6
    assert 1_000 < np.abs(pcm).max() < 8_000
    assert max(abs(int(pcm[0])), abs(int(pcm[-1]))) < 100


def test_a_queue_that_is_stopped_is_silent_from_the_next_block_on() -> None:
    room = Room(NoEchoCanceller())
    playing(room, np.full(16_000, 5000, np.int16))
    for _ in range(10):
        room.tick()
    assert room.duplex.speaker.stop() == pytest.approx(100)
    room.tick()
    assert room.sounded_last() == 10 * BLOCK - 1
