"""One recording through the house: what was heard, done and said, how soon, and at what cost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tests.bench.voice.home import HomeControl, Verdict
from tests.bench.voice.labels import REJECT, Label, Recording
from tests.bench.voice.load import HouseLoad
from tests.bench.voice.playing import Player
from tests.bench.voice.speech_end import lead_s
from tests.bench.voice.wording import Errors, compare, words

from alicia.contracts.voice import TurnRecord
from alicia.testing.live import LiveHouse

AUTO = "auto"
"""What a satellite says where nobody has told it the language."""
CUT_S = 0.05


@dataclass
class TurnResult:
    """A turn as the report lists it. None: it did not come to that."""

    file: str
    language: str
    kind: str
    way: str
    """`house`, `auto` (the house, language not given) or `stock`."""
    said: str | None
    heard: str | None = None
    errors: Errors | None = None
    expected: str = ""
    """`command`, `question`, `reject` or nothing."""
    right: bool | None = None
    missing: list[str] | None = None
    unwanted: list[str] | None = None
    error: str | None = None
    """Code, where the person was told that it failed."""
    reply: str | None = None
    language_heard: str | None = None
    speech_end_ms: float = 0.0
    end_offset_ms: float | None = None
    """The last sample of speech as our endpointer has it, less the true one."""
    decided_ms: float | None = None
    """From the true end to the decision; below 0 it was cut."""
    cut: bool = False
    tail_lost: bool = False
    processing_ms: float | None = None
    felt_ms: float | None = None
    reply_lead_ms: float | None = None
    cpu_s: float | None = None

    def row(self) -> dict[str, Any]:
        return asdict(self)


def result_for(recording: Recording, way: str, speech_end_s: float) -> TurnResult:
    label = recording.label
    return TurnResult(
        file=label.file,
        language=label.language,
        kind=label.kind,
        way=way,
        said=label.text,
        expected=expected(label),
        speech_end_ms=_ms(speech_end_s),
    )


def expected(label: Label) -> str:
    if label.expect is None:
        return ""
    if label.expect == REJECT:
        return "reject"
    return "command" if label.expect else "question"


class HouseTurns:
    """Plays recordings to a house."""

    def __init__(self, house: LiveHouse, control: HomeControl) -> None:
        self._house = house
        self._control = control
        self._load = HouseLoad(house)

    async def play(self, recording: Recording, *, language: str | None = None) -> TurnResult:
        """One turn; with `language` instead of the label's."""
        label = recording.label
        player = Player(recording)
        way = AUTO if language == AUTO else "house"
        result = result_for(recording, way, player.speech_end_s)
        before = await self._control.prepare(label)
        cpu = await self._load.cpu_s()
        frames = player.frames()
        try:
            heard = await self._house.satellite.turn(frames, language=language or label.language)
        finally:
            await frames.aclose()
        verdict = await self._control.judge(label, before)
        result.cpu_s = round(await self._load.cpu_s() - cpu, 3)
        result.error = heard.error
        if heard.record is not None:
            take_record(result, heard.record, label)
        if heard.ended is not None:
            claimed_ms = heard.ended.speech_end_ms
            decided = heard.ended.ended_at - player.speech_end_at
            result.decided_ms = _ms(decided)
            result.end_offset_ms = round(claimed_ms - result.speech_end_ms, 1)
            short = claimed_ms < result.speech_end_ms - 150
            result.cut = decided < -CUT_S or (result.tail_lost and short)
        if heard.first_audio_at is not None and not heard.own_voice:
            result.felt_ms = _ms(heard.first_audio_at - player.speech_end_at)
            if heard.ended is not None:
                result.processing_ms = _ms(heard.first_audio_at - heard.ended.ended_at)
            samples = np.frombuffer(heard.speech, "<i2")
            result.reply_lead_ms = _ms(lead_s(samples, heard.rate_hz))
        take_verdict(result, verdict, label)
        await quiet(self._load)
        return result


def take_record(result: TurnResult, record: TurnRecord, label: Label) -> None:
    """What the turn's record says."""
    result.heard = record.transcript
    result.error = record.error
    result.reply = record.reply
    result.language_heard = record.language
    result.errors = compare(label.spellings, record.transcript or "", label.language)
    result.tail_lost = result.errors is not None and result.errors.tail_lost


def take_verdict(result: TurnResult, verdict: Verdict, label: Label) -> None:
    """Whether the right thing was done, and nothing else."""
    result.missing, result.unwanted = verdict.missing, verdict.unwanted
    result.errors = result.errors or compare(label.spellings, "", label.language)
    match result.expected:
        case "command":
            result.right = verdict.right and result.error is None
        case "question":
            result.right = verdict.right and result.error is None and _answers(result, label)
        case "reject":
            result.right = verdict.right
        case _:
            result.right = None


def _answers(result: TurnResult, label: Label) -> bool:
    said = " ".join(words(result.reply or "", label.language))
    wanted = [" ".join(words(text, label.language)) for text in label.answer]
    return bool(said) and (not wanted or any(text in said for text in wanted))


async def quiet(load: HouseLoad, within_s: float = 3.0) -> None:
    """Let the house come to rest: what is still at work does not fall on the next turn."""
    until = time.monotonic() + within_s
    used = await load.cpu_s()
    while time.monotonic() < until:
        await asyncio.sleep(0.2)
        now = await load.cpu_s()
        if now - used < 0.05:
            return
        used = now


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
