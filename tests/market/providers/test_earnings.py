"""Earnings dates, asked of vendors on loopback; rows in the shape of the vendor's own example."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.http import Patience
from market.providers.alpaca import Alpaca
from market.providers.base import ProviderError, Unpaced
from market.providers.earnings import Earnings, GivesEarnings, ReportTime
from market.providers.facts import Answer
from market.providers.polygon import Polygon
from market.providers.simulator import Simulator
from tests import vendors
from tests.vendors import faults
from tests.vendors.polygon import NOT_ENTITLED

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
SINCE, UNTIL = date(2024, 1, 1), date(2024, 12, 31)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=2, pause=0.02)
ROW: dict[str, Any] = {
    "ticker": "AAPL",
    "benzinga_id": "6508c1",
    "date": "2024-08-01",
    "time": "20:30:00",
    "date_status": "confirmed",
    "fiscal_period": "Q3",
    "fiscal_year": 2024,
}


def ask(vendor: vendors.Polygon, *symbols: str) -> Answer[Earnings]:
    polygon = Polygon(vendor.url, key=vendor.key, per_minute=5, pace=Unpaced(), patience=HASTY)
    return polygon.earnings(symbols, SINCE, UNTIL)


def test_polygon_gives_those_of_many_at_once() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.earnings = [ROW, ROW | {"ticker": "BACpK", "date_status": "projected"}]
        answer = ask(vendor, "AAPL", "BAC.PRK", "MSFT")
        assert [visit.query["ticker.any_of"] for visit in vendor.visits] == ["AAPL,BACpK,MSFT"]
    first, second = answer.facts
    assert first == Earnings(
        symbol="AAPL",
        date=date(2024, 8, 1),
        time=ReportTime.AFTER,
        is_confirmed=True,
        fiscal_period="Q3 2024",
        reference="6508c1",
    )
    assert (second.symbol, second.is_confirmed) == ("BAC.PRK", False)


@pytest.mark.parametrize(
    ("on", "time", "part"),
    [
        ("2024-08-01", "13:29:00", ReportTime.BEFORE),
        ("2024-08-01", "13:30:00", ReportTime.DURING),
        ("2024-08-01", "20:00:00", ReportTime.AFTER),
        ("2024-12-02", "14:29:00", ReportTime.BEFORE),
        ("2024-12-02", "20:30:00", ReportTime.DURING),
        ("2024-12-02", "21:05:00", ReportTime.AFTER),
        ("2024-08-01", "00:00:00", ReportTime.UNKNOWN),
        ("2024-08-01", None, ReportTime.UNKNOWN),
        ("2024-08-01", "soon", ReportTime.UNKNOWN),
    ],
)
def test_the_vendors_utc_is_a_part_of_new_yorks_day(on: str, time: str | None, part: ReportTime) -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.earnings = [ROW | {"date": on, "time": time}]
        (report,) = ask(vendor, "AAPL").facts
    assert report.time is part


def test_a_row_without_a_date_is_refused_and_the_others_stay() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers["/benzinga/v1/earnings"] = {"status": "OK", "results": [ROW | {"date": None}, ROW]}
        answer = ask(vendor, "AAPL")
    assert len(answer.facts) == 1
    assert answer.refused == ["AAPL: a report without a date"]


def test_a_plan_without_them_is_off_in_words() -> None:
    with vendors.Polygon(now=T) as vendor:
        assert "plan has no earnings dates" in ask(vendor, "AAPL").off
        vendor.answers["/benzinga/v1/earnings"] = NOT_ENTITLED  # with 200, as some answers come
        assert "plan has no earnings dates" in ask(vendor, "AAPL").off


def test_a_failing_vendor_is_no_plan_without_them() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.fail(faults.status(500), on="/benzinga/*")
        with pytest.raises(ProviderError):
            ask(vendor, "AAPL")


def test_the_simulator_invents_the_same_each_time_and_none_on_a_weekend() -> None:
    symbols = [f"S{number}" for number in range(30)]
    answer = Simulator(1).earnings(symbols, SINCE, UNTIL)
    assert answer == Simulator(1).earnings(symbols, SINCE, UNTIL)
    assert 10 < len({report.symbol for report in answer.facts}) < 30
    assert {report.date.weekday() for report in answer.facts} <= set(range(5))


def test_a_provider_without_any_is_known_as_such() -> None:
    assert isinstance(Simulator(1), GivesEarnings)
    assert not isinstance(Alpaca, GivesEarnings)
