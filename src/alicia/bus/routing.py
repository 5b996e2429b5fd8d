"""Who takes what comes in: of those who hear, serve and tap here."""

from __future__ import annotations

from dataclasses import dataclass

from alicia.bus.hearing import Hearer, Tap
from alicia.bus.identity import Identity
from alicia.bus.packet import matches
from alicia.bus.serving import Server
from alicia.contracts.kinds import Stream

ROUTES = 2048


@dataclass(slots=True, eq=False)
class Route:
    """Who takes what is said on one topic."""

    server: tuple[Server, dict[str, str]] | None
    hearers: list[tuple[Hearer, dict[str, str]]]
    taps: list[Tap]
    once: bool
    """Whether it may come twice and must be taken once."""


class Routing:
    """All who take something, and the routes to them."""

    def __init__(self, identity: Identity) -> None:
        self.hearers: list[Hearer] = []
        self.servers: list[Server] = []
        self.taps: list[Tap] = []
        self._identity = identity
        self._routes: dict[str, Route] = {}

    def to(self, topic: str) -> Route:
        """Worked out once for each topic, until somebody comes or goes."""
        return self._routes.get(topic) or self._work_out(topic)

    def changed(self) -> None:
        """Somebody came or went."""
        self._routes.clear()

    def _work_out(self, topic: str) -> Route:
        relative = self._identity.relative(topic)
        servers = [
            (server, places)
            for server in self.servers
            if matches(server.filter, topic)
            and (places := server.command.match(relative)) is not None
        ]
        hearers = [
            (hearer, places)
            for hearer in self.hearers
            if matches(hearer.filter, topic)
            and (places := hearer.topic.match(relative)) is not None
        ]
        taps = [tap for tap in self.taps if matches(tap.filter, topic)]
        # The broker gives a copy to each subscription of ours that fits.
        copies = len({hearer.filter for hearer, _ in hearers} | {tap.filter for tap in taps})
        once = True
        if servers and not taps:
            once = False  # a question may be asked again
        elif copies < 2 and any(isinstance(hearer.topic, Stream) for hearer, _ in hearers):
            once = False  # nobody says a chunk twice
        if len(self._routes) >= ROUTES:
            self._routes.clear()
        route = Route(servers[0] if servers else None, hearers, taps, once)
        self._routes[topic] = route
        return route
