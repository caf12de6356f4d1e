from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from market import sessions
from market.models import TradingSession
from tests import make

LIST = "/admin/market/tradingsession/"


@pytest.fixture(autouse=True)
def july(db: None) -> None:
    make.only("AAPL")
    make.july_2024()


def close(client: Client, day: str, calendar: str = "XNYS") -> Any:
    return client.post(f"{LIST}add/", {"calendar": calendar, "date": day})


def complaints(page: Any) -> str:
    return " ".join(page.context["adminform"].form.non_field_errors())


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
    told = complaints(close(operator, "2024-07-04"))
    assert told == "XNYS has no session on 2024-07-04: it is closed anyway."
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
