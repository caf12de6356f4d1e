"""Rows and values for tests, each with sensible defaults."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import uuid4

import numpy as np
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from knox.models import AuthToken

from approvals.models import (
    AccountSnapshot,
    BrokerPosition,
    BrokerStatement,
    Drift,
    Fill,
    Gate,
    Order,
    QuarantinedRow,
    StatementDifference,
    TradeApproval,
)
from jaxsite.models import Beat, TokenAccess
from market import store
from market.models import (
    Candle,
    CorporateAction,
    CurrencyPair,
    EarningsDate,
    IngestionRun,
    Instrument,
    Quote,
    TradingSession,
    UnexplainedMove,
    Watchlist,
    WatchlistEntry,
)
from market.prices import INSTANT, Bars, Feed, QuoteTick, Timeframe, to_instant
from opinions.models import Memory, OrchestrationRun
from signals.models import Signal

# Wednesday 2024-07-03 14:00 UTC, 10:00 in New York: in session, an early close that day, a holiday the next.
DAY = timedelta(days=1)
T0 = datetime(2024, 7, 3, 14, 0, tzinfo=UTC)
ROUND_THE_CLOCK = """
INSERT INTO trading_sessions (calendar, date, opens_at, closes_at, closed)
SELECT '24/7', day, day, day + interval '1 day', false
FROM generate_series(%s, %s, interval '1 day') AS day
"""


def watchlist(name: str, *symbols: str) -> Watchlist:
    made = Watchlist.objects.create(name=name, created_at=T0)
    rows = [WatchlistEntry(watchlist=made, instrument_id=s, position=n) for n, s in enumerate(symbols, 1)]
    WatchlistEntry.objects.bulk_create(rows)
    return made


def instrument(symbol: str = "AAPL", calendar: str = "XNYS", *, watched: bool = True) -> Instrument:
    created, _ = Instrument.objects.update_or_create(
        symbol=symbol, defaults={"calendar": calendar, "watched": watched}
    )
    return created


def only(*symbols: str, calendar: str = "XNYS") -> None:
    """Make these symbols the whole watchlist."""
    Instrument.objects.update(watched=False)
    Instrument.objects.bulk_create(
        [Instrument(symbol=symbol, calendar=calendar, watched=True) for symbol in symbols],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=["calendar", "watched"],
    )


def session(
    day: str,
    opens: str = "13:30",
    closes: str = "20:00",
    *,
    calendar: str = "XNYS",
    closed: bool = False,
    lunch: tuple[str, str] | None = None,
) -> TradingSession:
    """One session; times are UTC."""
    return TradingSession.objects.create(
        calendar=calendar,
        date=date.fromisoformat(day),
        opens_at=datetime.fromisoformat(f"{day}T{opens}Z"),
        break_starts_at=lunch and datetime.fromisoformat(f"{day}T{lunch[0]}Z"),
        break_ends_at=lunch and datetime.fromisoformat(f"{day}T{lunch[1]}Z"),
        closes_at=datetime.fromisoformat(f"{day}T{closes}Z"),
        closed=closed,
    )


def july_2024() -> None:
    """The New York sessions around Independence Day: the 3rd closes early, the 4th is a holiday."""
    days = ("2024-06-27", "2024-06-28", "2024-07-01", "2024-07-02", "2024-07-05", "2024-07-08", "2024-07-09")
    closes = dict.fromkeys(days, "20:00") | {"2024-07-03": "17:00"}
    TradingSession.objects.bulk_create(
        TradingSession(
            calendar="XNYS",
            date=date.fromisoformat(day),
            opens_at=datetime.fromisoformat(f"{day}T13:30Z"),
            closes_at=datetime.fromisoformat(f"{day}T{close}Z"),
        )
        for day, close in closes.items()
    )


def round_the_clock(since: datetime = T0, days: int = 30, ahead: int = 5) -> None:
    """Sessions of the 24/7 calendar, from `days` before `since` on."""
    first = since.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(ROUND_THE_CLOCK, [first, first + timedelta(days=days + ahead - 1)])


def tick(symbol: str = "AAPL", price: float = 100.0, as_of: datetime = T0, **values: float) -> QuoteTick:
    return QuoteTick(symbol=symbol, price=price, as_of=as_of, **values)  # type: ignore[arg-type]  # any field


def bars(
    closes: list[float],
    start: datetime = T0,
    timeframe: Timeframe = Timeframe.M15,
    *,
    volume: float = 1_000,
    final: bool = True,
) -> Bars:
    """Bars one after the other, each opening at the close of the one before."""
    close = np.array(closes, dtype=np.float64)
    opening = np.concatenate([close[:1], close[:-1]])
    stamps = to_instant(start) + np.arange(len(close)) * np.timedelta64(timeframe.length).astype(
        "timedelta64[us]"
    )
    result = Bars.of(
        stamps.astype(INSTANT),
        opening,
        np.maximum(opening, close),
        np.minimum(opening, close),
        close,
        np.full(len(close), volume),
    )
    result.final[:] = final
    return result


def history(
    symbol: str,
    closes: list[float],
    timeframe: Timeframe = Timeframe.M15,
    *,
    until: datetime = T0,
    provider: str = "simulator",
) -> Bars:
    """Closed bars of the symbol, stored; the last one closes at `until`."""
    written = bars(closes, until - timeframe.length * len(closes), timeframe)
    store.write_candles({symbol: written}, timeframe, provider=provider, feed=Feed.SIMULATED)
    return written


def turning(size: int = 60, last: float = 2.0) -> list[float]:
    """Closes that fall slowly and rise with the last one: the MACD crosses above its signal line there."""
    falling = [100 - 0.1 * n for n in range(size - 1)]
    return [*falling, falling[-1] + last]


def quote(
    symbol: str = "AAPL", price: float = 100.0, as_of: datetime = T0, **values: str | float | datetime | None
) -> Quote:
    """The stored quote of a symbol, received a second after its time."""
    return Quote.objects.create(
        symbol=symbol,
        price=price,
        as_of=as_of,
        **{"received_at": as_of + timedelta(seconds=1), "provider": "alpaca", "feed": Feed.LIVE} | values,
    )


def needed(symbol: str = "EUR/USD", **values: Any) -> CurrencyPair:
    """A pair whose rate is needed since an hour and was asked for a minute ago."""
    row = {"needed_since": T0 - timedelta(hours=1), "asked_at": T0 - timedelta(minutes=1)} | values
    return CurrencyPair.objects.create(symbol=symbol, **row)


def candle(symbol: str, day: str, close: float, **values: str | bool | float) -> Candle:
    """One daily bar that opened, stayed and closed at one price."""
    prices = {"open": close, "high": close, "low": close, "close": close}
    flags = {"session": Candle.Session.REGULAR, "is_final": True, "suspect": False}
    source = {"provider": "alpaca", "feed": Feed.LIVE, "volume": 1_000, "timeframe": Timeframe.D1}
    return Candle.objects.create(
        symbol=symbol, opened_at=datetime.fromisoformat(f"{day}T00:00Z"), **prices | flags | source | values
    )


def signal(symbol: str = "AAPL", **values: Any) -> Signal:
    """A pending daily BUY of the bar of 2 July 2024: generated at its close, expiring at that of the 3rd."""
    given: dict[str, Any] = {
        "symbol": symbol,
        "strategy_id": "macd_crossover_v1",
        "timeframe": Timeframe.D1,
        "bar_opened_at": datetime(2024, 7, 2, tzinfo=UTC),
        "signal_type": Signal.Type.BUY,
        "confidence": Decimal("0.9"),
        "entry_price": Decimal("185.50"),
        "stop_loss": Decimal("180.50"),
        "take_profit": Decimal("191.75"),
        "second_target": Decimal("195.50"),
        "reasoning": "MACD +0.3 crossed above its signal line +0.1 at 185.50.",
        "indicators": {"price": 185.5, "atr": 2.5},
        "provider": "alpaca",
        "feed": Feed.LIVE,
        "bars_digest": "0" * 32,
        "generated_at": datetime(2024, 7, 2, 20, tzinfo=UTC),
        "expires_at": datetime(2024, 7, 3, 17, tzinfo=UTC),
        "created_at": datetime(2024, 7, 2, 20, 21, tzinfo=UTC),
    } | values
    if given.get("status", Signal.Status.PENDING) != Signal.Status.PENDING:
        given = {"ended_at": T0} | given
    return Signal.objects.create(**given)


def sell(symbol: str = "AAPL", **values: Any) -> Signal:
    """The opposite of `signal`, by another strategy."""
    levels = {"stop_loss": "190.50", "take_profit": "179.25", "second_target": "175.50"}
    return signal(
        symbol,
        **{"strategy_id": "rsi_momentum_v1", "signal_type": Signal.Type.SELL}
        | {name: Decimal(price) for name, price in levels.items()}
        | values,
    )


def ready(at: datetime = T0, equity: str = "100000", broker: str = "paper") -> None:
    """A feed and a broker that were good for the last minutes, and an account that was just seen."""
    IngestionRun.objects.bulk_create(
        IngestionRun(
            kind=IngestionRun.Kind.QUOTES,
            outcome=IngestionRun.Outcome.FINISHED,
            started_at=at - timedelta(seconds=seconds),
            finished_at=at - timedelta(seconds=seconds - 1),
            stored=1,
        )
        for seconds in (10, 70, 130)
    )
    good = {"is_open": True, "since": at, "broker_good_since": at - timedelta(minutes=5), "checked_at": at}
    Gate.objects.update_or_create(pk=1, defaults=good)
    money = dict.fromkeys(("equity", "cash", "buying_power"), Decimal(equity))
    AccountSnapshot.objects.create(broker=broker, at=at, currency="USD", **money)


def beats(at: datetime = T0) -> None:
    """Signs of life of both workers, which have nothing to do."""
    for service in ("worker", "slow"):
        figures = {"beat_at": at, "waiting": 3, "finished_at": at - timedelta(seconds=20)}
        Beat.objects.update_or_create(service=service, host="here", defaults=figures)


def trader(name: str = "ann") -> User:
    """Somebody who may read, decide and halt, as the role of that name."""
    user, is_new = User.objects.get_or_create(username=name)
    if is_new:
        given = User.user_permissions.through
        given.objects.bulk_create(given(user_id=user.pk, permission_id=pk) for pk in of_a_trader())
    return user


@cache  # the migrations' rows, which are the same for all tests
def of_a_trader() -> list[int]:
    """The keys of a trader's permissions."""
    decides = Q(codename__in=["add_tradeapproval", "reject_signal", "add_tradinghalt"])
    decides |= Q(codename__in=["change_order", "change_drift"])
    decides |= Q(codename__in=["add_watchlist", "change_watchlist", "delete_watchlist"])
    may = Permission.objects.filter(decides | Q(codename__startswith="view_"))
    return list(may.values_list("pk", flat=True))


