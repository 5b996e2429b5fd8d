"""`alicia voice`: whose voice is whose, who spoke when, and how well the microphone hears."""

from __future__ import annotations

import asyncio
import json as json_format
import secrets
import time
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from alicia.audio.formats import RATE_HZ, Pcm, from_bytes, read
from alicia.cli.output import Home, Json, emit, err, fail, out, run
from alicia.cli.visiting import console, require_house
from alicia.contracts.advanced import (
    ANALYSED,
    ENROL_SPEAKER,
    FORGET_SPEAKER,
    LIST_SPEAKERS,
    SAMPLE,
    SET_PATIENCE,
    WHO_IS,
    Analysed,
    EnrolledSpeakers,
    EnrolSpeaker,
    ForgetSpeaker,
    ListSpeakers,
    PatienceSet,
    SampleChunk,
    SetPatience,
    SpeakerEnrolled,
    SpeakerMatch,
    WhoIs,
)
from alicia.errors import AliciaError, VoiceprintError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder

LONGEST_S = 20.0
DIALOGUE_S = 3600.0
RECORD_S = 4.0
STEP = RATE_HZ // 10
Name = Annotated[str, typer.Argument(help="Whose voice it is.")]
Recording = Annotated[Path, typer.Argument(help="WAV, FLAC, Ogg or MP3.")]


