"""How grok is set: who is asked, where something is looked up, and how much it may be."""

from __future__ import annotations

import ipaddress
import json
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alicia.runtime.settings import Settings


def _is_safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("it must be an http or https address")
    if parts.scheme == "http" and not _is_at_home(parts.hostname):
        raise ValueError("an address outside this home must be https")
    return url


def _is_reference(key: str) -> str:
    from alicia.mind.models.keys import is_reference  # noqa: PLC0415 - with what it imports

    if not is_reference(key):
        raise ValueError("it must be env:NAME or file:PATH; a key does not belong in settings")
    return key


class ProviderSettings(BaseModel):
    """One model, at one address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40)
    url: str
    """The base of its API: `https://api.x.ai/v1`, `http://localhost:8080/v1`."""
    model: str = Field(min_length=1)
    key: str = ""
    """Where its key is: `env:XAI_API_KEY`, or `file:` and a path. Never the key itself."""
    input_usd: float = Field(ge=0)
    """US dollars for a million tokens that it reads; 0 for a model of one's own."""
    output_usd: float = Field(ge=0)
    """US dollars for a million tokens that it writes."""
    first_token_s: float = Field(default=1.2, gt=0)
    """Silence after which the next provider is asked."""
    limit_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the server calls the longest answer: Ollama and older llama.cpp know `max_tokens`."""
    vision: bool = False
    """It sees: pictures are sent to it."""
    vision_model: str = ""
    """Who looks at them, where that is not `model`."""
    vision_input_usd: float | None = Field(default=None, ge=0)
    """What `vision_model` costs; it has no default."""
    vision_output_usd: float | None = Field(default=None, ge=0)
    first_look_s: float = Field(default=5.0, gt=0)
    """Silence after a picture, after which the next provider is asked."""
    picture_tokens: int = Field(default=4096, ge=1)
    """What a picture counts for at most: set aside until the server tells its count."""

    _url_is_safe = field_validator("url")(_is_safe)
    _key_is_reference = field_validator("key")(_is_reference)

    @model_validator(mode="after")
    def _has_prices(self) -> Self:
        prices = (self.vision_input_usd, self.vision_output_usd)
        if self.vision_model and not self.vision:
            raise ValueError("a vision_model needs vision = true")
        if self.vision_model and None in prices:
            raise ValueError("a vision_model needs vision_input_usd and vision_output_usd")
        if not self.vision_model and prices != (None, None):
            raise ValueError("vision_input_usd and vision_output_usd are of a vision_model")
        return self


class LenderSettings(BaseModel):
    """A server of the Model Context Protocol, and what of it a model may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,19}$")
    url: str = ""
    """Of streamable HTTP."""
    command: list[str] = Field(default_factory=list[str])
    """Or a program that speaks MCP over its standard input, with its arguments."""
    key: str = ""
    """Where its bearer token is: `env:NAME`, or `file:` and a path."""
    tools: dict[str, str] = Field(min_length=1)
    """Name of a tool there, and what it is for: in your words, as a model is told them."""
    acting: bool = False
    """Also tools that their server does not call read-only."""
    within_s: float = Field(default=1.0, gt=0)
    """The longest that a look-up may take."""

    _key_is_reference = field_validator("key")(_is_reference)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("it has either a url or a command")
        if self.url:
            _is_safe(self.url)
        return self


class GrokSettings(Settings):
    providers: list[ProviderSettings] = Field(default_factory=list[ProviderSettings])
    """In the order in which they are asked. As an environment variable: a list in JSON."""
    mcp: list[LenderSettings] = Field(default_factory=list[LenderSettings])
    """Where a model may look something up; as an environment variable, a list in JSON."""
    daily_cap_usd: float = Field(default=1.0, ge=0)
    """What all of them together may cost in a day."""
    within_s: float = Field(default=6.0, gt=0)
    """The longest that anybody waits for an answer."""
    look_s: float = Field(default=10.0, gt=0)
    """The same where there is a picture."""
    home_tokens: int = Field(default=2000, ge=200)
    """How much a model is told of the home, its tools included."""
    max_tokens: int = Field(default=300, ge=16)
    """The longest answer."""

    @property
    def with_house(self) -> bool:
        """It starts with the house where there is somebody to ask."""
        return bool(self.providers)

    @field_validator("providers", "mcp", mode="before")
    @classmethod
    def _from_json(cls, given: object) -> object:
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError("it must be a list in JSON") from None

    @field_validator("providers", "mcp")
    @classmethod
    def _have_names(
        cls, given: list[ProviderSettings] | list[LenderSettings]
    ) -> list[ProviderSettings] | list[LenderSettings]:
        if len({one.name for one in given}) != len(given):
            raise ValueError("two have one name")
        return given


def _is_at_home(host: str) -> bool:
    """On this machine or its network, by address or by a name that only a home has."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa"))