def token(user: User, scope: str = "operate", **values: Any) -> str:
    """A token of the user's, the widest unless told. Used just now: its next use need not be noted."""
    stored, secret = AuthToken.objects.create(user, **values)
    TokenAccess.objects.create(token=stored, scope=scope, last_used_at=timezone.now())
    return str(secret)


def approval(signal: Signal | None = None, **values: Any) -> TradeApproval:
    """An approval of the signal, or of one made for it."""
    approved = signal or globals()["signal"](status=Signal.Status.APPROVED)
    given = {"approved": True, "approved_by": trader(), "approved_at": T0, "etag": "seen"} | values
    return TradeApproval.objects.create(signal=approved, **given)


def order(symbol: str = "AAPL", **values: Any) -> Order:
    """An entry of 10 shares at 185.50, about to be sent, with an approved signal of its own."""
    count = Order.objects.count()
    if values.get("kind") != Order.Kind.CLOSE and "approval" not in values:
        bar = datetime(2024, 7, 2, tzinfo=UTC) - timedelta(days=count + 1)
        status = Signal.Status.APPROVED
        values["approval"] = approval(signal(symbol, bar_opened_at=bar, status=status))
    levels = {"limit_price": "185.50", "stop_loss": "180.50", "take_profit": "191.75"}
    given: dict[str, Any] = {
        "kind": Order.Kind.ENTRY,
        "symbol": symbol,
        "side": Signal.Type.BUY,
        "quantity": 10,
        "currency": "USD",
        "status": Order.Status.PENDING_SUBMIT,
        "broker": "paper",
        "requested_by": trader(),
        "created_at": T0,
        "released_at": T0,
        "good_until": datetime(2024, 7, 3, 17, tzinfo=UTC),
    }
    if values.get("kind") != Order.Kind.CLOSE:
        given |= {name: Decimal(price) for name, price in levels.items()}
    if values.get("status") in (*Order.SENT[:3], Order.Status.FILLED, Order.Status.REJECTED):
        given["submitted_at"] = T0
    if values.get("status") in (Order.Status.FILLED, Order.Status.CANCELLED, Order.Status.REJECTED):
        given["ended_at"] = T0
    return Order.objects.create(**given | values)


