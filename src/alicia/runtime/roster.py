"""The 23 services of the house, and who else speaks on its bus.

A planned service has no module yet: it is not started, and nobody may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from alicia.bus.bus import Declaration
from alicia.contracts.kinds import AnyTopic
from alicia.errors import SettingsError
from alicia.runtime.service import Service, declaration


@dataclass(frozen=True, slots=True)
class Room:
    """One of the 23, or somebody outside them with an identity of its own."""

    name: str
    group: str
    does: str
    path: str | None = None
    """`module:class`; None while it is planned."""

    @property
    def planned(self) -> bool:
        return self.path is None

    def load(self) -> type[Service[Any]]:
        """The class. Raises SettingsError while it is planned."""
        if self.path is None:
            raise SettingsError(f"The service {self.name} is planned, not built yet.")
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)


_S = "alicia.services"

ROOMS: tuple[Room, ...] = (
    Room("broker", "core", "runs the MQTT broker, or adopts one", f"{_S}.core.broker:Broker"),
    Room("security_gateway", "core", "identities, roles and the door for everything outside"),
    Room(
        "device_registry",
        "core",
        "the one record of devices, entities and areas",
        f"{_S}.core.device_registry:DeviceRegistry",
    ),
    Room(
        "discovery",
        "core",
        "who is here and what they lack",
        f"{_S}.core.discovery:Discovery",
    ),
    Room("health_monitor", "core", "verdicts, root causes and alerts"),
    Room("configuration", "core", "the present settings of every service"),
    Room("stt", "voice", "an utterance to text", f"{_S}.voice.stt:Stt"),
    Room("ai", "voice", "a sentence to intent, action and reply", f"{_S}.voice.ai:Ai"),
    Room("tts", "voice", "text to speech", f"{_S}.voice.tts:Tts"),
    Room("router", "voice", "owns the turn", f"{_S}.voice.router:Router"),
    Room("sonos", "devices", "Sonos speakers"),
    Room("device_manager", "devices", "finds, adopts and groups devices"),
    Room("ha_bridge", "devices", "Home Assistant, both ways"),
    Room(
        "device_control",
        "devices",
        "carries commands out and reports what devices confirmed",
        f"{_S}.devices.device_control:DeviceControl",
    ),
    Room(
        "grok",
        "advanced",
        "xAI's Grok, and other language models, as a mind",
        f"{_S}.advanced.grok:Grok",
    ),
    Room(
        "personality",
        "advanced",
        "who answers, and how",
        f"{_S}.advanced.personality:Personality",
    ),
    Room(
        "language",
        "advanced",
        "detects, translates, localises",
        f"{_S}.advanced.language:Language",
    ),
    Room(
        "advanced_voice",
        "advanced",
        "whose voice it is, how it sounds, how well it was heard",
        f"{_S}.advanced.advanced_voice:AdvancedVoice",
    ),
    Room("load_balancer", "supporting", "places streaming sessions on instances"),
    Room("metrics_collector", "supporting", "gathers metrics and logs, keeps trends"),
    Room(
        "event_scheduler",
        "supporting",
        "timers, alarms, reminders and automations",
        f"{_S}.supporting.event_scheduler:EventScheduler",
    ),
    Room("configuration_manager", "supporting", "changes of settings, staged and rolled back"),
    Room(
        "orchestrator",
        "supporting",
        "starts, restarts and stops the services",
        f"{_S}.supporting.orchestrator:Orchestrator",
    ),
)

PEERS: tuple[Room, ...] = (
    Room(
        "satellite",
        "peer",
        "a microphone and a speaker in an area",
        "alicia.peers.satellite:Satellite",
    ),
    Room("console", "peer", "the command line", "alicia.peers.console:Console"),
    Room(
        "virtual_home",
        "peer",
        "the virtual devices of the demo home",
        "alicia.peers.virtual_home:VirtualHomeAdapter",
    ),
    Room(
        "wyoming_server",
        "peer",
        "ears, voice and mind for Home Assistant and other Wyoming clients",
        "alicia.peers.wyoming.server:WyomingServer",
    ),
    Room(
        "wyoming_satellites",
        "peer",
        "microphones and speakers that run wyoming-satellite",
        "alicia.peers.wyoming.satellites:WyomingSatellites",
    ),
    Room(
        "browser",
        "peer",
        "a page with a microphone, for phones and computers of the home",
        "alicia.peers.browser.server:Browser",
    ),
    Room(
        "esphome",
        "peer",
        "voice devices that run ESPHome",
        "alicia.peers.esphome.driver:Esphome",
    ),
    Room(
        "mcp_server",
        "peer",
        "the home as tools, for programs that speak MCP",
        "alicia.peers.mcp.server:McpServer",
    ),
)


def room(name: str) -> Room:
    """Raises SettingsError where there is none of that name."""
    for entry in (*ROOMS, *PEERS):
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in (*ROOMS, *PEERS) if not entry.planned)
    raise SettingsError(f"There is no service {name!r}. There are: {names}.")


def built() -> list[Room]:
    """Every room and peer that exists."""
    return [entry for entry in (*ROOMS, *PEERS) if not entry.planned]


@cache
def declarations() -> dict[str, Declaration]:
    """What each identity may do on the bus."""
    return {entry.name: declaration(entry.load()) for entry in built()}


@cache
def servers() -> dict[AnyTopic, list[str]]:
    """Who serves each command."""
    found: dict[AnyTopic, list[str]] = {}
    for name, mine in declarations().items():
        for command in mine.serves:
            found.setdefault(command, []).append(name)
    return found


def needs(name: str) -> list[str]:
    """The services that this one can't do without, apart from itself."""
    optional = room(name).load().does_without
    asked = {
        server
        for command in declarations()[name].asks.difference(optional)
        for server in servers().get(command, [])
        if not command.each_own
    }
    return sorted(asked - {name})
