"""`alicia voices`: who speaks which language here, and what is ready to be said."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from alicia.cli.output import Home, Json, emit, err, fail, out, run, size
from alicia.cli.visiting import visiting
from alicia.contracts.devices import FIND_ENTITIES, FindEntities, Found
from alicia.errors import AliciaError, NotReadyError, SetupError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder, load
from alicia.services.voice.tts import TtsSettings, engines_of
from alicia.speech.models import ModelStore
from alicia.speech.phrase_cache import PhraseCache, Shelf
from alicia.speech.speaking import Speaker, plain
from alicia.speech.ssml import parse
from alicia.speech.synthesizer import Style, resampled
from alicia.speech.voices import Cast, Voices, table
from alicia.speech.warming import Warmed, Warmer, alone

Languages = Annotated[
    list[str] | None, typer.Argument(help="Languages; those of the settings where none is named.")
]


def _parts(folder: Folder) -> tuple[TtsSettings, Voices, PhraseCache]:
    """Raises SettingsError."""
    settings = load(TtsSettings, "tts", folder)
    voices = Voices(
        ModelStore(folder.models),
        wanted=[name.strip() for name in settings.voices.split(",")],
        engines=engines_of(settings),
    )
    cache = PhraseCache(folder.state("tts") / "phrases", limit_bytes=settings.cache_mb * 1_000_000)
    return settings, voices, cache


NICE = 5
"""A person waits for it; the house goes first all the same."""


# ---- list ---------------------------------------------------------------------------------------


def list_voices(*, json: Json = False, home: Home = None) -> None:
    """Show who speaks each language at once, who renders early, and how much is ready."""
    try:
        settings, voices, cache = _parts(Folder(home))
        shelves = cache.shelves()
        found = [_as_json(voices, voices.cast(language), shelves) for language in table()]
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    used = sum(shelf.size_bytes for shelf in shelves)
    if json:
        limit = settings.cache_mb * 1_000_000
        emit({"voices": found, "cache": {"size_bytes": used, "limit_bytes": limit}})
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("language", "speaks at once", "sounds", "renders early", "ready", "size"):
        shown.add_column(title, justify="right" if title in ("ready", "size") else "left")
    for voice in found:
        shown.add_row(
            voice["language"],
            voice["live"] or "[red]nobody[/]",
            f"[yellow]{voice['sound']}[/]" if voice["sound"] == "robotic" else voice["sound"],
            voice["early"] or "the same",
            str(voice["phrases"]),
            size(voice["size_bytes"]),
        )
    out.print(shown)
    out.print(
        f"\nPhrases take {size(used)} of {settings.cache_mb} MB. `alicia voices warm` renders what "
        "this home is likely to hear; --json says what is missing.",
        style="dim",
        highlight=False,
    )


def _as_json(voices: Voices, cast: Cast, shelves: list[Shelf]) -> dict[str, Any]:
    mine = [shelf for shelf in shelves if shelf.language == cast.language]
    live = cast.live[0] if cast.live else None
    return {
        "language": cast.language,
        "live": voices.engine(live, cast.language).voice if live else None,
        "engine": live,
        "sound": voices.engine(live, cast.language).capabilities.sound if live else "",
        "early": voices.engine(cast.early, cast.language).voice if cast.early else None,
        "others": list(cast.live[1:]),
        "missing": list(cast.missing),
        "phrases": sum(shelf.phrases for shelf in mine),
        "size_bytes": sum(shelf.size_bytes for shelf in mine),
        "by_voice": {shelf.voice: shelf.phrases for shelf in mine},
    }


# ---- warm ---------------------------------------------------------------------------------------


def warm(
    languages: Languages = None,
    *,
    demo_home: Annotated[
        bool, typer.Option("--demo-home", help="For the demo home's names; no house need be up.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Render what this home is likely to hear, so that it is said at once."""
    folder = Folder(home)
    done = run(_warm(folder, languages or [], demo_home=demo_home, quiet=json), as_json=json)
    if json:
        emit({"warmed": done})
        return
    for one in done:
        what = f"{one['rendered']} of {one['total']} phrases were rendered"
        out.print(
            f"{one['language']}: {what} by {one['voice']}, {one['ready']} are ready"
            + (f", {one['failed']} failed" if one["failed"] else "")
            + (", the cache is full" if one["full"] else "")
            + f" ({one['seconds']:.0f} s).",
            highlight=False,
        )


async def _warm(
    folder: Folder, languages: list[str], *, demo_home: bool, quiet: bool
) -> list[dict[str, Any]]:
    settings, voices, cache = _parts(folder)
    if not settings.cache_mb:
        raise SetupError("The setting tts.cache_mb is 0: nothing may be kept on disk.")
    named = languages or [
        name.strip()
        for name in (settings.warm_languages or settings.languages).split(",")
        if name.strip()
    ]
    found = _demo_home() if demo_home else await _names(folder)
    done: list[dict[str, Any]] = []
    async with _warmer(voices, cache) as warmer:
        with _bar(quiet=quiet) as bar:
            for language in named:
                task = bar.add_task(f"{language}: what may be said", total=None)
                texts = await warmer.repertoire(found.areas, found.entities, language)
                done.append(await _one(warmer, language, texts, bar, task))
    return done


