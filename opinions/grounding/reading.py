"""The numbers of a text as people write them: where each stands, what it is worth, in which unit."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# One character for one, so that every offset stays true.
SAME_LENGTH = str.maketrans(
    {chr(c): chr(c + 32) for c in range(ord("A"), ord("Z") + 1)}
    | {chr(0xFF10 + n): str(n) for n in range(10)}
    | dict.fromkeys("\u2212\u2013\u2011\u2012\u2014\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u202f\u2007\u2008\u200a", "\u2009")
    | {"\u2019": "'", "\u00d7": "x", "\uff05": "%", "\uff1a": ":"}
)


class Unit(StrEnum):
    NONE = ""
    MONEY = "$"
    PERCENT = "%"
    BASIS_POINTS = "bp"
    LARGE = "k, M or B"
    RISKS = "R"
    TIMES = "x"
    RATIO = "to 1"
    ATRS = "ATR"
    OF_HUNDRED = "/100"
    OF_TEN = "/10"
    DATE = "date"
    TIME = "time"
    PERIOD = "period"  # the digits of a name: SMA50


@dataclass(frozen=True, slots=True)
class Number:
    """`value` is as written, `places` its decimals; a value of `1.2M` is 1.2 with a scale of a million.

    `key`: a date as 2026-11-27, 11-27 or 2026-11; a time as 14:30, or 14:30Z where it says that it is UTC.
    """

    start: int
    end: int
    value: float
    places: int = 0
    unit: Unit = Unit.NONE
    scale: float = 1.0
    key: str = ""


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
ZONE = r"(?:\s?(?:utc|gmt|z|e[sd]?t)\b)?"
CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?"
NUMBER = r"(?:\d{1,3}(?:[,\u2009]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
UNIT = (
    r"(?P<percent>(?:st|nd|rd|th)\spercentile\b"
    r"|\s?(?:%|percentage[ -]points?\b|percent\b|per\scent\b|pct\b|ppts?\b|pp\b))"
    r"|(?P<points>[\s-]?(?:bps?\b|basis[ -]points?\b))"
    r"|(?P<large>\s?(?:thousand|million|mln|mn|mm|billion|bn|trillion|k|m|b)\b)"
    r"|(?P<risks>[\s-]?(?:rs?|risk[ -]units?)\b(?![:/]))"
    r"|(?P<atrs>\s?(?:x\s?|times\s(?:the\s)?)?\(?atrs?\b|-atr\b)"
    r"|(?P<times>\s?(?:x\b|times\b)|-fold\b)"
    r"|(?P<hundred>\s?(?:/|out\sof)\s?100(?![\d.,]*\d))|(?P<ten>\s?(?:/|out\sof)\s?10(?![\d.,]*[\d%]))"
)
# In this order: what comes first wins at one place. `skip` is structure or a name, never a claim.
TOKEN = re.compile(
    rf"""
    (?=[^a-z\s\w]|\d|\n|(?<![a-z0-9_])[a-z_]|\A)(?:
    (?P<skip>
        (?:(?<=\n)|\A)[^\S\n]*(?:[-*+#>]+\s+)?(?:\*\*)?(?:\d{{1,2}}[.)]|\(\d{{1,2}}\))(?=\s|\*)
      | (?<![a-z0-9_.])\d{{1,2}}\)(?=\s[a-z*])(?<!\(\d\))(?<!\(\d\d\))
      | (?<=[\s;:,])\(\d\)(?=\s[a-z])(?<!rsi\s\(\d\))(?<!atr\s\(\d\))
      | \b(?:step|case|factor|point|option|reason|item|scenario|condition|note|section|no\.)
        \s\#?\d{{1,2}}\b(?![.,]\d|\s?%)
      | \#\d{{1,3}}\b
      | \b(?:s&p|nasdaq|russell|dow|ftse|nikkei|stoxx|dax|cac|csi|euro\sstoxx)[\s-]\d{{2,4}}\b(?![.,]\d|\s?%)
      | (?<![\w.,])52[\s-]?w(?:eeks?|ks?)?\b
      | \b(?:24/7|50/50|10-[kq]|8-k)\b
      | (?<![\w.])\d+(?:\.\d+){{2,}}[\w.-]*
      | (?<![a-z0-9_.,])\d+(?:st|nd|rd|th)\b(?!\spercentile)(?!\s(?:of\s)?{MONTH})
    )
  | (?P<iso>(?<![\w.])\d{{4}}-\d\d-\d\d(?:(?:[t\s]|,\s)(?:at\s)?{CLOCK}(?:z|[+-]\d\d:?\d\d|{ZONE}))?(?!\w))
  | (?P<usdate>(?<![\w./])\d{{1,2}}/\d{{1,2}}/\d{{4}}(?![\w/]))
  | (?P<written>\b{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?![\w%]|\.\d|,\d|\s%)(?:,?\s(?:19|20)\d\d\b(?!\.\d))?
      | (?<![\w.,])\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{MONTH}(?:,?\s(?:19|20)\d\d\b(?!\.\d))?
      | \b{MONTH},?\s(?:19|20)\d\d\b(?!\.\d))
  | (?P<time>(?<![\w.:]){CLOCK}(?:\s?[ap]\.?m\b\.?)?{ZONE}(?![\w:])
      | (?<![\w.:])\d{{1,2}}\s?[ap]\.?m\b)
  | (?P<ratio>(?<![\w.:])(?:1\s?:\s?{NUMBER}|{NUMBER}\s?:\s?1(?![\d.]))(?![\w:]))
  | (?P<period>(?<![a-z0-9_.])(?:[sew]?ma|rsi|atr|adx|cci|mfi|roc|macd|bb)
      (?P<digits>\d{{1,4}})(?![\w]|\.\d))
  | (?P<word>(?<![a-z0-9_])(?!(?:usd|us\$|eur|gbp)\d)[a-z_]++\d[a-z0-9_]*+)
  | (?P<number>(?<![a-z0-9_.])(?<!\d,)
      (?P<sign>(?<![\w.)%])[+~-]{{0,3}})(?P<money>(?:us)?\$\s?|€\s?|£\s?|(?:usd|eur|gbp)\s?)?(?P<after>[+-]?)
      (?P<core>{NUMBER})
      (?:{UNIT}
        |(?P<tail>\s?(?:usd|dollars)\b|(?:d|w|h|s|ms|y|min|mins|hr|hrs|sma|ema|ma|dma|wk|wks|yr|yo)\b)
        |(?P<identifier>[a-z_][\w-]*))?))
    """,
    re.VERBOSE,
)
SCALES = {"t": 1e3, "k": 1e3, "m": 1e6, "b": 1e9}
MOST_PLACES = 12
CLOCK_READ = re.compile(r"(\d{1,2})(?::(\d\d))?(?::\d\d(?:\.\d+)?)?\s?([ap])?")
DAY_READ = re.compile(r"\d+")
YEAR_READ = re.compile(r"(?:19|20)\d\d")


def numbers(text: str) -> Iterator[Number]:
    """The claims of a text in order. `text`: as `canonical` gives it. The time is linear in its length."""
    for match in TOKEN.finditer(text):
        if match.lastgroup == "skip" or match["word"] is not None or match["skip"] is not None:
            continue
        yield from _read(match)


def canonical(text: str) -> str:
    """The same text, character for character, in small ASCII letters, with one minus and one thin space."""
    return text.translate(SAME_LENGTH)


def _read(match: re.Match[str]) -> Iterator[Number]:
    start, end = match.span()
    if match["number"] is not None:
        if match["identifier"] is None:
            yield _number(match)
    elif match["iso"] is not None:
        yield Number(start, start + 10, 0.0, unit=Unit.DATE, key=match[0][:10])
        if end > start + 10:
            yield _time(match[0], start, 10)
    elif match["usdate"] is not None:
        month, day, year = match[0].split("/")
        yield Number(start, end, 0.0, unit=Unit.DATE, key=f"{year}-{int(month):02}-{int(day):02}")
    elif match["written"] is not None:
        yield Number(start, end, 0.0, unit=Unit.DATE, key=_day(match[0]))
    elif match["time"] is not None:
        yield _time(match[0], start, 0)
    elif match["ratio"] is not None:
        sides = match[0].split(":")
        side = sides[1] if sides[0].strip() == "1" else sides[0]
        yield Number(start, end, *_value(side), unit=Unit.RATIO)
    else:
        yield Number(match.start("digits"), end, float(match["digits"]), unit=Unit.PERIOD)


def _number(match: re.Match[str]) -> Number:
    value, places = _value(match["core"])
    unit, scale = _unit(match)
    signs = (match["sign"] or "") + (match["after"] or "")
    start = match.start("money") if match["money"] else match.start("core") - len(match["after"] or "")
    if match["sign"]:
        start = match.start("sign")
    return Number(start, match.end(), -value if "-" in signs else value, places, unit, scale)


def _unit(match: re.Match[str]) -> tuple[Unit, float]:
    named = {
        "percent": Unit.PERCENT,
        "points": Unit.BASIS_POINTS,
        "risks": Unit.RISKS,
        "atrs": Unit.ATRS,
        "times": Unit.TIMES,
        "hundred": Unit.OF_HUNDRED,
        "ten": Unit.OF_TEN,
    }
    if match["large"]:
        word = match["large"].strip()
        return Unit.LARGE, 1e12 if word == "trillion" else SCALES[word[0]]
    unit = next((unit for name, unit in named.items() if match[name] is not None), Unit.NONE)
    tail = (match["tail"] or "").strip()
    is_money = match["money"] is not None or tail in ("usd", "dollars")
    return (Unit.MONEY if is_money and unit is Unit.NONE else unit), 1.0


def _value(written: str) -> tuple[float, int]:
    mantissa, _, exponent = written.strip().replace(",", "").replace("\u2009", "").partition("e")
    places = len(mantissa.partition(".")[2])
    power = max(-400, min(400, int(exponent[:6]))) if exponent else 0
    value = min(float(f"{mantissa}e{power}"), sys.float_info.max)
    return value, max(0, min(MOST_PLACES, places - power))


def _time(written: str, start: int, after: int) -> Number:
    digits = re.compile(r"\d").search(written, after)
    offset = digits.start() if digits else after
    read = CLOCK_READ.match(written, offset)
    hour, minute, half = read.groups() if read else ("0", "0", None)
    clock = int(hour) % 12 + (12 if half == "p" else 0) if half else int(hour)
    zone = "Z" if written.rstrip().endswith(("z", "utc", "gmt")) else ""
    key = f"{clock:02}:{int(minute or 0):02}{zone}"
    return Number(start + offset, start + len(written.rstrip()), float(clock), unit=Unit.TIME, key=key)


def _day(written: str) -> str:
    month = next(f"{n:02}" for n, name in enumerate(MONTHS, 1) if name in written)
    year = YEAR_READ.search(written)
    days = [int(n) for n in DAY_READ.findall(written) if len(n) <= 2]
    return "-".join([*([year[0]] if year else []), month, *(f"{day:02}" for day in days[:1])])