def fill(order: Order, quantity: int | None = None, price: str = "185.50", **values: Any) -> Fill:
    """Shares of an order that changed hands, the whole of it unless told."""
    given: dict[str, Any] = {
        "leg": Fill.Leg.ENTRY,
        "broker": "paper",
        "execution_id": f"x{Fill.objects.count()}",
        "symbol": order.symbol,
        "side": order.side,
        "quantity": quantity or order.quantity,
        "price": Decimal(price),
        "executed_at": T0,
        "recorded_at": T0,
    } | values
    return Fill.objects.create(order=order, **given)


def quarantined_row(order: Order | None = None, **values: Any) -> QuarantinedRow:
    """An execution of 10 shares that could not be recorded, of this order or of none of ours."""
    number = f"q{QuarantinedRow.objects.count()}"
    given: dict[str, Any] = {
        "broker": "paper",
        "kind": QuarantinedRow.Kind.EXECUTION,
        "name": number,
        "row": '{"side": "BUY", "quantity": 10, "price": "185.50", "commission": "-1.00"}',
        "reason": "commission is -1.00, below 0",
        "order": order,
        "is_foreign": order is None,
        "digest": number,
        "first_seen_at": T0,
        "last_seen_at": T0,
    } | values
    return QuarantinedRow.objects.create(**given)


