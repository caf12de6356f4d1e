"""What kind of number a value of the snapshot is, by the name of its key."""

import math
from enum import Enum
from functools import cache
from typing import Any


class Kind(Enum):
    PLAIN = "prices, volumes, counts, indicators in their own unit"
    PERCENT = "percent"
    SHARE = "a share of one"
    MULTIPLE = "times something"
    POINTS = "basis points"


SCALED = ("rsi", "adx", "stoch", "mfi")  # indicators from 0 to 100: some write them with a per cent sign


@cache
def kind_of(path: str) -> tuple[Kind, ...]:
    """`path`: the keys from the root, each after a dot."""
    section, _, key = path.rpartition(".")
    if key.endswith("_percent") or section == ".changes":
        return (Kind.PERCENT,)
    if key == "confidence":
        return (Kind.SHARE,)
    if section.endswith("parameters"):
        return (Kind.SHARE, Kind.MULTIPLE) if key.endswith("_confidence") else (Kind.PLAIN, Kind.MULTIPLE)
    if key == "r" or key.startswith("mean_r") or key.endswith(("reward_to_risk", "_ratio")):
        return (Kind.MULTIPLE,)
    if key.startswith("bps"):
        return (Kind.POINTS,)
    return (Kind.PLAIN, Kind.PERCENT) if key.startswith(SCALED) else (Kind.PLAIN,)


def as_number(value: Any) -> float | None:
    """The value as a finite number; none for anything else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
