import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import numpy as np
import pytest

from alicia.audio.endpointing import EndpointSettings, EndReason
from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import EngineError, NoSpeechError, UtteranceTooLongError
from alicia.speech.doubt import Finish, Judge, Verdict
from alicia.speech.listening import Ended, Heard, Pace, SpeechStarted, listen
from alicia.speech.recognizer import Guess, RecognizerCapabilities

FRAME = 160  # 10 ms
SPOKEN, SILENT = 1_000, 0


class LoudnessVad:
    frame_samples = FRAME

    def speech_probability(self, frame: Pcm) -> float:
        return 1.0 if np.abs(frame).max() > 0 else 0.0


class CountingRecognizer:
    """Hears how many centiseconds are not silent; each decode waits for leave to finish."""

    name = "counting"
    capabilities = RecognizerCapabilities(languages=frozenset({"en"}), weighs=True)

    def __init__(self, *, at_once: bool = True) -> None:
        self.leave = asyncio.Event()
        if at_once:
            self.leave.set()
        self.asked: list[str] = []
        self.urgent: list[str] = []
        self.busy = False
        self.takes_s = 0.0
        self.weights: dict[str, float] = {}
        self.weighed = 0
        self.hears_plurals = True
        self.second: Guess | None = None
        self.at_second: Guess | None = None
        """What a wider search finds."""
        self.asked_to_weigh: list[str] = []
        self.cancelled = 0
        self.wider: list[bool] = []
        self.mark = ""

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        del expected
        text = str(np.count_nonzero(pcm) // FRAME)
        self.asked.append(text)
        if urgent:
            self.urgent.append(text)
        time.sleep(self.takes_s)  # noqa: ASYNC251 - as long as a model takes, at once
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        text += self.mark
        return Guess(text, language or "en", 0.9, hears_plurals=self.hears_plurals)

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        del pcm, language
        self.wider.append(wider)
        return self.second or (self.at_second if wider else None)

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        del pcm, language
        self.weighed += 1
        self.asked_to_weigh += texts
        return [self.weights[text] for text in texts]

    async def aclose(self) -> None: ...


def audio(*stretches: tuple[int, float]) -> bytes:
    parts = [np.full(int(seconds * RATE_HZ), level, np.int16) for level, seconds in stretches]
    return np.concatenate(parts).tobytes()


async def chunks(data: bytes, size: int = 640) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        for _ in range(5):  # Others get their turn, as with a microphone.
            await asyncio.sleep(0)


IN_PAUSES = Pace(partial_every_s=0)


async def heard(
    data: AsyncIterator[bytes],
    recognizer: CountingRecognizer,
    *,
    pace: Pace | None = None,
    judge: Judge | None = None,
    **settings: float,
) -> tuple[list[Heard], Exception | None]:
    found: list[Heard] = []
    try:
        async for what in listen(
            data,
            recognizer,
            language="en",
            settings=EndpointSettings(**settings),  # type: ignore[arg-type]
            pace=pace,
            judge=judge,
            vad=LoudnessVad(),
        ):
            found.append(what)  # noqa: PERF401 what came before an error counts
    except Exception as error:  # noqa: BLE001 handed to the test
        return found, error
    return found, None


async def test_the_early_guess_becomes_the_final_one_without_a_second_decode() -> None:
    recognizer = CountingRecognizer()
    data = chunks(audio((SILENT, 0.3), (SPOKEN, 1), (SILENT, 1)))
    found, error = await heard(data, recognizer, pace=IN_PAUSES)
    assert error is None
    assert found == [
        SpeechStarted(300),
        Guess("100", "en", 0.9),
        Ended(EndReason.ENDPOINT, 1300, 1800),
        Guess("100", "en", 0.9, final=True),
    ]
    assert recognizer.asked == ["100"]


@pytest.mark.parametrize(
    ("mark", "said"), [(",", "100"), ("、", "100"), (".", "100."), ("?", "100?")]
)
async def test_after_the_last_word_no_mark_says_that_more_will_come(mark: str, said: str) -> None:
    recognizer = CountingRecognizer()
    recognizer.mark = mark
    found, _ = await heard(chunks(audio((SPOKEN, 1), (SILENT, 1))), recognizer, pace=IN_PAUSES)
    assert found[-1] == Guess(said, "en", 0.9, final=True)


async def test_what_was_said_so_far_is_decoded_again_and_again() -> None:
    recognizer = CountingRecognizer()
    found, _ = await heard(
        chunks(audio((SPOKEN, 2.2), (SILENT, 1))),
        recognizer,
        pace=Pace(partial_every_s=0.5, partial_after_s=1.0),
    )
    texts = [guess.text for guess in found if isinstance(guess, Guess)]
    assert texts[:3] == ["100", "150", "200"]
    assert texts[3:] == ["220", "220"]
    assert recognizer.urgent == ["220"]


async def test_nothing_is_decoded_between_pauses_while_others_are_waited_for() -> None:
    recognizer = CountingRecognizer()
    recognizer.busy = True
    await heard(chunks(audio((SPOKEN, 2), (SILENT, 1))), recognizer)
    assert recognizer.asked == ["200"]


@pytest.mark.parametrize(("takes_s", "texts"), [(0.1, ["96", "96"]), (0.0, ["96", "100", "100"])])
async def test_a_guess_that_lacks_only_the_last_sound_is_the_final_one_of_a_slow_engine(
    takes_s: float, texts: list[str]
) -> None:
    recognizer = CountingRecognizer()
    recognizer.takes_s = takes_s
    pace = Pace(partial_every_s=10, partial_after_s=0.95)
    found, _ = await heard(chunks(audio((SPOKEN, 1), (SILENT, 1))), recognizer, pace=pace)
    assert [guess.text for guess in found if isinstance(guess, Guess)] == texts


@pytest.mark.parametrize(
    ("finish", "ended_ms"),
    [(Finish.COMPLETE, 1120), (Finish.UNKNOWN, 1500), (Finish.OPEN, 2200)],
)
async def test_what_was_said_decides_how_long_a_silence_ends_it(
    finish: Finish, ended_ms: int
) -> None:
    async def judge(guess: Guess) -> Verdict:
        assert guess.text
        return Verdict(finish)

    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, CountingRecognizer(), judge=judge)
    [ended] = [what for what in found if isinstance(what, Ended)]
    assert ended.speech_end_ms == 1000
    assert ended_ms <= ended.endpoint_ms <= ended_ms + 20  # a chunk has 20 ms


