"""`alicia translate` and `alicia languages`: what is said in another language, and what works."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from alicia.cli.output import Home, Json, attempt, emit, fail, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.languages import (
    GET_TRANSLATORS,
    TRANSLATE_TEXT,
    GetTranslators,
    TextTranslated,
    TranslateText,
    Translators,
)
from alicia.errors import AliciaError, BusError, NotReadyError
from alicia.language.naming import language_called, language_name
from alicia.peers.console import Console
from alicia.runtime.settings import SPOKEN, Folder, HouseSettings, load, load_house
from alicia.services.voice.stt import SttSettings
from alicia.services.voice.tts import TtsSettings, engines_of
from alicia.speech.models import ModelStore
from alicia.speech.recognizer_chain import ANY, orders_of
from alicia.speech.voices import Voices

LONGEST = 2000

Text = Annotated[str, typer.Argument(help="What to say in another language.")]
To = Annotated[str, typer.Option("--to", "-t", help="A language: `fr`, `French`, `Französisch`.")]
From = Annotated[str | None, typer.Option("--from", "-f", help="Found out where it is not given.")]


def translate(
    text: Text, *, to: To, source: From = None, json: Json = False, home: Home = None
) -> None:
    """Say a text in another language. The names of this home stay as they are."""

    async def work() -> TextTranslated:
        ask = TranslateText(
            text=text[:LONGEST],
            to=language_called(to),
            source=language_called(source) if source else None,
        )
        async with visiting(Console, Folder(home)) as console:
            return await console.ask(TRANSLATE_TEXT, ask)

    done = run(work(), as_json=json)
    if json:
        emit(done.model_dump(mode="json"))
        return
    out.print(done.text, highlight=False, markup=False, soft_wrap=True)
    out.print(f"from {done.source}, by {done.by}", style="dim", highlight=False, markup=False)


def languages(*, json: Json = False, home: Home = None) -> None:
    """Show what is there for each language: who hears, speaks, understands and translates it."""
    folder = Folder(home)
    try:
        household = load_house(folder)
        found = [_of(language, folder, household) for language in SPOKEN]
        translators = _translators(folder)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    for one in found:
        pairs = translators.pairs if translators else []
        one["translated_into"] = [p.to for p in pairs if p.source == one["language"]]
        one["translated_from"] = [p.source for p in pairs if p.to == one["language"]]
    if json:
        told = translators.model_dump(mode="json")["translators"] if translators else []
        emit({"languages": found, "house": translators is not None, "translators": told})
        return
    _show(found, translators)


def _of(language: str, folder: Folder, household: HouseSettings) -> dict[str, Any]:
    """What this machine has for a language. Raises SettingsError."""
    stt, tts = load(SttSettings, "stt", folder), load(TtsSettings, "tts", folder)
    store = ModelStore(folder.models)
    orders = orders_of(stt)
    order = orders.get(language, orders[ANY])
    known = {model.name: model for model, here in store.list_models() if here}
    hears = [name for name in order if name in known and _hears(known[name].languages, language)]
    wanted = [name.strip() for name in tts.voices.split(",")]
    voices = Voices(store, wanted=wanted, engines=engines_of(tts))
    live = next(iter(voices.cast(language).live), None)
    engine = voices.engine(live, language) if live else None
    spoken = (household.languages or "").split(",")
    return {
        "language": language,
        "name": language_name(language, language),
        "household": language in spoken if household.languages else None,
        "recognizer": hears[0] if hears else None,
        "voice": engine.voice if engine else None,
        "sound": engine.capabilities.sound if engine else None,
        "understood": True,
    }


def _hears(languages: tuple[str, ...], language: str) -> bool:
    return not languages or language in languages


def _translators(folder: Folder) -> Translators | None:
    """What the house translates; None where none is up, or nobody there translates."""

    async def work() -> Translators:
        async with visiting(Console, folder) as console:
            return await console.ask(GET_TRANSLATORS, GetTranslators())

    try:
        return attempt(work())
    except (NotReadyError, BusError):
        return None


def _show(found: list[dict[str, Any]], translators: Translators | None) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("", "language", "heard by", "spoken by", "sounds", "translated into"):
        table.add_column(column)
    for one in found:
        into = one["translated_into"]
        all_others = len(into) == len(SPOKEN) - 1
        table.add_row(
            "[bold]*[/]" if one["household"] else "",
            f"{one['language']} {one['name']}",
            one["recognizer"] or "[red]nobody here[/]",
            one["voice"] or "[red]nobody here[/]",
            f"[yellow]{one['sound']}[/]" if one["sound"] == "robotic" else one["sound"] or "",
            ("all" if all_others else " ".join(into)) if translators else "?",
        )
    out.print(table)
    notes = ["Commands are understood in all nine."]
    if any(one["household"] for one in found):
        notes.append("* is spoken in this home (`[house] languages` in alicia.toml).")
    if translators is None:
        notes.append("What is translated is known while the house is up: `alicia up`.")
    else:
        notes += [
            f"{one.name} does not translate: {one.lacks}."
            for one in translators.translators
            if one.lacks
        ]
    out.print("\n" + "\n".join(notes), style="dim", highlight=False, markup=False)
