from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection
from pytest_django import DjangoAssertNumQueries

from market import store
from market.models import Quote, QuoteHistory
from market.prices import Feed, QuoteTick
from tests import make

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def write(
    *ticks: QuoteTick,
    provider: str = "ib_bridge",
    at: datetime = make.T0,
    feed: Feed = Feed.LIVE,
    delay: timedelta = timedelta(0),
) -> int:
    return store.write_quotes(ticks, provider=provider, feed=feed, delay=delay, at=at)


def current() -> list[tuple[str, float, str]]:
    return list(Quote.objects.order_by("symbol").values_list("symbol", "price", "provider"))


def past() -> list[float]:
    return list(QuoteHistory.objects.order_by("symbol", "as_of", "provider").values_list("price", flat=True))


@pytest.mark.parametrize("model", [Quote, QuoteHistory])
def test_a_quote_is_stored_as_it_was_given(model: type[Quote] | type[QuoteHistory]) -> None:
    tick = QuoteTick(
        symbol="AAPL",
        price=221.5,
        as_of=make.T0 - 900 * SECOND,
        bid=221.4,
        ask=221.6,
        bid_size=3,
        ask_size=4,
        volume=5_000_000_000,
        exchange="NASDAQ",
    )
    assert write(tick, feed=Feed.DELAYED, delay=timedelta(minutes=15)) == 1
    row = model.objects.get(symbol="AAPL")
    assert (row.price, row.bid, row.ask, row.bid_size, row.ask_size) == (221.5, 221.4, 221.6, 3, 4)
    assert (row.volume, row.exchange, row.as_of) == (5_000_000_000, "NASDAQ", tick.as_of)
    assert (row.received_at, row.provider, row.feed, row.delay_seconds) == (
        make.T0,
        "ib_bridge",
        "delayed",
        900,
    )


def test_what_was_not_given_is_empty() -> None:
    write(make.tick())
    row = Quote.objects.get()
    assert (row.bid, row.ask, row.bid_size, row.ask_size, row.volume) == (None, None, None, None, None)
    assert row.exchange == ""


def test_a_size_of_zero_is_not_an_empty_one() -> None:
    write(make.tick(bid_size=0, ask_size=0, volume=0))
    assert list(Quote.objects.values_list("bid_size", "ask_size", "volume")) == [(0, 0, 0)]


def test_parts_of_a_share_stay_parts() -> None:
    write(make.tick(bid_size=0.5, ask_size=0.00031, volume=1_200.25))
    assert list(Quote.objects.values_list("bid_size", "ask_size", "volume")) == [(0.5, 0.00031, 1_200.25)]
    assert list(QuoteHistory.objects.values_list("volume")) == [(1_200.25,)]


def test_writing_twice_is_the_same_as_writing_once() -> None:
    ticks = [make.tick("AAPL"), make.tick("MSFT")]
    assert write(*ticks) == 2
    before = list(Quote.objects.values())
    assert write(*ticks) == 0
    assert list(Quote.objects.values()) == before
    assert len(past()) == 2


def test_a_quote_received_again_still_stands() -> None:
    later = make.T0 + 60 * SECOND
    write(make.tick())
    assert write(make.tick(), at=later) == 0
    assert Quote.objects.get().received_at == later
    assert QuoteHistory.objects.get().received_at == make.T0


def test_a_newer_quote_replaces_an_older_one_and_both_are_kept_in_the_history() -> None:
    write(make.tick(price=100.0))
    assert write(make.tick(price=101.0, as_of=make.T0 + SECOND)) == 1
    assert current() == [("AAPL", 101.0, "ib_bridge")]
    assert past() == [100.0, 101.0]


def test_an_older_quote_of_the_same_provider_is_only_history() -> None:
    write(make.tick(price=100.0))
    late = make.T0 + timedelta(days=1)
    assert write(make.tick(price=99.0, as_of=make.T0 - SECOND), at=late) == 1
    assert current() == [("AAPL", 100.0, "ib_bridge")]
    assert past() == [99.0, 100.0]


def test_a_book_that_moves_between_trades_is_the_current_one() -> None:
    write(make.tick(bid=99.0))
    assert write(make.tick(bid=99.5)) == 0
    assert Quote.objects.get().bid == 99.5
    assert QuoteHistory.objects.get().bid == 99.0


