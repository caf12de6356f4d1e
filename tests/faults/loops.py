"""Every loop over many things, for the tests that poison one of them: how to fill it, run it, and read it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import F

from approvals import audit, execution, notify, outcomes
from approvals.brokers import base as brokers
from approvals.brokers.base import Report, Side, State
from approvals.execution import reports
from approvals.models import AuditEvent, Fill, Notification, Order, Outcome, Trade, TradeApproval
from approvals.outcomes import memories
from approvals.positions import trades
from market.imports import jobs as imports
from market.imports import preparation
from market.imports.master import refresh
from market.ingestion import crosscheck, cycle, delistings, renames
from market.ingestion import rates as exchange_rates
from market.ingestion.actions import LEDGER as ACTIONS
from market.ingestion.earnings import LEDGER as EARNINGS
from market.models import (
    Candle,
    CandleImport,
    CandleProgress,
    CandleUpload,
    CandleVersion,
    CorporateActionCheck,
    Disagreement,
    EarningsCheck,
    Instrument,
    Quote,
    SymbolChange,
    TradingSession,
)
from market.providers.currencies import TYPICAL, pair
from opinions import queue
from opinions.models import Memory, OrchestrationRun
from signals import backtest, lifecycle, records, scan
from signals.models import Backtest, Signal, StrategyConfig, StrategyRecord
from tests import make

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AT = make.T0 + MINUTE
Status = Order.Status
Names = Sequence[str]
# What PostgreSQL answers to a row that it refuses: DataError, IntegrityError, a trigger's ProgrammingError.
REFUSALS = ("22003", "22P05", "23502", "23514", "P0001")
POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF position('{name}' in coalesce({holds}, '')) > 0 THEN
        RAISE EXCEPTION 'this one is poisoned' USING ERRCODE = '{code}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_poison BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION poison();
"""
ANTIDOTE = "DROP TRIGGER a_poison ON {table}; DROP FUNCTION poison()"


def symbols(count: int) -> list[str]:
    return [f"S{number:02}" for number in range(count)]


def pairs(count: int) -> list[str]:
    """Return pairs of the dollar and another currency each."""
    return sorted(pair(currency, "USD") for currency in TYPICAL if currency != "USD")[:count]


@dataclass(frozen=True)
class Loop:
    """Some work on many members: rows of so many, the work, and of which it has been done.

    `table`: one that the work writes for each member. `holds`: an expression of SQL about its row that holds
    the member's name as soon as the work is done.
    """

    fill: Callable[[Names], object]
    run: Callable[[datetime], object]
    done: Callable[[], list[str]]
    table: str
    holds: str = "NEW.symbol"
    names: Callable[[int], list[str]] = symbols


@contextmanager
def poisoned(loop: Loop, name: str, code: str) -> Iterator[None]:
    """Have the database refuse what is written about one member."""
    with connection.cursor() as cursor:
        cursor.execute(POISON.format(name=name, holds=loop.holds, code=code, table=loop.table))
        yield
        cursor.execute(ANTIDOTE.format(table=loop.table))


@contextmanager
def refuse_rows(table: str, condition: str = "true") -> Iterator[None]:
    """Have the database refuse the new rows of a table that fulfil a condition."""
    holds = f"CASE WHEN {condition} THEN 'this' END"
    values = {"name": "this", "holds": holds, "code": "23514", "table": table}
    with connection.cursor() as cursor:
        cursor.execute(POISON.format(**values))
        yield
        cursor.execute(ANTIDOTE.format(table=table))


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is written inside, as after a test."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]  # durable transactions may be inside
    with atomic:
        make.only(calendar="24/7")
        yield
        transaction.set_rollback(True)


# --- their rows -------------------------------------------------------------------------------------------


def instruments(names: Names) -> None:
    for name in names:
        make.instrument(name, "24/7")


