from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from market import quotes
from market.models import Instrument, Split
from market.queries.freshness import stale_symbols
from tests import make

pytestmark = pytest.mark.django_db
BEFORE_THE_OPEN = datetime(2024, 7, 3, 11, tzinfo=UTC)
AFTER_THE_CLOSE = datetime(2024, 7, 3, 19, tzinfo=UTC)


@pytest.fixture
def closes() -> None:
    make.july_2024()
    make.only("AAPL")
    for day, close in (("2024-07-01", 90.0), ("2024-07-02", 80.0), ("2024-07-03", 110.0)):
        make.candle("AAPL", day, close)


def look(at: datetime = make.T0) -> quotes.QuoteView:
    return quotes.quotes_with_change(["AAPL"], at)["AAPL"]


@pytest.mark.usefixtures("closes")
@pytest.mark.parametrize("as_of", [make.T0, BEFORE_THE_OPEN, AFTER_THE_CLOSE])
def test_the_change_is_against_the_close_before_the_quotes_own_session(as_of: datetime) -> None:
    make.quote(price=100.0, as_of=as_of)
    view = look()
    assert (view.previous_close, view.change, view.change_percent) == (80.0, 20.0, 25.0)
    assert str(view.previous_close_on) == "2024-07-02"


@pytest.mark.usefixtures("closes")
def test_a_quote_on_a_holiday_evening_belongs_to_the_coming_session() -> None:
    make.quote(price=121.0, as_of=datetime(2024, 7, 5, 1, tzinfo=UTC))
    assert look().previous_close == 110.0


@pytest.mark.usefixtures("closes")
def test_a_bar_that_can_still_change_is_no_previous_close() -> None:
    make.candle("AAPL", "2024-06-28", 70.0)
    make.candle("AAPL", "2024-07-05", 300.0, is_final=False)
    make.quote(as_of=datetime(2024, 7, 8, 14, tzinfo=UTC))
    assert look().previous_close == 110.0


def test_without_a_daily_close_the_change_is_unknown() -> None:
    make.july_2024()
    make.quote()
    view = look()
    assert (view.previous_close, view.previous_close_on, view.change, view.change_percent) == (None,) * 4


@pytest.mark.usefixtures("closes")
def test_while_a_split_is_pending_the_change_is_unknown() -> None:
    Instrument.objects.update(split_pending_since=make.T0)
    make.quote()
    assert look().previous_close is None


@pytest.mark.usefixtures("closes")
@pytest.mark.parametrize(("date", "expected"), [("2024-07-03", 80.0), ("2024-07-05", 320.0)])
def test_a_quote_from_before_a_split_is_compared_on_its_own_basis(date: str, expected: float) -> None:
    Split.objects.create(symbol="AAPL", date=date, ratio=4, source="test", recorded_at=make.T0)
    make.quote()
    assert look().previous_close == expected


def test_age_leaves_out_the_feeds_stated_delay() -> None:
    make.july_2024()
    make.quote(delay_seconds=900)
    assert look(make.T0 + timedelta(minutes=16)).age == timedelta(minutes=1)
    assert look(make.T0 + timedelta(minutes=5)).age == timedelta(0)


@pytest.mark.parametrize(("seconds", "stale"), [(300, False), (301, True)])
def test_a_quote_is_stale_when_it_is_too_old_in_session(seconds: int, stale: bool) -> None:
    make.july_2024()
    make.quote()
    assert look(make.T0 + timedelta(seconds=seconds)).stale is stale


@pytest.mark.parametrize(("seconds", "stale"), [(1200, False), (1201, True)])
def test_a_delayed_quote_is_stale_that_much_later(seconds: int, stale: bool) -> None:
    make.july_2024()
    make.quote(delay_seconds=900)
    assert look(make.T0 + timedelta(seconds=seconds)).stale is stale


@pytest.mark.parametrize(("minute", "stale"), [(34, False), (36, True)])
def test_at_the_open_the_night_does_not_count(minute: int, stale: bool) -> None:
    make.july_2024()
    make.quote(as_of=datetime(2024, 7, 2, 20, tzinfo=UTC))
    assert look(datetime(2024, 7, 3, 13, minute, tzinfo=UTC)).stale is stale


@pytest.mark.parametrize("at", ["2024-07-03T17:00Z", "2024-07-04T15:00Z", "2024-07-06T15:00Z"])
def test_nothing_is_stale_while_the_exchange_is_closed(at: str) -> None:
    make.july_2024()
    make.only("AAPL")
    make.quote(as_of=datetime(2024, 7, 2, 20, tzinfo=UTC))
    assert stale_symbols(datetime.fromisoformat(at)) == []


def test_round_the_clock_midnight_changes_nothing() -> None:
    make.round_the_clock()
    make.only("AAPL", calendar="24/7")
    make.quote(as_of=datetime(2024, 7, 3, 23, 50, tzinfo=UTC))
    assert stale_symbols(datetime(2024, 7, 4, 0, 1, tzinfo=UTC)) == ["AAPL"]


def test_a_watched_instrument_without_a_quote_is_stale_and_an_unwatched_one_is_not() -> None:
    make.july_2024()
    make.only("AAPL", "MSFT")
    make.instrument("TSLA", watched=False)
    make.quote("MSFT")
    assert stale_symbols(make.T0) == ["AAPL"]


@pytest.mark.usefixtures("closes")
def test_many_quotes_take_as_many_queries_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    symbols = [f"S{n}" for n in range(30)]
    make.only(*symbols)
    for symbol in symbols:
        make.quote(symbol)
    with django_assert_num_queries(1):
        assert len(quotes.quotes_with_change(symbols, make.T0)) == 30
