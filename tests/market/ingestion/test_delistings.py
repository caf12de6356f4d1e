"""A share that is delisted or merged is left alone from that day on, and comes back when that was wrong."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User

from market.ingestion import actions, gaps, renames
from market.ingestion.delistings import follow_due
from market.models import CorporateAction, Gap, Instrument
from market.queries.freshness import stale_symbols
from tests import make

pytestmark = pytest.mark.django_db

AT = make.T0


@pytest.fixture(autouse=True)
def listed() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.candle("AAPL", "2024-07-01", 100.0)


def apple() -> Instrument:
    return Instrument.objects.get(pk="AAPL")


def fetched() -> set[str]:
    return set(Instrument.objects.fetched().values_list("symbol", flat=True))


def delisting(day: str = "2024-07-03", kind: str = "delisting", **values: object) -> CorporateAction:
    return make.action("AAPL", ex_date=day, kind=kind, **values)


@pytest.mark.parametrize("kind", ["delisting", "merger"])
def test_it_is_followed_on_its_day_and_once(kind: str) -> None:
    delisting("2024-07-05", kind, ratio=2)
    assert (follow_due(AT), apple().status) == ([], "unknown")
    assert follow_due(AT + timedelta(days=2)) == ["AAPL"]
    assert follow_due(AT + timedelta(days=3)) == []
    assert (apple().status, apple().delisted_on, apple().watched) == ("delisted", date(2024, 7, 5), False)


@pytest.mark.parametrize("in_use", [False, True], ids=["watched", "held"])
def test_nothing_is_fetched_or_missed_of_it(in_use: bool) -> None:
    Instrument.objects.filter(pk="AAPL").update(in_use=in_use)
    assert (fetched(), stale_symbols(AT)) == ({"AAPL", "MSFT"}, ["AAPL", "MSFT"])
    delisting()
    follow_due(AT)
    assert (fetched(), stale_symbols(AT), stale_symbols(AT, ["AAPL"])) == ({"MSFT"}, ["MSFT"], [])


def test_what_is_missing_after_its_last_session_counts_no_more() -> None:
    values = {"timeframe": "1d", "reason": "provider", "found_at": AT, "next_attempt_at": AT}
    for symbol, first, last in (("AAPL", "01", "05"), ("AAPL", "08", "09"), ("MSFT", "08", "09")):
        days = {f"{name}_at": f"2024-07-{day}T00:00Z" for name, day in (("first", first), ("last", last))}
        Gap.objects.create(symbol=symbol, bars=4, **days, **values)
    delisting("2024-07-03")
    follow_due(AT)
    listed = Gap.objects.order_by("symbol").values_list("symbol", "last_at__day", "bars")
    assert list(listed) == [("AAPL", 2, 2), ("MSFT", 9, 4)]
    assert [gap.symbol for gap in gaps.due(AT)] == ["MSFT"]


@pytest.mark.parametrize("watched", [True, False])
def test_it_is_as_before_when_the_fact_is_withdrawn(watched: bool) -> None:
    Instrument.objects.filter(pk="AAPL").update(watched=watched)
    fact = delisting()
    follow_due(AT)
    actions.LEDGER.withdraw(fact, by=User.objects.create(username="olga"), why="of another share", at=AT)
    assert follow_due(AT) == ["AAPL"]
    assert (apple().status, apple().delisted_on, apple().watched) == ("unknown", None, watched)
    assert follow_due(AT) == []


def test_a_corrected_day_is_taken_over() -> None:
    delisting("2024-07-02")
    follow_due(AT)
    CorporateAction.objects.current().end(AT)
    delisting("2024-07-03")
    assert follow_due(AT) == ["AAPL"]
    assert (apple().delisted_on, apple().watched) == (date(2024, 7, 3), False)


def test_a_day_moved_ahead_lists_it_until_then() -> None:
    delisting("2024-07-03")
    follow_due(AT)
    CorporateAction.objects.current().end(AT)
    delisting("2024-07-09")
    assert follow_due(AT) == ["AAPL"]
    assert (apple().status, apple().watched) == ("unknown", True)


def test_a_symbol_that_another_company_has_since_is_listed() -> None:
    delisting("2005-03-01")
    assert follow_due(AT) == []
    assert "AAPL" in fetched()


def test_one_that_a_person_watches_again_stays_watched() -> None:
    delisting()
    follow_due(AT)
    Instrument.objects.filter(pk="AAPL").update(watched=True)
    assert follow_due(AT) == []
    assert "AAPL" in fetched()


def test_the_end_of_an_old_symbol_is_not_that_of_the_new_one() -> None:
    delisting()
    make.action("AAPL", ex_date="2024-07-03", kind="symbol change", new_symbol="APPL")
    renames.follow_due(AT)
    assert follow_due(AT) == []
    assert fetched() == {"APPL", "MSFT"}


@pytest.mark.parametrize("kind", ["dividend", "split", "symbol change"])
def test_other_facts_end_nothing(kind: str) -> None:
    terms = {"ratio": 2} if kind == "split" else {"new_symbol": "APPL"} if kind == "symbol change" else {}
    delisting("2024-07-03", kind, **terms)
    assert follow_due(AT) == []
    assert "AAPL" in fetched()
