"""Asking the providers which instruments there are."""

import pytest
from pytest_django import Settings

from market.imports.master import lookup
from market.imports.master.lookup import State
from market.providers.listings import Status
from tests import make
from tests.vendors import Alpaca, IBBridge, Polygon, faults

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def real(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")


def test_a_slip_is_found_as_what_was_meant(alpaca: Alpaca) -> None:
    answer = lookup.describe(["BRKB"])["BRKB"]
    assert (answer.state, answer.symbol, answer.given) == (State.FOUND, "BRK.B", "BRKB")


def test_what_nobody_has_says_what_it_looks_like(alpaca: Alpaca) -> None:
    answer = lookup.describe(["APPL"])["APPL"]
    assert (answer.state, answer.reason) == (
        State.ABSENT,
        "Alpaca does not have it. It looks like AAPL.",
    )


def test_the_next_provider_is_asked_for_what_the_first_does_not_give(
    alpaca: Alpaca, polygon: Polygon
) -> None:
    alpaca.fail(faults.status(500))
    answers = lookup.describe(["AAPL", "NONE"])
    assert (answers["AAPL"].provider, answers["NONE"].state) == ("polygon", State.ABSENT)


def test_one_that_is_not_reached_leaves_it_unknown(alpaca: Alpaca) -> None:
    alpaca.fail(faults.status(503))
    answer = lookup.describe(["AAPL"])["AAPL"]
    assert answer.state is State.UNKNOWN
    assert "503" in answer.reason


def test_a_bridge_that_cannot_be_asked_says_so(bridge: IBBridge) -> None:
    reason = "IB Bridge cannot be asked which instruments there are"
    assert lookup.describe(["AAPL"])["AAPL"].reason == reason
    found = lookup.search("apple")
    assert (found.is_known, found.reason) == (False, reason)


def test_a_search_finds_a_delisted_one_by_its_symbol(alpaca: Alpaca) -> None:
    (found,) = lookup.search("twtr").listings
    assert (found.symbol, found.status) == ("TWTR", Status.DELISTED)


def test_a_search_finds_a_vendors_spelling(alpaca: Alpaca) -> None:
    assert lookup.search("bac-pk").listings[0].symbol == "BAC.PRK"


def test_a_search_that_finds_nothing_says_what_it_looks_like(alpaca: Alpaca) -> None:
    found = lookup.search("AAPL240719C00190000")
    assert (found.is_known, list(found.listings)) == (True, [])
    assert "It looks like an option" in found.reason


def test_no_more_are_asked_for_than_there_is_time(alpaca: Alpaca) -> None:
    answers = lookup.describe([f"S{number}" for number in range(lookup.MOST_ASKED + 5)])
    assert sum(answer.reason == lookup.NOT_NOW for answer in answers.values()) == 5


def test_without_a_real_provider_the_simulator_is_asked(settings: Settings) -> None:
    settings.DATA_KIND = "simulated"
    assert lookup.search("berkshire").provider == "simulator"
