import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from market import sessions
from market.models import TradingSession
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/tradingsession/"


@pytest.fixture(autouse=True)
def july(db: None) -> None:
    make.only("AAPL")
    make.july_2024()


def close(client: Client, day: str, calendar: str = "XNYS") -> Any:
    return client.post(f"{LIST}add/", {"calendar": calendar, "date": day})


def complaints(page: Any) -> str:
    return " ".join(page.context["adminform"].form.non_field_errors())


def listed(client: Client, query: str = "") -> list[str]:
    page = client.get(LIST, {"q": query}).content.decode()
    return re.findall(r"/change/[^>]*>(\d{4}-\d\d-\d\d)</a>", page)


@pytest.mark.parametrize(
    ("query", "days"),
    [("2024-07-03", ["2024-07-03"]), ("2024-06", ["2024-06-28", "2024-06-27"]), ("1999", [])],
)
def test_a_session_is_found_by_its_date_or_the_beginning_of_one(
    operator: Client, query: str, days: list[str]
) -> None:
    assert listed(operator, query) == days


def test_the_hours_stand_there_on_the_exchanges_own_clock_too(operator: Client) -> None:
    make.session("2024-07-03", "00:00", "23:59", calendar="24/7")
    page = operator.get(LIST, {"q": "2024-07-03"}).content.decode()
    assert re.findall(r'<td class="field-local_hours">(.*?)</td>', page) == [
        "–",  # noqa: RUF001  a dash
        "Wed 09:30 to 13:00 New York",
    ]


def test_the_list_takes_as_many_queries_for_25_years_as_for_one(
    operator: Client, count_queries: CountQueries
) -> None:
    TradingSession.objects.bulk_create(
        TradingSession(calendar="XLON", date=day.date(), opens_at=day, closes_at=day + timedelta(hours=8))
        for day in (make.T0 - timedelta(days=n) for n in range(25 * 365))
    )
    # who asks (2), calendars, first and last date, years, count, page
    with count_queries("admin trading sessions"):
        operator.get(LIST)


def test_an_operator_adds_a_closure_and_nothing_trades_that_day(operator: Client) -> None:
    before = TradingSession.objects.count()
    close(operator, "2024-07-03")
    assert TradingSession.objects.get(date="2024-07-03").closed
    assert TradingSession.objects.count() == before
    assert not sessions.load("XNYS").is_open(make.T0)
    assert str(LogEntry.objects.get().object_repr) == "XNYS 2024-07-03"


def test_a_closure_keeps_the_published_hours(operator: Client) -> None:
    close(operator, "2024-07-03")
    assert f"{TradingSession.objects.get(date='2024-07-03').closes_at:%H:%M}" == "17:00"


def test_a_day_without_a_session_cannot_be_closed(operator: Client) -> None:
    complaint = complaints(close(operator, "2024-07-04"))
    assert complaint == "XNYS has no session on 2024-07-04: it is closed anyway."
    assert not TradingSession.objects.filter(closed=True).exists()


def test_the_calendars_of_the_instruments_are_offered_and_no_other_taken(operator: Client) -> None:
    page = close(operator, "2024-07-03", "XLON")
    assert "XLON is not one of the available choices" in str(page.context["errors"])
    assert list(page.context["adminform"].form.fields["calendar"].choices) == [("XNYS", "XNYS")]


def test_a_day_is_closed_once(operator: Client) -> None:
    close(operator, "2024-07-03")
    assert complaints(close(operator, "2024-07-03")) == "XNYS 2024-07-03 is marked closed already."
    assert LogEntry.objects.count() == 1


def test_a_closure_can_be_taken_back_and_nothing_else_changed(operator: Client) -> None:
    session = TradingSession.objects.get(date="2024-07-03")
    TradingSession.objects.filter(pk=session.pk).update(closed=True)
    operator.post(
        f"{LIST}{session.pk}/change/", {"date": "2024-07-04", "calendar": "XLON", "closes_at_0": "1999-01-01"}
    )
    after = TradingSession.objects.get(pk=session.pk)
    assert (after.date, after.calendar, after.closes_at, after.closed) == (
        *[session.date, session.calendar, session.closes_at],
        False,
    )


def test_a_reader_closes_nothing(reader: Client) -> None:
    assert close(reader, "2024-07-03").status_code == 403
    assert not TradingSession.objects.filter(closed=True).exists()
