import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz import fuzz, process

from alicia.audio.formats import RATE_HZ, Pcm, read
from alicia.errors import EngineError, UnsupportedLanguageError, UtteranceTooLongError
from alicia.speech.doubt import Doubt, Finish, Verdict
from alicia.speech.guessing import Decoded
from alicia.speech.listening import Ended, listen
from alicia.speech.recognizer import Guess
from alicia.speech.whisper import LANGUAGES, WhisperRecognizer

SPEECH = Path(__file__).parents[2] / "data" / "speech"
READ_ALOUD = (
    Path("/usr/share/pocketsphinx/test/data/librivox")
    / "sense_and_sensibility_01_austen_64kb-0880.wav"
)
SURE = 0.3
"""What a service would act on."""


@dataclass(frozen=True)
class Spoken:
    file: str
    text: str
    kind: str

    @property
    def pcm(self) -> Pcm:
        return read(SPEECH / self.file, max_s=10)


def spoken_commands() -> list[Spoken]:
    lines = (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Spoken(row["file"], row["text"], row["kind"]) for row in rows if row["language"] == "en"
    ]


Stream = Callable[[Pcm], AsyncGenerator[bytes, None]]

COMMANDS = spoken_commands()
NUMBERS = {"thirty percent": "30%", "forty percent": "40%", "nineteen": "19", "twenty two": "22"}


def in_digits(text: str) -> str:
    """As Whisper writes numbers."""
    for words, digits in NUMBERS.items():
        text = text.replace(words, digits)
    return text


PHRASES = sorted({in_digits(command.text) for command in COMMANDS})


def noise(seconds: float, level: float, *, pink: bool) -> Pcm:
    samples = int(seconds * RATE_HZ)
    wave = np.random.default_rng(3).normal(size=samples)
    if pink:
        spectrum = np.fft.rfft(wave)
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        wave = np.fft.irfft(spectrum, samples)
    return (wave / np.std(wave) * level * 32_767).clip(-32_768, 32_767).astype(np.int16)


def test_the_labelled_set_is_varied_small_and_licensed() -> None:
    rows = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
    assert len({row["text"] for row in rows}) >= 12
    assert len({row["voice"] for row in rows}) >= 3
    audio = [file for file in SPEECH.rglob("*") if file.suffix in {".flac", ".ogg", ".wav"}]
    assert {SPEECH / row["file"] for row in rows} == set(audio)
    assert sum(file.stat().st_size for file in audio) < 2_000_000
    assert {row["licence"] for row in rows} == {"Apache-2.0"}
    assert (SPEECH / "LICENCES.md").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.file)
async def test_a_command_is_recognized_well_enough_to_find_it(
    whisper: WhisperRecognizer, command: Spoken
) -> None:
    guess = await whisper.transcribe(command.pcm, "en")
    nearest, _, _ = process.extractOne(guess.text, PHRASES, scorer=fuzz.ratio)
    assert nearest == in_digits(command.text)
    assert guess.confidence > 2 * SURE
    assert not guess.final


@pytest.fixture
def read_aloud() -> Pcm:
    if not READ_ALOUD.exists():
        pytest.skip("needs Debian's package pocketsphinx-testdata")
    return read(READ_ALOUD, max_s=10)


async def test_human_speech_is_recognized(whisper: WhisperRecognizer, read_aloud: Pcm) -> None:
    guess = await whisper.transcribe(read_aloud, "en")
    assert fuzz.ratio(guess.text.lower(), "he was not an ill disposed young man.") > 85
    assert guess.confidence > SURE


