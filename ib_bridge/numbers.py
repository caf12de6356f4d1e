"""Numbers of IB's API as exact ones. Pure."""

import math
from decimal import Decimal
from typing import Any

UNSET = 1e300  # IB sends the largest double for what is not set


def decimal(value: Any) -> Decimal | None:
    """Return the number; None for what is not set, not finite or no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number) or abs(number) > UNSET:
        return None
    exact = Decimal(str(value))
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact.normalize()


def text(value: Decimal | None) -> str | None:
    """Return it as it stands in an answer, never with an exponent."""
    return None if value is None else f"{value:f}"


def finite(value: Any) -> float:
    """Return a number as the original bridge's answers have it: 0.0 for none."""
    number = decimal(value)
    return 0.0 if number is None else float(number)
