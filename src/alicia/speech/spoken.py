"""Text as it is said: numbers, times, dates, units and signs in words (`spoken.toml`).

Every engine is given the same words, so every voice of a language says the same.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alicia.speech.number_words import LARGEST, cardinal, digits, ordinal, year

_TABLE = Path(__file__).with_name("spoken.toml")

_WIDE = str.maketrans(
    "０１２３４５６７８９％．－−", "0123456789%.--", "\u00ad\u200b\u200c\u200d\ufeff"
)
_MARKUP = re.compile(r"[*_`#|<>~^\\{}\[\]]+")
_SCALE_LETTER = re.compile(r"[°º]\s*([CF])\b|([℃℉])")
_CLOCK = re.compile(
    r"(?<![\d:])(?<!\d[.,])([01]?\d|2[0-4])[:：]([0-5]\d)(?::[0-5]\d)?(?!:?\d)(?: Uhr\b)?"
)
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DATES = {
    "de": re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)"),
    "en": re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])"),
}
_DAY_FIRST = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
_ORDINALS = {
    "en": re.compile(r"\b(\d+)(?:st|nd|rd|th)\b"),
    "es": re.compile(r"\b(\d+)\.?([ºª])"),
    "it": re.compile(r"\b(\d+)([ºª°])(?=\s+[a-zàèìòù])"),
    "pt": re.compile(r"\b(\d+)\.?([ºª])"),
    "fr": re.compile(r"\b(\d+)(er|re|e|ème)\b"),
    "zh": re.compile(r"第\s?(\d+)"),
}
_GERMAN_DAY = re.compile(r"\b(\d{1,2})\.(?=\s+[A-ZÄÖÜ])")
_WEAK_BEFORE = re.compile(r"\b(?:am|vom|zum|den|dem|der|die|das|im|bis)\s+$", re.IGNORECASE)
_RANGE = re.compile(r"(?<=\d)\s?[–—]\s?(?=\d)")
_KOREAN_COUNTED = re.compile(r"(?<![\d.])(\d{1,2})\s?(?=(?:개|시(?!간)|시간|명|살|번|대|마리|곳))")
_CHINESE_TWO = re.compile(r"(?<![\d.])2\s?(?=(?:个|盏|扇|台|间|点|小时|天|次))")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class _Rules:
    language: str
    table: dict[str, Any]
    number: re.Pattern[str]
    unit: re.Pattern[str]
    money: re.Pattern[str]
    units: dict[str, tuple[str, str, str]]
    abbreviations: re.Pattern[str]


def spoken(text: str, language: str) -> str:
    """The text without signs that a voice can't pronounce."""
    text = _MARKUP.sub(" ", text.translate(_WIDE))
    rules = _rules(language)
    if rules is None:
        return " ".join(text.split())
    text = rules.abbreviations.sub(lambda m: rules.table["abbreviations"][m[0]], text)
    text = _SCALE_LETTER.sub(lambda m: "°" + (m[1] or ("C" if m[2] == "℃" else "F")), text)
    if _DIGIT.search(text):
        text = _numbers(text, rules)
    return " ".join(text.split())


def said_time(hour: int, minute: int, language: str) -> str:
    """The time of day in words."""
    rules = _rules(language)
    if rules is None or language == "en":
        return _english_clock(hour, minute)
    table = rules.table
    if rules.table.get("digits"):
        return (table["clock"] if minute else table["full"]).format(h=hour, m=minute)
    said = cardinal(hour, language, table.get("hours"))
    if language == "zh" and hour == 2:
        said = "两"
    key = "clock" if minute else "full"
    pattern = table.get(f"{key}_one", table[key]) if hour <= 1 else table[key]
    minutes = cardinal(minute, language)
    if language == "zh" and 0 < minute < 10:
        minutes = f"零{minutes}"
    return pattern.format(h=said, m=minutes)


