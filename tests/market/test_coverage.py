"""The grid of the last sessions: what is stored, what is missing and why."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from market import coverage
from market.models import Gap, TradingSession
from tests import make

pytestmark = pytest.mark.django_db
OPEN = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)
CLOSE = datetime(2024, 7, 3, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()


def cells(symbol: str = "AAPL", at: datetime = make.T0) -> list[coverage.Cell]:
    return next(list(row.cells) for row in coverage.grid(at).rows if row.symbol == symbol)


def test_each_of_the_last_five_sessions_that_have_begun_has_a_cell() -> None:
    begun = TradingSession.objects.filter(calendar="XNYS", closed=False, opens_at__lte=make.T0)
    newest = list(begun.order_by("-date").values_list("date", flat=True)[:5])
    assert [cell.date for cell in cells()] == newest[::-1]
    assert len(newest) >= 2


@pytest.mark.parametrize(("minutes", "bars"), [(0, 0), (15, 0), (16, 0), (17, 1), (31.5, 2), (240, 14)])
def test_a_bar_is_expected_once_it_could_have_been_fetched(minutes: float, bars: int) -> None:
    assert coverage.expected(OPEN, CLOSE, OPEN + timedelta(minutes=minutes)) == bars


def test_a_delayed_feed_is_given_its_delay() -> None:
    at = OPEN + timedelta(minutes=35)
    make.quote("AAPL", as_of=at, delay_seconds=900)
    assert cells(at=at)[-1].expected == 1
    assert cells("MSFT", at)[-1].expected == 2


def test_what_is_there_is_counted_and_what_is_not_is_said() -> None:
    make.history("AAPL", [1.0] * 2, until=OPEN + timedelta(minutes=30))
    Gap.objects.create(
        symbol="AAPL",
        timeframe="15m",
        first_at=OPEN + timedelta(minutes=30),
        last_at=OPEN + timedelta(minutes=45),
        bars=2,
        reason=Gap.Reason.PROVIDER,
        found_at=make.T0,
    )
    cell = cells(at=OPEN + timedelta(minutes=62))[-1]
    assert (cell.expected, cell.stored, cell.state, cell.share) == (4, 2, "part", 0.5)
    assert cell.says == "2 of 4 bars: provider hole"


@pytest.mark.parametrize(
    ("expected", "stored", "state"),
    [(0, 0, "soon"), (4, 0, "none"), (4, 3, "part"), (4, 4, "full"), (4, 5, "full")],
)
def test_a_cell_has_one_of_four_states(expected: int, stored: int, state: str) -> None:
    assert coverage.Cell(OPEN.date(), expected, stored, []).state == state


def test_those_with_gaps_come_first() -> None:
    assert [row.symbol for row in coverage.grid(make.T0).rows] == ["AAPL", "MSFT"]
    gap = {"timeframe": "15m", "first_at": OPEN, "last_at": OPEN, "bars": 1, "found_at": make.T0}
    Gap.objects.create(symbol="MSFT", reason=Gap.Reason.OUTAGE, **gap)
    Gap.objects.create(symbol="AAPL", reason=Gap.Reason.OUTAGE, **gap | {"timeframe": "1h"})
    assert [row.symbol for row in coverage.grid(make.T0).rows] == ["MSFT", "AAPL"]


def test_an_unknown_calendar_has_no_cells() -> None:
    make.instrument("ODD", calendar="XXXX")
    assert cells("ODD") == []


def test_many_instruments_are_paged_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(60):
        make.instrument(f"S{number:02}")
    with django_assert_num_queries(1):
        second = coverage.grid(make.T0, 2)
    assert (len(second.rows), second.in_all) == (12, 62)
    assert coverage.grid(make.T0, 9).rows == []