@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("level", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_what_is_heard_in_noise_is_not_believed(
    whisper: WhisperRecognizer, seconds: float, level: float, pink: bool
) -> None:
    guess = await whisper.transcribe(noise(seconds, level, pink=pink), "en")
    assert guess.confidence < SURE / 2


async def test_silence_is_not_believed(whisper: WhisperRecognizer) -> None:
    guess = await whisper.transcribe(np.zeros(2 * RATE_HZ, np.int16), "en")
    assert guess.confidence < SURE / 2


async def test_next_to_nothing_is_no_text(whisper: WhisperRecognizer) -> None:
    assert await whisper.transcribe(np.zeros(100, np.int16), None) == Guess("", "en", 0.0)


async def test_the_language_is_found_among_ours(whisper: WhisperRecognizer) -> None:
    guess = await whisper.transcribe(COMMANDS[0].pcm, None)
    assert guess.language == "en"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_can_be_asked_for(whisper: WhisperRecognizer, language: str) -> None:
    guess = await whisper.transcribe(COMMANDS[0].pcm, language)
    assert guess.language == language


async def test_another_language_is_refused(whisper: WhisperRecognizer) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await whisper.transcribe(COMMANDS[0].pcm, "xx")


async def test_more_than_whisper_takes_is_refused(whisper: WhisperRecognizer) -> None:
    with pytest.raises(UtteranceTooLongError):
        await whisper.transcribe(np.zeros(30 * RATE_HZ, np.int16), "en")


async def test_decoding_does_not_block_the_loop(whisper: WhisperRecognizer) -> None:
    decoding = asyncio.create_task(whisper.transcribe(COMMANDS[0].pcm, "en"))
    longest, before = 0.0, time.perf_counter()
    while not decoding.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    assert longest < 0.1


async def test_cancelling_frees_the_caller_at_once(whisper: WhisperRecognizer) -> None:
    tasks = [asyncio.create_task(whisper.transcribe(COMMANDS[0].pcm, "en")) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert (await whisper.transcribe(COMMANDS[0].pcm, "en")).text


async def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    with pytest.raises(EngineError, match="can't be loaded"):
        await WhisperRecognizer.load(tmp_path)


async def test_a_spoken_command_is_followed_live(
    whisper: WhisperRecognizer, stream: Stream
) -> None:
    command = COMMANDS[0]
    chunks = stream(command.pcm)
    async with aclosing(listen(chunks, whisper, language="en")) as listening:
        heard = [what async for what in listening]
    assert isinstance(heard[-2], Ended)
    assert isinstance(heard[-1], Guess)
    assert heard[-1].final
    assert heard[-1].text == command.text


def test_importing_what_the_services_need_is_cheap() -> None:
    """No engine, no model hub and no codec is loaded before a model is."""
    code = (
        "import sys, alicia.speech.whisper, alicia.speech.listening, alicia.speech.piper,"
        "alicia.speech.espeak, alicia.speech.models;"
        "print([name for name in ('ctranslate2', 'tokenizers', 'faster_whisper', 'av', 'piper',"
        "'huggingface_hub', 'onnxruntime', 'soundfile', 'soxr') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_several_who_wait_are_each_told_their_own(whisper: WhisperRecognizer) -> None:
    some = COMMANDS[:4]
    alone = [await whisper.transcribe(command.pcm, "en") for command in some]
    together = await asyncio.gather(
        *(whisper.transcribe(command.pcm, "en", urgent=True) for command in some)
    )
    assert [guess.text for guess in together] == [guess.text for guess in alone]


async def test_what_was_said_weighs_more_than_what_sounds_like_it(
    whisper: WhisperRecognizer,
) -> None:
    [said] = [c for c in COMMANDS if c.text == "Turn off the hallway light."]
    texts = [
        "Turn on the hallway light.",
        "Turn off the hallway light.",
        "Turn off the kitchen light.",
    ]
    on, off, other = await whisper.weigh(said.pcm, "en", texts)
    assert off > on + 3
    assert off > other + 3
    assert await whisper.weigh(said.pcm, "en", []) == []


async def test_how_likely_each_language_is_adds_up(whisper: WhisperRecognizer) -> None:
    found = await whisper.detect(COMMANDS[0].pcm)
    assert set(found) == set(LANGUAGES)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=lambda language: found[language]) == "en"


async def test_only_expected_languages_are_heard(whisper: WhisperRecognizer) -> None:
    guess = await whisper.transcribe(COMMANDS[0].pcm, None, expected={"de": 0.5, "fr": 0.5})
    assert guess.language in {"de", "fr"}


async def test_a_wider_search_has_the_words_and_others_nearly_as_likely(
    whisper: WhisperRecognizer, read_aloud: Pcm
) -> None:
    heard = await whisper.transcribe(read_aloud, "en")
    searched = await whisper.reconsider(read_aloud, "en")
    assert searched is not None
    assert fuzz.ratio(searched.text.lower(), heard.text.lower()) > 85
    assert 0 < searched.confidence <= 1
    assert searched.rank > 0, "it was not what was heard first"
    assert searched.text not in searched.alternatives
    assert len(set(searched.alternatives)) == len(searched.alternatives)
    noise = np.random.default_rng(1).normal(0, 300, RATE_HZ).astype(np.int16)
    nothing = await whisper.reconsider(noise, "en")
    assert nothing is not None
    assert nothing.confidence < SURE


async def test_each_audio_is_encoded_as_itself(whisper: WhisperRecognizer) -> None:
    one, other = (recording.pcm for recording in COMMANDS[:2])
    weights = [(await whisper.weigh(pcm, "en", ["Turn on the light."]))[0] for pcm in (one, other)]
    again = (await whisper.weigh(one, "en", ["Turn on the light."]))[0]
    assert again == pytest.approx(weights[0], abs=1e-3)
    assert weights[0] != pytest.approx(weights[1], abs=1e-3)


async def test_a_word_that_was_heard_well_is_not_taken_for_another(
    whisper: WhisperRecognizer,
) -> None:
    [coffee] = [c for c in COMMANDS if c.file.startswith("turn_on_the_coffee_machine")]
    heard = await whisper.transcribe(coffee.pcm, "en")
    decoded = Decoded(heard, len(coffee.pcm), coffee.pcm)

    async def instead(*likely: tuple[str, str]) -> Guess | None:
        return await Doubt(whisper, no_command, decoded).settle(
            Verdict(Finish.UNKNOWN, likely, meant=True)
        )

    async def no_command(_: Guess) -> Verdict:
        return Verdict(Finish.UNKNOWN)

    # In a home without a coffee machine this is the nearest thing.
    washing, heating = ("Turn on the washing machine.", "washing"), ("Turn on the heating.", "heat")
    assert await instead(washing, heating) is None
    assert await instead(("Turn on the coffee machines.", "on")) is not None