def list_speakers(
    *,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write all that is kept to this file.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show who is enrolled; with --export also what is kept about them."""

    async def work() -> EnrolledSpeakers:
        async with console(Folder(home)) as peer:
            return await peer.ask(LIST_SPEAKERS, ListSpeakers(export=export is not None))

    known = run(work(), as_json=json).speakers
    if export is not None:
        whole = [one.model_dump(mode="json") for one in known]
        export.write_text(json_format.dumps({"speakers": whole}, indent=1), "utf-8")
    if json:
        emit({"speakers": [one.model_dump(mode="json", exclude={"voiceprint"}) for one in known]})
        return
    if not known:
        out.print("Nobody is enrolled. `alicia voice enrol NAME --record` does it.")
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("name", "id", "from", "agreement", "patience", "agreed on"):
        shown.add_column(title)
    for one in known:
        agreed = datetime.fromtimestamp(one.consent_at).astimezone()
        shown.add_row(
            one.name,
            one.speaker_id,
            f"{one.utterances} utterances",
            f"{one.agreement:.2f}",
            f"{one.patience:g}",
            f"{agreed:%Y-%m-%d %H:%M}",
        )
    out.print(shown)


def enrol(
    name: Name,
    files: Annotated[
        list[Path] | None, typer.Argument(help="At least three recordings of this person alone.")
    ] = None,
    *,
    record: Annotated[
        int, typer.Option("--record", min=0, help="Record so many sentences now.")
    ] = 0,
    consent: Annotated[
        bool, typer.Option("--consent", help="The person agrees that a voiceprint is kept.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Learn a voice, with its owner's consent. The recordings themselves are not kept."""
    folder = Folder(home)

    async def work() -> SpeakerEnrolled:
        samples = [read(file, max_s=LONGEST_S) for file in files or []]
        await require_house(folder)
        samples += await recorded(record)
        agreed = consent or _agrees(name, as_json=json)
        async with console(folder) as peer:
            return await peer.ask(
                ENROL_SPEAKER,
                EnrolSpeaker(
                    speaker_id=speaker_id(name),
                    name=name,
                    sample_ids=[await show(peer, pcm) for pcm in samples],
                    consent=agreed,
                ),
            )

    made = run(work(), as_json=json)
    if json:
        emit(made.model_dump(mode="json"))
    else:
        out.print(
            f"{name} is enrolled from {made.utterances} utterances that agree to "
            f"{made.agreement:.2f}. `alicia voice forget {made.speaker_id}` undoes it.",
            highlight=False,
        )


def forget(name: Name, *, json: Json = False, home: Home = None) -> None:
    """Delete somebody's voiceprint for good."""

    async def work() -> bool:
        async with console(Folder(home)) as peer:
            ask = ForgetSpeaker(speaker_id=speaker_id(name))
            return (await peer.ask(FORGET_SPEAKER, ask)).known

    known = run(work(), as_json=json)
    if json:
        emit({"name": name, "forgotten": known})
    else:
        out.print(f"{name} is forgotten." if known else f"{name} was not enrolled.")


def patience(
    name: Name,
    factor: Annotated[
        float | None,
        typer.Argument(
            min=0.2,
            max=5.0,
            help="Pauses over the usual ones: 1.5 is half as long again. None shows it.",
        ),
    ] = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """How long somebody who is enrolled may pause before it counts as the end."""

    async def work() -> PatienceSet:
        async with console(Folder(home)) as peer:
            ask = SetPatience(speaker_id=speaker_id(name), patience=factor)
            return await peer.ask(SET_PATIENCE, ask)

    known = run(work(), as_json=json)
    if json:
        emit(known.model_dump(mode="json"))
    else:
        out.print(f"Alicia waits {known.patience:g} times the usual silence for {name}.")


def whois(file: Recording, *, json: Json = False, home: Home = None) -> None:
    """Say whose voice is in a recording, or that nobody knows it."""

    async def work() -> SpeakerMatch:
        pcm = read(file, max_s=LONGEST_S)
        async with console(Folder(home)) as peer:
            return await peer.ask(WHO_IS, WhoIs(sample_id=await show(peer, pcm)))

    found = run(work(), as_json=json)
    if json:
        emit(found.model_dump(mode="json"))
    else:
        who = found.name or "Nobody who is enrolled"
        out.print(f"{who} (likeness {found.score:.2f}; {found.threshold:.2f} is needed).")


def diarise(
    file: Recording,
    *,
    speakers: Annotated[
        int | None, typer.Option("--speakers", min=1, help="How many there are, if you know.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Say who spoke when in a recording. Needs no house."""
    from alicia.speech.analysis import Abilities  # noqa: PLC0415 - heavy
    from alicia.speech.diarization import count_speakers, diarize  # noqa: PLC0415 - heavy

    folder = Folder(home)
    try:
        pcm = read(file, max_s=DIALOGUE_S)
        embedder = Abilities(folder.models, folder.root / "wake").embedder
        began = time.perf_counter()
        found = diarize(pcm, embedder, speakers=speakers)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        segments = [{"start_s": s.start_s, "end_s": s.end_s, "speaker": s.speaker} for s in found]
        emit({"speakers": count_speakers(found), "segments": segments})
        return
    for segment in found:
        out.print(f"{segment.start_s:8.2f} – {segment.end_s:8.2f} s  {segment.speaker}")
    took = time.perf_counter() - began
    out.print(f"{count_speakers(found)} voices; {took:.1f} s for {len(pcm) / RATE_HZ:.0f} s.")


def quality(file: Recording, *, json: Json = False, home: Home = None) -> None:
    """Say how good a recording is, and what would make it better. Needs no house."""
    from dataclasses import asdict  # noqa: PLC0415 - rarely needed

    from alicia.audio.quality import measure  # noqa: PLC0415 - heavy
    from alicia.speech.analysis import advice  # noqa: PLC0415 - heavy

    del home
    try:
        found = measure(read(file, max_s=DIALOGUE_S))
        told = advice(found.defects, "en")
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        emit({**asdict(found), "advice": told})
        return
    for key, value in asdict(found).items():
        if key != "defects":
            out.print(f"{key:14} {'not measurable' if value is None else value}")
    for sentence in told or ["Nothing is wrong with it."]:
        out.print(f"[yellow]→[/] {sentence}", highlight=False)


def watch(
    *,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="End after so long; else with Ctrl-C.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what is known of each voice as it speaks to the house."""

    async def work() -> None:
        async with console(Folder(home)) as peer, peer.hear(ANALYSED) as heard:
            try:
                async with asyncio.timeout(seconds):
                    async for one in heard:
                        emit(one.model_dump(mode="json")) if json else _tell(one)
            except TimeoutError:
                return

    run(work(), as_json=json)


def _tell(one: Analysed) -> None:
    parts = [f"{one.speech_s:.1f} s of speech"]
    if one.speaker is not None:
        parts.append(f"{one.speaker.speaker_id or 'unknown'} ({one.speaker.score:.2f})")
    if one.quality is not None:
        snr = one.quality.snr_db
        parts.append(f"level {one.quality.level_dbfs:.0f} dBFS, SNR {_or(snr)} dB")
    if one.prosody is not None:
        parts.append(
            f"pitch {_or(one.prosody.pitch_hz)} Hz, {_or(one.prosody.speaking_rate)} syl/s"
        )
    if one.emotion is not None:
        parts.append(f"emotion {one.emotion.label}")
    cost = ", ".join(f"{name} {ms:.0f} ms" for name, ms in one.cost_ms.items())
    out.print(f"{'; '.join(parts)}  [dim]{cost}[/]", highlight=False)
    for sentence in one.quality.advice if one.quality else []:
        out.print(f"[yellow]→[/] {sentence}", highlight=False)


def _or(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


# ---- help ---------------------------------------------------------------------------------------


def speaker_id(name: str) -> str:
    """What stands for a person in messages: `Ana María` and `ana maría` are one.

    Raises VoiceprintError where nothing is left.
    """
    made = "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
    if not made:
        raise VoiceprintError("A person needs a name with letters in it.", name=name)
    return made


async def show(peer: Console, pcm: Pcm) -> str:
    """Show a recording to the house; the name it has there for the next minute."""
    name = secrets.token_hex(8)
    count = max(1, -(-len(pcm) // STEP))
    for number in range(count):
        await peer.say(
            SAMPLE,
            SampleChunk(
                sample_id=name,
                sequence=number,
                position=number * STEP,
                rate_hz=RATE_HZ,
                last=number == count - 1,
                pcm=pcm[number * STEP : (number + 1) * STEP].tobytes(),
            ),
        )
        await asyncio.sleep(0)
    return name


async def recorded(times: int) -> list[Pcm]:
    """Sentences spoken now. Raises DependencyMissingError, SetupError."""
    if not times:
        return []
    from alicia.audio.microphone import Microphone  # noqa: PLC0415 - heavy

    microphone = Microphone()
    made: list[Pcm] = []
    for number in range(times):
        err.print(f"Say a sentence of your own ({number + 1} of {times}).")
        frames: list[bytes] = []
        async with aclosing(microphone.frames()) as heard:
            async for frame in heard:
                frames.append(frame)
                if len(frames) * 320 >= RECORD_S * RATE_HZ:
                    break
        made.append(np.array(from_bytes(b"".join(frames))))
    return made


def _agrees(name: str, *, as_json: bool) -> bool:
    """Whether the person says so at the terminal; nobody is asked where there is none."""
    import sys  # noqa: PLC0415 - rarely needed

    if as_json or not sys.stdin.isatty():
        return False
    return typer.confirm(f"A voiceprint is biometric data. Does {name} agree that it is kept here?")
