"""What `alicia doctor` looks at: each check finds, judges and says what to do."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from alicia.cli.house_checks import house
from alicia.cli.models import in_use
from alicia.cli.output import size
from alicia.cli.verdicts import Check, failed, ok, warn
from alicia.cli.visiting import keeper
from alicia.errors import DependencyMissingError, SetupError, UnsupportedLanguageError
from alicia.runtime import settings
from alicia.runtime.house import Address
from alicia.runtime.roster import built
from alicia.runtime.settings import Folder
from alicia.security.diagnosis import problems
from alicia.security.files import open_to_others
from alicia.security.mosquitto import find_program
from alicia.services.core.broker import BrokerRoomSettings
from alicia.services.voice.tts import TtsSettings, engines_of
from alicia.speech.models import ModelStore, catalogue
from alicia.speech.voices import Voices

PYTHON_OLDEST, PYTHON_NEWEST = (3, 11), (3, 14)
RELEASED = datetime(2026, 11, 1, tzinfo=timezone.utc)  # noqa: UP017 - datetime.UTC hides in types
"""Before this day there was no such Alicia."""
DISK_LEAST, DISK_GOOD = 200e6, 2e9
MEMORY_LEAST, MEMORY_GOOD = 300e6, 1e9


async def examine(folder: Folder, *, deep: bool) -> list[Check]:
    """All checks of this machine, and of the house where one is up. deep: checksums of models."""
    found = [
        *python(),
        *settings_file(folder),
        *mosquitto(folder),
        *port(folder),
        *models(folder, deep=deep),
        *engines(folder),
        *certificates(folder),
        *permissions(folder),
        *clock(),
        *disk(folder),
        *memory(folder),
    ]
    return [*found, *await house(folder)]


# ---- the machine --------------------------------------------------------------------------------


def python(version: tuple[int, int, int] = sys.version_info[:3]) -> Iterator[Check]:
    text = ".".join(map(str, version))
    if PYTHON_OLDEST <= version[:2] <= PYTHON_NEWEST:
        yield ok("python", f"Python {text}")
    else:
        yield failed("python", f"Python {text}", "Install Python 3.11 to 3.14.")


def settings_file(folder: Folder) -> Iterator[Check]:
    try:
        for entry in built():
            settings.load(entry.load().settings_type, entry.name, folder)
    except SetupError as error:
        where = error.fields.get("origin") or error.fields.get("file") or folder.settings_file
        yield failed("settings", error.message, f"Correct it in {where}.")
        return
    there = folder.settings_file.exists()
    yield ok("settings", str(folder.settings_file) if there else "defaults and environment")


def mosquitto(folder: Folder) -> Iterator[Check]:
    with suppress(SetupError):
        if url := settings.load(BrokerRoomSettings, "broker", folder).url:
            yield ok("mosquitto", f"not needed: this house uses the broker at {url}")
            return
    try:
        program = find_program()
    except DependencyMissingError as error:
        finding, _, remedy = error.message.partition(". ")
        yield failed("mosquitto", f"{finding}.", remedy or "apt install mosquitto")
    else:
        yield ok("mosquitto", f"{'.'.join(map(str, program.version))} at {program.path}")


def port(folder: Folder) -> Iterator[Check]:
    try:
        wanted = settings.load(BrokerRoomSettings, "broker", folder)
    except SetupError:
        return  # told by `settings`
    if wanted.url:
        return
    own = _own_port(folder) if keeper(folder) is not None else None
    address = wanted.bind_address or "0.0.0.0"  # noqa: S104 - what the person has set
    for number in filter(None, (wanted.tls_port, wanted.websocket_port, wanted.plain_port)):
        if number == own:
            yield ok("port", f"{number} is this house's broker")
        elif (reason := taken(address, number)) is None:
            yield ok("port", f"{number} is free")
        elif own is not None and number == wanted.tls_port:
            yield ok("port", f"{own} is this house's broker ({number} is somebody else's)")
        else:
            holder = holder_of(number)
            yield failed(
                "port",
                f"The broker's port {number} can't be had: {reason}"
                + (f" ({holder} has it)." if holder else "."),
                "Stop the program that has it, or take another port: "
                "ALICIA_BROKER__TLS_PORT=0 takes any free one.",
            )
    if wanted.tls_port == 0:
        yield ok("port", f"{own} is this house's broker" if own else "any free port will do")


def _own_port(folder: Folder) -> int | None:
    try:
        return urlsplit(Address.read(folder).url).port
    except SetupError:
        return None


def taken(address: str, number: int) -> str | None:
    """Why a port can't be had; None where it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, number))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "somebody else is using it"
            return error.strerror or str(error)
    return None