def priced_in(names: Names) -> None:
    """Instruments in the currencies of these pairs."""
    for name in names:
        symbol = f"IN{name.replace('USD', '').strip('/')}"
        instruments([symbol])
        Instrument.objects.filter(pk=symbol).update(currency=name.replace("USD", "").strip("/"))


def trading(names: Names) -> None:
    """Instruments, with the sessions of their calendar."""
    if not TradingSession.objects.filter(calendar="24/7").exists():
        make.round_the_clock(make.T0, days=20, ahead=320)
    instruments(names)


def split(names: Names) -> None:
    """Instruments whose history waits to be fetched again."""
    trading(names)
    Instrument.objects.filter(symbol__in=names).update(split_pending_since=make.T0)


def renamed(names: Names) -> None:
    """Instruments whose change of symbol is due."""
    instruments(names)
    for name in names:
        make.candle(name, "2024-06-28", 100.0)
        make.action(name, "2024-07-01", kind="symbol change", new_symbol=f"{name}X")


def renamed_before(names: Names) -> None:
    """Changes of symbol that are followed, with bars that have come under the old one since."""
    for name in names:
        SymbolChange.objects.create(
            old=name, new=f"{name}X", since=make.T0.date(), source="alpaca", followed_at=make.T0
        )
        make.candle(name, "2024-07-01", 100.0)


def delisted(names: Names) -> None:
    instruments(names)
    for name in names:
        make.action(name, "2024-07-01", kind="delisting")


def in_lots(names: Names) -> None:
    """Instruments whose bars inside count lots of the day's volume."""
    trading(names)
    for name in names:
        make.history(name, [100.0] * 288)
        make.candle(name, "2024-07-02", 100.0, volume=9_600_000, provider="simulator")


def pending(names: Names) -> None:
    instruments(names)
    for name in names:
        make.signal(name, expires_at=make.T0 + 5 * DAY)


def overdue(names: Names) -> None:
    for name in names:
        make.signal(name, expires_at=make.T0)


def decided(names: Names) -> None:
    for name in names:
        signal = make.signal(name, status=Signal.Status.REJECTED)
        make.approval(signal, approved=False, reason=TradeApproval.Reason.WEAK_EVIDENCE)


def orders(names: Names, status: Order.Status, **values: datetime) -> None:
    instruments(names)
    for name in names:
        make.order(name, status=status, **values)


def round_trips(names: Names) -> None:
    """Orders whose shares were bought and sold."""
    for name in names:
        make.instrument(name, "24/7")
        order = make.order(name, status=Status.FILLED, filled_quantity=10)
        make.fill(order)
        make.fill(order, leg=Fill.Leg.STOP, side=Signal.Type.SELL, executed_at=make.T0 + MINUTE)


def turning(names: Names) -> None:
    trading(names)
    StrategyConfig.objects.update(enabled=False)
    StrategyConfig.objects.filter(strategy_id="macd_crossover_v1", timeframe="15m").update(enabled=True)
    for name in names:
        make.history(name, make.turning())


def configured(names: Names) -> None:
    for name in names:
        strategy, timeframe = name.split()
        StrategyConfig.objects.update_or_create(
            strategy_id=strategy, timeframe=timeframe, defaults={"enabled": True}
        )


def configs(count: int) -> list[str]:
    StrategyConfig.objects.update(enabled=False)
    strategies, timeframes = ("macd_crossover_v1", "rsi_momentum_v1"), ("1m", "5m", "15m", "1h", "1d", "1w")
    return [f"{strategy} {timeframe}" for timeframe in timeframes for strategy in strategies][:count]


def logged(names: Names) -> None:
    kind, user = ContentType.objects.get_for_model(Order), make.trader()
    for name in names:
        LogEntry.objects.create(
            user=user, content_type=kind, object_repr=name, action_flag=CHANGE, action_time=make.T0
        )


