"""SSML, the part of it that a household needs: from markup to clauses and pauses.

    speak p s break say-as sub prosody(rate pitch volume) emphasis voice/lang(xml:lang)

Markup may come from anybody: no document type, no entities of one's own, bounds on size and depth.
What is not understood is refused; a tag is never read aloud.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NoReturn
from xml.parsers import expat

from alicia.errors import MarkupError
from alicia.speech.readings import READINGS, as_said
from alicia.speech.speaking import Clause, plain
from alicia.speech.synthesizer import PLAIN, Style

MOST_CHARS = 20_000
MOST_DEPTH = 24
MOST_PAUSE_S = 10.0
LANGUAGES = frozenset({"en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko"})

_TIME = re.compile(r"\+?(\d+(?:\.\d+)?)(ms|s)")
_PERCENT = re.compile(r"([+-]?)(\d+(?:\.\d+)?)%")
_DECIBELS = re.compile(r"([+-]?\d+(?:\.\d+)?)dB")
_SEMITONES = re.compile(r"([+-]\d+(?:\.\d+)?)st")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_PITCHES = {"x-low": 0.75, "low": 0.87, "medium": 1.0, "default": 1.0, "high": 1.15, "x-high": 1.3}
_VOLUMES = {
    "silent": -20.0, "x-soft": -12.0, "soft": -6.0, "medium": 0.0, "default": 0.0, "loud": 4.0,
    "x-loud": 6.0,
}  # fmt: skip
_STRENGTHS = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.2,
    "medium": 0.4,
    "strong": 0.8,
    "x-strong": 1.2,
}
_EMPHASIS = {
    "strong": (0.85, 3.0), "moderate": (0.92, 1.5), "none": (1.0, 0.0), "reduced": (1.08, -2.0),
}  # fmt: skip
_SENTENCE_S, _PARAGRAPH_S = 0.2, 0.5
_KNOWN = frozenset(
    {"speak", "p", "s", "break", "say-as", "sub", "prosody", "emphasis", "voice", "lang"}
)


def parse(markup: str, language: str, style: Style = PLAIN) -> list[Clause]:
    """The clauses and pauses. Raises MarkupError with the line where it went wrong."""
    if len(markup) > MOST_CHARS:
        raise MarkupError("The SSML is too long.", most_chars=MOST_CHARS)
    reader = _Reader(language, style)
    parser = expat.ParserCreate(encoding="utf-8")
    reader.parser = parser
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = lambda *_: reader.refuse("A document type is not taken.")
    parser.EntityDeclHandler = lambda *_: reader.refuse("Entities are not taken.")
    parser.ProcessingInstructionHandler = lambda *_: reader.refuse("Instructions are not taken.")
    try:
        parser.Parse(markup.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise MarkupError(
            "The SSML is not well formed.",
            line=error.lineno,
            reason=expat.errors.messages.get(error.code, "unknown"),
        ) from error
    return reader.clauses


@dataclass(frozen=True, slots=True)
class _Frame:
    """What holds inside an element."""

    tag: str
    language: str
    style: Style
    read_as: str | None = None
    format: str | None = None
    instead: str | None = None


class _Reader:
    parser: expat.XMLParserType

    def __init__(self, language: str, style: Style) -> None:
        self.clauses: list[Clause] = []
        self._frames = [_Frame("", language, style)]
        self._pending = ""

    def refuse(self, sentence: str, **fields: str) -> NoReturn:
        raise MarkupError(sentence, line=self.parser.CurrentLineNumber, **fields)

    # ---- what expat tells ----

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        outer = self._frames[-1]
        if tag not in _KNOWN:
            self.refuse("This element is not understood.", element=tag)
        if (tag == "speak") != (len(self._frames) == 1):
            self.refuse("SSML begins with one <speak>.", element=tag)
        if len(self._frames) >= MOST_DEPTH:
            self.refuse("The elements are nested too deeply.")
        if tag != "say-as":
            self._flush()
        frame = replace(outer, tag=tag, language=self._language(attributes, outer.language))
        special = getattr(self, f"_{tag.replace('-', '_')}", None)
        if special is not None:
            frame = special(frame, attributes)
        self._frames.append(frame)

    def end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        frame = self._frames[-1]
        if tag == "sub":
            self._pending = frame.instead or ""
        if tag != "say-as":
            self._flush()
        self._frames.pop()
        if tag in ("s", "p"):
            self._pause(_SENTENCE_S if tag == "s" else _PARAGRAPH_S)

    def text(self, text: str) -> None:
        frame = self._frames[-1]
        if frame.tag == "say-as" and frame.read_as and text.strip():
            text = f" {as_said(text.strip(), frame.read_as, frame.format, frame.language)} "
        self._pending += text

    # ---- elements ----

    def _break(self, frame: _Frame, attributes: dict[str, str]) -> _Frame:
        if "time" in attributes:
            found = _TIME.fullmatch(attributes["time"].strip())
            if found is None:
                self.refuse("A break's time is like 500ms or 2s.", time=attributes["time"])
            seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        else:
            seconds = self._named(_STRENGTHS, attributes.get("strength", "medium"), "strength")
        self._pause(seconds)
        return frame

    def _say_as(self, frame: _Frame, attributes: dict[str, str]) -> _Frame:
        kind = attributes.get("interpret-as", "")
        if kind not in READINGS:
            self.refuse("This reading is not known.", interpret_as=kind)
        return replace(frame, read_as=kind, format=attributes.get("format"))

    def _sub(self, frame: _Frame, attributes: dict[str, str]) -> _Frame:
        if "alias" not in attributes:
            self.refuse("<sub> needs an alias.")
        return replace(frame, instead=attributes["alias"])

    def _prosody(self, frame: _Frame, attributes: dict[str, str]) -> _Frame:
        style = frame.style
        if "rate" in attributes:
            rate = style.rate * self._factor(attributes["rate"], _RATES, "rate")
            style = replace(style, rate=rate)
        if "pitch" in attributes:
            pitch = style.pitch * self._factor(attributes["pitch"], _PITCHES, "pitch")
            style = replace(style, pitch=pitch)
        if "volume" in attributes:
            given = attributes["volume"].strip()
            found = _DECIBELS.fullmatch(given)
            volume = float(found[1]) if found else self._named(_VOLUMES, given, "volume")
            style = replace(style, volume_db=style.volume_db + volume)
        return replace(frame, style=style.bounded())

    def _emphasis(self, frame: _Frame, attributes: dict[str, str]) -> _Frame:
        level = attributes.get("level", "moderate")
        if level not in _EMPHASIS:
            self.refuse("This emphasis is not known.", level=level)
        slower, louder = _EMPHASIS[level]
        style = frame.style
        return replace(
            frame,
            style=replace(
                style, rate=style.rate * slower, volume_db=style.volume_db + louder
            ).bounded(),
        )

    # ---- help ----

    def _language(self, attributes: dict[str, str], outer: str) -> str:
        given = attributes.get("xml:lang") or attributes.get("lang")
        if not given:
            return outer
        base = given.replace("_", "-").split("-")[0].lower()
        if base not in LANGUAGES:
            self.refuse("This language is not spoken here.", language=given)
        return base

    def _factor(self, given: str, names: dict[str, float], what: str) -> float:
        given = given.strip()
        if (found := _PERCENT.fullmatch(given)) is not None:
            number = float(found[2]) / 100
            return {"": number, "+": 1 + number, "-": 1 - number}[found[1]]
        if what == "pitch" and (found := _SEMITONES.fullmatch(given)) is not None:
            return 2 ** (float(found[1]) / 12)
        if what == "rate" and _NUMBER.fullmatch(given):
            return float(given)
        return self._named(names, given, what)

    def _named(self, names: dict[str, float], given: str, what: str) -> float:
        if given not in names:
            self.refuse(f"This {what} is not understood.", given=given)
        return names[given]

    def _pause(self, seconds: float) -> None:
        frame = self._frames[-1]
        if seconds > 0:
            pause = min(seconds, MOST_PAUSE_S)
            self.clauses.append(Clause("", "", frame.language, pause_s=pause))

    def _flush(self) -> None:
        text, self._pending = self._pending, ""
        frame = self._frames[-1]
        if text.strip():
            self.clauses.extend(plain(" ".join(text.split()), frame.language, frame.style))