def holder_of(number: int) -> str | None:
    """The program that listens on a port, where Linux tells us."""
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for row in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == number:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(end.readlink()) in inodes for end in (process / "fd").iterdir()):
                name = (process / "comm").read_text("utf-8", errors="replace").strip()
                return f"{name}, pid {process.name}"
    return None


# ---- speech -------------------------------------------------------------------------------------


def models(folder: Folder, *, deep: bool) -> Iterator[Check]:
    try:
        names = in_use(folder)
    except SetupError:
        return  # told by `settings`
    store = ModelStore(folder.models)
    known = {model.name: model for model in catalogue()}
    for name in names:
        if name not in known:
            yield failed("models", f"There is no model {name}.", "See `alicia models list`.")
        elif not store.has(name):
            if known[name].bundled:
                yield ok("models", f"{name} is in an installed package; `alicia up` takes it")
                continue
            yield failed(
                "models", f"{name} is not here, or not whole.", f"alicia models pull {name}"
            )
        elif deep and (wrong := corrupt(folder.models / name, name)):
            yield failed(
                "models",
                f"{name} is damaged: {', '.join(wrong)} differs from what was verified.",
                f"alicia models remove {name} && alicia models pull {name}",
            )
        else:
            yield ok("models", f"{name} is here{' and as it was verified' if deep else ''}")


def corrupt(folder: Path, name: str) -> list[str]:
    """The files of a model that are not what was verified."""
    wrong: list[str] = []
    for file in next(model for model in catalogue() if model.name == name).files:
        try:
            with (folder / file.name).open("rb") as stored:
                found = hashlib.file_digest(stored, "sha256").hexdigest()
        except OSError:
            found = ""
        if file.sha256 and found != file.sha256:
            wrong.append(file.name)
    return wrong


def engines(folder: Folder) -> Iterator[Check]:
    for what, modules, extra in (
        ("audio files", ("soundfile", "soxr"), "alicia"),
        ("end of speech (Earshot)", ("earshot",), "alicia"),
        ("recognition (Whisper)", ("ctranslate2", "tokenizers"), "alicia[whisper]"),
    ):
        missing = {name: why for name in modules if (why := unusable(name))}
        if missing:
            reasons = "; ".join(f"{name}: {why}" for name, why in missing.items())
            yield failed("engines", f"{what}: {reasons}", f"pip install '{extra}'")
        else:
            yield ok("engines", f"{what}: ready")
    voices = TtsSettings()
    with suppress(SetupError):
        voices = settings.load(TtsSettings, "tts", folder)
    known = Voices(ModelStore(folder.models), engines=engines_of(voices))
    for language in (name.strip() for name in voices.languages.split(",")):
        try:
            live = known.cast(language).live
        except UnsupportedLanguageError as error:
            yield failed("engines", f"{language}: {error.message}", "alicia voices list")
            continue
        if not live:
            yield failed(
                "engines", f"Nothing speaks {language} here.", "alicia voices list --json says why"
            )
        elif known.engine(live[0], language).capabilities.sound == "robotic":
            yield warn(
                "engines",
                f"{language} is spoken by {live[0]}, a robot.",
                "alicia voices list --json",
            )
        else:
            yield ok("engines", f"speech, {language} ({', '.join(live)}): ready")


