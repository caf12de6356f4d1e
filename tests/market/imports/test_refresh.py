"""Asking again what providers list: facts become true, what changed is told, and nothing else follows."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from market import doctor
from market.doctor import prices
from market.imports.master.refresh import AT_ONCE, refresh
from market.models import DetailChange, Instrument
from tests import make
from tests.vendors import Alpaca, faults
from tests.vendors.server import Fault

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=8)


@pytest.fixture(autouse=True)
def real(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    Instrument.objects.filter(pk="AAPL").update(name="")


def asset(**values: object) -> dict[str, object]:
    usual = {"class": "us_equity", "exchange": "NASDAQ", "symbol": "AAPL", "name": "Apple Inc. Common Stock"}
    return usual | {"status": "active", "shortable": True, "easy_to_borrow": True} | values


def apple() -> Instrument:
    return Instrument.objects.get(pk="AAPL")


def test_the_first_answer_fills_in_and_is_no_change(alpaca: Alpaca) -> None:
    assert refresh(make.T0) == 0
    assert (apple().name, apple().exchange, apple().status) == ("Apple Inc. Common Stock", "XNAS", "active")
    assert (apple().kind, apple().borrowable, apple().details_at) == ("share", True, make.T0)


def test_a_new_name_and_a_delisting_are_told_once(alpaca: Alpaca) -> None:
    refresh(make.T0)
    alpaca.answers["/v2/assets/AAPL"] = asset(name="Orchard Inc. Common Stock", status="inactive")
    assert refresh(make.T0 + WEEK) == 2
    assert refresh(make.T0 + 2 * WEEK) == 0
    assert sorted(map(str, DetailChange.objects.all())) == [
        "AAPL: name Apple Inc. Common Stock is now Orchard Inc. Common Stock",
        "AAPL: status active is now delisted",
    ]
    assert (apple().name, apple().status, apple().watched) == ("Orchard Inc. Common Stock", "delisted", True)
    found = prices.details(make.T0 + WEEK)
    assert found.advice.startswith("AAPL: delisted and still watched.")


def test_a_name_given_by_hand_stays(alpaca: Alpaca) -> None:
    Instrument.objects.filter(pk="AAPL").update(name="Apple")
    refresh(make.T0)
    assert (apple().name, apple().listed_name) == ("Apple", "Apple Inc. Common Stock")


def test_what_is_no_longer_listed_is_told_as_unknown(alpaca: Alpaca) -> None:
    refresh(make.T0)
    alpaca.fail(faults.status(404), "/v2/assets/*")
    assert refresh(make.T0 + WEEK) == 1
    assert apple().status == "unknown"


@pytest.mark.parametrize(
    "fault", [faults.status(500), faults.status(401), faults.web_page], ids=["500", "401", "a page"]
)
def test_what_is_not_answered_stays_as_it_is(alpaca: Alpaca, fault: Fault) -> None:
    refresh(make.T0)
    alpaca.fail(fault)
    assert refresh(make.T0 + WEEK) == 0
    assert (apple().status, apple().details_at) == ("active", make.T0)


def test_each_is_asked_for_once_a_week_and_few_at_once(alpaca: Alpaca) -> None:
    Instrument.objects.bulk_create(Instrument(symbol=f"S{number}") for number in range(AT_ONCE))
    refresh(make.T0)
    assert len(alpaca.visits_to("/v2/assets/*")) == AT_ONCE
    refresh(make.T0 + timedelta(hours=1))
    refresh(make.T0 + timedelta(hours=2))
    assert len(alpaca.visits_to("/v2/assets/*")) == AT_ONCE + 1


def test_the_doctor_looks_at_it() -> None:
    assert "details of instruments" in {finding.about for finding in doctor.examine(make.T0)}