def running_imports(names: Names) -> None:
    for name in names:
        CandleImport.objects.create(
            symbol="AAPL", timeframe="1d", digest=name, file_name=name, size=1, content=b"",
            requested_by=make.trader(), queued_at=make.T0, started_at=make.T0, status="running",
        )  # fmt: skip


def killed_uploads(names: Names) -> None:
    for name in names:
        CandleUpload.objects.create(
            uploaded_by=make.trader(), uploaded_at=make.T0, file_name=name, size=1, digest=name, content=b"",
            unpacked=1, doing="looking", asked_at=make.T0, begun_at=make.T0, attempts=2,
        )  # fmt: skip


def running_backtests(names: Names) -> None:
    for name in names:
        Backtest.objects.create(
            strategy_id="macd_crossover_v1", timeframe="1d", symbols=[name], parameters={},
            minimum_confidence=Decimal("0.6"), lifetime_bars=1, longest_holding_bars=40, flat_at_close=False,
            cost_bps=2, queued_at=make.T0, started_at=make.T0, status="running",
        )  # fmt: skip


# --- the work, and what has come of it --------------------------------------------------------------------


def scan_new_bars(at: datetime) -> None:
    """Scan as if a bar of each had come."""
    CandleVersion.objects.update(version=F("version") + 1)
    scan.run(at)


def report_all(at: datetime) -> None:
    """Have the broker report all orders as filled."""
    filled = [
        Report(
            order.pk,
            str(order.pk)[:8],
            brokers.Instrument(order.symbol),
            Side(order.side),
            State.FILLED,
            order.quantity,
            filled=order.quantity,
        )
        for order in Order.objects.order_by("created_at", "pk")
    ]
    reports.apply_all(filled, at)


def symbols_of(rows: object, **condition: object) -> list[str]:
    return list(rows.objects.filter(**condition).values_list("symbol", flat=True))  # type: ignore[attr-defined]  # a model


def ordered(*, status: str) -> str:
    return f"CASE WHEN NEW.status = '{status}' THEN NEW.symbol END"


def sealed() -> list[str]:
    entries = AuditEvent.objects.exclude(log_entry=None).values_list("log_entry", flat=True)
    return list(LogEntry.objects.filter(pk__in=entries).values_list("object_repr", flat=True))


