"""What the vendors list, asked on loopback: by words, by symbol, and when they do not answer."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from core.http import Patience
from market.providers.alpaca_assets import AlpacaAssets
from market.providers.base import ProviderError, Unpaced
from market.providers.listings import Directory, Kind, Listing, Listings, Status, best
from market.providers.polygon_tickers import PolygonTickers
from market.providers.simulator_listings import SimulatorListings
from tests import vendors
from tests.conformance.provider.candidates import Closed
from tests.vendors import faults
from tests.vendors.server import Fault, Vendor

BRIEF = Patience(connect=0.5, read=0.3, answer=0.6, fetch=1.0, attempts=1, pause=0.01)


def alpaca(vendor: Vendor, pace: Any = None) -> AlpacaAssets:
    pace = pace or Unpaced()
    return AlpacaAssets(vendor.url, key="PKTEST", secret="alpaca-secret", pace=pace, patience=BRIEF)


def polygon(vendor: Vendor, pace: Any = None) -> PolygonTickers:
    pace = pace or Unpaced()
    return PolygonTickers(vendor.url, key="polygon-secret", per_minute=5, pace=pace, patience=BRIEF)


BOTH = pytest.mark.parametrize(
    ("vendor", "directory"), [(vendors.Alpaca, alpaca), (vendors.Polygon, polygon)], ids=["alpaca", "polygon"]
)
Asked = Callable[[Vendor], Directory]


@BOTH
def test_a_name_is_found_and_the_best_comes_first(vendor: type[Vendor], directory: Asked) -> None:
    with vendor() as loopback:
        found = directory(loopback).search("apple")
    assert [listing.symbol for listing in found] == ["AAPL", "APLE"]
    assert (found[0].exchange, found[0].currency, found[0].status) == ("XNAS", "USD", Status.ACTIVE)


@BOTH
def test_facts_come_with_the_symbol(vendor: type[Vendor], directory: Asked) -> None:
    with vendor() as loopback:
        listings = directory(loopback).describe(["AAPL", "SPY", "TSM", "BRK.B", "BAC.PRK", "TWTR", "QQQQ"])
    kinds = {symbol: listing.kind for symbol, listing in listings.found.items()}
    assert kinds == {
        "AAPL": Kind.SHARE,
        "SPY": Kind.ETF,
        "TSM": Kind.ADR,
        "BRK.B": Kind.SHARE,
        "BAC.PRK": Kind.OTHER,
        "TWTR": Kind.SHARE,
    }
    assert listings.found["TWTR"].status is Status.DELISTED
    assert (listings.absent, dict(listings.failed), list(listings.declined)) == ({"QQQQ"}, {}, [])


def test_the_day_of_a_delisting_is_told() -> None:
    with vendors.Polygon() as loopback:
        listings = polygon(loopback).describe(["TWTR", "AAPL"])
    assert listings.found["TWTR"].delisted_on == date(2022, 11, 8)
    assert listings.found["AAPL"].delisted_on is None


def test_whether_it_can_be_borrowed_is_told_by_both_flags() -> None:
    with vendors.Alpaca() as loopback:
        found = alpaca(loopback).describe(["AAPL", "BAC.PRK"]).found
    assert (found["AAPL"].borrowable, found["BAC.PRK"].borrowable) == (True, False)


@pytest.mark.parametrize(
    ("symbol", "vendor", "directory", "path"),
    [
        ("BRK.B", vendors.Alpaca, alpaca, "/v2/assets/BRK.B"),
        ("BF.B", vendors.Alpaca, alpaca, "/v2/assets/BF.B"),
        ("BAC.PRK", vendors.Alpaca, alpaca, "/v2/assets/BAC.PRK"),
        ("BRK.B", vendors.Polygon, polygon, "/v3/reference/tickers/BRK.B"),
        ("BF.B", vendors.Polygon, polygon, "/v3/reference/tickers/BF.B"),
        ("BAC.PRK", vendors.Polygon, polygon, "/v3/reference/tickers/BACpK"),
        ("BAC.PR", vendors.Polygon, polygon, "/v3/reference/tickers/BACp"),
    ],
)
def test_each_vendor_is_asked_in_its_own_spelling(
    symbol: str, vendor: type[Vendor], directory: Asked, path: str
) -> None:
    with vendor() as loopback:
        directory(loopback).describe([symbol])
        assert loopback.visits[0].path == path


def test_the_whole_list_is_fetched_once_for_many_searches() -> None:
    with vendors.Alpaca() as loopback:
        assets = alpaca(loopback)
        assert [assets.search(text)[0].symbol for text in ("apple", "berkshire")] == ["AAPL", "BRK.B"]
        assert len(loopback.visits) == 1


FAULTS: list[tuple[str, Fault]] = [
    ("401", faults.status(401)),
    ("403", faults.status(403)),
    ("429", faults.status(429)),
    ("500", faults.status(500)),
    ("slow", faults.never),
    ("a page", faults.web_page),
    ("half", faults.truncated),
    ("reset", faults.reset),
]


@BOTH
@pytest.mark.parametrize("fault", [fault for _, fault in FAULTS], ids=[name for name, _ in FAULTS])
def test_one_that_does_not_answer_has_not_said_that_there_is_none(
    vendor: type[Vendor], directory: Asked, fault: Fault
) -> None:
    with vendor() as loopback:
        loopback.fail(fault)
        asked = directory(loopback)
        with pytest.raises(ProviderError):
            asked.search("apple")
        listings = asked.describe(["AAPL", "SPY"])
    assert (listings.found, listings.absent) == ({}, set())
    assert {*listings.failed, *listings.declined} == {"AAPL", "SPY"}
    assert "secret" not in str(listings.failed)


@BOTH
@pytest.mark.parametrize("body", [{}, {"results": 5}, {"symbol": 7, "results": {"ticker": None}}, []])
def test_garbage_is_a_failure_and_not_a_listing(vendor: type[Vendor], directory: Asked, body: Any) -> None:
    with vendor() as loopback:
        loopback.answers["/v2/assets/AAPL"] = loopback.answers["/v3/reference/tickers/AAPL"] = body
        listings = directory(loopback).describe(["AAPL"])
    assert (listings.found, listings.absent, list(listings.failed)) == ({}, set(), ["AAPL"])


@BOTH
def test_keys_that_are_refused_say_what_to_check(vendor: type[Vendor], directory: Asked) -> None:
    with vendor() as loopback:
        loopback.fail(faults.status(401))
        with pytest.raises(ProviderError, match=r"Check (ALPACA|POLYGON)_API_KEY"):
            directory(loopback).search("apple")


@pytest.mark.parametrize(("vendor", "directory"), [(vendors.Alpaca, alpaca), (vendors.Polygon, polygon)])
def test_what_the_pace_forbids_is_not_known(vendor: type[Vendor], directory: Any) -> None:
    with vendor() as loopback:
        listings: Listings = directory(loopback, Closed()).describe(["AAPL"])
        assert (list(listings.declined), loopback.visits) == (["AAPL"], [])


def test_the_simulated_market_knows_well_known_ones() -> None:
    directory = SimulatorListings()
    assert [listing.symbol for listing in directory.search("berkshire")] == ["BRK.A", "BRK.B"]
    assert directory.search("spy")[0].kind is Kind.ETF
    assert directory.search("twitter")[0].status is Status.DELISTED
    assert directory.describe(["AAPL", "ZZZZ"]).absent == {"ZZZZ"}


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("f", ["F", "FF", "FORD"]),
        ("ford", ["FORD", "F"]),
        ("ford motor", ["F"]),
        ("motor ford", ["F"]),
        ("", []),
        ("nothing", []),
    ],
)
def test_a_symbol_goes_before_a_name(text: str, symbols: list[str]) -> None:
    listings = [
        Listing("FF", "FutureFuel"),
        Listing("FORD", "Forward Industries"),
        Listing("F", "Ford Motor"),
    ]
    assert [listing.symbol for listing in best(listings, text)] == symbols
