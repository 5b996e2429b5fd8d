"""Acts: what a home can be told, in no language yet. A language's `say` table gives the words.

`say.name` speaks of a named thing, `say.area` of a room, `say.here` of the room one is in and
`say.home` of the whole home; each has one list of patterns an act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Act:
    does: str
    """Two sentences of the same kind about the same things mean the same."""
    intent: str
    response: str = "default"
    slots: Mapping[str, str | float] = field(default_factory=dict[str, str | float])
    takes: str | None = None
    """The slot of the number that was said, or of the colour."""
    domains: tuple[str, ...] = ()
    """Of what it can be about; empty for any."""
    capability: str | None = None
    device_class: str | None = None


_SWITCHED = ("light", "switch", "fan", "climate", "media_player")
_LIGHT = ("light",)
_COVER = ("cover",)
_FAN = ("fan",)
_PLAYER = ("media_player",)
_CLIMATE = ("climate",)
_OPENABLE = ("cover", "binary_sensor")
_ON_OFF = ("light", "switch", "fan", "climate")
_TOLD = (*_ON_OFF, *_OPENABLE, "lock", "media_player")


def _steps(up: str, down: str, act: Act, slot: str = "step") -> dict[str, Act]:
    """Up and down: as much as is usual, and by the amount that was said (`brighter_by`)."""
    found: dict[str, Act] = {}
    for key, way in ((up, "up"), (down, "down")):
        does = key.rpartition("_")[2]
        found[key] = replace(act, does=does, slots={**act.slots, slot: way})
        found[f"{key}_by"] = replace(found[key], does=f"{does} by", takes="amount")
    return found


def _reads(does: str, reading: str, domains: tuple[str, ...]) -> Act:
    return Act(
        does,
        "AliciaGetReading",
        slots={"reading": reading},
        domains=domains,
        capability=reading,
    )


def _is(does: str, domains: tuple[str, ...], state: str) -> Act:
    return Act(does, "HassGetState", "one_yesno", {"state": state}, domains=domains)


NAMED: dict[str, Act] = {
    "on": Act("on", "HassTurnOn", domains=_SWITCHED),
    "off": Act("off", "HassTurnOff", domains=_SWITCHED),
    "scene": Act("scene", "HassTurnOn", "scene", domains=("scene",)),
    "open": Act("open", "HassTurnOn", "cover", domains=_COVER),
    "close": Act("close", "HassTurnOff", "cover", domains=_COVER),
    "half": Act("half", "HassSetPosition", slots={"position": 50.0}, domains=_COVER),
    "position": Act("position", "HassSetPosition", takes="position", domains=_COVER),
    **_steps("raise", "lower", Act("", "AliciaCoverStep", domains=_COVER)),
    "lock": Act("lock", "HassTurnOn", "lock", domains=("lock",)),
    "unlock": Act("unlock", "HassTurnOff", "lock", domains=("lock",)),
    "brightness": Act(
        "brightness",
        "HassLightSet",
        "brightness",
        takes="brightness",
        domains=_LIGHT,
        capability="brightness",
    ),
    "full": Act(
        "full",
        "HassLightSet",
        "brightness",
        {"brightness": 100.0},
        domains=_LIGHT,
        capability="brightness",
    ),
    "half_lit": Act(
        "half",
        "HassLightSet",
        "brightness",
        {"brightness": 50.0},
        domains=_LIGHT,
        capability="brightness",
    ),
    **_steps(
        "brighter",
        "dimmer",
        Act("", "AliciaLightStep", "brightness", domains=_LIGHT, capability="brightness"),
    ),
    "dimmest": Act(
        "dimmest",
        "HassLightSet",
        "brightness",
        {"brightness": 1.0},
        domains=_LIGHT,
        capability="brightness",
    ),
    "color": Act(
        "color", "HassLightSet", "color", takes="color", domains=_LIGHT, capability="color"
    ),
    "tone": Act(
        "tone",
        "HassLightSet",
        "temperature",
        takes="temperature",
        domains=_LIGHT,
        capability="color_temperature",
    ),
    "kelvin": Act(
        "kelvin",
        "HassLightSet",
        "temperature",
        takes="temperature",
        domains=_LIGHT,
        capability="color_temperature",
    ),
    "fan_full": Act("full", "HassFanSetSpeed", slots={"percentage": 100.0}, domains=_FAN),
    "fan_half": Act("half", "HassFanSetSpeed", slots={"percentage": 50.0}, domains=_FAN),
    "fan_least": Act("least", "HassFanSetSpeed", slots={"percentage": 10.0}, domains=_FAN),
    "speed": Act("speed", "HassFanSetSpeed", takes="percentage", domains=_FAN),
    **_steps("faster", "slower", Act("", "AliciaFanStep", domains=_FAN)),
    "temperature": Act(
        "temperature", "HassClimateSetTemperature", takes="temperature", domains=_CLIMATE
    ),
    **_steps("warmer", "cooler", Act("", "AliciaClimateStep", domains=_CLIMATE)),
    "play": Act("play", "HassMediaUnpause", domains=_PLAYER),
    "pause": Act("pause", "HassMediaPause", domains=_PLAYER),
    "mute": Act("mute", "HassMediaPlayerMute", domains=_PLAYER),
    "unmute": Act("unmute", "HassMediaPlayerUnmute", domains=_PLAYER),
    "volume": Act("volume", "HassSetVolume", takes="volume_level", domains=_PLAYER),
    "volume_full": Act("full", "HassSetVolume", slots={"volume_level": 100.0}, domains=_PLAYER),
    "volume_half": Act("half", "HassSetVolume", slots={"volume_level": 50.0}, domains=_PLAYER),
    **_steps("louder", "quieter", Act("", "HassSetVolumeRelative", domains=_PLAYER), "volume_step"),
    "is_on": _is("is_on", _ON_OFF, "on"),
    "is_off": _is("is_off", _ON_OFF, "off"),
    "is_open": _is("is_open", _OPENABLE, "open"),
    "is_closed": _is("is_closed", _OPENABLE, "closed"),
    "is_locked": _is("is_locked", ("lock",), "locked"),
    "is_unlocked": _is("is_unlocked", ("lock",), "unlocked"),
    "is_playing": _is("is_playing", _PLAYER, "playing"),
    "which_state": Act("which_state", "HassGetState", "one", {"state": "on"}, domains=_TOLD),
    "get_target": Act("get_target", "AliciaGetTarget", domains=_CLIMATE),
    "get_temperature": Act(
        "get_temperature",
        "HassClimateGetTemperature",
        domains=("sensor", "climate"),
        capability="temperature",
    ),
    "get_brightness": Act(
        "get_brightness",
        "AliciaGetReading",
        slots={"reading": "brightness"},
        domains=_LIGHT,
        capability="brightness",
    ),
    "get_color": _reads("get_color", "color", _LIGHT),
    "get_tone": _reads("get_tone", "color_temperature", _LIGHT),
    "get_position": _reads("get_position", "position", _COVER),
    "get_volume": _reads("get_volume", "volume", _PLAYER),
    "get_speed": _reads("get_speed", "speed", _FAN),
    "get_power": Act(
        "get_power",
        "AliciaGetReading",
        slots={"reading": "power_w"},
        domains=("switch",),
        capability="power_w",
    ),
}
"""About a thing by its name."""

_LIGHTS: dict[str, str | float] = {"domain": "light"}
_BLINDS: dict[str, str | float] = {"domain": "cover", "device_class": "blind"}
_FANS: dict[str, str | float] = {"domain": "fan"}


def _lights(does: str, intent: str, response: str, takes: str | None = None, **slots: str) -> Act:
    capability = {"color": "color", "temperature": "color_temperature"}.get(response)
    return Act(does, intent, response, {**_LIGHTS, **slots}, takes, _LIGHT, capability)


def _blinds(does: str, intent: str, response: str = "cover_device_class") -> Act:
    return Act(does, intent, response, _BLINDS, domains=_COVER, device_class="blind")


def _counted(does: str, kind: str, state: str = "on", **slots: str) -> Act:
    wanted = {"state": state, **(slots or {"domain": "light"})}
    return Act(
        does,
        "HassGetState",
        kind,
        wanted,
        domains=(wanted["domain"],),
        device_class=wanted.get("device_class"),
    )


PLACED: dict[str, Act] = {
    "lights_on": _lights("on", "HassTurnOn", "lights_area"),
    "lights_off": _lights("off", "HassTurnOff", "lights_area"),
    "lights_brightness": _lights("brightness", "HassLightSet", "brightness", "brightness"),
    "lights_full": Act(
        "full", "HassLightSet", "brightness", {**_LIGHTS, "brightness": 100.0}, domains=_LIGHT
    ),
    "lights_dimmest": Act(
        "dimmest", "HassLightSet", "brightness", {**_LIGHTS, "brightness": 1.0}, domains=_LIGHT
    ),
    "lights_half": Act(
        "half", "HassLightSet", "brightness", {**_LIGHTS, "brightness": 50.0}, domains=_LIGHT
    ),
    **_steps("lights_brighter", "lights_dimmer", _lights("", "AliciaLightStep", "brightness")),
    "lights_color": _lights("color", "HassLightSet", "color", "color"),
    "lights_tone": _lights("tone", "HassLightSet", "temperature", "temperature"),
    "blinds_open": _blinds("open", "HassTurnOn"),
    "blinds_close": _blinds("close", "HassTurnOff"),
    "blinds_half": Act(
        "half", "HassSetPosition", "cover_device_class", {**_BLINDS, "position": 50.0}, None, _COVER
    ),
    "blinds_position": Act(
        "position",
        "HassSetPosition",
        "cover_device_class",
        _BLINDS,
        "position",
        _COVER,
        None,
        "blind",
    ),
    **_steps("blinds_raise", "blinds_lower", _blinds("", "AliciaCoverStep")),
    "fan_on": Act("on", "HassTurnOn", "fans_area", _FANS, domains=_FAN),
    "fan_off": Act("off", "HassTurnOff", "fans_area", _FANS, domains=_FAN),
    "fan_full": Act("full", "HassFanSetSpeed", slots={"percentage": 100.0}, domains=_FAN),
    "fan_half": Act("half", "HassFanSetSpeed", slots={"percentage": 50.0}, domains=_FAN),
    "fan_least": Act("least", "HassFanSetSpeed", slots={"percentage": 10.0}, domains=_FAN),
    "fan_speed": Act("speed", "HassFanSetSpeed", takes="percentage", domains=_FAN),
    **_steps("fan_faster", "fan_slower", Act("", "AliciaFanStep", domains=_FAN)),
    "everything_off": Act("everything_off", "HassTurnOff", "everything", {"scope": "everything"}),
    "everything_on": Act("everything_on", "HassTurnOn", "everything", {"scope": "everything"}),
    "temperature": Act(
        "temperature", "HassClimateSetTemperature", takes="temperature", domains=_CLIMATE
    ),
    **_steps("warmer", "cooler", Act("", "AliciaClimateStep", domains=_CLIMATE)),
    "play": Act("play", "HassMediaUnpause", domains=_PLAYER),
    "pause": Act("pause", "HassMediaPause", domains=_PLAYER),
    "mute": Act("mute", "HassMediaPlayerMute", domains=_PLAYER),
    "unmute": Act("unmute", "HassMediaPlayerUnmute", domains=_PLAYER),
    "volume": Act("volume", "HassSetVolume", takes="volume_level", domains=_PLAYER),
    "volume_full": Act("full", "HassSetVolume", slots={"volume_level": 100.0}, domains=_PLAYER),
    "volume_half": Act("half", "HassSetVolume", slots={"volume_level": 50.0}, domains=_PLAYER),
    **_steps("louder", "quieter", Act("", "HassSetVolumeRelative", domains=_PLAYER), "volume_step"),
    "get_temperature": Act(
        "get_temperature", "HassClimateGetTemperature", capability="temperature"
    ),
    "get_humidity": Act(
        "get_humidity", "AliciaGetReading", slots={"reading": "humidity"}, capability="humidity"
    ),
    "get_target": Act("get_target", "AliciaGetTarget", domains=_CLIMATE),
    "which_lights": _counted("which_lights", "which"),
    "what_is_on": Act(
        "what_is_on",
        "HassGetState",
        "which",
        {"scope": "everything", "state": "on"},
        domains=("light", "switch", "fan"),
    ),
    "which_players": _counted("which_players", "which", "playing", domain="media_player"),
    "any_light": _counted("any_light", "any"),
    "all_lights_are_off": _counted("all_lights_are_off", "all", "off"),
    "how_many_lights": _counted("how_many_lights", "how_many"),
    "any_motion": _counted("any_motion", "any", domain="binary_sensor", device_class="motion"),
    "any_window": _counted("any_window", "any", domain="binary_sensor", device_class="window"),
    "all_windows": _counted(
        "all_windows", "all", "closed", domain="binary_sensor", device_class="window"
    ),
    "any_music": _counted("any_music", "any", "playing", domain="media_player"),
    "any_blind": _counted("any_blind", "any", "open", domain="cover", device_class="blind"),
    "time": Act("time", "HassGetCurrentTime"),
    "date": Act("date", "HassGetCurrentDate"),
    "nevermind": Act("nevermind", "HassNevermind"),
    "hello": Act("hello", "HassRespond", "hello"),
}
"""About a room, the room one is in, or the home."""

_PAIRS = (
    ("on", "off"),
    ("open", "close"),
    ("lock", "unlock"),
    ("brighter", "dimmer"),
    ("warmer", "cooler"),
    ("louder", "quieter"),
    ("mute", "unmute"),
    ("play", "pause"),
    ("everything_on", "everything_off"),
)
OPPOSITE: Mapping[str, str] = {
    **dict(_PAIRS),
    **{after: before for before, after in _PAIRS},
}
"""What an act (`Act.does`) undoes."""
