"""Speech in the eight languages besides English: recording in, device state and speech out.

In every run, one command of each language must be right. `make test-languages` plays all that are
recorded here: a recognizer mishears some of them, and may never do what nobody asked for.
"""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import pytest
from tests.bench.voice.home import home_control
from tests.bench.voice.labels import Recording, load
from tests.bench.voice.turns import HouseTurns, TurnResult

from alicia.contracts.voice import SAY_TEXT, SPEECH, SayText
from alicia.home import demo
from alicia.testing.live import LiveHouse

SPEECH_SET = Path(__file__).parent.parent / "data" / "speech"
ONE_EACH = {
    "es": "es/tune-411968aaf1.ef_dora.ogg",
    "fr": "fr/tune-a704a4c3d2.ff_siwis.ogg",
    "it": "it/tune-8e3433ac5c.if_sara.ogg",
    "pt": "pt/tune-9e11480ed0.pf_dora.ogg",
    "de": "de/tune-45f3883eea.pico.ogg",
    "zh": "zh/tune-f1840533bf.zf_xiaobei.ogg",
    "ja": "ja/tune-186b627fda.jf_alpha.ogg",
    "ko": "ko/tune-dcb57cdfd4.jm_kumo.ogg",
}
LEAST_RIGHT = 0.5
"""Measured: three of four or more, in French once two: when it is decoded changes what is heard."""
KOREAN = pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="No package has a natural Korean voice: these are Korean phonemes by voices of other "
    "languages, and Whisper base mishears two thirds of their characters (ADR 0050).",
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def recordings() -> dict[str, Recording]:
    return {r.label.file: r for r in load(SPEECH_SET, languages=tuple(ONE_EACH)).recordings}


def by_language() -> list[object]:
    return [
        pytest.param(language, id=language, marks=[KOREAN] if language == "ko" else [])
        for language in ONE_EACH
    ]


async def _play(house: LiveHouse, wanted: list[Recording]) -> list[TurnResult]:
    await house.reported(entity.entity_id for entity in demo.load().entities)
    async with home_control(house) as control:
        turns = HouseTurns(house, control)
        return [await turns.play(recording) for recording in wanted]


def _told(turn: TurnResult) -> str:
    return (
        f"{turn.file}: heard {turn.heard!r}; missing {turn.missing}; unwanted {turn.unwanted}; "
        f"error {turn.error}"
    )


@pytest.mark.parametrize("language", by_language())
async def test_a_command_in_its_language_does_the_right_thing_and_no_other(
    house: LiveHouse, language: str
) -> None:
    (turn,) = await _play(house, [recordings()[ONE_EACH[language]]])
    assert turn.right, _told(turn)
    assert turn.reply
    assert turn.felt_ms is not None, "no reply was spoken"


async def test_a_typed_command_in_korean_is_done_and_answered_aloud(house: LiveHouse) -> None:
    recording = recordings()[ONE_EACH["ko"]]
    await house.reported(entity.entity_id for entity in demo.load().entities)
    async with home_control(house) as control:
        before = await control.prepare(recording.label)
        turn_id = secrets.token_hex(8)
        async with house.satellite.hear(SPEECH, turn_id=turn_id) as speech:
            record = await house.console.ask(
                SAY_TEXT,
                SayText(
                    turn_id=turn_id,
                    satellite="test",
                    text=recording.label.text or "",
                    language="ko",
                    speak=True,
                ),
            )
            spoken = 0
            async for chunk in speech:
                spoken += len(chunk.pcm)
                if chunk.last:
                    break
        verdict = await control.judge(recording.label, before)
    assert verdict.right, (verdict.missing, verdict.unwanted)
    assert record.language == "ko"
    assert any("가" <= character <= "힣" for character in record.reply or "")
    assert spoken > 16_000


@pytest.mark.languages
@pytest.mark.parametrize("language", [language for language in ONE_EACH if language != "ko"])
async def test_half_the_recordings_or_more_are_right_and_none_does_what_was_not_asked(
    house: LiveHouse, language: str
) -> None:
    turns = await _play(house, [r for r in recordings().values() if r.label.language == language])
    told = "\n".join(_told(turn) for turn in turns if not turn.right)
    assert not any(turn.unwanted for turn in turns), told
    right = Counter(bool(turn.right) for turn in turns)[True]
    assert right >= len(turns) * LEAST_RIGHT, told


@pytest.mark.languages
async def test_what_is_misheard_in_korean_does_nothing(house: LiveHouse) -> None:
    turns = await _play(house, [r for r in recordings().values() if r.label.language == "ko"])
    assert turns
    assert not any(turn.unwanted for turn in turns), "\n".join(map(_told, turns))