def said_date(
    day: int, month: int, of_year: int | None, language: str, *, weak: bool = False
) -> str:
    """The date in words; `weak` where German declines it ("am vierten")."""
    rules = _rules(language)
    if rules is None or not (1 <= month <= 12 and 1 <= day <= 31):
        return " ".join(str(part) for part in (day, month, of_year) if part is not None)
    table = rules.table
    plain = bool(table.get("digits"))
    months = table.get("months")
    first = table.get("first_day") if day == 1 else None
    filled = table["date"].format(
        d=first or (str(day) if plain else cardinal(day, language)),
        m=str(month) if plain else _month(month, language),
        month=months[month - 1] if months else "",
        ordinal="" if plain else ordinal(day, language, "n" if weak else "r"),
        y="\0" if of_year is None else str(of_year) if plain else year(of_year, language),
    )
    # Without a year, what led to it goes too.
    return re.sub(r"(?:,| de)? ?\0(?:년|年)? ?", "", filled).strip()


def said_number(text: str, language: str, form: str | None = None) -> str:
    """A number as written in this language: sign, thousands, decimals. Any length."""
    rules = _rules(language)
    if rules is None:
        return text
    negative = text.startswith("-")
    whole, fraction = _parts(text.lstrip("-+"), rules.table["decimal"])
    if int(whole or "0") >= LARGEST or (len(whole) > 1 and whole[0] == "0" and not fraction):
        return digits(whole + fraction, language)
    words = cardinal(int(whole or "0"), language, None if fraction else form)
    gap = "" if rules.table.get("close") else " "
    if fraction:
        words = f"{words}{gap}{rules.table['point']}{gap}{_fraction(fraction, language)}"
    return f"{rules.table['minus']}{gap}{words}" if negative else words


# ---- the steps ----------------------------------------------------------------------------------


def _numbers(text: str, rules: _Rules) -> str:
    language = rules.language
    text = _ISO_DATE.sub(lambda m: _date(m, text, int(m[3]), int(m[2]), int(m[1]), rules), text)
    written = _DATES.get(language, _DAY_FIRST)
    swap = language == "en"
    text = written.sub(
        lambda m: _date(
            m, text, int(m[2 if swap else 1]), int(m[1 if swap else 2]), int(m[3]), rules
        ),
        text,
    )
    text = _CLOCK.sub(lambda m: said_time(int(m[1]) % 24, int(m[2]), language), text)
    if rules.table.get("digits"):
        return _signs_only(text, rules)
    text = _ordinals(text, language)
    text = _RANGE.sub(f" {rules.table['to']} ", text)
    if language == "ko":
        text = _KOREAN_COUNTED.sub(
            lambda m: cardinal(int(m[1]), "ko", "native-attributive") + " ", text
        )
    elif language == "zh":
        text = re.sub(r"(-?\d[\d.,]*)\s?%", lambda m: "百分之" + said_number(m[1], "zh"), text)
        text = re.sub(r"(\d{4})年", lambda m: digits(m[1], "zh") + "年", text)
        text = _CHINESE_TWO.sub("两", text)
    text = rules.money.sub(lambda m: f"{m[2]}{m[1]}", text)
    text = rules.unit.sub(lambda m: _with_unit(m, rules), text)
    return rules.number.sub(lambda m: said_number(m[0], language), text)


def _signs_only(text: str, rules: _Rules) -> str:
    text = _RANGE.sub(rules.table["to"], text)
    text = rules.money.sub(lambda m: f"{m[2]}{m[1]}", text)
    text = rules.unit.sub(
        lambda m: m[1].replace("-", rules.table["minus"]) + rules.units[m[2]][1], text
    )
    return re.sub(r"(?<![\w-])-(?=\d)", rules.table["minus"], text)


