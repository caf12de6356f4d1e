"""What a symbol would become: with a provider's facts, for its history, as it stands, or not at all."""

import pytest
from pytest_django import Settings

from market.imports import watchlist
from market.imports.master import adding
from market.imports.master.adding import Candidate, Verdict
from tests import make
from tests.vendors import Alpaca, IBBridge, Polygon, faults

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def real(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("MSFT")


def candidate(text: str, *, unlisted: bool = False) -> Candidate:
    (one,) = adding.candidates(watchlist.parse(text).entries, may_add_unlisted=unlisted)
    return one


def test_the_calendar_is_that_of_the_exchange(alpaca: Alpaca) -> None:
    taiwan = candidate("tsm").instrument(make.T0)
    assert (taiwan.calendar, taiwan.currency, taiwan.exchange, taiwan.kind) == ("XNYS", "USD", "XNYS", "ADR")


@pytest.mark.parametrize("spelling", ["BAC.PRK", "BAC-PK", "BACpK", "BAC PRK", "BACPK", "BAC^K"])
def test_one_preferred_share_in_any_spelling(polygon: Polygon, spelling: str) -> None:
    found = candidate(spelling)
    assert (found.symbol, found.verdict) == ("BAC.PRK", Verdict.NEW)


def test_the_share_of_another_exchange_is_not_taken_for_it(alpaca: Alpaca) -> None:
    london = candidate("LSE:APLE")
    assert london.verdict is Verdict.BY_HAND
    assert london.reason == "Alpaca has another APLE, at XNYS; the list says LSE."
    stored = london.instrument(make.T0)
    assert (stored.calendar, stored.currency, stored.details_from) == ("XLON", "GBP", "")


def test_a_symbol_that_is_stored_for_another_share_is_refused(alpaca: Alpaca) -> None:
    london = candidate("LSE:MSFT", unlisted=True)
    assert london.verdict is Verdict.REFUSED
    assert london.reason.startswith("MSFT is here already, in USD by the calendar XNYS; the list says LSE.")
    assert candidate("NASDAQ:MSFT").verdict is Verdict.STORED


def test_what_is_stored_is_not_asked_for(alpaca: Alpaca) -> None:
    assert candidate("MSFT").verdict is Verdict.STORED
    assert alpaca.visits == []


@pytest.mark.parametrize("unlisted", [False, True])
def test_what_cannot_be_asked_is_added_as_it_stands(alpaca: Alpaca, unlisted: bool) -> None:
    alpaca.fail(faults.status(503))
    unknown = candidate("IBM", unlisted=unlisted)
    assert unknown.verdict is Verdict.BY_HAND
    assert "503" in unknown.reason


def test_a_bridge_without_a_search_adds_what_is_asked_for(bridge: IBBridge) -> None:
    assert candidate("IBM").verdict is Verdict.BY_HAND


@pytest.mark.parametrize(("unlisted", "verdict"), [(False, Verdict.REFUSED), (True, Verdict.BY_HAND)])
def test_what_is_not_listed_is_added_by_operators_only(
    alpaca: Alpaca, unlisted: bool, verdict: Verdict
) -> None:
    assert candidate("ACME", unlisted=unlisted).verdict is verdict


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "<b>\u202e" + "x" * 300), ("price_increment", "0.000000001"), ("exchange", "A" * 40)],
)
def test_a_row_that_does_not_fit_is_made_to(alpaca: Alpaca, field: str, value: str) -> None:
    usual = {"symbol": "ODD", "class": "us_equity", "status": "active", "exchange": "NYSE", "name": "Odd"}
    alpaca.answers["/v2/assets/ODD"] = usual | {field: value}
    candidate("ODD").instrument(make.T0).save()