def drift(symbol: str = "AAPL", ours: int = 10, held: int = 0, **values: Any) -> Drift:
    """Shares that the account does not hold as our orders made them, told and not answered."""
    figures = {"symbol": symbol, "ours": ours, "held": held, "broker": "paper", "first_seen_at": T0}
    told = {"cause": Drift.Cause.UNKNOWN, "detail": "No execution explains it.", "last_seen_at": T0}
    BrokerPosition.objects.update_or_create(
        symbol=symbol, defaults={"quantity": held, "ours": ours, "average_cost": 0, "seen_at": T0}
    )
    return Drift.objects.create(**figures | told | values)


def broker_statement(**values: Any) -> BrokerStatement:
    """A statement of the paper account until T0 that agreed."""
    given: dict[str, Any] = {
        "broker": "paper",
        "account_id": "paper",
        "source": "a test",
        "since": T0 - timedelta(days=1),
        "until": T0,
        "compared_at": T0,
        "agreed": 3,
        "differing": 0,
        "taken_over": 0,
    }
    return BrokerStatement.objects.create(**given | values)


def statement_difference(**values: Any) -> StatementDifference:
    """Shares of AAPL that the book has and the statement has not, not answered."""
    given: dict[str, Any] = {
        "broker": "paper",
        "kind": StatementDifference.Kind.HOLDING,
        "name": f"S{StatementDifference.objects.count()}",
        "ours": "10",
        "stated": "7",
        "detail": "See what differs.",
        "first_seen_at": T0,
        "last_seen_at": T0,
    }
    return StatementDifference.objects.create(statement=broker_statement(), **given | values)