@pytest.mark.parametrize(
    ("seconds_later", "delay", "takes_over"),
    [(300, 0, False), (301, 0, True), (301, 900, False), (1_200, 900, False), (1_201, 900, True)],
)
def test_another_provider_takes_over_once_the_stored_quote_is_stale(
    seconds_later: int, delay: int, takes_over: bool
) -> None:
    write(make.tick(price=100.0), delay=delay * SECOND)
    at = make.T0 + seconds_later * SECOND
    assert write(make.tick(price=105.0, as_of=at), provider="alpaca", at=at) == 1
    assert Quote.objects.get().provider == ("alpaca" if takes_over else "ib_bridge")
    assert past() == [100.0, 105.0]


def test_a_delayed_provider_takes_over_with_a_quote_older_than_the_stale_one() -> None:
    write(make.tick(price=100.0))
    at = make.T0 + 400 * SECOND
    quote = make.tick(price=99.0, as_of=at - 900 * SECOND)
    write(quote, provider="polygon", at=at, feed=Feed.DELAYED, delay=900 * SECOND)
    assert current() == [("AAPL", 99.0, "polygon")]


def test_of_two_quotes_of_one_symbol_the_newer_wins() -> None:
    newer, older = make.tick(price=2.0, as_of=make.T0 + SECOND), make.tick(price=1.0)
    assert write(newer, older) == 1
    assert current() == [("AAPL", 2.0, "ib_bridge")]
    assert past() == [2.0]


def test_of_two_quotes_of_one_moment_the_last_wins() -> None:
    write(make.tick(price=1.0), make.tick(price=2.0))
    assert past() == [2.0]


def test_unknown_symbols_are_refused_before_anything_is_written() -> None:
    with pytest.raises(store.UnknownSymbols, match="NOPE") as refusal:
        write(make.tick("AAPL"), make.tick("NOPE"))
    assert refusal.value.symbols == ["NOPE"]
    assert current() == []
    assert past() == []


def test_a_symbol_that_is_no_symbol_is_named_as_it_came() -> None:
    with pytest.raises(store.UnknownSymbols) as refusal:
        write(make.tick('A"B'), make.tick("A\\,B"), make.tick("{}"), make.tick(""), make.tick("AAPL"))
    assert refusal.value.symbols == ["", 'A"B', "A\\,B", "{}"]


def test_no_quotes_cost_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert write() == 0


def test_an_exchange_name_that_is_too_long_is_cut() -> None:
    write(QuoteTick("AAPL", 1.0, make.T0, exchange="AN EXCHANGE WITH A LONG NAME"))
    assert Quote.objects.get().exchange == "AN EXCHANGE WITH"


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_do_not_wait_for_each_other_for_ever() -> None:
    symbols = [f"S{n}" for n in range(500)]
    for symbol in symbols:
        make.instrument(symbol)
    start, outcomes = Barrier(2), list[object]()

    def writer(order: Sequence[str], price: float) -> None:
        try:
            for n in range(10):
                start.wait()
                as_of = make.T0 + n * SECOND
                outcomes.append(write(*(make.tick(symbol, price, as_of) for symbol in order)))
        except DatabaseError as error:
            outcomes.append(error)
            start.abort()
        finally:
            connection.close()

    threads = [Thread(target=writer, args=(symbols, 1.0)), Thread(target=writer, args=(symbols[::-1], 2.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in outcomes] == [int] * 20
    assert QuoteHistory.objects.count() == 5_000


@pytest.mark.parametrize(
    ("tells", "later", "halt"), [(False, 0, "news"), (False, 1, ""), (True, 0, ""), (True, 1, "")]
)
def test_a_provider_that_tells_of_no_halts_ends_one_by_a_later_trade_only(
    tells: bool, later: int, halt: str
) -> None:
    write(make.tick("AAPL", 100.0), QuoteTick("AMD", 50.0, make.T0))
    write(QuoteTick("AAPL", 100.0, make.T0, halt="news"))
    write(QuoteTick("AAPL", 100.0, make.T0 + later * SECOND, tells_halts=tells))
    assert Quote.objects.get(pk="AAPL").halt == halt


def test_writing_again_and_again_leaves_nothing_in_the_catalogue() -> None:
    def catalogue() -> tuple[int, ...]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(n_tup_ins), sum(n_tup_del) FROM pg_stat_xact_sys_tables")
            return tuple(int(count) for count in cursor.fetchone())

    write(make.tick("AAPL", 100.0))
    before = catalogue()
    for n in range(5):
        write(make.tick("AAPL", 101.0 + n, make.T0 + n * SECOND))
    assert catalogue() == before
