"""What the last turns were is known for a while, over a restart, and then it is gone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from alicia.contracts.conversation import Topic
from alicia.contracts.memory import TOLD
from alicia.contracts.voice import TurnRecord
from alicia.errors import SetupError
from alicia.language.phrases import word
from alicia.language.recollecting import (
    asks_what_was_answered,
    asks_what_was_asked,
    recollected,
)
from alicia.language.tables import LANGUAGES
from alicia.mind.conversation import Conversation

TOPIC = Topic(intent="HassTurnOn")
ASKED = {
    "en": ("What did I ask?", "What did you say?"),
    "de": ("Was habe ich gefragt?", "Was hast du gesagt?"),
    "es": ("¿Qué he preguntado?", "¿Qué has dicho?"),
    "fr": ("Qu'est-ce que j'ai demandé ?", "Qu'est-ce que tu as dit ?"),
    "it": ("Cosa ho chiesto?", "Cosa hai detto?"),
    "pt": ("O que eu perguntei?", "O que você disse?"),
    "zh": ("我刚才问了什么？", "你说了什么？"),
    "ja": ("私は何を聞いた？", "何て言ったの？"),
    "ko": ("내가 뭘 물어봤지?", "뭐라고 했어?"),
}


class House:
    """A router that is killed and started again, with clocks that are set."""

    def __init__(self, folder: Path, **more: float) -> None:
        self.folder, self.now, self.on, self.more = folder, 1e9, 50.0, more
        self.start()

    def start(self) -> None:
        own = {"topic_s": 90.0, "window_s": 600.0, "window_turns": 3, **self.more}
        self.talk = Conversation(
            self.folder,
            topic_s=own["topic_s"],
            window_s=own["window_s"],
            window_turns=int(own["window_turns"]),
            clock=lambda: self.now,
            monotonic=lambda: self.on,
        )
        self.talk.load()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.on += seconds

    def say(
        self,
        asked: str,
        by: str | None = None,
        at: str = "hall",
        *,
        intent: str = "HassTurnOn",
        secret: bool = False,
    ) -> None:
        record = TurnRecord(
            turn_id=asked,
            satellite=at,
            language="en",
            trace_id="1",
            speaker=by,
            transcript=None if secret else asked,
            reply=f"reply to {asked}",
            intent=intent,
            secret=secret,
            started_at=0,
        )
        self.talk.note(record)
        self.talk.topics.put(at, TOPIC, self.on)
        self.talk.save()

    def asked(self, by: str | None = None, at: str = "hall") -> str | None:
        turn = self.talk.last_asked(at, by)
        return turn and turn.asked

    def answered(self, by: str | None = None, at: str = "hall") -> str | None:
        turn = self.talk.last_answered(at, by)
        return turn and turn.answered


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.say("first", "maria")
    house.wait(60)
    house.say("second", at="bed")
    house.start()
    assert house.asked("maria") == house.asked("maria", "bed") == "first"
    assert house.asked(None, "bed") == "second"
    assert house.talk.topics.of("hall", house.on) == TOPIC
    house.wait(31)
    assert house.talk.topics.of("hall", house.on) is None
    assert house.talk.topics.of("bed", house.on) == TOPIC
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"first" not in path.read_bytes()


def test_nobody_is_told_the_words_of_somebody_else(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.say("maria's", "maria")
    assert (house.asked("bob"), house.asked(None)) == (None, None)
    assert house.answered("bob") == house.answered(None) == "reply to maria's"
    assert house.answered("maria", "bed") is None, "it was heard in the hall"
    house.say("private", "maria", intent=TOLD, secret=True)
    assert house.answered("bob") == "reply to maria's"
    assert (house.asked("maria"), house.answered("maria")) == (None, None)
    house.say("258014", "bob", secret=True)
    assert (house.asked("bob"), house.answered("bob")) == (None, "reply to 258014")


def test_the_oldest_turns_drop_out_and_are_gone(tmp_path: Path) -> None:
    house = House(tmp_path)
    for number in range(3):
        house.say(f"{number}", f"person{number}")
    key = (tmp_path / "conversation.key").read_bytes()
    house.say("3", "person3")
    assert (house.asked("person0"), house.asked("person1")) == (None, "1")
    assert (tmp_path / "conversation.key").read_bytes() != key


def test_what_is_over_leaves_the_disk(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.say("first", "maria")
    assert not house.talk.expire()
    house.wait(601)
    assert house.asked("maria") is None
    assert house.talk.expire()
    house.talk.save()
    assert list(tmp_path.iterdir()) == []
    house.say("second", "maria")
    house.wait(601)
    house.start()
    assert house.asked("maria") is None


def test_a_clock_that_was_wrong_keeps_nothing_for_longer(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.say("first", "maria")
    house.now -= 3600
    house.start()
    assert house.asked("maria") is None
    assert house.talk.topics.of("hall", house.on) is None


def test_a_home_may_keep_no_words_at_all(tmp_path: Path) -> None:
    house = House(tmp_path, window_s=0)
    house.say("first", "maria")
    house.start()
    assert house.asked("maria") is None
    assert house.talk.topics.of("hall", house.on) == TOPIC


def test_who_has_everything_forgotten_has_this_forgotten_too(tmp_path: Path) -> None:
    house = House(tmp_path)
    for by, at in (("maria", "bed"), ("bob", "hall"), ("bob", "bed")):
        house.say(f"{by} {at}", by, at)
    house.talk.forget("hall", "maria")
    house.talk.save()
    house.start()
    assert house.asked("maria") is None
    assert house.answered(at="hall") is None
    assert house.asked("bob") == "bob bed"


def test_what_can_not_be_read_is_forgotten(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.say("first", "maria")
    (tmp_path / "conversation.key").write_text("{}")
    with pytest.raises(SetupError, match="forgotten"):
        house.start()
    house.start()
    assert house.asked("maria") is None
    house.say("second", "maria")
    assert house.asked("maria") == "second"


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_asked_and_told_in_every_language(language: str) -> None:
    asked, answered = ASKED[language]
    assert asks_what_was_asked(asked, language)
    assert not asks_what_was_asked(answered, language)
    assert asks_what_was_answered(answered, language)
    assert not asks_what_was_answered(asked, language)
    told = [
        recollected("asked", "turn it on", language, known=True),
        recollected("answered", "turn it on", language, known=True),
        recollected("asked", None, language, known=True),
        recollected("asked", None, language, known=False),
    ]
    assert len(set(told)) == 4
    assert ["turn it on" in one for one in told] == [True, True, False, False]
    assert told[2] == word("recall.unkept", language)