LOOPS = {
    "quotes": Loop(trading, cycle.ingest_quotes, partial(symbols_of, Quote), "quotes"),
    "candles": Loop(
        trading, cycle.ingest_candles, partial(symbols_of, CandleProgress, timeframe="15m"), "candles"
    ),
    "corporate actions": Loop(
        instruments, ACTIONS.fetch, partial(symbols_of, CorporateActionCheck), "corporate_action_checks"
    ),
    "earnings dates": Loop(
        instruments, EARNINGS.fetch, partial(symbols_of, EarningsCheck), "earnings_checks"
    ),
    "exchange rates": Loop(
        priced_in,
        partial(exchange_rates.refresh, {"USD"}),
        partial(symbols_of, Quote),
        "quotes",
        names=pairs,
    ),
    "changes of symbol": Loop(
        renamed,
        renames.follow_due,
        lambda: list(SymbolChange.objects.values_list("old", flat=True)),
        "symbol_changes",
        "NEW.old",
    ),
    "bars under an old symbol": Loop(
        renamed_before,
        renames.follow_due,
        lambda: [symbol[:-1] for symbol in symbols_of(Candle) if symbol.endswith("X")],
        "candles",
    ),
    "delistings": Loop(
        delisted,
        delistings.follow_due,
        partial(symbols_of, Instrument, delisting_followed=True),
        "instruments",
        "CASE WHEN NEW.delisting_followed THEN NEW.symbol END",
    ),
    "details": Loop(
        instruments,
        refresh.refresh,
        partial(symbols_of, Instrument, details_at__isnull=False, watched=True),
        "instruments",
        "CASE WHEN NEW.details_at IS NOT NULL THEN NEW.symbol END",
    ),
    "cross-check": Loop(
        in_lots, crosscheck.check, partial(symbols_of, Disagreement), "provider_disagreements"
    ),
    "splits": Loop(
        split,
        cycle.ingest_candles,
        lambda: list(
            Instrument.objects.watched().filter(split_pending_since=None).values_list("pk", flat=True)
        ),
        "instruments",
        "CASE WHEN NEW.split_pending_since IS NULL THEN NEW.symbol END",
    ),
    "scan": Loop(turning, scan_new_bars, partial(symbols_of, Signal), "strategy_signals"),
    "signals that end": Loop(
        overdue,
        lifecycle.sweep,
        partial(symbols_of, Signal, status="expired"),
        "strategy_signals",
        ordered(status="expired"),
    ),
    "records": Loop(
        configured,
        records.refresh,
        lambda: [f"{row.strategy_id} {row.timeframe}" for row in StrategyRecord.objects.filter(symbol="")],
        "strategy_records",
        "NEW.strategy_id || ' ' || NEW.timeframe",
        configs,
    ),
    "outcomes": Loop(pending, outcomes.refresh, partial(symbols_of, Outcome, ledger="signal"), "outcomes"),
    "closed trades": Loop(round_trips, trades.refresh, partial(symbols_of, Trade), "trades"),
    "memories": Loop(decided, memories.retain, partial(symbols_of, Memory), "memories"),
    "opinions on signals": Loop(
        pending, queue.start, partial(symbols_of, OrchestrationRun), "orchestration_runs"
    ),
    "opinions on instruments": Loop(
        instruments, queue.start_all, partial(symbols_of, OrchestrationRun), "orchestration_runs"
    ),
    "messages about signals": Loop(
        pending,
        lambda at: notify.about_signals(Signal.objects.pending(at), at),
        lambda: list(Notification.objects.values_list("signal__symbol", flat=True)),
        "notifications",
        "NEW.title",
    ),
    "held orders": Loop(
        partial(orders, status=Status.HELD, good_until=make.T0),
        execution.reconcile_orders,
        partial(symbols_of, Order, status=Status.CANCELLED),
        "orders",
        ordered(status="cancelled"),
    ),
    "orders left behind": Loop(
        partial(orders, status=Status.PENDING_SUBMIT, released_at=make.T0 - DAY),
        execution.reconcile_orders,
        partial(symbols_of, Order, status=Status.HELD),
        "orders",
        ordered(status="held"),
    ),
    "orders that waited for the open": Loop(
        partial(orders, status=Status.WAITING_OPEN, due_at=make.T0),
        execution.reconcile_orders,
        partial(symbols_of, Order, status=Status.HELD),
        "orders",
        ordered(status="held"),
    ),
    "reports of the broker": Loop(
        partial(orders, status=Status.SUBMITTED),
        report_all,
        partial(symbols_of, Order, status=Status.FILLED),
        "orders",
        ordered(status="filled"),
    ),
    "the chain": Loop(logged, audit.seal, sealed, "audit_events", "NEW.text"),
    "loaded files": Loop(
        running_imports,
        imports.give_up,
        lambda: list(CandleImport.objects.filter(status="failed").values_list("file_name", flat=True)),
        CandleImport._meta.db_table,
        "CASE WHEN NEW.status = 'failed' THEN NEW.file_name END",
    ),
    "uploaded files": Loop(
        killed_uploads,
        preparation.take_up,
        lambda: list(CandleUpload.objects.filter(doing="").values_list("file_name", flat=True)),
        CandleUpload._meta.db_table,
        "CASE WHEN NEW.doing = '' THEN NEW.file_name END",
    ),
    "backtests": Loop(
        running_backtests,
        backtest.give_up,
        lambda: [test.symbols[0] for test in Backtest.objects.filter(status="failed")],
        Backtest._meta.db_table,
        "CASE WHEN NEW.status = 'failed' THEN NEW.symbols::text END",
    ),
}
