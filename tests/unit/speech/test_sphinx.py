import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm, frames, read
from alicia.errors import UnsupportedLanguageError
from alicia.home import demo
from alicia.language.candidates import candidates
from alicia.language.tables import load_tables
from alicia.speech.sphinx import SphinxGrammarRecognizer

SPEECH = Path(__file__).parents[2] / "data" / "speech"
ROWS = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
READ_ALOUD = sorted(Path("/usr/share/pocketsphinx/test/data/librivox").glob("*.wav"))


def sentences() -> list[str]:
    """What the demo home can be told."""
    return [one.text for one in candidates(load_tables("en"), demo.load().picture())]


def command(number: int = 0) -> Pcm:
    return read(SPEECH / ROWS[number]["file"], max_s=10)


@pytest.fixture
async def grammar() -> AsyncGenerator[SphinxGrammarRecognizer, None]:
    pytest.importorskip("pocketsphinx", reason="needs alicia[grammar]")
    recognizer = await SphinxGrammarRecognizer.load(sentences())
    yield recognizer
    await recognizer.aclose()


async def test_commands_of_this_home_are_heard(grammar: SphinxGrammarRecognizer) -> None:
    assert grammar.sentences > 500
    assert not grammar.unknown_words
    right, wrong = 0, list[str]()
    for row in ROWS:
        guess = await grammar.transcribe(read(SPEECH / row["file"], max_s=10), "en")
        same = guess.text.rstrip("s") == row["text"].lower().strip(".?").rstrip("s")
        right += same
        wrong += [guess.text] if guess.text and not same else []
    assert right >= len(ROWS) - 2
    assert not wrong


async def test_what_this_home_cannot_be_told_is_nothing(grammar: SphinxGrammarRecognizer) -> None:
    clips = READ_ALOUD
    if not clips:
        pytest.skip("needs Debian's package pocketsphinx-testdata")
    heard = [
        (await grammar.transcribe(read(clip, max_s=60)[: 25 * RATE_HZ], "en")) for clip in clips
    ]
    assert [guess.text for guess in heard] == [""] * len(clips)


@pytest.mark.parametrize("level", [0, 30, 300, 3_000])
async def test_noise_is_nothing(grammar: SphinxGrammarRecognizer, level: int) -> None:
    noise = np.random.default_rng(3).normal(0, level, 2 * RATE_HZ).astype(np.int16)
    guess = await grammar.transcribe(noise, "en")
    assert (guess.text, guess.confidence) == ("", 0.0)


async def test_a_sentence_that_left_the_grammar_is_heard_no_more(
    grammar: SphinxGrammarRecognizer,
) -> None:
    assert (await grammar.transcribe(command(), "en")).text
    await grammar.use(["open the bedroom blinds", "lock the front door"])
    assert not (await grammar.transcribe(command(), "en")).text
    await grammar.use(["turn on the kitchen light"])
    assert (await grammar.transcribe(command(), "en")).text == "turn on the kitchen light"
    await grammar.use([])
    assert not (await grammar.transcribe(command(), "en")).text


async def test_a_name_without_a_pronunciation_is_told_and_can_be_given_one() -> None:
    pytest.importorskip("pocketsphinx")
    said = ["turn on the kitzn light"]
    without = await SphinxGrammarRecognizer.load(said)
    told = await SphinxGrammarRecognizer.load(said, pronunciations={"kitzn": "K IH CH AH N"})
    try:
        assert without.unknown_words == {"kitzn"}
        assert without.sentences == 0
        assert not told.unknown_words
        assert (await told.transcribe(command(), "en")).text == said[0]
    finally:
        await without.aclose()
        await told.aclose()


async def test_the_sentence_stands_before_the_audio_ends(grammar: SphinxGrammarRecognizer) -> None:
    stream = grammar.open("en")
    first = None
    for frame in frames(command(), frame_ms=100):
        first = first or await stream.feed(frame)
    final = await stream.finish()
    await stream.aclose()
    assert first is not None
    assert not first.final
    assert first.text.startswith("turn on the kitchen light")
    assert final.final
    assert [word.text for word in final.words] == final.text.split()
    assert all(
        one.end_ms <= two.start_ms for one, two in zip(final.words, final.words[1:], strict=False)
    )


async def test_two_utterances_at_once_do_not_mix_and_a_third_waits(
    grammar: SphinxGrammarRecognizer,
) -> None:
    heard = await asyncio.gather(*(grammar.transcribe(command(n), "en") for n in (1, 3, 10)))
    assert [guess.text for guess in heard] == [
        ROWS[n]["text"].lower().strip(".?") for n in (1, 3, 10)
    ]


@pytest.mark.parametrize("gain", [0.05, 4.0])
async def test_neither_loudness_nor_what_came_before_matters(
    grammar: SphinxGrammarRecognizer, gain: float
) -> None:
    wanted = await grammar.transcribe(command(3), "en")
    shouted = np.random.default_rng(5).normal(0, 9_000, RATE_HZ).astype(np.int16)
    await grammar.transcribe(shouted, "en")
    assert (await grammar.transcribe(command(3), "en")).text == wanted.text
    other = (command(3) * gain).clip(-32_768, 32_767).astype(np.int16)
    assert (await grammar.transcribe(other, "en")).text == wanted.text


async def test_leaving_in_the_middle_leaves_nothing_behind(
    grammar: SphinxGrammarRecognizer,
) -> None:
    for _ in range(3):
        stream = grammar.open("en")
        await stream.feed(command(1)[:RATE_HZ])
        await stream.aclose()
        await stream.aclose()
    assert (await grammar.transcribe(command(3), "en")).text == "close the living room blinds"


async def test_another_language_is_refused(grammar: SphinxGrammarRecognizer) -> None:
    with pytest.raises(UnsupportedLanguageError):
        grammar.open("de")
