"""How a snapshot writes instants and figures."""

from datetime import datetime


def instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def short(value: float) -> float:
    """Six figures: more would be noise to an analyst."""
    return float(f"{value:.6g}")


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