@pytest.mark.parametrize(("factor", "ended_ms"), [(1.0, 1500), (1.6, 1800), (0.6, 1300)])
async def test_once_it_is_known_who_speaks_silences_are_as_long_as_theirs(
    factor: float, ended_ms: int
) -> None:
    known = 1.0

    async def data() -> AsyncGenerator[bytes, None]:
        nonlocal known
        async for chunk in chunks(audio((SPOKEN, 1), (SILENT, 0.2))):
            yield chunk
        known = factor  # in the middle of the silence
        async for chunk in chunks(audio((SILENT, 2))):
            yield chunk

    pace = Pace(stretch=lambda: known)
    found, _ = await heard(data(), CountingRecognizer(), pace=pace, silence_s=0.5)
    [ended] = [what for what in found if isinstance(what, Ended)]
    assert ended_ms <= ended.endpoint_ms <= ended_ms + 20  # a chunk has 20 ms


LIKELY = (("lamp on", "1"), ("light on", "1"), ("lamp off", "0"))


@pytest.mark.parametrize(
    ("weights", "said", "ended_ms"),
    [
        ({"100": -3, "lamp on": -4, "light on": -4.5, "lamp off": -9}, "lamp on", 1120),
        ({"100": -3, "lamp on": -4, "light on": -9, "lamp off": -4.5}, "100", 1500),
        ({"100": -3, "lamp on": -20, "light on": -40, "lamp off": -40}, "100", 1500),
    ],
    ids=["one fits", "two fit as well", "none fits"],
)
async def test_of_likely_sentences_the_audio_decides_which_was_said(
    weights: dict[str, float], said: str, ended_ms: int
) -> None:
    async def judge(_: Guess) -> Verdict:
        return Verdict(Finish.UNKNOWN, LIKELY)

    recognizer = CountingRecognizer()
    recognizer.weights = weights
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-2], Ended)
    assert isinstance(found[-1], Guess)
    assert found[-1].text == said
    assert ended_ms <= found[-2].endpoint_ms <= ended_ms + 20
    assert ("100" in found[-1].alternatives) == (said != "100")