def _with_unit(match: re.Match[str], rules: _Rules) -> str:
    one, many, form = rules.units[match[2]]
    number = said_number(match[1], rules.language, None if form == "none" else form)
    name = one if match[1] in ("1", "-1") else many
    return f"{number}{'' if rules.table.get('close') else ' '}{name}"


def _ordinals(text: str, language: str) -> str:
    if language == "de":
        return _GERMAN_DAY.sub(
            lambda m: ordinal(
                int(m[1]), "de", "n" if _WEAK_BEFORE.search(text[: m.start()]) else "r"
            ),
            text,
        )
    pattern = _ORDINALS.get(language)
    if pattern is None:
        return text

    def said(match: re.Match[str]) -> str:
        if int(match[1]) >= LARGEST:
            return match[0]
        if language in ("en", "zh"):
            return ordinal(int(match[1]), language)
        feminine = match[2] in ("ª", "re")
        return ordinal(int(match[1]), language, "feminine" if feminine else "masculine")

    return pattern.sub(said, text)


def _date(match: re.Match[str], text: str, day: int, month: int, of: int, rules: _Rules) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    weak = _WEAK_BEFORE.search(text[: match.start()]) is not None
    return said_date(day, month, of, rules.language, weak=weak)


def _english_clock(hour: int, minute: int) -> str:
    if minute == 0:
        return (
            f"{cardinal(hour, 'en')} o'clock"
            if 0 < hour <= 12
            else f"{cardinal(hour, 'en')} hundred"
        )
    return f"{cardinal(hour, 'en')} {'oh ' if minute < 10 else ''}{cardinal(minute, 'en')}"


def _month(month: int, language: str) -> str:
    special = {6: "유", 10: "시"} if language == "ko" else {}
    return special.get(month) or cardinal(month, language)


def _parts(text: str, decimal: str) -> tuple[str, str]:
    """Digits before and behind the mark. A foreign mark is one too, unless it groups thousands."""
    group = "," if decimal == "." else "."
    text = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(decimal)}\d+)?", text):
        text = text.replace(group, "")
    whole, _, fraction = text.replace(",", ".").partition(".")
    return whole, fraction.replace(".", "")


def _fraction(fraction: str, language: str) -> str:
    if language in ("es", "fr", "it", "pt") and fraction[0] != "0" and len(fraction) <= 2:
        return cardinal(int(fraction), language)
    return digits(fraction, language)


@cache
def _rules(language: str) -> _Rules | None:
    with _TABLE.open("rb") as file:
        table = tomllib.load(file).get(language)
    if table is None:
        return None
    units = {u[0]: (u[1], u[2], u[3] if len(u) > 3 else "masculine") for u in table["units"]}
    longest = sorted(units, key=len, reverse=True)
    signs = "|".join(
        re.escape(u) + (r"(?![A-Za-zÀ-ÿ])" if u[-1].isalpha() else "") for u in longest
    )
    # A hyphen is a sign only where nothing stands before it: "22-23" are two numbers.
    before = r"(?<![A-Za-z\d_])" if language in ("zh", "ja", "ko") else r"(?<!\w)"
    grouped = r"\d{1,3}(?: \d{3})+(?!\d)|" if language == "fr" else ""
    number = rf"{before}(?<!\d[.,])-?(?:{grouped}\d+(?:[.,\u00a0\u202f]\d+)*)"
    short = sorted(table["abbreviations"], key=len, reverse=True)
    return _Rules(
        language=language,
        table=table,
        number=re.compile(number + r"(?![A-Za-zÀ-ÿ_\d])"),
        unit=re.compile(rf"({number})\s?({signs})"),
        money=re.compile(r"(R\$|[€$£¥₩])\s?(\d+(?:[.,]\d+)*)"),
        units=units,
        abbreviations=re.compile(
            "|".join(
                (r"(?<!\w)" if a[0].isalpha() else "")
                + re.escape(a)
                + (r"(?!\w)" if a[-1].isalpha() else "")
                for a in short
            )
        ),
    )
