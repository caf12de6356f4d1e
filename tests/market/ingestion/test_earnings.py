"""Earnings dates as facts: asked each night, moved and confirmed by their source, or said by a person."""

from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from market.ingestion.earnings import LEDGER
from market.ingestion.renames import follow
from market.models import EarningsCheck, EarningsDate, ProviderPace
from market.providers.earnings import Earnings, ReportTime
from tests import make
from tests.loopback import AT, polygon, watch
from tests.vendors import Polygon

__all__ = ["polygon"]

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ON = date(2024, 8, 1)
ROW = {
    "ticker": "AAPL",
    "date": "2024-08-01",
    "time": "20:30:00",
    "date_status": "projected",
    "fiscal_period": "Q3",
    "fiscal_year": 2024,
    "benzinga_id": "b1",
}


def report(on: date = ON, *, confirmed: bool = False, reference: str = "") -> Earnings:
    return Earnings(
        symbol="AAPL", date=on, time=ReportTime.AFTER, is_confirmed=confirmed, reference=reference
    )


def record(*given: Earnings, source: str = "polygon", at: datetime = AT) -> int:
    return LEDGER.record(given, source, ["AAPL"], date(2022, 1, 1), at)


def standing() -> list[tuple[str, bool, str]]:
    facts = EarningsDate.objects.current().order_by("date")
    return [(fact.date.isoformat(), fact.is_confirmed, fact.source) for fact in facts]


def fetch(at: datetime) -> int:
    ProviderPace.objects.all().delete()
    return LEDGER.fetch(at)


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator")


def test_an_estimate_that_is_confirmed_on_another_day_is_one_report() -> None:
    assert record(report()) == 1
    assert record(report()) == 0
    assert record(report(ON + 5 * DAY, confirmed=True), at=AT + DAY) == 1
    assert standing() == [("2024-08-06", True, "polygon")]
    assert EarningsDate.objects.get(date=ON).ended_at == AT + DAY


def test_the_next_quarter_is_another_report() -> None:
    record(report(), report(ON + 91 * DAY))
    assert len(standing()) == 2


def test_an_announced_report_that_is_no_longer_named_ends() -> None:
    record(report())
    record()
    assert standing() == []


def test_a_person_stands_before_a_provider_that_gives_another_day(operator: User) -> None:
    make.instrument()
    record(report())
    LEDGER.enter([report(ON + 2 * DAY)], "person", by=operator, why="notice", at=AT)
    record(report(confirmed=True), at=AT + DAY)
    assert standing() == [("2024-08-03", False, "person")]


def test_the_same_file_twice_changes_nothing(operator: User) -> None:
    make.instrument()
    given = [report(), report(ON + 20 * DAY), report(ON + 120 * DAY)]
    assert LEDGER.enter(given, "file", by=operator, why="calendar", at=AT) == 3
    assert LEDGER.enter(given, "file", by=operator, why="calendar", at=AT) == 0


def test_what_a_person_withdrew_does_not_come_back_on_that_day(operator: User) -> None:
    record(report())
    LEDGER.withdraw(EarningsDate.objects.get(), by=operator, why="wrong", at=AT)
    assert record(report(confirmed=True), at=AT + DAY) == 0
    assert record(report(ON + DAY, confirmed=True), at=AT + DAY) == 1


def test_each_symbol_is_asked_about_once_a_night(settings: Settings, polygon: Polygon) -> None:
    watch(settings, "AAPL", "MSFT")
    polygon.earnings = [ROW]
    assert fetch(AT) == 1
    fact = EarningsDate.objects.get()
    assert (fact.get_time_display(), fact.fiscal_period) == ("after the close", "Q3 2024")
    assert (fetch(AT + timedelta(hours=1)), len(polygon.visits)) == (0, 1)
    fetch(AT + DAY)
    assert len(polygon.visits) == 2


def test_a_plan_without_them_is_asked_once_a_week_and_said(settings: Settings, polygon: Polygon) -> None:
    watch(settings, "AAPL", "MSFT")
    for days in (0, 1, 6):
        assert fetch(AT + days * DAY) == 0
    assert len(polygon.visits) == 1
    assert EarningsCheck.objects.count() == 2
    assert LEDGER.problems() == [
        "Polygon's plan has no earnings dates: they take Benzinga's, an addition to it"
    ]
    polygon.earnings = [ROW]
    assert fetch(AT + 8 * DAY) == 1
    assert LEDGER.problems() == []


def test_they_go_along_with_a_change_of_symbol() -> None:
    make.only("FB")
    make.earnings("FB")
    follow("FB", "META", date(2024, 7, 2), "person", AT)
    assert EarningsDate.objects.get().symbol == "META"
