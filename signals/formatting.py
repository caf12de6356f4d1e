"""Signals, scans and configurations as text."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import formatting
from core.formatting import label
from market.prices import Timeframe
from signals.lifetimes import LONGEST
from signals.models import Signal
from signals.strategies import STRATEGIES

SIDES = {Signal.Type.BUY: ("up", "▲"), Signal.Type.SELL: ("down", "▼")}
TONES = {
    Signal.Status.PENDING: "warn",
    Signal.Status.APPROVED: "good",
    Signal.Status.REJECTED: "bad",
}
COUNTS = {
    "symbols": "symbols",
    "evaluated": "bars evaluated",
    "warming_up": "warming up",
    "stale": "stale",
    "split_pending": "split pending",
    "unexplained_move": "unexplained move",
    "ideas": "ideas",
    "below_minimum": "below the minimum",
    "late": "late",
    "expired": "expired already",
    "superseded": "superseded",
    "stored": "stored",
}


def strategy(strategy_id: str) -> str:
    """Return its title; its id where this version of Jax has no such strategy."""
    strategy_class = STRATEGIES.get(strategy_id)
    return strategy_class.title if strategy_class else strategy_id


@lru_cache(maxsize=4096)  # as `market.formatting.chart_address`
def page_address(pk: UUID, page: str = "signal") -> str:
    """Return the address of a signal's page, or of another page about it."""
    return reverse(page, args=[pk])


@cache
def side(signal_type: str) -> SafeString:
    """Return the word and an arrow, so that colour is not all that tells them apart."""
    tone, arrow = SIDES[Signal.Type(signal_type)]
    return format_html('<span class="{}">{} {}</span>', tone, arrow, signal_type)


def status(name: str) -> SafeString:
    return formatting.dot(TONES.get(Signal.Status(name), "none"), name)


def ratio(reward_to_risk: Decimal) -> str:
    return f"{reward_to_risk:.2f} to 1"


def confidence(score: Decimal) -> str:
    return f"{score:.2f}" if score == round(score, 2) else f"{score:.4f}"


def bars(count: int) -> str:
    return "1 bar" if count == 1 else f"{count:,} bars"


def lifetime(count: int, timeframe: str) -> str:
    """Return how long a signal waits, as `lifetimes.expires` computes it."""
    span, longest = Timeframe(timeframe).length * count, LONGEST.astype(timedelta)
    if not Timeframe(timeframe).is_intraday:
        return f"{bars(count)}: until the next session's close"
    if span > longest:
        return f"{bars(count)}: {formatting.ago(longest)}, which is the longest, and over closed sessions"
    return f"{bars(count)}: {formatting.ago(span)} of session time"


def parameters(given: Mapping[str, Any]) -> str:
    """Return those that are not the defaults, as text."""
    return ", ".join(f"{label(name)} {value}" for name, value in given.items()) or "defaults"


def counts(entry: Mapping[str, Any]) -> str:
    """Return one entry of a scan's counts as text, without what is zero."""
    texts = [f"{title} {formatting.count(entry[name])}" for name, title in COUNTS.items() if entry.get(name)]
    return ", ".join(texts) or "nothing to evaluate"


def rules(lifetime_bars: int, longest_holding_bars: int, flat_at_close: bool, timeframe: str) -> list[str]:
    """Return how long a signal waits, and how long its trade is held."""
    flat = ", flat at the close" if flat_at_close else ""
    return [f"waits {lifetime(lifetime_bars, timeframe)}", f"held {bars(longest_holding_bars)} at most{flat}"]


def reasons(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the counts of an entry that have an example, each with it."""
    return [(COUNTS.get(name, name), example) for name, example in entry.get("reasons", {}).items()]
