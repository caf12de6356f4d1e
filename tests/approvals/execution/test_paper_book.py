"""The paper broker on stored quotes and bars: Wednesday 3 July 2024, 09:30 to 13:00 in New York."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from approvals.brokers.base import BrokerAway, Leg, OrderRefused, Report, State
from approvals.execution.brokerage import configured as paper
from approvals.models import PaperAccount, PaperFill, PaperOrder
from market.ingestion import splits
from market.models import Candle, Fault, Instrument, QuoteHistory
from market.prices import Feed, Timeframe
from tests import make
from tests.approvals.paper_tape import bracket
from tests.faults.loops import refuse_rows
from tests.make import T0

MINUTE = timedelta(minutes=1)
T = TypeVar("T")


@pytest.fixture
def aapl(db: None) -> None:
    make.july_2024()
    make.instrument()
    make.history("AAPL", [100.0] * 8)


def quoted(price: float, as_of: datetime, spread: float | None = None, **values: object) -> None:
    book = {} if spread is None else {"bid": price - spread / 2, "ask": price + spread / 2}
    given = {"received_at": as_of + timedelta(seconds=1), "provider": "alpaca", "feed": Feed.LIVE}
    QuoteHistory.objects.create(symbol="AAPL", price=price, as_of=as_of, **given | book | values)


def barred(at: datetime, open: float, high: float, low: float, close: float, **values: object) -> None:
    """A closed 15-minute bar."""
    given = {"timeframe": Timeframe.M15, "volume": 10_000, "provider": "alpaca", "feed": Feed.LIVE}
    flags = {"session": Candle.Session.REGULAR, "is_final": True, "suspect": False}
    prices = {"open": open, "high": high, "low": low, "close": close}
    Candle.objects.create(symbol="AAPL", opened_at=at, **given | flags | prices | values)


def placed(**values: object) -> UUID:
    return paper(T0).place(bracket(**values)).client_id  # type: ignore[return-value]  # it is ours


def filled(**values: object) -> UUID:
    """Bought at 10:01:30 for 99.00 (99.02 with the slippage): in the bar from 10:00 to 10:15."""
    client_id = placed(**values)
    quoted(99.0, T0 + 1.5 * MINUTE)
    return client_id


def fills(at: datetime) -> list[tuple[Leg, str, datetime]]:
    executions = paper(at).executions(T0)
    return [(execution.leg, f"{execution.price:.2f}", execution.executed_at) for execution in executions]


def test_an_entry_fills_on_the_first_quote_within_its_limit(aapl: None) -> None:
    placed()
    quoted(100.5, T0 + MINUTE)
    quoted(99.0, T0 + 2 * MINUTE)
    quoted(98.0, T0 + 3 * MINUTE)
    assert fills(T0 + 5 * MINUTE) == [(Leg.ENTRY, "99.03", T0 + 2 * MINUTE)]


def test_an_order_whose_fill_cannot_be_written_down_keeps_back_no_other(aapl: None) -> None:
    make.instrument("MSFT")
    first = placed()
    second = placed(symbol="MSFT", client_id=uuid4())
    quoted(99.0, T0 + MINUTE)
    QuoteHistory.objects.update(symbol="MSFT")
    quoted(99.0, T0 + MINUTE)
    with refuse_rows("paper_fills", "NEW.symbol = 'AAPL'"):
        executions = paper(T0 + 2 * MINUTE).executions(T0)
        assert [execution.client_id for execution in executions] == [second]
        assert Fault.objects.get().subject == str(first)
    assert len(fills(T0 + 3 * MINUTE)) == 2
    assert not Fault.objects.exists()


def test_half_the_spread_is_paid_where_the_book_is_the_whole_markets(aapl: None) -> None:
    placed()
    quoted(99.0, T0 + MINUTE, spread=0.40, provider="polygon")
    assert fills(T0 + 2 * MINUTE) == [(Leg.ENTRY, "99.22", T0 + MINUTE)]


def test_half_the_spread_of_one_exchange_is_not_paid(aapl: None) -> None:
    placed()
    quoted(99.0, T0 + MINUTE, spread=0.40)
    assert fills(T0 + 2 * MINUTE) == [(Leg.ENTRY, "99.03", T0 + MINUTE)]


@pytest.mark.parametrize(
    "as_of", [T0 - MINUTE, T0, T0 + 180 * MINUTE], ids=["before it", "at it", "after the session"]
)
def test_other_quotes_fill_nothing(aapl: None, as_of: datetime) -> None:
    placed(good_until=T0 + timedelta(days=1))
    quoted(99.0, as_of)
    assert not fills(T0 + 200 * MINUTE)


def test_a_quote_that_took_too_long_fills_nothing(aapl: None) -> None:
    placed()
    quoted(99.0, T0 + MINUTE, received_at=T0 + 7 * MINUTE)
    assert not fills(T0 + 8 * MINUTE)


def test_a_quote_counts_from_its_arrival_on(aapl: None) -> None:
    placed()
    quoted(99.0, T0 + MINUTE, received_at=T0 + 3 * MINUTE)
    assert not fills(T0 + 2 * MINUTE)
    assert fills(T0 + 3 * MINUTE)


def test_a_delayed_feed_is_waited_for(aapl: None) -> None:
    make.quote(as_of=T0 - 15 * MINUTE, delay_seconds=900)
    client_id = placed(good_until=T0 + 10 * MINUTE)
    assert paper(T0 + 29 * MINUTE).orders()
    quoted(99.0, T0 + 9 * MINUTE, received_at=T0 + 24 * MINUTE, delay_seconds=900)
    assert fills(T0 + 30 * MINUTE) == [(Leg.ENTRY, "99.03", T0 + 9 * MINUTE)]
    assert isinstance(paper(T0 + 30 * MINUTE).order(client_id), Report)


def test_without_a_quote_it_ends_when_none_can_come_any_more(aapl: None) -> None:
    make.quote(as_of=T0 - 15 * MINUTE, delay_seconds=900)
    placed(good_until=T0 + 10 * MINUTE)
    assert paper(T0 + 29 * MINUTE).orders()
    assert not paper(T0 + 30 * MINUTE).orders()


def test_the_bar_of_the_fill_does_not_work_the_exits_but_later_quotes_do(aapl: None) -> None:
    filled()
    barred(T0, 94.0, 115.0, 90.0, 99.0)
    quoted(94.5, T0 + 4 * MINUTE)
    assert fills(T0 + 16 * MINUTE)[1:] == [(Leg.STOP, "94.47", T0 + 4 * MINUTE)]


def test_a_doubtful_price_hits_no_stop_and_the_one_that_confirms_it_does(aapl: None) -> None:
    filled()
    quoted(94.5, T0 + 4 * MINUTE, doubt="far_from_last")
    assert not fills(T0 + 5 * MINUTE)[1:]
    quoted(94.4, T0 + 5 * MINUTE)
    assert fills(T0 + 6 * MINUTE)[1:] == [(Leg.STOP, "94.37", T0 + 5 * MINUTE)]


def test_after_the_bar_of_the_fill_quotes_work_the_stop_and_bars_what_they_missed(aapl: None) -> None:
    filled()
    quoted(96.0, T0 + 16 * MINUTE)
    barred(T0 + 15 * MINUTE, 99.0, 99.5, 94.0, 95.5)
    quoted(94.0, T0 + 31 * MINUTE)
    assert fills(T0 + 32 * MINUTE)[1:] == [(Leg.STOP, "94.97", T0 + 30 * MINUTE)]


def test_a_quote_works_the_stop_at_once_while_its_bar_lasts(aapl: None) -> None:
    filled()
    quoted(94.0, T0 + 16 * MINUTE)
    assert fills(T0 + 17 * MINUTE)[1:] == [(Leg.STOP, "93.97", T0 + 16 * MINUTE)]


def test_at_the_next_open_a_quote_needs_no_bar_of_the_night(aapl: None) -> None:
    filled()
    barred(T0 + 165 * MINUTE, 99.0, 99.0, 98.0, 98.0)
    opening = datetime(2024, 7, 5, 13, 30, tzinfo=UTC)
    quoted(90.0, opening + MINUTE)
    assert fills(opening + 2 * MINUTE)[1:] == [(Leg.STOP, "89.97", opening + MINUTE)]


def test_a_bar_without_volume_works_nothing_and_one_with_little_a_part(aapl: None) -> None:
    filled()
    barred(T0 + 15 * MINUTE, 94.0, 94.0, 94.0, 94.0, volume=0)
    barred(T0 + 30 * MINUTE, 99.0, 99.5, 94.0, 95.5, volume=600)
    barred(T0 + 45 * MINUTE, 96.0, 97.0, 95.0, 95.5)
    assert fills(T0 + 70 * MINUTE)[1:] == [
        (Leg.STOP, "94.97", T0 + 45 * MINUTE),
        (Leg.STOP, "95.97", T0 + 45 * MINUTE),
    ]
    assert [fill.quantity for fill in PaperFill.objects.order_by("pk")] == [100, 60, 40]


def test_an_entry_takes_what_the_book_shows(aapl: None) -> None:
    client_id = placed()
    quoted(99.0, T0 + MINUTE, spread=0.40, provider="polygon", ask_size=30.0, bid_size=500.0)
    report = paper(T0 + 2 * MINUTE).order(client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled, report.exits_working) == (State.WORKING, 30, True)
    quoted(99.0, T0 + 3 * MINUTE, spread=0.40, provider="polygon", ask_size=500.0, bid_size=500.0)
    assert len(fills(T0 + 4 * MINUTE)) == 2
    row = PaperOrder.objects.get()
    assert (row.state, row.filled, row.covered) == ("filled", 100, 100)


@pytest.mark.parametrize("unfit", [{"is_final": False}, {"session": "extended"}])
def test_a_bar_that_is_open_or_of_extended_hours_works_nothing(aapl: None, unfit: dict[str, object]) -> None:
    filled()
    barred(T0 + 15 * MINUTE, 99.0, 99.5, 94.0, 95.5, **unfit)
    assert not fills(T0 + 60 * MINUTE)[1:]


def test_a_stop_that_only_a_doubted_low_reaches_is_hit(aapl: None) -> None:
    filled()
    barred(T0 + 15 * MINUTE, 99.0, 99.5, 60.0, 99.2, suspect=True)
    assert fills(T0 + 60 * MINUTE)[1:] == [(Leg.STOP, "94.97", T0 + 30 * MINUTE)]


def test_a_target_that_only_a_doubted_high_reaches_is_not(aapl: None) -> None:
    filled()
    barred(T0 + 15 * MINUTE, 99.0, 150.0, 98.0, 99.2, suspect=True)
    assert not fills(T0 + 60 * MINUTE)[1:]


def test_a_finer_timeframe_goes_before_a_coarser_one(aapl: None) -> None:
    make.history("AAPL", [100.0] * 5, Timeframe.M1)
    filled()
    barred(T0 + 2 * MINUTE, 99.0, 111.0, 98.0, 110.5, timeframe=Timeframe.M1)
    barred(T0 + 15 * MINUTE, 99.0, 111.0, 94.0, 95.5)
    assert fills(T0 + 40 * MINUTE)[1:] == [(Leg.TARGET, "110.00", T0 + 3 * MINUTE)]


def test_where_the_finer_bars_end_the_coarser_ones_go_on(aapl: None) -> None:
    make.history("AAPL", [100.0] * 5, Timeframe.M1)
    filled()
    barred(T0, 99.0, 120.0, 80.0, 99.0)  # it began before the fill
    barred(T0 + 15 * MINUTE, 99.0, 99.5, 94.0, 95.5)
    assert fills(T0 + 40 * MINUTE)[1:] == [(Leg.STOP, "94.97", T0 + 30 * MINUTE)]


def test_a_coarser_bar_over_finer_ones_that_have_counted_does_not_count(aapl: None) -> None:
    filled()
    barred(T0 + 30 * MINUTE, 99.0, 99.5, 98.0, 99.0)
    barred(T0 + 30 * MINUTE, 99.0, 120.0, 80.0, 99.0, timeframe=Timeframe.H1)
    assert len(fills(T0 + 120 * MINUTE)) == 1


def test_where_only_daily_bars_are_stored_quotes_work_the_day_of_the_fill_and_bars_the_next(db: None) -> None:
    make.july_2024()
    make.instrument()
    make.candle("AAPL", "2024-07-02", 100.0)
    filled()
    quoted(96.0, T0 + 170 * MINUTE)
    make.candle("AAPL", "2024-07-05", 94.0)
    opening = datetime(2024, 7, 5, 13, 30, tzinfo=UTC)
    assert fills(opening + timedelta(hours=7))[1:] == [(Leg.STOP, "93.97", opening)]


def test_a_split_restates_what_works_and_hits_no_stop(aapl: None) -> None:
    filled()
    assert len(fills(T0 + 20 * MINUTE)) == 1
    friday = datetime(2024, 7, 5, tzinfo=UTC)
    splits.finish("AAPL", splits.Change(4.0, friday.date()), "alpaca", friday + timedelta(hours=14))
    barred(friday + timedelta(hours=13, minutes=30), 25.0, 26.0, 24.0, 25.5)
    quiet = paper(friday + timedelta(hours=15))
    assert quiet.holdings()["AAPL"].quantity == 400
    barred(friday + timedelta(hours=13, minutes=45), 25.0, 27.6, 24.0, 27.0)
    (_, target) = paper(friday + timedelta(hours=15)).executions(T0)
    assert (target.leg, target.quantity, target.price) == (Leg.TARGET, 400, Decimal("27.5"))


def test_bars_from_before_a_split_that_are_looked_at_after_it_stand_on_their_own_basis(aapl: None) -> None:
    filled()
    assert len(fills(T0 + 10 * MINUTE)) == 1
    barred(T0 + 15 * MINUTE, 99.0, 99.0, 94.0, 95.0)
    friday = datetime(2024, 7, 5, tzinfo=UTC)
    splits.finish("AAPL", splits.Change(4.0, friday.date()), "alpaca", friday + timedelta(hours=14))
    assert fills(friday + timedelta(hours=15))[1:] == [(Leg.STOP, "94.97", T0 + 30 * MINUTE)]
    assert not paper(friday + timedelta(hours=15)).holdings()


def test_nothing_is_worked_while_a_split_is_being_restated(aapl: None) -> None:
    filled()
    assert len(fills(T0 + 20 * MINUTE)) == 1
    splits.begin("AAPL", T0 + 20 * MINUTE)
    barred(T0 + 15 * MINUTE, 25.0, 25.0, 25.0, 25.0)
    assert len(fills(T0 + 60 * MINUTE)) == 1


def test_the_account_keeps_what_it_was_opened_with(aapl: None, settings: Settings) -> None:
    assert paper(T0).account().equity == 100_000
    settings.PAPER_EQUITY = Decimal(5_000)
    assert paper(T0 + MINUTE).account().cash == 100_000
    assert PaperAccount.objects.get().opened_at == T0


def test_what_is_held_is_worth_the_newest_quote(aapl: None) -> None:
    filled()
    make.quote(price=105.0, as_of=T0 + 5 * MINUTE)
    account = paper(T0 + 6 * MINUTE).account()
    assert account.cash == 100_000 - Decimal("9903") - 1
    assert account.equity == account.cash + 10_500
    assert account.buying_power == account.cash


def test_a_symbol_off_the_books_is_refused(aapl: None) -> None:
    with pytest.raises(OrderRefused, match="watchlist"):
        paper(T0).place(bracket(symbol="NOPE"))
    Instrument.objects.update(currency="EUR")
    with pytest.raises(OrderRefused, match="EUR"):
        paper(T0).place(bracket())
    assert not PaperOrder.objects.exists()


def test_executions_are_never_changed_or_deleted(aapl: None) -> None:
    filled()
    assert fills(T0 + 5 * MINUTE)
    for change in (PaperFill.objects.all().delete, lambda: PaperFill.objects.update(quantity=1)):
        with pytest.raises(DatabaseError, match="record"), transaction.atomic():
            change()


def test_what_was_found_late_is_told_to_who_asks_for_what_is_new(aapl: None) -> None:
    filled()
    restarted = T0 + 100 * MINUTE
    assert len(paper(restarted).executions(restarted)) == 1


def test_ten_orders_of_a_symbol_cost_no_more_queries_than_one(
    aapl: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        placed(quantity=1)
    quoted(101.0, T0 + MINUTE)
    with django_assert_num_queries(15):
        assert len(paper(T0 + 2 * MINUTE).orders()) == 10


def test_a_call_inside_a_transaction_is_refused_loudly(transactional_db: None) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        paper(T0).orders()


def test_a_database_that_breaks_off_counts_as_away_and_has_kept_nothing(transactional_db: None) -> None:
    make.july_2024()
    make.instrument()
    broker = paper(T0)
    with connection.execute_wrapper(breaking_off), pytest.raises(BrokerAway):
        broker.place(bracket())
    assert not broker.orders()


def breaking_off(execute: Callable[..., object], sql: str, params: object, *rest: object) -> object:
    """End our connection at the server when the order is about to be written."""
    if sql.startswith('INSERT INTO "paper_orders"'):
        sql, params = "SELECT pg_terminate_backend(pg_backend_pid())", None
    return execute(sql, params, *rest)


@pytest.mark.django_db(transaction=True)
def test_the_same_order_placed_by_twenty_at_once_is_one() -> None:
    make.july_2024()
    make.instrument()
    order = bracket()
    reports = at_once(20, lambda: paper(T0).place(order))
    assert len(set(reports)) == PaperOrder.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_that_catch_up_at_once_fill_once() -> None:
    make.july_2024()
    make.instrument()
    filled()
    quoted(94.0, T0 + 3 * MINUTE)
    outcomes = at_once(2, lambda: tuple(fills(T0 + 5 * MINUTE)))
    assert len(set(outcomes)) == 1
    assert [fill.leg for fill in PaperFill.objects.order_by("pk")] == ["entry", "stop"]


def at_once(count: int, call: Callable[[], T]) -> list[T]:
    """Return what each of so many callers got, each with a connection of its own."""
    together = Barrier(count)

    def run(_: int) -> T:
        together.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
