"""How ai is set."""

from __future__ import annotations

from pydantic import Field

from alicia.runtime.settings import Settings


class AiSettings(Settings):
    shared = frozenset({"languages"})

    languages: str = "en"
    """Loaded at the start, separated by commas; others when they are first heard."""
    think_within_s: float = Field(default=1.7, ge=0)
    """How long a language model may take where the home's grammar knows no answer, so that
    something is heard within 2 s; 0 asks none. `router.understand_s` bounds it too."""
    look_within_s: float = Field(default=9.0, gt=0)
    """How long it may take to look at a picture."""
    remember_anyone: bool = False
    """Keep also what guests tell, and, for everybody here, what voices tell that nobody knows."""
    notes_to_models: bool = True
    """A question that goes to a language model takes along what its speaker told about it."""
