"""Earnings dates in the admin: recorded, loaded from a file, withdrawn; each with who and why."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from market.models import EarningsDate
from tests import make

URL = "/admin/market/earningsdate/"
REPORT = {
    "symbol": "aapl",
    "date": "2024-08-01",
    "time": "after",
    "is_confirmed": "on",
    "fiscal_period": "Q3 2024",
    "why": "the company's notice",
}


@pytest.fixture(autouse=True)
def instrument(db: None) -> None:
    make.instrument()


def csv(text: str) -> dict[str, object]:
    return {"file": SimpleUploadedFile("d.csv", text.encode()), "symbol": "", "why": "w"}


def test_a_person_records_one_in_place_of_a_providers_estimate(operator: Client) -> None:
    make.earnings(day="2024-08-01")
    operator.post(f"{URL}add/", REPORT)
    fact = EarningsDate.objects.current().get()
    assert (fact.is_confirmed, fact.source, str(fact.recorded_by)) == (True, "person", "operator")
    assert "the company's notice" in LogEntry.objects.get().change_message
    assert "after the close, confirmed" in operator.get(URL).content.decode()


def test_a_wrong_one_is_withdrawn_and_stays_readable(operator: Client) -> None:
    fact = make.earnings()
    operator.post(f"{URL}{fact.pk}/change/", {"why": "never announced"})
    fact.refresh_from_db()
    assert str(fact.ended_by) == "operator"
    assert "withdrawn" in operator.get(f"{URL}{fact.pk}/change/").content.decode()


def test_a_file_is_loaded_whole_or_not_at_all(operator: Client) -> None:
    page = operator.post(f"{URL}load/", csv("Symbol,Date,Time\nAAPL,2024-08-01,AMC\nAAPL,soon,BMO\n"))
    assert "line 3" in page.content.decode()
    assert not EarningsDate.objects.exists()
    operator.post(f"{URL}load/", csv("Symbol,Date,Time\nAAPL,2024-08-01,AMC\n"))
    assert EarningsDate.objects.get().source == "file"


def test_who_may_only_look_changes_nothing(reader: Client) -> None:
    fact = make.earnings()
    assert reader.post(f"{URL}add/", REPORT).status_code == 403
    assert reader.post(f"{URL}{fact.pk}/change/", {"why": "w"}).status_code == 403
    assert reader.post(f"{URL}load/", csv("x")).status_code == 403
    assert EarningsDate.objects.current().count() == 1
