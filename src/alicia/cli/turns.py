"""Speaking to the house: a recording, a typed sentence, and the waterfall of what happened."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from alicia.audio.formats import Pcm, read, write_wav
from alicia.cli.output import out
from alicia.contracts.conversation import Picture
from alicia.contracts.voice import GET_TRACE, SAY_TEXT, GetTrace, SayText, TurnRecord, TurnTrace
from alicia.errors import (
    AliciaError,
    NoPictureError,
    PictureError,
    UnsupportedAudioError,
    UtteranceTooLongError,
)
from alicia.language.explaining import explain
from alicia.language.phrases import phrase
from alicia.peers.console import Console
from alicia.peers.satellite import Heard, Satellite, played
from alicia.runtime.house import House
from alicia.runtime.runner import joined
from alicia.runtime.settings import Folder

LONGEST_S = 60.0
BAR = 36
"""Characters of the waterfall's bars, where the terminal is wide enough."""
SPAN, FIGURE, GAPS = 38, 7, 6


async def ask_file(
    house: House, folder: Folder, file: Path, *, area_id: str | None, language: str
) -> dict[str, Any]:
    """Play a recording to the house in real time; what came of it, as `--json` prints it.

    Raises UnsupportedAudioError, UtteranceTooLongError, UnsupportedLanguageError, BusError.
    """
    pcm = recording(file, language)
    async with joined(Satellite, house, folder) as satellite:
        heard = await satellite.turn(played(pcm.tobytes()), area_id=area_id, language=language)
    return result_of(heard, folder, language)


def recording(file: Path, language: str) -> Pcm:
    """What will be played. Raises what is wrong with the file, saying which, or the language."""
    phrase("alicia", language)
    try:
        return read(file, max_s=LONGEST_S)
    except UnsupportedAudioError as error:
        missing = error.fields.get("reason") == "missing"
        sentence = "There is no such file, or it can't be opened." if missing else error.message
        raise UnsupportedAudioError(sentence, **error.fields, file=str(file)) from error
    except UtteranceTooLongError as error:
        raise UtteranceTooLongError(
            f"The recording is longer than Alicia listens. Cut it to {LONGEST_S:.0f} s or less, "
            "one command each.",
            **error.fields,
            file=str(file),
        ) from error


def unheard(error: AliciaError) -> dict[str, Any]:
    """A turn that never began, in the form of one: the program that asked reads one form."""
    return {
        "turn_id": None,
        "speaker": None,
        "transcript": None,
        "intent": None,
        "actions": [],
        "reply": error.message,
        "error": error.code,
        "reply_wav": None,
        "stages": [],
        "processing_ms": None,
        "felt_ms": None,
    }


def result_of(heard: Heard, folder: Folder, language: str) -> dict[str, Any]:
    """A spoken turn as one JSON object; the reply's audio is stored beside it."""
    record = heard.record
    reply_wav: str | None = None
    if heard.speech:
        path = folder.root / "replies" / f"{heard.turn_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_wav(path, np.frombuffer(heard.speech, np.int16), heard.rate_hz)
        reply_wav = str(path)
    error = record.error if record else heard.error
    return {
        "turn_id": heard.turn_id,
        "speaker": record.speaker if record else None,
        "transcript": record.transcript if record else None,
        "intent": record.intent if record else None,
        "actions": _actions(record),
        "reply": record.reply if record else phrase(error or "alicia", language),
        "error": error,
        "reply_wav": reply_wav,
        "stages": [stage.model_dump() for stage in record.stages] if record else [],
        "processing_ms": _rounded(heard.processing_ms),
        "felt_ms": _rounded(heard.felt_ms),
    }


def shown(image: str) -> Picture:
    """A picture from a file, or from standard input where it is `-`, as it travels.

    Raises NoPictureError, PictureTooLargeError, DependencyMissingError.
    """
    from alicia.mind.pictures import MOST_FILE_BYTES, prepared  # noqa: PLC0415 - optional

    try:
        if image == "-":
            data = sys.stdin.buffer.read(MOST_FILE_BYTES + 1)
        else:
            with Path(image).open("rb") as file:
                data = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise NoPictureError("There is no such file, or it can't be opened.", file=image) from error
    try:
        return Picture(jpeg=prepared(data))
    except PictureError as error:
        raise type(error)(error.message, **error.fields, file=image) from error


async def say(
    console: Console,
    text: str,
    *,
    area_id: str | None,
    language: str,
    picture: Picture | None = None,
) -> dict[str, Any]:
    """Type a sentence to the house. Raises BusError."""
    started = time.perf_counter()
    with console.trace("turn at the console"):
        record = await console.ask(
            SAY_TEXT,
            SayText(
                turn_id=secrets.token_hex(8),
                satellite=console.instance,
                text=text,
                area_id=area_id,
                language=language,
                picture=picture,
            ),
        )
    return {
        "turn_id": record.turn_id,
        "transcript": record.transcript,
        "intent": record.intent,
        "actions": _actions(record),
        "reply": record.reply,
        "error": record.error,
        "expects_reply": record.expects_reply and record.error is None,
        "asks_pin": record.asks_pin,
        "stages": [stage.model_dump() for stage in record.stages],
        "processing_ms": _rounded((time.perf_counter() - started) * 1000),
    }


