"""Meaning: what the concepts of a command come to for each kind of thing.

"Up" makes a light brighter, a room warmer and music louder, and opens a blind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_DARK, _COLD, _LOUD = "light", "climate", "media_player"

_BRIGHTER = dict.fromkeys(("brighter", "up", "raise", "increase", "more"), "brighter")
_DIMMER = dict.fromkeys(("dimmer", "down", "lower", "decrease", "less", "dim"), "dimmer")
_OPEN = dict.fromkeys(("open", "up", "raise"), "open")
_CLOSE = dict.fromkeys(("close", "down", "lower", "shut"), "close")
_WARMER = dict.fromkeys(("warmer", "up", "raise", "increase", "more"), "warmer")
_COOLER = dict.fromkeys(("cooler", "down", "lower", "decrease", "less"), "cooler")
_LOUDER = dict.fromkeys(("louder", "up", "raise", "increase", "more"), "louder")
_QUIETER = dict.fromkeys(("quieter", "down", "lower", "decrease", "less"), "quieter")
_FASTER = dict.fromkeys(("faster", "up", "raise", "increase", "more"), "faster")
_SLOWER = dict.fromkeys(("slower", "down", "lower", "decrease", "less"), "slower")
_OFF = dict.fromkeys(("off", "kill"), "off")

_OPS: Mapping[str, Mapping[str, str]] = {
    "light": {
        "on": "on",
        **_OFF,
        "shut": "",
        **_BRIGHTER,
        **_DIMMER,
        "warmer": "warm",
        "cooler": "cold",
        "adj:dark": "brighter",
        "adj:bright": "dimmer",
        "adj:weak": "brighter",
        "adj:strong": "dimmer",
    },
    "cover": {**_OPEN, **_CLOSE, "let": "", "roll": "roll", "unroll": "unroll"},
    "climate": {
        "on": "on",
        **_OFF,
        "start": "on",
        "stop": "off",
        "shut": "",
        **_WARMER,
        **_COOLER,
        "adj:cold": "warmer",
        "adj:hot": "cooler",
        "adj:warm": "cooler",
        "adj:weak": "warmer",
        "adj:strong": "cooler",
    },
    "fan": {
        "on": "on",
        **_OFF,
        "start": "on",
        "stop": "off",
        "shut": "",
        "let": "",
        **_FASTER,
        **_SLOWER,
        "adj:weak": "faster",
        "adj:strong": "slower",
    },
    "switch": {"on": "on", **_OFF, "start": "on", "stop": "off", "shut": "", "let": ""},
    "media_player": {
        "on": "on",
        **_OFF,
        "play": "play",
        "start": "play",
        "pause": "pause",
        "stop": "pause",
        "shut": "",
        "let": "",
        "mute": "mute",
        "unmute": "unmute",
        **_LOUDER,
        **_QUIETER,
        "adj:loud": "quieter",
        "adj:quiet": "louder",
        "adj:weak": "louder",
        "adj:strong": "quieter",
    },
    "lock": {"lock": "lock", "unlock": "unlock", "close": "", "shut": "", "free": "unlock"},
    "everything": {"on": "on", **_OFF, "shut": "", "stop": "off"},
}
"""By kind of thing: what each concept makes of it; "" where it only goes with another."""

_IMPLIED: Mapping[str, str] = {
    **dict.fromkeys(("brighter", "dimmer", "dim", "kelvin", "adj:dark", "adj:bright"), _DARK),
    **dict.fromkeys(("warmer", "cooler", "degree", "adj:cold", "adj:hot", "adj:warm"), _COLD),
    **dict.fromkeys(
        ("louder", "quieter", "mute", "unmute", "play", "pause", "adj:loud", "adj:quiet"), _LOUD
    ),
    **dict.fromkeys(("faster", "slower"), "fan"),
}
"""The kind of thing that is meant where none is named."""

_STEPPED = {"open": "raise", "close": "lower"}
"""What a cover does by a little."""
_WAYS = frozenset(
    {"brighter", "dimmer", "warmer", "cooler", "louder", "quieter", "faster", "slower"}
)
"""Acts that a number says the size of."""
_UNITS: Mapping[str, frozenset[str]] = {
    "light": frozenset({"", "percent", "kelvin"}),
    "cover": frozenset({"", "percent"}),
    "climate": frozenset({"", "degree"}),
    "fan": frozenset({"", "percent"}),
    "media_player": frozenset({"", "percent"}),
}
_NUMBERED = frozenset({"percent", "degree", "kelvin"})
"""Units, which say nothing without their number."""
_MOST_DEGREES = 10.0
"""The most that "warmer" is meant by."""
_LEAST_DEGREES = 10.0
"""From here on a number alone is one of degrees: "heating 21"."""
_LEAST_SET = 5.0
"""No heating is set to less: "the heating by a degree" is no temperature."""
_LEAST_KELVIN = 1000.0
"""From here on a number alone is the temperature of a light's colour."""
_LAST_HOUR = 24.0
_SHUT = frozenset({"close", "shut"})
_OPPOSITES = [{"brighter", "dimmer"}, {"warmer", "cooler"}, {"louder", "quieter"}]
_LEVELS = ("full", "half", "least")
_TONES = {"warm": 2700.0, "cold": 5000.0}
"""Kelvin of light that is to be warmer or colder."""
_FELT = frozenset({"adj:dark", "adj:cold", "adj:hot"})
"""Enough of a complaint without a "too"."""

