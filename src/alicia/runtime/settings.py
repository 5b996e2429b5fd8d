"""Settings: defaults < `alicia.toml` < environment (`ALICIA_STT__MODEL=...`), validated.

A service's section of the file is its name. What several services share stands once, in `[house]`
(`ALICIA_HOUSE__LANGUAGES=...`), and counts wherever a service's own section says nothing else.
"""

from __future__ import annotations

import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alicia.errors import SettingsError

PREFIX = "ALICIA_"


class Settings(BaseModel):
    """What every service can be told; a service adds its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shared: ClassVar[frozenset[str]] = frozenset()
    """Fields that are the house's where the service's own section does not say them."""

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_personal: bool = False
    """Keep personal text in logs. For debugging at home."""
    drain_timeout_s: float = Field(default=5.0, gt=0)
    """How long what is in flight may take when the service is asked to stop."""
    http_port: int = Field(default=0, ge=-1, le=65535)
    """/healthz, /readyz, /metrics on loopback; 0 takes a free port, -1 serves none."""
    http_host: str = "127.0.0.1"


S = TypeVar("S", bound=Settings)
B = TypeVar("B", bound=BaseModel)

HOUSE = "house"
SPOKEN = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
"""The nine languages."""


class HouseSettings(BaseModel):
    """What every service of a house may share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: str | None = None
    """What is spoken in this home, separated by commas: heard, understood and spoken from the
    start. Others are when somebody asks for them, but for what is heard."""

    @field_validator("languages")
    @classmethod
    def _are_spoken(cls, languages: str | None) -> str | None:
        if languages is None:
            return None
        named = list(dict.fromkeys(name.strip() for name in languages.split(",")))
        if unknown := [name for name in named if name not in SPOKEN]:
            raise ValueError(f"{', '.join(unknown) or 'nothing'} is none of {', '.join(SPOKEN)}")
        return ",".join(named)


class Folder:
    """Where a house keeps what is its own: `ALICIA_HOME`, or the platform's data folder."""

    def __init__(self, root: Path | None = None) -> None:
        given = root or os.environ.get("ALICIA_HOME")
        self.root = Path(given) if given else Path(platformdirs.user_data_dir("alicia"))

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def identities(self) -> Path:
        return self.root / "identities"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def settings_file(self) -> Path:
        return self.root / "alicia.toml"

    def state(self, service: str) -> Path:
        """A service's own folder; made, for its owner alone."""
        folder = self.root / "state" / service
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @cached_property
    def sections(self) -> dict[str, Any]:
        """The settings file. Raises SettingsError."""
        try:
            return tomllib.loads(self.settings_file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(
                "The settings file can't be read; correct it, or move it away.",
                file=str(self.settings_file),
                reason=str(error),
            ) from error


def load(kind: type[S], section: str, folder: Folder) -> S:
    """The settings of a section, from all layers.

    Raises SettingsError with the field, the reason and where the value came from.
    """
    values, origin = _given(section, folder)
    if kind.shared:
        shared = load_house(folder).model_dump(include=set(kind.shared), exclude_none=True)
        values = {**shared, **values}
    return _validated(kind, section, values, origin)


def load_house(folder: Folder) -> HouseSettings:
    """What the services of a house share. Raises SettingsError."""
    return _validated(HouseSettings, HOUSE, *_given(HOUSE, folder))


def _given(section: str, folder: Folder) -> tuple[dict[str, Any], dict[str, str]]:
    """What a section says, and where each value came from. Raises SettingsError."""
    values: dict[str, Any] = dict(folder.sections.get(section, {}))
    origin = dict.fromkeys(values, str(folder.settings_file))
    start = f"{PREFIX}{section.upper()}__"
    for variable, text in os.environ.items():
        if variable.upper().startswith(start):
            field = variable[len(start) :].lower()
            values[field] = text
            origin[field] = f"environment variable {variable}"
    return values, origin


def _validated(kind: type[B], section: str, values: dict[str, Any], origin: dict[str, str]) -> B:
    """Raises SettingsError."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The setting {section}.{field} is not valid: {first['msg']}.",
            field=f"{section}.{field}",
            origin=origin.get(field, "default"),
        ) from error
