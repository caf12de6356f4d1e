"""What a person decides about one bar: believe it, drop it, correct it, take that back. Each is logged."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from market import store
from market.ingestion import doubts, questions, verdicts
from market.ingestion.pipeline import BUILT_HERE
from market.ingestion.review.agreement import clear
from market.ingestion.review.rebuild import MICROSECOND, rebuild
from market.models import BarVerdict, Candle, Refetch
from market.models.review import LONGEST_WHY
from market.prices import Bars, Feed, Timeframe

PRICES = verdicts.PRICES
Verdict = BarVerdict.Verdict
CHANGED = "It has changed while you looked at it: look again before you decide."


class ReviewRefused(ValueError):
    """It was not done. The message says why and what to do."""


class Key(NamedTuple):
    """Which bar."""

    symbol: str
    timeframe: Timeframe
    opened_at: datetime

    def __str__(self) -> str:
        is_date = not self.timeframe.is_intraday
        return (
            f"{self.symbol} {self.timeframe} {self.opened_at:{'%Y-%m-%d' if is_date else '%Y-%m-%d %H:%M'}}"
        )

    @classmethod
    def of(cls, row: Candle | BarVerdict | Refetch) -> "Key":
        return cls(row.symbol, Timeframe(row.timeframe), row.opened_at)

    @property
    def name(self) -> str:
        """What the bar is called in addresses and among the data to review."""
        return f"bar:{self.symbol}:{self.timeframe}:{int(self.opened_at.timestamp())}"

    def columns(self) -> dict[str, Any]:
        return {"symbol": self.symbol, "timeframe": self.timeframe, "opened_at": self.opened_at}

    def candle(self) -> Candle | None:
        return Candle.objects.filter(**self.columns()).first()

    def verdict(self) -> BarVerdict | None:
        return BarVerdict.objects.select_related("decided_by").filter(**self.columns()).first()


@dataclass(frozen=True)
class Decision:
    """Who decides, why, when, and the version of what they saw. Raises ReviewRefused without a reason."""

    by: User
    why: str
    at: datetime
    seen: str

    def __post_init__(self) -> None:
        if not self.why.strip() or len(self.why) > LONGEST_WHY:
            raise ReviewRefused(f"Say why, in at most {LONGEST_WHY} characters.")


def version(candle: Candle | None, verdict: BarVerdict | None) -> str:
    """Return what changes when a bar, the doubt about it or the verdict on it changes."""
    names = (*verdicts.JUDGED, "suspect", "is_final", "revisions")
    values = [getattr(candle, name) for name in names] if candle else []
    decided = [verdict.verdict, verdict.decided_at] if verdict else []
    return hashlib.sha256(repr((values, decided)).encode()).hexdigest()[:16]


def describe(bar: Candle | BarVerdict) -> str:
    prices = ", ".join(f"{name} {getattr(bar, name):g}" for name in PRICES)
    volume = "unknown" if bar.volume is None else f"{bar.volume:g}"
    return f"{prices}, volume {volume} ({bar.provider})"


def _locked(key: Key, decision: Decision) -> tuple[Candle | None, BarVerdict | None]:
    """Return the bar and its verdict as they were seen, locked. Raises ReviewRefused when they are not."""
    store.lock([key.symbol])
    candle, verdict = key.candle(), key.verdict()
    if version(candle, verdict) != decision.seen:
        raise ReviewRefused(CHANGED)
    return candle, verdict


def _usable(candle: Candle | None) -> Candle:
    if candle is None:
        raise ReviewRefused("No such bar is stored.")
    if candle.provider == BUILT_HERE:
        raise ReviewRefused("It is built from finer bars: decide about those, and it is built again.")
    if not candle.is_final:
        raise ReviewRefused("It is not closed yet, and may still change by itself.")
    return candle


@transaction.atomic
def accept(key: Key, decision: Decision) -> None:
    """Believe a bar in doubt. It is not doubted again while its prices stay the same."""
    candle = _usable(_locked(key, decision)[0])
    if not candle.suspect:
        raise ReviewRefused("It is believed already.")
    verdict = _decide(candle, Verdict.BELIEVED, decision)
    clear(candle, decision.at)
    _log(verdict, decision, f"Accepted: {describe(candle)}.")


@transaction.atomic
def drop(key: Key, decision: Decision) -> None:
    """Take a bar out of all that is computed. Its values stay in the verdict."""
    candle = _usable(_locked(key, decision)[0])
    if candle.provider == store.BY_HAND:
        raise ReviewRefused("It was corrected by hand: take the correction back first.")
    verdict = _decide(candle, Verdict.DROPPED, decision)
    store.delete(key.symbol, [key.timeframe], key.opened_at, key.opened_at + MICROSECOND)
    _after_change(key, candle, decision.at)
    _log(verdict, decision, f"Dropped: {describe(candle)}.")


@transaction.atomic
def correct(key: Key, values: Mapping[str, float | None], decision: Decision) -> None:
    """Write a person's prices and volume into a bar. The provider's are kept, and no poll brings them back.

    `values`: open, high, low, close and volume, None where that is not known.
    """
    _refuse_nonsense(values)
    candle, verdict = _locked(key, decision)
    candle = _usable(candle)
    before = describe(candle)
    if candle.provider != store.BY_HAND or verdict is None:
        verdict = _decide(candle, Verdict.CORRECTED, decision)
    else:  # what is kept are the provider's values
        _redecide(verdict, decision)
    _write(candle, values)
    _after_change(key, candle, decision.at)
    _log(verdict, decision, f"Corrected by hand: {describe(candle)}; before {before}.")


@transaction.atomic
def take_back(key: Key, decision: Decision) -> None:
    """Undo the verdict on a bar: what was dropped or corrected is again as the provider gave it.

    It is judged anew, as if it had just come.
    """
    candle, verdict = _locked(key, decision)
    if verdict is None:
        raise ReviewRefused("Nothing was decided about it.")
    if verdict.verdict == Verdict.DROPPED and candle is not None:
        raise ReviewRefused("Its provider has given other values since, and those are stored.")
    _log(verdict, decision, f"Took back: {verdict.get_verdict_display()}, {describe(verdict)}.")
    BarVerdict.objects.filter(pk=verdict.pk).delete()
    if verdict.verdict != Verdict.BELIEVED:
        candle = _as_given(key, verdict, candle)
        store.put(candle)
    if candle is not None:
        _after_change(key, candle, decision.at)


def _as_given(key: Key, verdict: BarVerdict, candle: Candle | None) -> Candle:
    restored = candle or Candle(**key.columns(), is_final=True, suspect=False)
    for name in verdicts.JUDGED:
        setattr(restored, name, getattr(verdict, name))
    return restored


def _refuse_nonsense(values: Mapping[str, float | None]) -> None:
    prices = [values[name] for name in PRICES]
    known = [price for price in prices if price is not None and math.isfinite(price) and price > 0]
    if len(known) < len(prices):
        raise ReviewRefused("Open, high, low and close are prices above zero.")
    if max(known) != values["high"] or min(known) != values["low"]:
        raise ReviewRefused("No price is above the high or below the low.")
    volume = values["volume"]
    if volume is not None and not (math.isfinite(volume) and volume >= 0):
        raise ReviewRefused("A volume is not negative; leave it empty when it is not known.")


def _write(candle: Candle, values: Mapping[str, float | None]) -> None:
    for name in PRICES:
        setattr(candle, name, values[name])
    candle.volume, candle.vwap = values["volume"], None
    candle.provider, candle.import_id, candle.suspect = store.BY_HAND, None, False
    candle.revisions += 1
    store.put(candle)


def _decide(candle: Candle, kind: BarVerdict.Verdict, decision: Decision) -> BarVerdict:
    """Store the verdict on a bar as it is now, in place of an earlier one."""
    verdict, _ = BarVerdict.objects.update_or_create(
        symbol=candle.symbol,
        timeframe=candle.timeframe,
        opened_at=candle.opened_at,
        defaults={
            "verdict": kind,
            "agrees": "",
            "decided_by": decision.by,
            "decided_at": decision.at,
            "why": decision.why,
            **{name: getattr(candle, name) for name in verdicts.JUDGED},
        },
    )
    return verdict


def _redecide(verdict: BarVerdict, decision: Decision) -> None:
    verdict.decided_by, verdict.decided_at, verdict.why = decision.by, decision.at, decision.why
    verdict.save(update_fields=["decided_by", "decided_at", "why"])


def _after_change(key: Key, candle: Candle, at: datetime) -> None:
    """Do what ingestion does after a bar has come: judge it and its neighbours, build, ask about moves."""
    doubts.judge_again(key.symbol, key.timeframe, key.opened_at, at)
    rebuild(key.symbol, key.timeframe, key.opened_at, Feed(candle.feed), at)
    near = doubts.near(key.symbol, key.timeframe, key.opened_at)
    if len(near):
        around = {key.symbol: Bars.empty()}
        questions.ask({key.symbol: near}, around, key.timeframe, candle.provider, at)


def _log(verdict: BarVerdict, decision: Decision, text: str) -> None:
    LogEntry.objects.log_actions(
        decision.by.pk, [verdict], CHANGE, f"{text} {decision.why}", single_object=True
    )


def parse(text: str) -> Key:
    """Return the bar that SYMBOL:TIMEFRAME:SECONDS names. Raises ValueError."""
    symbol, timeframe, seconds = text.rsplit(":", 2)
    return Key(
        symbol, Timeframe(timeframe), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))
    )