_SOUND = {"on": "unmute", "off": "mute"}
"""What is done to the sound of something that plays."""
_GIFTS = {"light": "on", "music": "play"}
"""Nouns that somebody wants who names nothing else."""
_PUT = {"light": "on", "switch": "on", "fan": "on", "climate": "on", "media_player": "play"}
"""What is done to whatever is put, by kind of thing: "pon la cafetera", "mets la radio"."""
_PUT_SO = frozenset({"put", "nothing", "kind", "entity", "area", "floor", "here", "all", "house"})
_GIVEN = frozenset({"maybe", "give", "nothing", "kind", "set", "house", "and"}) | frozenset(
    {"entity", "area", "floor", "here", "bit"}
)
_MARKS = frozenset(
    {"nothing", "set", "to", "at", "by", "bit", "percent", "degree", "kelvin", "number", "wish"}
    | {"mind", "ing", "done", "full", "half", "least", "too", "cop", "all", "here", "house", "and"}
    | {"entity", "area", "floor", "attr", "kind", "color", "tone", "give", "let", "maybe"}
    | {"put", "state", "plural", "told", "two", "near"}
)
"""All that a command may say beside what is to be done.

`plural` means more than one of a name. `told` may as well tell of something that was done: what
is protected doesn't obey it.
"""

KEYS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "light": {
        "on": ("on", "lights_on"),
        "off": ("off", "lights_off"),
        "brighter": ("brighter", "lights_brighter"),
        "dimmer": ("dimmer", "lights_dimmer"),
        "brighter_by": ("brighter_by", "lights_brighter_by"),
        "dimmer_by": ("dimmer_by", "lights_dimmer_by"),
        "full": ("full", "lights_full"),
        "half": ("half_lit", "lights_half"),
        "least": ("dimmest", "lights_dimmest"),
        "level": ("brightness", "lights_brightness"),
        "kelvin": ("kelvin", "lights_tone"),
        "color": ("color", "lights_color"),
        "tone": ("tone", "lights_tone"),
        "warm": ("tone", "lights_tone"),
        "cold": ("tone", "lights_tone"),
    },
    "cover": {
        "open": ("open", "blinds_open"),
        "roll": ("open", "blinds_open"),
        "unroll": ("close", "blinds_close"),
        "close": ("close", "blinds_close"),
        "raise": ("raise", "blinds_raise"),
        "lower": ("lower", "blinds_lower"),
        "raise_by": ("raise_by", "blinds_raise_by"),
        "lower_by": ("lower_by", "blinds_lower_by"),
        "half": ("half", "blinds_half"),
        "level": ("position", "blinds_position"),
    },
    "climate": {
        "on": ("on", ""),
        "off": ("off", ""),
        "warmer": ("warmer", "warmer"),
        "cooler": ("cooler", "cooler"),
        "warmer_by": ("warmer_by", "warmer_by"),
        "cooler_by": ("cooler_by", "cooler_by"),
        "level": ("temperature", "temperature"),
    },
    "fan": {
        "on": ("on", "fan_on"),
        "off": ("off", "fan_off"),
        "faster": ("faster", "fan_faster"),
        "slower": ("slower", "fan_slower"),
        "faster_by": ("faster_by", "fan_faster_by"),
        "slower_by": ("slower_by", "fan_slower_by"),
        "full": ("fan_full", "fan_full"),
        "least": ("fan_least", "fan_least"),
        "half": ("fan_half", "fan_half"),
        "level": ("speed", "fan_speed"),
    },
    "switch": {"on": ("on", ""), "off": ("off", "")},
    "media_player": {
        "on": ("on", "play"),
        "off": ("off", "pause"),
        "play": ("play", "play"),
        "pause": ("pause", "pause"),
        "mute": ("mute", "mute"),
        "unmute": ("unmute", "unmute"),
        "louder": ("louder", "louder"),
        "quieter": ("quieter", "quieter"),
        "louder_by": ("louder_by", "louder_by"),
        "quieter_by": ("quieter_by", "quieter_by"),
        "full": ("volume_full", "volume_full"),
        "least": ("volume_least", "volume_least"),
        "half": ("volume_half", "volume_half"),
        "level": ("volume", "volume"),
    },
    "lock": {"lock": ("lock", ""), "unlock": ("unlock", "")},
    "everything": {"on": ("", "everything_on"), "off": ("", "everything_off")},
}
"""By kind of thing and act: the key in `acts.NAMED`, and in `acts.PLACED` ("" for none)."""