async def trace_of(console: Console, turn_id: str | None, *, settle_s: float = 0.0) -> TurnTrace:
    """A turn's spans. settle_s: how long to wait for the last of them."""
    await asyncio.sleep(settle_s)
    return await console.ask(GET_TRACE, GetTrace(turn_id=turn_id))


def _actions(record: TurnRecord | None) -> list[dict[str, Any]]:
    if record is None:
        return []
    return [
        action.model_dump(include={"entity", "capability", "value", "outcome"}, mode="json")
        for action in record.actions
    ]


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)


def show(result: dict[str, Any]) -> None:
    """A turn's result for a person."""
    if result.get("speaker"):
        out.print(f"[dim]who[/]    {escape(result['speaker'])}", highlight=False)
    out.print(f"[dim]heard[/]  {escape(result['transcript'] or '—')}", highlight=False)
    for action in result["actions"]:
        good = action["outcome"] == "confirmed"
        out.print(
            f"[dim]did[/]    {action['entity']} {action['capability']} = {action['value']} "
            f"[{'green' if good else 'red'}]{action['outcome']}[/]",
            highlight=False,
        )
    style = "red" if result["error"] else "bold"
    out.print(f"[dim]says[/]   [{style}]{escape(result['reply'] or '—')}[/]", highlight=False)
    if result["error"]:
        out.print(f"[dim]error[/]  {result['error']}", highlight=False)
    if result.get("felt_ms") is not None:
        out.print(
            f"[dim]time[/]   {result['felt_ms']:.0f} ms from the last sound of speech to the first "
            f"of the reply, {result['processing_ms']:.0f} ms of it after the end was decided",
            highlight=False,
        )
    if result.get("reply_wav"):
        out.print(f"[dim]audio[/]  {result['reply_wav']}", highlight=False)


def reasons(record: TurnRecord) -> dict[str, Any]:
    """The chain of a turn: what was heard, understood, done and confirmed."""
    return {
        "turn_id": record.turn_id,
        "satellite": record.satellite,
        "speaker": record.speaker,
        "heard": record.transcript,
        "confidence": record.confidence,
        "understood": record.heard or record.transcript,
        "intent": record.intent,
        "actions": [action.model_dump(mode="json") for action in record.actions],
        "reply": record.reply,
        "error": record.error,
        "explanation": explain(record, record.language),
    }


def show_reasons(record: TurnRecord) -> None:
    """The same for a person."""
    if record.transcript is None and record.reply is None:
        out.print("[dim]The words of this turn were not kept: see the setting router.log_turns.[/]")
    sure = f" [dim]({record.confidence:.0%} sure)[/]" if record.confidence is not None else ""
    out.print(f"[dim]heard[/]       {escape(record.transcript or '—')}{sure}", highlight=False)
    out.print(f"[dim]understood[/]  {escape(record.heard or record.transcript or '—')}")
    out.print(f"[dim]decided[/]     {escape(record.intent or '—')}", highlight=False)
    for action in record.actions:
        good = action.outcome == "confirmed"
        why_not = f" ({action.error})" if action.error else ""
        out.print(
            f"[dim]did[/]         {action.entity} {action.capability} = {action.value} "
            f"[{'green' if good else 'red'}]{action.outcome.value}[/]{why_not}",
            highlight=False,
        )
    out.print(f"[dim]said[/]        {escape(record.reply or '—')}", highlight=False)
    if record.error:
        out.print(f"[dim]error[/]       {record.error}", highlight=False)


def waterfall(trace: TurnTrace) -> Table:
    """A turn's spans as bars over time."""
    end = max((span.start_ms + span.duration_ms for span in trace.spans), default=1.0)
    service = max((len(span.service) for span in trace.spans), default=0)
    room = max(10, min(BAR, out.width - service - SPAN - FIGURE - GAPS))
    title = f"Turn {trace.record.turn_id}"
    if trace.record.speaker is not None:
        title += f" of {trace.record.speaker}"
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    table.add_column("service", style="cyan", width=service)
    table.add_column("span", width=SPAN, overflow="ellipsis", no_wrap=True)
    table.add_column("ms", justify="right", width=FIGURE)
    table.add_column(f"0 to {end:.0f} ms", width=max(room, 12), no_wrap=True)
    if trace.clocks_ahead_ms:
        table.caption_justify = "left"
        table.caption = "\n".join(
            f"The clock of {escape(instance)} is {abs(off) / 1000:.1f} s "
            f"{'ahead' if off > 0 else 'behind'}; its spans are moved to where they belong."
            for instance, off in trace.clocks_ahead_ms.items()
        )
    for span in trace.spans:
        left = int(span.start_ms / end * room)
        width = max(1, round(span.duration_ms / end * room))
        bar = Text(" " * left + "█" * min(width, room - left))
        bar.stylize("red" if span.error else "green")
        table.add_row(span.service, "  " * span.depth + span.name, f"{span.duration_ms:.1f}", bar)
    return table