def held(symbol: str = "AAPL", quantity: int = 10, price: str = "185.50", at: datetime = T0) -> Order:
    """A filled entry whose exits work: a position. Short when the quantity is negative."""
    sides = (
        {"side": Signal.Type.BUY}
        if quantity > 0
        else {"side": Signal.Type.SELL, "stop_loss": Decimal("190.50"), "take_profit": Decimal("179.25")}
    )
    status = {"status": Order.Status.FILLED, "exits_working": True}
    entry = order(symbol, quantity=abs(quantity), filled_quantity=abs(quantity), **status, **sides)
    fill(entry, price=price, executed_at=at)
    return entry


def run(signal: Signal | None = None, **values: Any) -> OrchestrationRun:
    """A completed analysis of the signal by the checklist, which agrees with it."""
    given: dict[str, Any] = {
        "signal": signal,
        "symbol": signal.symbol if signal else "AAPL",
        "trigger_type": OrchestrationRun.Trigger.SIGNAL,
        "bars_digest": signal.bars_digest if signal else "",
        "analyst": "rules",
        "status": OrchestrationRun.Status.COMPLETED,
        "queued_at": T0 - timedelta(minutes=2),
        "started_at": T0 - timedelta(minutes=1),
    }
    if values.get("status", given["status"]) == OrchestrationRun.Status.COMPLETED:
        given |= {
            "agent_suggestion": signal.signal_type if signal else "HOLD",
            "confidence": Decimal("0.70"),
            "reasoning": "More speaks for it.",
            "inputs": {"bars": {"rows": []}},
            "finished_at": T0,
        }
    return OrchestrationRun.objects.create(**given | values)


def opinion(signal: Signal, **values: Any) -> OrchestrationRun:
    """A run that was completed while the signal could be decided on, and so is a part of its version."""
    return run(signal, in_time=True, **values)


def memory(text: str = "It made money.", **values: Any) -> Memory:
    """How a daily MACD BUY of AAPL turned out, known since the end of June 2024."""
    given: dict[str, Any] = {
        "bank": "jax",
        "kind": Memory.Kind.OUTCOME,
        "symbol": "AAPL",
        "strategy_id": "macd_crossover_v1",
        "timeframe": Timeframe.D1,
        "side": Signal.Type.BUY,
        "regime": "unknown normal",
        "known_at": datetime(2024, 6, 28, 20, tzinfo=UTC),
        "created_at": T0,
        "reference": f"outcome:{uuid4()}",
        "features": {"r": 1.25, "end": "target"},
    }
    return Memory.objects.create(text=text, **given | values)


def rising(symbol: str = "AAPL", size: int = 260, last: float = 185.5) -> Bars:
    """Daily bars of a calendar year up to 2 July 2024, that rise to a close."""
    written = bars(
        [last - 0.1 * n for n in range(size - 1, -1, -1)],
        datetime(2024, 7, 2, tzinfo=UTC) - DAY * (size - 1),
        Timeframe.D1,
    )
    store.write_candles({symbol: written}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
    return written


def move(symbol: str = "AAPL", day: str = "2024-07-02", **values: Any) -> UnexplainedMove:
    """A question whether a fall to half the price was a split."""
    row: dict[str, Any] = {
        "looks_like": 2.0,
        "close_before": 200.0,
        "open_after": 100.0,
        "timeframe": "1d",
        "source": "import",
        "asked_at": T0,
    }
    return UnexplainedMove.objects.create(symbol=symbol, date=date.fromisoformat(day), **row | values)


def action(symbol: str = "AAPL", ex_date: str = "2024-07-05", **values: Any) -> CorporateAction:
    """A corporate action: a dividend of 0.24 USD, unless `values` say otherwise."""
    row = {"kind": "dividend", "amount": Decimal("0.24"), "currency": "USD", "source": "alpaca"}
    if values.get("kind", "dividend") != "dividend":
        row |= {"amount": Decimal(0), "currency": ""}
    row |= {"recorded_at": T0} | values
    return CorporateAction.objects.create(symbol=symbol, ex_date=date.fromisoformat(ex_date), **row)


def earnings(symbol: str = "AAPL", day: str = "2024-08-01", **values: Any) -> EarningsDate:
    """An estimated report after the close, unless `values` say otherwise."""
    row = {"time": "after", "source": "polygon", "recorded_at": T0} | values
    return EarningsDate.objects.create(symbol=symbol, date=date.fromisoformat(day), **row)