@dataclass(frozen=True)
class Wanted:
    """What is to be done, whatever to."""

    ops: frozenset[str]
    """Concepts that do something."""
    marks: frozenset[str]
    """Those that only say how: `to`, `by`, `bit`, units, `full`."""
    number: float | None = None
    color: str | None = None
    tone: float | None = None

    @property
    def complains(self) -> bool:
        """Whether it tells how it is, and leaves to us what is to be done about it."""
        return any(op.startswith("adj:") for op in self.ops)

    @property
    def switches(self) -> bool:
        """Whether it is turned on or off, and no more."""
        switched = len(self.ops) == 1 and self.ops <= {"on", "off"}
        return switched and self._only(_PUT_SO | {"wish", "set", "state", "and"}, self.ops)

    @property
    def implied(self) -> str | None:
        """The kind of thing that is meant where none is named; None where that is unclear."""
        kinds = {_IMPLIED[op] for op in self.ops | self.marks if op in _IMPLIED}
        if self.color is not None or self.tone is not None:
            kinds.add("light")
        return kinds.pop() if len(kinds) == 1 else None

    def act(self, domain: str, noun: str = "") -> tuple[str, str | float | None] | None:
        """The act (a key of `KEYS`), and its value; None where it makes no sense for these.

        "Give me light" and "I want music" name but a kind, by this noun.
        """
        ways = self._ways(domain)
        if ways is None:
            return None
        if "give" in self.marks and self.color is None and self.tone is None:
            named = domain if "entity" in self.marks and domain in _GIFTS else noun
            given = self._only(_GIVEN) and named in _GIFTS
            return (_GIFTS[named], None) if given else None
        if "put" in self.marks and self._only(_PUT_SO):
            put = _PUT.get(domain)
            return (put, None) if put else None
        if noun == "door" and "free" in self.ops:
            return None  # "Open the door" opens no lock that was not spoken of.
        if noun == "sound":
            ways = {_SOUND.get(way, way) for way in ways}
        return self._act(domain, ways)

    def _only(self, marks: frozenset[str], ops: frozenset[str] = frozenset()) -> bool:
        """Whether nothing is to be done but what these say."""
        shaded = self.color is not None or self.tone is not None
        return self.ops == ops and self.number is None and not shaded and self.marks <= marks

    def _act(self, domain: str, ways: set[str]) -> tuple[str, str | float | None] | None:
        if self.color is not None or self.tone is not None:
            return self._shade(domain, ways)
        if self.number is not None:
            return self._numbered(domain, ways)
        if self.marks & _NUMBERED:
            return None  # "A degree off the heating" turns nothing off.
        level = next((mark for mark in _LEVELS if mark in self.marks), None)
        if level is not None:
            return self._levelled(domain, ways, level)
        if domain in ("light", "fan") and ways & _WAYS and not self.complains:
            ways = ways - {"on"}  # "turn it on a bit brighter"
        if domain == "media_player" and "play" in ways:
            ways = ways - {"on"}
        if len(ways) != 1:
            return None
        (act,) = ways
        if domain == "cover" and "bit" in self.marks:
            act = _STEPPED.get(act, act)
        return act, _TONES.get(act)

    def _ways(self, domain: str) -> set[str] | None:
        """What the concepts come to; None where one of them does not go with such a thing."""
        table = _OPS.get(domain)
        known = table is not None and self.ops <= table.keys() and self.marks <= _MARKS
        left_so = "let" in self.ops and self.ops & {"open", "close", "on", "off"}
        if table is None or not known or left_so or not self.meant:
            return None  # "let it be closed" changes nothing
        # "It's dark, turn it on" says what is to be done about it.
        ordered = {op for op in self.ops if not op.startswith("adj:")}
        ways, felt = ({table[op] for op in ops} - {""} for ops in (ordered, self.ops - ordered))
        if any(len((ways & pair) | (felt & pair)) > 1 for pair in _OPPOSITES):
            return None  # "It's too hot up there" makes nothing warmer.
        return ways if ordered else felt

    @property
    def meant(self) -> bool:
        """Whether an adjective is a complaint: "it is too bright", "it is cold"."""
        adjectives = {op for op in self.ops if op.startswith("adj:")}
        if adjectives and "put" in self.marks:
            return False  # "Turn the light on, it's dark" does not ask for it to be brighter.
        if not adjectives:
            told = "cop" in self.marks and not {"wish", "done"} <= self.marks
            return "too" not in self.marks and not told
        return "too" in self.marks or ("cop" in self.marks and adjectives <= _FELT)

    def _shade(self, domain: str, ways: set[str]) -> tuple[str, str | float | None] | None:
        if domain != "light" or ways - {"on"} or self.number is not None or "too" in self.marks:
            return None
        return ("color", self.color) if self.color is not None else ("tone", self.tone)

    def _numbered(self, domain: str, ways: set[str]) -> tuple[str, float | None] | None:
        units = self.marks & _NUMBERED
        unit = next(iter(units), "")
        number = self.number or 0.0
        if len(units) > 1 or unit not in _UNITS.get(domain, ()) or self.marks & set(_LEVELS):
            return None
        if domain == "light" and not unit and number >= _LEAST_KELVIN:
            unit = "kelvin"
        if unit == "kelvin":
            return ("kelvin", number) if not ways else None
        aimed = bool(self.marks & {"to", "at"}) or self._complaint_settled(domain, unit, number)
        if aimed and self.complains:
            ways = set()  # "Too bright, make it thirty percent" says where it ends.
        only_dims = self.ops <= {"dim"} and "dim" in self.ops
        if not aimed and ("by" in self.marks or (ways & _WAYS and not only_dims)):
            return self._relative(domain, ways)
        if not unit and self._may_be_a_time(domain, number):
            return None
        return self._level(domain, ways, unit, aimed=aimed)

    def _level(
        self, domain: str, ways: set[str], unit: str, *, aimed: bool
    ) -> tuple[str, float | None] | None:
        """The number as the value that it is to have."""
        number = self.number or 0.0
        if domain == "climate" and number < _LEAST_SET:
            return None
        if domain == "cover" and self.ops & _SHUT and unit == "percent" and not aimed:
            return "level", 100.0 - number  # "close it 80 percent"
        if domain == "climate" and not aimed and number < _LEAST_DEGREES:
            return None  # "Drop it two degrees" is by so many.
        # "The light on and the heating to 23" sets no light.
        sets = unit or ("to" in self.marks and "and" not in self.marks)
        ways = ways - {"on"} if sets else ways
        if len(ways) > 1 or ways & {"on", "off", "play", "pause", "mute", "unmute"}:
            return None
        degrees = domain == "climate" and number >= _LEAST_DEGREES and not self.ops
        only_dims = self.ops <= {"dim"} and "dim" in self.ops
        sure = unit or aimed or degrees or only_dims or "attr" in self.marks
        return ("level", number) if sure else None

    def _complaint_settled(self, domain: str, unit: str, number: float) -> bool:
        """Whether a complaint comes with what is wanted, and not with by how much."""
        if not self.complains or "by" in self.marks:
            return False
        return number >= _LEAST_DEGREES if domain == "climate" else unit == "percent"

    def _may_be_a_time(self, domain: str, number: float) -> bool:
        """Whether a bare number may be the hour: "turn the lamp on at 8", "lamp at 8"."""
        if "at" not in self.marks or "attr" in self.marks:
            return False
        hour = number <= _LAST_HOUR and domain != "climate"
        return hour or bool(self.ops) or "maybe" in self.marks  # the "on" of "turn on the lamp"

    def _relative(self, domain: str, ways: set[str]) -> tuple[str, float | None] | None:
        ways = {_STEPPED.get(way, way) for way in ways} if domain == "cover" else ways
        act = f"{next(iter(ways))}_by" if len(ways) == 1 else ""
        if act not in KEYS[domain] or self.number is None:
            return None
        return None if domain == "climate" and self.number > _MOST_DEGREES else (act, self.number)

    def _levelled(self, domain: str, ways: set[str], level: str) -> tuple[str, float | None] | None:
        if ways & {"off", "pause", "mute", "unmute"} or len(ways - {"on"}) > 1:
            return None
        if domain == "cover" and level != "half":
            # "All the way down"; as far as it goes is all that "full" can add.
            return (next(iter(ways)), None) if len(ways) == 1 and level == "full" else None
        if domain == "light" and level == "full" and ways == {"dimmer"}:
            return "least", None
        if level == "full" and ways & {"quieter", "slower", "cooler", "dimmer"}:
            return None
        if level == "least" and ways & {"louder", "faster", "warmer", "brighter"}:
            return None
        return (level, None) if level in KEYS[domain] else None


def wanted(
    names: Iterable[str], number: float | None, color: str | None, tone: float | None
) -> Wanted:
    """Sorts the concepts of a command that are no targets."""
    every = frozenset(names)
    ops = frozenset(name for name in every if name in EVERY_OP)
    return Wanted(ops, every - ops, number, color, tone)


EVERY_OP = frozenset(op for table in _OPS.values() for op in table)
"""Concepts that do something to some kind of thing."""
