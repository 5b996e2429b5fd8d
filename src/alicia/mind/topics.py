"""What was spoken of last at each satellite, for as long as somebody may go on about it."""

from __future__ import annotations

from pydantic import ValidationError

from alicia.contracts.conversation import Topic
from alicia.contracts.voice import Understood
from alicia.errors import AliciaError, AmbiguousError, MissingSlotError


class Topics:
    """By satellite; forgotten after a while. Times are of the monotonic clock, in seconds."""

    def __init__(self, *, keep_s: float) -> None:
        self._keep_s = keep_s
        self._known: dict[str, tuple[Topic, float]] = {}

    def of(self, satellite: str, now: float) -> Topic | None:
        """What the next sentence there may be about."""
        topic, at = self._known.get(satellite, (None, 0.0))
        if topic is not None and now - at > self._keep_s:
            del self._known[satellite]
            return None
        return topic

    def note(
        self, satellite: str, understood: Understood | None, error: AliciaError | None, now: float
    ) -> None:
        """A turn is over. One that was about nothing leaves what was spoken of before."""
        topic = understood.topic if understood else None
        if isinstance(error, (AmbiguousError, MissingSlotError)):
            topic = _asked_back(error)
        if topic is not None:
            self.put(satellite, topic, now)

    def put(self, satellite: str, topic: Topic, at: float) -> None:
        if self._keep_s > 0:
            self._known[satellite] = topic, at

    def forget(self, satellite: str | None) -> None:
        """What was spoken of there, or anywhere."""
        for one in list(self._known) if satellite is None else [satellite]:
            self._known.pop(one, None)

    def all(self) -> list[tuple[str, Topic, float]]:
        """Satellites, what was spoken of there, and when."""
        return [(satellite, topic, at) for satellite, (topic, at) in self._known.items()]

    def expire(self, now: float) -> bool:
        """Whether there was one that nobody may go on about any more."""
        old = [key for key, (_, at) in self._known.items() if now - at > self._keep_s]
        for satellite in old:
            del self._known[satellite]
        return bool(old)


def _asked_back(error: AmbiguousError | MissingSlotError) -> Topic | None:
    """Between what was asked back. None where the error does not tell."""
    try:
        return Topic.model_validate(error.fields.get("topic"))
    except ValidationError:
        return None
