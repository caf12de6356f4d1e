"""Share splits as a person writes them beside a file."""

import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction

DAY = re.compile(r"[\d/.-]*")  # or what is meant for one
RATIO = re.compile(r"\d{1,9}([.:/]\d{1,9})?")  # Fraction would take 1e999999999, and never be done


def parse(text: str) -> Mapping[date, float]:
    """Return 2014-06-09:7,2020-08-31:4 as ratios by date, `none` as an empty one. Raises ValueError."""
    if text.strip().lower() == "none":
        return {}
    ratios = {}
    for part in text.split(","):
        day, _, ratio = part.partition(":")
        try:
            ratios[date.fromisoformat(day.strip())] = ratio_of(ratio.strip())
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError(
                f"{part!r} is no split: write DATE:RATIO as in 2014-06-09:7 or 2001-05-01:3/2"
            ) from error
    if min(ratios.values()) <= 0:
        raise ValueError(
            "a split has a ratio above zero: 7 for seven new shares for one old, 1/10 for one for ten"
        )
    return ratios


def by_symbol(text: str) -> dict[str, dict[date, float]]:
    """Return AAPL:2020-08-31:4,KO:2012-08-13:2,none by symbol: "" for what names none. Raises ValueError."""
    ratios: dict[str, dict[date, float]] = {}
    for part in text.split(","):
        symbol, split = _whose(part.strip())
        ratios.setdefault(symbol, {}).update(parse(split))
    return ratios


def _whose(part: str) -> tuple[str, str]:
    """Return the symbol that a split names, "" for none, and the split."""
    symbol, mark, split = part.partition(":")
    return (symbol.upper(), split) if mark and not DAY.fullmatch(symbol.strip()) else ("", part)


def ratio_of(text: str) -> float:
    """Return 7, 1.5, 3:2 or 1/10 as a number. Raises ValueError and ZeroDivisionError."""
    if not RATIO.fullmatch(text):
        raise ValueError(text)
    return float(Fraction(text.replace(":", "/")))
