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
    asks_to_forget,
    asks_what_was_answered,
    asks_what_was_asked,
    recollected,
)
from alicia.language.tables import LANGUAGES
from alicia.mind.conversation import HELD, MOST, Conversation

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
        given = {"topic_s": 90.0, "window_s": 600.0, "window_turns": 3, "history_s": 300.0}
        own = {"history_tokens": 400, **given, **self.more}
        self.talk = Conversation(
            self.folder,
            topic_s=own["topic_s"],
            window_s=own["window_s"],
            window_turns=int(own["window_turns"]),
            history_s=own["history_s"],
            history_tokens=int(own["history_tokens"]),
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
        replied: str | None = None,
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
        self.talk.note(record, replied)
        self.talk.topics.put(at, TOPIC, self.on)
        self.talk.save()

    def think(self, asked: str, replied: str, by: str | None = None, at: str = "hall") -> None:
        """A turn that a model answers."""
        self.say(asked, by, at, intent="think", replied=replied)

    def told(self, by: str | None = None, at: str = "hall") -> list[tuple[str, str]]:
        return [(one.said, one.replied) for one in self.talk.told(at, by).history]

    def summary(self, by: str | None = None, at: str = "hall") -> str:
        return self.talk.told(at, by).summary

    def sum_up(self, text: str, by: str | None = None, at: str = "hall") -> list[str]:
        """What is summed up, where there is too much."""
        over = self.talk.overflow(at, by)
        if over is None:
            return []
        assert self.talk.sum_up(over, text)
        self.talk.save()
        return [turn.asked or "" for turn in over.turns]

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


# ---- what a model is told again -----------------------------------------------------------------

FORGET = {
    "en": "Forget what we talked about.",
    "de": "Vergiss, worüber wir gesprochen haben!",
    "es": "Olvida lo que hemos hablado.",
    "fr": "Oublie ce dont on a parlé.",
    "it": "Dimentica di cosa abbiamo parlato.",
    "pt": "Esqueça o que conversamos.",
    "zh": "忘掉我们的对话。",
    "ja": "さっきの話は忘れて。",
    "ko": "우리가 한 이야기 잊어 줘.",
}


def test_what_a_model_answered_is_gone_on_with_for_a_while(tmp_path: Path) -> None:
    house = House(tmp_path, history_s=100.0)
    house.think("what is it", "A tower.")
    house.say("lock the door")
    house.wait(60)
    house.think("how tall", "330 m.")
    assert house.told() == [("what is it", "A tower."), ("how tall", "330 m.")]
    assert house.told(at="kitchen") == []
    house.start()
    assert house.told() == [("what is it", "A tower."), ("how tall", "330 m.")]
    house.wait(50)
    assert house.told() == [("how tall", "330 m.")]
    house.wait(60)
    assert house.told() == []
    assert house.asked() == "how tall", "it may still be asked for"


def test_no_model_is_told_what_another_person_said(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.think("a gift for bert", "A scarf.", "anna")
    house.think("is it cold", "A little.")
    assert [said for said, _ in house.told("anna")] == ["a gift for bert", "is it cold"]
    assert [said for said, _ in house.told("bert")] == ["is it cold"]
    assert [said for said, _ in house.told()] == ["a gift for bert", "is it cold"]
    house.think("is it late", "No.", "bert")
    assert [said for said, _ in house.told()] == ["is it cold", "is it late"], "it may be bert"


def test_without_a_window_nothing_a_model_said_is_written(tmp_path: Path) -> None:
    house = House(tmp_path, window_s=0, topic_s=0)
    house.think("what is it", "A tower.")
    assert house.told() == [("what is it", "A tower.")]
    assert list(tmp_path.iterdir()) == []
    house.start()
    assert house.told() == []
    mute = House(tmp_path, history_tokens=0)
    mute.think("what is it", "A tower.")
    mute.think("how tall", "330 m.")
    assert (mute.told(), mute.sum_up("Of a tower.")) == ([], [])
    never = House(tmp_path, window_s=0, history_s=0)
    assert never.talk.expire(), "what was kept before leaves the disk"
    never.think("what is it", "A tower.")
    assert never.told() == []


def test_where_nobody_sums_up_the_oldest_drop_out(tmp_path: Path) -> None:
    house = House(tmp_path, window_turns=1)
    for number in range(HELD + 3):
        house.think(f"{number}", "Yes.")
    assert [said for said, _ in house.told()] == [str(n) for n in range(HELD + 3 - MOST, HELD + 3)]
    over = house.talk.overflow("hall", None)
    assert over is not None
    assert [turn.asked for turn in over.turns] == [str(n) for n in range(3, HELD + 3 - MOST // 2)]


def test_turns_that_do_not_fit_are_told_as_their_summary(tmp_path: Path) -> None:
    house = House(tmp_path, window_turns=20, history_tokens=60)
    long = "one two three four five six seven eight nine ten " * 2
    house.think("0", long)
    house.think("1", long)
    assert house.sum_up("Nothing yet.") == [], "all of it fits"
    house.think("2", long)
    assert [said for said, _ in house.told()] == ["1", "2"], "until it is summed up it is left out"
    assert house.sum_up("They spoke of 0 and 1.") == ["0", "1"], "with room for what comes"
    assert ([said for said, _ in house.told()], house.summary()) == (
        ["2"],
        "They spoke of 0 and 1.",
    )
    house.start()
    assert ([said for said, _ in house.told()], house.summary()) == (
        ["2"],
        "They spoke of 0 and 1.",
    )
    house.think("3", long)
    house.think("4", long)
    over = house.talk.overflow("hall", None)
    assert over is not None
    assert (over.before, [t.asked for t in over.turns]) == ("They spoke of 0 and 1.", ["2", "3"])
    assert house.asked() == "4"
    for path in tmp_path.iterdir():
        assert b"They spoke" not in path.read_bytes()


def test_a_summary_lasts_as_long_as_it_is_gone_on_about(tmp_path: Path) -> None:
    house = House(tmp_path, history_tokens=4, history_s=100.0)
    house.think("first", "a reply")
    house.think("second", "a reply")
    assert house.sum_up("Of the first.") == ["first"]
    house.wait(80)
    house.think("third", "a reply")
    house.wait(80)
    assert house.summary() == "Of the first."
    house.wait(30)
    assert house.summary() == ""
    assert house.talk.expire()


def test_what_others_talk_about_keeps_no_summary_of_somebody(tmp_path: Path) -> None:
    house = House(tmp_path, history_tokens=4, history_s=100.0, window_turns=20)
    house.think("a gift for bert", "A scarf.", "anna")
    house.think("and a card", "Yes.", "anna")
    assert house.sum_up("Anna wants a scarf for Bert.", "anna") == ["a gift for bert"]
    house.wait(80)
    house.think("how tall is the tower", "300 metres.")
    house.think("and the other one", "200 metres.", "bert")
    house.wait(30)
    assert house.summary("anna") == ""


def test_a_summary_is_of_one_person_like_what_it_is_made_of(tmp_path: Path) -> None:
    house = House(tmp_path, history_tokens=4, window_turns=20)
    house.think("a gift for bert", "A scarf.", "anna")
    house.think("and a card", "Yes.", "anna")
    assert house.sum_up("Anna wants a scarf for Bert.", "anna") == ["a gift for bert"]
    assert house.summary("anna") == house.summary() == "Anna wants a scarf for Bert."
    assert house.summary("bert") == ""
    house.think("a tie", "Yes.", "bert")
    assert house.summary("bert") == house.summary() == "", "who it is now may be bert"


def test_what_is_forgotten_comes_back_by_no_summary(tmp_path: Path) -> None:
    house = House(tmp_path, history_tokens=4)
    house.think("first", "a reply", "maria")
    house.think("second", "a reply", "maria")
    under_way = house.talk.overflow("hall", "maria")
    assert under_way is not None
    assert house.talk.forget("hall", "maria") == 2
    assert not house.talk.sum_up(under_way, "Of the first.")
    assert (house.told("maria"), house.summary("maria")) == ([], "")
    house.think("third", "a reply", "maria")
    house.think("fourth", "a reply", "maria")
    house.sum_up("Of the third.", "maria")
    key = (tmp_path / "conversation.key").read_bytes()
    assert house.talk.forget(None, None) == 2
    house.talk.topics.forget(None)
    house.talk.save()
    assert list(tmp_path.iterdir()) == []
    assert key
    house.start()
    assert house.summary("maria") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_forgotten_in_every_language(language: str) -> None:
    assert asks_to_forget(FORGET[language], language)
    assert not any(asks_to_forget(text, language) for text in ASKED[language])
    assert word("recall.forgotten", language)
