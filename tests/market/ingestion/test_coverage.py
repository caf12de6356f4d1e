"""The grid of the last sessions: what is stored, what is missing and why."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from market.ingestion import coverage
from market.models import Candle, CandleProgress, Gap, Instrument, TradingSession
from market.prices import Timeframe
from market.templatetags.coverage import coverage_cell
from market.templatetags.figures import percent
from tests import make

pytestmark = pytest.mark.django_db
OPEN = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)
CLOSE = datetime(2024, 7, 3, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()


M15, D1 = Timeframe.M15, Timeframe.D1


def rows(at: datetime = make.T0, timeframe: Timeframe = M15) -> dict[str, list[coverage.Cell]]:
    return {row.symbol: list(row.cells) for row in coverage.grid(at, timeframe).rows}


def cells(symbol: str = "AAPL", at: datetime = make.T0) -> list[coverage.Cell]:
    return rows(at)[symbol]


def answered(symbol: str, through: datetime, *, delay: int = 0, timeframe: Timeframe = M15) -> None:
    """A provider has answered for all bars up to this one."""
    given = {"answered_at": make.T0, "answered_through": through, "delay_seconds": delay}
    CandleProgress.objects.create(symbol=symbol, timeframe=timeframe, **given)


def complete(symbol: str) -> None:
    """All bars of the sessions before the 3rd of July and its first one, and one from before them."""
    make.history(symbol, [1.0], until=datetime(2024, 6, 26, 20, tzinfo=UTC))
    for day in ("2024-06-27", "2024-06-28", "2024-07-01", "2024-07-02"):
        make.history(symbol, [1.0] * 26, until=datetime.fromisoformat(f"{day}T20:00Z"))
    make.history(symbol, [1.0], until=OPEN + timedelta(minutes=15))
    answered(symbol, OPEN)


def gap(symbol: str, first: datetime, last: datetime, timeframe: Timeframe = M15) -> None:
    bars = (last - first) // timeframe.length + 1
    Gap.objects.create(
        symbol=symbol,
        timeframe=timeframe,
        first_at=first,
        last_at=last,
        bars=bars,
        reason=Gap.Reason.PROVIDER,
        found_at=make.T0,
    )


def test_each_of_the_last_five_sessions_that_have_begun_has_a_cell() -> None:
    begun = TradingSession.objects.filter(calendar="XNYS", closed=False, opens_at__lte=make.T0)
    newest = list(begun.order_by("-date").values_list("date", flat=True)[:5])
    assert [cell.date for cell in cells()] == newest[::-1]
    assert len(newest) >= 2


@pytest.mark.parametrize(("minutes", "bars"), [(0, 0), (15, 0), (16, 0), (17, 1), (31.5, 2), (240, 14)])
def test_a_bar_is_expected_once_it_could_have_been_fetched(minutes: float, bars: int) -> None:
    assert coverage.expected(M15, [(OPEN, CLOSE)], OPEN + timedelta(minutes=minutes)) == bars


@pytest.mark.parametrize(("minutes", "bars"), [(-1, 0), (20, 0), (21, 1)])
def test_a_daily_bar_is_expected_when_it_has_settled_after_the_close(minutes: float, bars: int) -> None:
    assert coverage.expected(D1, [(OPEN, CLOSE)], CLOSE + timedelta(minutes=minutes)) == bars


def test_a_delayed_feed_is_given_its_delay() -> None:
    at = OPEN + timedelta(minutes=35)
    answered("AAPL", OPEN, delay=900)
    assert cells(at=at)[-1].expected == 1
    assert cells("MSFT", at)[-1].expected == 2


def test_what_is_there_is_counted_and_what_is_not_is_said() -> None:
    make.history("AAPL", [1.0] * 2, until=OPEN + timedelta(minutes=30))
    gap("AAPL", OPEN + timedelta(minutes=30), OPEN + timedelta(minutes=45))
    cell = cells(at=OPEN + timedelta(minutes=62))[-1]
    assert (cell.expected, cell.stored, cell.state, cell.share) == (4, 2, "part", 0.5)
    assert cell.says == "2 of 4 bars: provider hole"


def test_a_bar_that_still_changes_does_not_stand_in_for_one_that_is_missing() -> None:
    make.history("AAPL", [1.0], until=OPEN + timedelta(minutes=15))
    make.history("AAPL", [1.0], until=OPEN + timedelta(minutes=45))
    Candle.objects.filter(opened_at=OPEN + timedelta(minutes=30)).update(is_final=False)
    cell = cells(at=OPEN + timedelta(minutes=35))[-1]
    assert (cell.expected, cell.stored, cell.state) == (2, 1, "part")


def test_what_nobody_was_asked_for_is_told_from_what_did_not_come() -> None:
    answered("AAPL", datetime(2024, 7, 1, 19, 45, tzinfo=UTC))
    *_, first, second, third = cells(at=OPEN + timedelta(hours=1))
    assert [cell.state for cell in (first, second, third)] == ["none", "unasked", "unasked"]
    assert third.says == "not fetched yet"


@pytest.mark.parametrize(
    ("expected", "stored", "is_answered", "state"),
    [
        (0, 0, True, "soon"),
        (4, 0, True, "none"),
        (4, 0, False, "unasked"),
        (4, 3, False, "part"),
        (4, 4, True, "full"),
        (4, 5, True, "full"),
    ],
)
def test_a_cell_has_one_of_five_states(expected: int, stored: int, is_answered: bool, state: str) -> None:
    cell = coverage.Cell(OPEN.date(), expected, stored, is_answered=is_answered)
    assert (cell.state, cell.mark.split()[0]) == (state, coverage.MARKS[state])


def test_the_mark_of_a_part_tells_how_much() -> None:
    assert coverage.Cell(OPEN.date(), 4, 3).mark == "◐ 75 %"


def test_a_cell_is_shown_as_a_mark_and_in_words() -> None:
    shown = coverage_cell(coverage.Cell(OPEN.date(), 4, 3))
    assert '<span class="cell part" title="3 of 4 bars" aria-hidden="true">◐ 75 %</span>' in shown
    assert '<span class="visually-hidden">: 3 of 4 bars</span></td>' in shown


@pytest.mark.parametrize(("stored", "shown"), [(0, "0 %"), (1, "1 %"), (389, "99 %"), (390, "100 %")])
def test_a_share_is_rounded_neither_to_nothing_nor_to_all(stored: int, shown: str) -> None:
    assert percent(coverage.Cell(OPEN.date(), 390, stored).share) == shown


class TestOrder:
    @pytest.fixture(autouse=True)
    def complete_symbols(self) -> None:
        complete("AAPL")
        complete("MSFT")

    def order(self, at: datetime = make.T0) -> tuple[list[str], int]:
        coverage_grid = coverage.grid(at, M15)
        return [row.symbol for row in coverage_grid.rows], coverage_grid.lacking

    def test_by_symbol_while_nothing_is_missing(self) -> None:
        assert self.order() == (["AAPL", "MSFT"], 0)
        states = {cell.state for row in rows(OPEN + timedelta(minutes=17)).values() for cell in row}
        assert states == {"full"}

    def test_a_gap_of_these_sessions_comes_first(self) -> None:
        gap("AAPL", OPEN, OPEN, D1)
        gap("AAPL", datetime(2024, 6, 20, 14, tzinfo=UTC), datetime(2024, 6, 20, 15, tzinfo=UTC))
        assert self.order() == (["AAPL", "MSFT"], 0), "of another timeframe, and long ago"
        gap("MSFT", OPEN, OPEN)
        assert self.order() == (["MSFT", "AAPL"], 1)

    def test_what_was_never_fetched_comes_first(self) -> None:
        make.instrument("ZZZ")
        assert self.order() == (["ZZZ", "AAPL", "MSFT"], 1)

    def test_what_was_not_fetched_since_a_session_that_is_over_comes_first(self) -> None:
        CandleProgress.objects.filter(symbol="MSFT").update(answered_through=OPEN - make.DAY)
        assert self.order() == (["MSFT", "AAPL"], 1)

    def test_a_history_that_begins_inside_these_sessions_comes_first(self) -> None:
        Candle.objects.filter(symbol="MSFT", opened_at__lt=datetime(2024, 6, 28, tzinfo=UTC)).delete()
        assert self.order() == (["MSFT", "AAPL"], 1)


def test_daily_bars_are_counted_by_their_date() -> None:
    for day in ("2024-06-26", "2024-06-27", "2024-06-28", "2024-07-01"):
        make.candle("AAPL", day, 100.0)
    answered("AAPL", datetime(2024, 7, 2, tzinfo=UTC), timeframe=D1)
    assert [cell.state for cell in rows(timeframe=D1)["AAPL"]] == ["full", "full", "full", "none", "soon"]


def test_what_is_held_is_fetched_and_shown_though_nobody_watches_it() -> None:
    make.instrument("HELD", watched=False)
    make.instrument("LEFT", watched=False)
    Instrument.objects.filter(pk="HELD").update(in_use=True)
    assert rows().keys() == {"AAPL", "MSFT", "HELD"}


def test_an_unknown_calendar_has_no_cells() -> None:
    make.instrument("ODD", calendar="XXXX")
    assert cells("ODD") == []


def test_many_instruments_are_paged_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(60):
        make.instrument(f"S{number:02}")
    with django_assert_num_queries(1):
        second = coverage.grid(make.T0, M15, 2)
    assert (len(second.rows), second.in_all) == (12, 62)
    assert coverage.grid(make.T0, M15, 9).rows == []
