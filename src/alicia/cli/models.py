"""`alicia models`: recognizers and voices on this machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.progress import DownloadColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from alicia.cli.bars import Bars
from alicia.cli.benching import bench
from alicia.cli.output import Home, Json, emit, fail, out, size
from alicia.errors import AliciaError
from alicia.runtime.settings import Folder, load
from alicia.services.voice.stt import SttSettings
from alicia.services.voice.tts import TtsSettings
from alicia.speech.models import Model, ModelStore, recommended

__all__ = ["bench", "list_models", "pull", "remove"]

Unverified = Annotated[
    bool,
    typer.Option("--allow-unverified", help="Also those that nobody has a checksum for."),
]


def in_use(folder: Folder) -> list[str]:
    """The models that the rooms are set to use. Raises SettingsError."""
    voices = load(TtsSettings, "tts", folder).voices.split(",")
    from alicia.speech.recognizer_chain import orders_of  # noqa: PLC0415 - heavy

    orders = orders_of(load(SttSettings, "stt", folder))
    heard = [name for order in orders.values() for name in order]
    names = [*heard, *(voice.strip() for voice in voices)]
    return [name for name in dict.fromkeys(names) if name]


def needed(folder: Folder) -> list[str]:
    """Those of them that a house must have, or has in an installed package. Raises SettingsError.

    A recognizer that is only asked before the one for all languages may be missing.
    """
    optional = {*in_use(folder)} - {load(SttSettings, "stt", folder).model}
    optional -= {voice.strip() for voice in load(TtsSettings, "tts", folder).voices.split(",")}
    known = ModelStore(folder.models).list_models()
    at_hand = {model.name for model, here in known if here or model.bundled}
    return [name for name in in_use(folder) if name not in optional or name in at_hand]


def pulling(*, quiet: bool) -> Bars:
    """Bars for models that are being pulled."""
    return Bars(DownloadColumn(), TransferSpeedColumn(), quiet=quiet)


def have(
    folder: Folder, names: list[str], bars: Bars, *, allow_unverified: bool = False
) -> list[str]:
    """Have these models here; the names of those that were pulled just now.

    Raises DependencyMissingError, ConnectivityError, SetupError.
    """
    store = ModelStore(folder.models)
    pulled: list[str] = []
    for name in names:
        if store.has(name):
            continue
        store.pull(
            name,
            lambda done, total, name=name: bars.show(name, done, total),
            allow_unverified=allow_unverified,
        )
        pulled.append(name)
    return pulled


# ---- the commands -------------------------------------------------------------------------------


def list_models(*, json: Json = False, home: Home = None) -> None:
    """Show every model that is known: what it is for, its licence, and whether it is here."""
    folder = Folder(home)
    try:
        used = in_use(folder)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    found = [
        _as_json(model, here=here, used=used)
        for model, here in ModelStore(folder.models).list_models()
    ]
    if json:
        emit({"folder": str(folder.models), "models": found})
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("model", "for", "engine", "languages", "size", "licence", "checked", "here"):
        # A name that is cut short can't be typed.
        justify = "right" if title == "size" else "left"
        shown.add_column(title, justify=justify, no_wrap=title == "model")
    for model in found:
        shown.add_row(
            Text(model["name"], style="bold" if model["used"] else ""),
            model["kind"],
            model["engine"],
            " ".join(model["languages"]),
            size(model["size_bytes"]),
            model["licence"],
            "yes" if model["verified"] else "[yellow]no[/]",
            _here(model),
        )
    out.print(shown)
    out.print(
        "\nBold ones are in use here. `alicia models pull NAME` fetches one, "
        "`alicia models pull LANGUAGE` what is recommended.",
        style="dim",
    )


def _as_json(model: Model, *, here: bool, used: list[str]) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "engine": model.engine,
        "languages": list(model.languages),
        "licence": model.licence,
        "size_bytes": model.size_bytes,
        "verified": model.verified,
        "bundled": model.bundled,
        "present": here,
        "used": model.name in used,
    }


def _here(model: dict[str, Any]) -> str:
    if model["present"]:
        return "[green]yes[/]"
    return "no, but in an installed package" if model["bundled"] else "no"


def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models, or languages (en, de): what is recommended for them. "
            "Those in use where none is named."
        ),
    ] = None,
    *,
    allow_unverified: Unverified = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Have models on this machine. What broke off before is continued."""
    folder = Folder(home)
    try:
        wanted = _meant(names) if names else in_use(folder)
        with pulling(quiet=json) as bars:
            pulled = have(folder, wanted, bars, allow_unverified=allow_unverified)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    already = [name for name in wanted if name not in pulled]
    if json:
        emit({"folder": str(folder.models), "pulled": pulled, "already": already})
        return
    if pulled:
        out.print(f"Pulled and verified: {', '.join(pulled)}.", highlight=False)
    if already:
        out.print(f"Here already: {', '.join(already)}.", highlight=False)


def _meant(names: list[str]) -> list[str]:
    """Models by their names; a language means what is recommended for it."""
    wanted = [model for name in names for model in (recommended(name) or (name,))]
    return list(dict.fromkeys(wanted))


def remove(
    names: Annotated[list[str], typer.Argument(help="Models.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Delete models from this machine."""
    folder = Folder(home)
    store = ModelStore(folder.models)
    try:
        used = in_use(folder)
        present = [name for name in names if store.has(name)]
        for name in names:
            store.remove(name)
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    absent = [name for name in names if name not in present]
    missed = [name for name in present if name in used]
    if json:
        emit({"removed": present, "absent": absent, "in_use": missed})
        return
    if present:
        out.print(f"Removed: {', '.join(present)}.", highlight=False)
    if absent:
        out.print(f"Was not here: {', '.join(absent)}.", highlight=False)
    if missed:
        out.print(
            f"In use here: {', '.join(missed)}. The next `alicia up` pulls it again.",
            style="yellow",
            highlight=False,
        )