def unusable(module: str) -> str | None:
    """Why a module can't be imported; None where it can."""
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything
        return f"{type(error).__name__}: {error}"
    return None


# ---- security -----------------------------------------------------------------------------------


def certificates(folder: Folder) -> Iterator[Check]:
    authority = folder.root / "ca"
    if not authority.exists():
        yield ok("certificates", "none yet; the first `alicia up` makes them")
        return
    names: list[str] = []
    with suppress(SetupError):
        given = settings.load(BrokerRoomSettings, "broker", folder).server_names
        names = [name.strip() for name in given.split(",") if name.strip()]
    found = problems(authority, datetime.now(timezone.utc), names)  # noqa: UP017 - as above
    for problem in found:
        judge = warn if problem.code.endswith("expires_soon") else failed
        yield judge("certificates", problem.message, problem.remedy)
    if not found:
        yield ok("certificates", "valid, matching and private")


def permissions(folder: Folder) -> Iterator[Check]:
    root = folder.root
    nearest = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        yield failed(
            "permissions",
            f"This user may not write to {nearest}.",
            "Make it yours (chown), or choose another place with --home.",
        )
        return
    secrets = [folder.identities, *folder.identities.glob("*.json"), folder.broker / "passwords"]
    exposed = [path for path in secrets if path.exists() and open_to_others(path)]
    for path in exposed:
        yield failed(
            "permissions",
            f"Others on this machine may open {path}.",
            f"chmod {'700' if path.is_dir() else '600'} '{path}'",
        )
    strangers = _strangers(root) if root.exists() else []
    for path in strangers[:3]:
        yield failed(
            "permissions",
            f"{path} belongs to another user. Was Alicia started with sudo once?",
            f"sudo chown -R {os.getuid()} '{root}'",
        )
    if not exposed and not strangers:
        yield ok("permissions", f"{root} is yours, and its secrets are private")


def _strangers(root: Path) -> list[Path]:
    uid = os.getuid()
    if uid == 0:
        return []
    candidates = [root, *root.iterdir(), *(root / "logs").glob("*"), *(root / "state").glob("*")]
    return [path for path in candidates if path.lstat().st_uid != uid]


def clock(now: datetime | None = None) -> Iterator[Check]:
    now = now or datetime.now(timezone.utc)  # noqa: UP017 - as above
    if now < RELEASED:
        yield failed(
            "clock",
            f"This clock shows {now:%Y-%m-%d %H:%M} UTC, before this version was made: "
            "certificates and alarms go by it.",
            "Set the clock, best by network time: timedatectl set-ntp true",
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def disk(folder: Folder) -> Iterator[Check]:
    root = folder.root
    nearest = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    text = f"{size(free)} free at {nearest}"
    remedy = "Free some space, or choose another place with --home."
    if free < DISK_LEAST:
        yield failed("disk", text, remedy)
    elif free < DISK_GOOD:
        yield warn("disk", text, remedy)
    else:
        yield ok("disk", text)


def memory(folder: Folder, read: Callable[[], float | None] | None = None) -> Iterator[Check]:
    free = (read or free_memory)()
    if free is None:
        yield ok("memory", "this system does not tell how much is free")
        return
    text = f"{size(free)} free"
    remedy = "End other programs, or use a machine with 2 GB or more."
    if free < MEMORY_LEAST and keeper(folder) is None:
        yield failed("memory", text, remedy)
    elif free < MEMORY_GOOD:
        yield warn("memory", text, remedy)
    else:
        yield ok("memory", text)


def free_memory() -> float | None:
    """Bytes that a program could have (Linux)."""
    with suppress(OSError, ValueError):
        for row in Path("/proc/meminfo").read_text("ascii").splitlines():
            if row.startswith("MemAvailable:"):
                return float(row.split()[1]) * 1024
    return None