@pytest.mark.parametrize(
    ("hears_plurals", "twins", "said", "weighed"),
    [
        (False, True, "lights on", 1),
        (True, True, "100", 0),
        (False, False, "100", 0),
    ],
    ids=["it is weighed", "the engine hears it", "there is no plural"],
)
async def test_where_an_engine_misses_plurals_the_audio_decides(
    hears_plurals: bool, twins: bool, said: str, weighed: int
) -> None:
    async def judge(_: Guess) -> Verdict:
        return Verdict(Finish.COMPLETE, (("lights on", "all"),) if twins else ())

    recognizer = CountingRecognizer()
    recognizer.hears_plurals = hears_plurals
    recognizer.weights = {"100": -4.0, "lights on": -3.0}
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-2], Ended)
    assert isinstance(found[-1], Guess)
    assert (found[-1].text, recognizer.weighed) == (said, weighed)
    assert 1120 <= found[-2].endpoint_ms <= 1140


async def test_where_words_are_no_command_another_engine_is_asked() -> None:
    async def judge(guess: Guess) -> Verdict:
        return Verdict(Finish.COMPLETE if guess.text == "lock the door" else Finish.UNKNOWN)

    recognizer = CountingRecognizer()
    recognizer.second = Guess("lock the door", "en", 0.8)
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-1], Guess)
    assert (found[-1].text, found[-1].alternatives) == ("lock the door", ("100",))
    assert isinstance(found[-2], Ended)
    assert found[-2].endpoint_ms <= 1140


@pytest.mark.parametrize("meant", [True, False])
async def test_words_that_come_to_something_are_not_searched_for_others(meant: bool) -> None:
    async def judge(_: Guess) -> Verdict:
        return Verdict(Finish.UNKNOWN, meant=meant)

    recognizer = CountingRecognizer()
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert recognizer.wider == ([False] if meant else [False, True])


@pytest.mark.parametrize(
    ("weights", "searched"),
    [
        ({"100": -3, "lamp on": -4, "light on": -9, "lamp off": -12}, False),
        ({"100": -3, "lamp on": -4, "light on": -9, "lamp off": -9}, True),
        ({"100": -3, "lamp on": -9, "light on": -19, "lamp off": -19}, True),
    ],
    ids=["it fits", "another fits nearly", "it fits worse than what was heard"],
)
async def test_where_a_likely_sentence_clearly_fits_nothing_is_searched(
    weights: dict[str, float], searched: bool
) -> None:
    async def judge(_: Guess) -> Verdict:
        return Verdict(Finish.UNKNOWN, LIKELY)

    recognizer = CountingRecognizer()
    recognizer.weights = weights
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-1], Guess)
    assert found[-1].text == "lamp on"
    assert recognizer.wider == ([False, True] if searched else [False])
    assert recognizer.weighed == 1


async def test_sentences_near_to_what_a_search_finds_are_weighed_too() -> None:
    async def judge(guess: Guess) -> Verdict:
        return Verdict(Finish.UNKNOWN, LIKELY[1:] if guess.text == "limb on" else LIKELY[:1])

    recognizer = CountingRecognizer()
    recognizer.at_second = Guess("lamb on", "en", 0.8, alternatives=("Lamb, on!", "limb on"))
    recognizer.weights = {"100": -3, "lamp on": -14, "light on": -4, "lamp off": -12}
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-1], Guess)
    assert found[-1].text == "light on"
    assert recognizer.weighed == 2
    assert recognizer.asked_to_weigh == ["100", "lamp on", "light on", "lamp off"]


