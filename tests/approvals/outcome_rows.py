"""Candles with prices typed in, decisions, and outcomes, for the tests of outcomes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.contrib.auth.models import User

from approvals.models import Outcome, TradeApproval
from market import store
from market.prices import INSTANT, Bars, Feed, Timeframe, to_instant
from signals.models import Signal
from signals.trades import End
from tests import make

Price = tuple[float, float, float, float]
CALM: Price = (185, 186, 184, 185)
GROUPS = {"approved": True, "rejected": False}


def candles(timeframe: Timeframe, rows: Mapping[str, Price], symbol: str = "AAPL") -> None:
    """Closed bars: opening ("2024-07-03 14:00", UTC) -> open, high, low, close."""
    make.instrument(symbol)
    stamps = [to_instant(datetime.fromisoformat(f"{at}+00:00")) for at in rows]
    opened_at = np.array(stamps, dtype=INSTANT)
    open_, high, low, close = np.array(list(rows.values()), dtype=np.float64).T
    bars = Bars.of(opened_at, open_, high, low, close, np.full(len(rows), 1_000))
    bars.final[:] = True
    store.write_candles({symbol: bars}, timeframe, provider="alpaca", feed=Feed.LIVE)


def days(*rows: Price, symbol: str = "AAPL") -> None:
    """Daily bars from 2 July 2024 on, the bar of the signal first; the 3rd closes early, the 4th has none."""
    dates = ("2024-07-02", "2024-07-03", "2024-07-05", "2024-07-08", "2024-07-09")
    candles(Timeframe.D1, {f"{day} 00:00": row for day, row in zip(dates, rows, strict=False)}, symbol)


def quarters(rows: Mapping[str, Price], symbol: str = "AAPL") -> None:
    """15-minute bars of 3 July 2024, and one on the day before."""
    before = {"2024-07-02 19:45": CALM}
    candles(Timeframe.M15, before | {f"2024-07-03 {at}": row for at, row in rows.items()}, symbol)


def user(name: str = "Ann") -> User:
    return User.objects.get_or_create(username=name)[0]


def decision(
    signal: Signal, verdict: str = "approved", at: datetime = make.T0, **values: Any
) -> TradeApproval:
    """Return a decision on the signal, which has that status from then on."""
    Signal.objects.filter(pk=signal.pk).update(status=verdict, ended_at=at, ended_reason=f"{verdict} by Ann")
    given = {"approved_by": user(), "reason": "" if GROUPS[verdict] else "news"} | values
    return TradeApproval.objects.create(signal=signal, approved=GROUPS[verdict], approved_at=at, **given)


def outcome(
    n: int = 0, ledger: str = "signal", group: str = "none", end: End = End.TARGET, **values: Any
) -> Outcome:
    """The outcome of a daily signal `n` days after the first: it reached its target for +1 R, unless told."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=n)
    signal = Signal.objects.filter(symbol="AAPL", bar_opened_at=at).first() or make.signal(
        bar_opened_at=at,
        generated_at=at + timedelta(hours=20),
        expires_at=at + timedelta(hours=44),
        status="cancelled",
    )
    approval = None
    if group in GROUPS:
        approval = TradeApproval.objects.filter(signal=signal).first() or decision(signal, group, at)
    results = {End.TARGET: 1.0, End.STOP: -1.0}
    given: dict[str, Any] = {
        "approval": approval,
        "decided_by": approval.approved_by if approval else None,
        "symbol": "AAPL",
        "strategy_id": "macd_crossover_v1",
        "timeframe": "1d",
        "confidence": Decimal("0.7"),
        "generated_at": signal.generated_at,
        "since": signal.generated_at,
        "played_on": "1d",
        "race": end,
        "is_final": end != End.OPEN,
        "is_race_final": end != End.OPEN,
        "r": results.get(end, 0.25) if end > End.OPEN else None,
        "luck": 0.5,
        "candles_version": 1,
        "computed_at": make.T0,
    } | values
    return Outcome.objects.create(signal=signal, ledger=ledger, group=group, end=end, **given)