async def _one(
    warmer: Warmer, language: str, texts: list[str], bar: Progress, task: TaskID
) -> dict[str, Any]:
    began = time.monotonic()
    last = Warmed(language, "nobody", 0, 0, 0)
    async with aclosing(warmer.warm(language, texts)) as progress:
        async for last in progress:
            bar.update(
                task,
                description=f"{language}: {last.voice}",
                completed=last.done,
                total=last.total,
            )
    return {
        "language": language,
        "voice": last.voice,
        "total": last.total,
        "ready": last.done - last.failed,
        "rendered": last.rendered,
        "failed": last.failed,
        "full": last.full,
        "seconds": round(time.monotonic() - began, 1),
    }


@asynccontextmanager
async def _warmer(voices: Voices, cache: PhraseCache) -> AsyncGenerator[Warmer, None]:
    """Raises NotReadyError where the house itself is warming."""
    with alone(cache.folder) as mine:
        if not mine:
            raise NotReadyError("The house is rendering phrases just now. Try again later.")
        warmer = Warmer(voices, cache, nice=NICE)
        try:
            yield warmer
        finally:
            await warmer.aclose()
            await voices.aclose()


async def _names(folder: Folder) -> Found:
    async with visiting(Console, folder) as console:
        return await console.ask(FIND_ENTITIES, FindEntities())


def _demo_home() -> Found:
    from alicia.home.demo import load as load_home  # noqa: PLC0415 - rarely wanted

    demo = load_home()
    return Found(areas=demo.areas, entities=demo.entities)


def _bar(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet,
    )


# ---- say ----------------------------------------------------------------------------------------


def say(
    language: Annotated[str, typer.Argument(help="en, es, fr, de, it, pt, zh, ja or ko.")],
    text: Annotated[str, typer.Argument(help="What is to be said; - reads it from the input.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="A WAV file.")] = Path(
        "speech.wav"
    ),
    voice: Annotated[
        str | None, typer.Option("--voice", help="An engine: piper, kokoro, pico, espeak, …")
    ] = None,
    ssml: Annotated[bool, typer.Option("--ssml", help="The text is SSML.")] = False,
    rate: Annotated[float, typer.Option("--rate", min=0.5, max=2.0, help="How fast.")] = 1.0,
    pitch: Annotated[float, typer.Option("--pitch", min=0.5, max=2.0, help="How high.")] = 1.0,
    json: Json = False,
    home: Home = None,
) -> None:
    """Say a text with this machine's voices, into a file; no house need be up."""
    words = sys.stdin.read() if text == "-" else text
    work = _say(Folder(home), language, words, output, voice, Style(rate, pitch), ssml=ssml)
    said = run(work, as_json=json)
    if json:
        emit(said)
        return
    source = "from the cache" if said["cached"] else f"first sound after {said['first_ms']:.0f} ms"
    out.print(
        f"{said['file']}: {said['seconds']:.1f} s by {said['voice']}, {source}.", highlight=False
    )


async def _say(
    folder: Folder,
    language: str,
    text: str,
    output: Path,
    voice: str | None,
    style: Style,
    *,
    ssml: bool,
) -> dict[str, Any]:
    from alicia.audio.formats import from_bytes, write_wav  # noqa: PLC0415 - heavy

    _, voices, cache = _parts(folder)
    speaker = Speaker(voices, cache)
    clauses = parse(text, language, style) if ssml else plain(text, language, style)
    began = time.monotonic()
    first_ms, rate_hz, pcm = 0.0, 0, b""
    cached, who = True, ""
    try:
        async with aclosing(speaker.speak(clauses, voice=voice)) as pieces:
            async for told in pieces:
                first_ms = first_ms or (time.monotonic() - began) * 1000
                rate_hz = rate_hz or told.speech.rate_hz
                same = told.speech.rate_hz == rate_hz
                pcm += (
                    told.speech.pcm
                    if same
                    else resampled(told.speech.pcm, told.speech.rate_hz, rate_hz)
                )
                cached, who = cached and told.cached, who or told.voice
    finally:
        await speaker.aclose()
        await voices.aclose()
    if not pcm:
        raise SetupError("There is nothing in it that could be said.")
    await asyncio.to_thread(write_wav, output, from_bytes(pcm), rate_hz)
    return {
        "file": str(output),
        "language": language,
        "voice": who,
        "cached": cached,
        "first_ms": round(first_ms, 1),
        "rate_hz": rate_hz,
        "seconds": round(len(pcm) / 2 / rate_hz, 2),
    }