@pytest.mark.parametrize("first", [0, 1], ids=["another engine", "a wider search"])
async def test_what_was_only_nearly_heard_is_judged_as_such(first: int) -> None:
    ranks: list[tuple[str, int]] = []

    async def judge(guess: Guess) -> Verdict:
        ranks.append((guess.text, guess.rank))
        return Verdict(Finish.COMPLETE if guess.text == "lamp on" else Finish.UNKNOWN)

    recognizer = CountingRecognizer()
    recognizer.second = Guess(
        "lamb on", "en", 0.8, alternatives=("lamp on", "lamp off"), rank=first
    )
    data = chunks(audio((SPOKEN, 1), (SILENT, 2)))
    found, _ = await heard(data, recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-1], Guess)
    assert (found[-1].text, found[-1].alternatives) == ("lamp on", ("100",))
    assert ranks == [("100", 0), ("lamb on", first), ("lamp on", first + 1)]


async def test_audio_that_stops_at_once_is_thought_over_too() -> None:
    async def judge(guess: Guess) -> Verdict:
        return Verdict(Finish.COMPLETE if guess.text == "lock the door" else Finish.OPEN)

    recognizer = CountingRecognizer()
    recognizer.second = Guess("lock the door", "en", 0.8)
    found, _ = await heard(chunks(audio((SPOKEN, 1))), recognizer, judge=judge, pace=IN_PAUSES)
    assert isinstance(found[-1], Guess)
    assert found[-1].text == "lock the door"


async def test_a_verdict_on_fewer_words_says_nothing_of_more() -> None:
    """ "Turn on the kitchen light" is whole; "… and the" came after it was judged."""

    async def judge(guess: Guess) -> Verdict:
        return Verdict(Finish.COMPLETE if guess.text == "50" else Finish.UNKNOWN)

    data = chunks(audio((SPOKEN, 0.5), (SILENT, 0.06), (SPOKEN, 0.5), (SILENT, 2)))
    found, _ = await heard(data, CountingRecognizer(), judge=judge)
    assert found[-2] == Ended(EndReason.ENDPOINT, 1060, 1560)


async def test_a_slow_verdict_ends_what_has_been_silent_for_long() -> None:
    verdict = asyncio.Event()

    async def judge(_: Guess) -> Verdict:
        await verdict.wait()
        return Verdict(Finish.COMPLETE)

    async def data() -> AsyncGenerator[bytes, None]:
        async for chunk in chunks(audio((SPOKEN, 1), (SILENT, 0.3))):
            yield chunk
        verdict.set()
        await asyncio.Event().wait()

    found, error = await heard(data(), CountingRecognizer(), judge=judge)
    assert error is None
    assert found[-2] == Ended(EndReason.ENDPOINT, 1000, 1300)


@pytest.mark.parametrize("size", [1, 333, 100_000])
async def test_the_size_of_the_chunks_does_not_matter(size: int) -> None:
    data = chunks(audio((SILENT, 0.3), (SPOKEN, 0.5), (SILENT, 1)), size)
    found, error = await heard(data, CountingRecognizer())
    assert error is None
    assert found[-2:] == [
        Ended(EndReason.ENDPOINT, 800, 1300),
        Guess("50", "en", 0.9, final=True),
    ]


async def test_a_guess_is_revised_when_speech_goes_on() -> None:
    recognizer = CountingRecognizer()
    data = chunks(audio((SPOKEN, 0.5), (SILENT, 0.2), (SPOKEN, 0.5), (SILENT, 1)))
    found, _ = await heard(data, recognizer, pace=IN_PAUSES)
    texts = [(guess.text, guess.final) for guess in found if isinstance(guess, Guess)]
    assert texts == [("50", False), ("100", False), ("100", True)]


async def test_a_decode_that_missed_the_rest_is_followed_by_another() -> None:
    recognizer = CountingRecognizer(at_once=False)

    async def data() -> AsyncGenerator[bytes, None]:
        async for chunk in chunks(audio((SPOKEN, 0.5), (SILENT, 0.2), (SPOKEN, 0.5))):
            yield chunk
        recognizer.leave.set()
        async for chunk in chunks(audio((SILENT, 1))):
            yield chunk

    found, _ = await heard(data(), recognizer)
    texts = [guess.text for guess in found if isinstance(guess, Guess)]
    assert texts == ["50", "100", "100"]


