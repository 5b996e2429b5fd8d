"""The templates of answers, rendered in a sandbox: they are data from a package, not our code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=False, trim_blocks=True)


@dataclass(frozen=True)
class SpokenState:
    """An entity's state, in the words and under the names that the templates use."""

    entity_id: str
    domain: str
    name: str
    state: str
    attributes: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def state_with_unit(self) -> str:
        return self.state


@dataclass(frozen=True)
class Query:
    """Which of the entities that were asked about are as they were asked for."""

    matched: list[SpokenState] = field(default_factory=list[SpokenState])
    unmatched: list[SpokenState] = field(default_factory=list[SpokenState])


def render(
    template: str,
    *,
    slots: Mapping[str, object],
    state: SpokenState | None = None,
    query: Query | None = None,
    **more: object,
) -> str:
    """The text on one line, as a sentence."""
    attribute: Callable[[str, str], object] = lambda _entity, name: (  # noqa: E731
        state.attributes.get(name) if state else None
    )
    text = _compiled(template).render(
        slots=slots,
        state=state or SpokenState("", "", "", ""),
        query=query or Query(),
        state_attr=attribute,
        **more,
    )
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return _ENVIRONMENT.from_string(template)