async def test_audio_is_heard_while_a_decode_is_under_way() -> None:
    recognizer = CountingRecognizer(at_once=False)
    steps: list[Heard] = []
    data = chunks(audio((SPOKEN, 0.5), (SILENT, 1)))
    async with aclosing(listen(data, recognizer, vad=LoudnessVad())) as listening:
        async for what in listening:
            steps.append(what)
            if isinstance(what, Ended):  # Decided although the decode has not finished.
                recognizer.leave.set()
    assert [type(step) for step in steps] == [SpeechStarted, Ended, Guess]


async def test_silence_raises_no_speech() -> None:
    recognizer = CountingRecognizer()
    found, error = await heard(chunks(audio((SILENT, 3))), recognizer, no_speech_s=2)
    assert found == [Ended(EndReason.NO_SPEECH, 0, 2000)]
    assert isinstance(error, NoSpeechError)
    assert recognizer.asked == []


async def test_no_audio_at_all_raises_no_speech() -> None:
    found, error = await heard(chunks(b""), CountingRecognizer())
    assert found == [Ended(EndReason.NO_SPEECH, 0, 0)]
    assert isinstance(error, NoSpeechError)


async def test_sound_without_words_raises_no_speech() -> None:
    class Wordless(CountingRecognizer):
        async def transcribe(self, pcm: Pcm, language: str | None, **_: object) -> Guess:
            return Guess("", language or "en", 0.0 * len(pcm))

    found, error = await heard(chunks(audio((SPOKEN, 0.5), (SILENT, 1))), Wordless())
    assert [type(what) for what in found] == [SpeechStarted, Ended]
    assert isinstance(error, NoSpeechError)


async def test_endless_speech_is_too_long() -> None:
    data = chunks(audio((SPOKEN, 5)))
    found, error = await heard(data, CountingRecognizer(), max_utterance_s=2)
    assert found[-1] == Ended(EndReason.LIMIT, 1990, 2000)
    assert isinstance(error, UtteranceTooLongError)


async def test_audio_that_stops_amid_speech_is_decoded() -> None:
    found, error = await heard(chunks(audio((SPOKEN, 0.5))), CountingRecognizer())
    assert error is None
    assert found[1:] == [Ended(EndReason.STREAM, 500, 500), Guess("50", "en", 0.9, final=True)]


async def test_an_engine_that_fails_is_told() -> None:
    class Failing(CountingRecognizer):
        async def transcribe(self, pcm: Pcm, language: str | None, **_: object) -> Guess:
            raise EngineError(engine="failing", samples=len(pcm), language=language)

    _, error = await heard(chunks(audio((SPOKEN, 0.5), (SILENT, 1))), Failing())
    assert isinstance(error, EngineError)


@pytest.mark.parametrize("stop_at", [SpeechStarted, Ended])
async def test_stopping_early_leaves_no_task(stop_at: type[Heard]) -> None:
    recognizer = CountingRecognizer(at_once=False)
    data = chunks(audio((SPOKEN, 0.5), (SILENT, 1)))
    async with aclosing(listen(data, recognizer, vad=LoudnessVad())) as listening:
        async for what in listening:
            if isinstance(what, stop_at):
                break
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_while_it_waits_for_audio_leaves_no_task() -> None:
    waiting = asyncio.Event()

    async def microphone() -> AsyncGenerator[bytes, None]:
        yield audio((SPOKEN, 0.5), (SILENT, 0.2))
        waiting.set()
        await asyncio.Event().wait()

    async def hear_it() -> Sequence[Heard]:
        recognizer = CountingRecognizer(at_once=False)
        async with aclosing(listen(microphone(), recognizer, vad=LoudnessVad())) as listening:
            return [what async for what in listening]

    hearing = asyncio.create_task(hear_it())
    await waiting.wait()
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert asyncio.all_tasks() == {asyncio.current_task()}
