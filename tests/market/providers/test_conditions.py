"""Which trades of Polygon and Alpaca do not set the last price, and which quotes are of a halt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.providers import alpaca, conditions, polygon
from market.providers.base import Unpaced
from tests import vendors

T = datetime(2024, 7, 3, 15, 0, 20, tzinfo=UTC)
BEFORE_THE_OPEN = datetime(2024, 7, 3, 11, 0, tzinfo=UTC)
WEEKEND = datetime(2024, 7, 6, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "codes", [[], None, [14], [0], [1, 41], [8], [9], [25], [30], [38], [999], ["37"], 37, [True]]
)
def test_these_trades_set_polygons_last_price(codes: object) -> None:
    assert conditions.not_last(codes, conditions.POLYGON_TRADES, T) == ""


@pytest.mark.parametrize("code", [2, 5, 7, 10, 12, 13, 15, 16, 20, 21, 22, 29, 33, 37, 52, 53])
def test_these_trades_do_not_set_polygons_last_price_whatever_else_they_are(code: int) -> None:
    assert conditions.not_last([14, code, 41], conditions.POLYGON_TRADES, T)


@pytest.mark.parametrize("code", list("CGHIMNPQRTUVZ47"))
@pytest.mark.parametrize("tape", ["A", "B", "C", "N", None, ["A"]])
def test_these_trades_set_the_last_price_of_no_tape(code: str, tape: object) -> None:
    assert conditions.not_last(["@", code], conditions.trades_of(tape), T)


@pytest.mark.parametrize("code", list("@ AEDFKLOSXY1569"))
@pytest.mark.parametrize("tape", ["A", "C"])
def test_these_trades_set_the_last_price_of_both_tapes(code: str, tape: str) -> None:
    assert conditions.not_last([code], conditions.trades_of(tape), T) == ""


@pytest.mark.parametrize(("tape", "average"), [("A", "B"), ("B", "B"), ("C", "W")])
def test_the_same_letter_means_an_average_price_on_one_tape_only(tape: str, average: str) -> None:
    table = conditions.trades_of(tape)
    assert conditions.not_last([average], table, T) == "average price"
    assert conditions.not_last([{"B": "W", "W": "B"}[average]], table, T) == ""


@pytest.mark.parametrize("at", [BEFORE_THE_OPEN, WEEKEND, T.replace(hour=21)])
def test_outside_regular_hours_a_trade_of_extended_hours_is_the_newest_price(at: datetime) -> None:
    assert conditions.not_last([12], conditions.POLYGON_TRADES, at) == ""
    assert conditions.not_last(["@", "T"], conditions.trades_of("C"), at) == ""
    assert conditions.not_last(["T", "I"], conditions.trades_of("C"), at) == "odd lot"
    assert conditions.not_last([12, 13], conditions.POLYGON_TRADES, at)


def test_the_minute_stands_in_for_a_trade_that_does_not_set_polygons_price() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.prices["AAPL"] = 221.0
        vendor.prints["AAPL"] = (190.0, [2])
        made = polygon.Polygon(vendor.url, key=vendor.key, per_minute=100, pace=Unpaced())
        (tick,) = made.quotes(["AAPL"], T).ticks
    assert (tick.price, tick.as_of) == (221.0, T)


def test_the_minute_stands_in_for_a_trade_that_does_not_set_alpacas_price() -> None:
    with vendors.Alpaca(now=T + timedelta(seconds=90)) as vendor:
        vendor.prices["AAPL"] = 221.0
        vendor.prints["AAPL"] = (190.0, ["@", "I"])
        (tick,) = alpaca_of(vendor).quotes(["AAPL"], T).ticks
    assert tick.price == 221.0
    # Not that of the trade: as a second trade at its own price the minute would confirm a doubtful one.
    assert tick.as_of == datetime(2024, 7, 3, 15, 1, tzinfo=UTC)


def test_without_a_minute_there_is_no_price_and_that_is_not_the_symbols_fault() -> None:
    with vendors.Alpaca(now=T) as vendor:
        trade = {"t": "2024-07-03T15:00:01Z", "p": 190.0, "c": ["W"], "z": "C"}
        vendor.answers["/v2/stocks/snapshots"] = {"AAPL": {"latestTrade": trade, "minuteBar": None}}
        quotes = alpaca_of(vendor).quotes(["AAPL"], T)
    assert quotes.failed == {"AAPL": "its last trade does not set the price (average price)"}
    assert quotes.blameless == {"AAPL"}


def alpaca_of(vendor: vendors.Alpaca) -> Any:
    return alpaca.Alpaca(vendor.url, key=vendor.key, secret=vendor.secret, per_minute=100, pace=Unpaced())


@pytest.mark.parametrize(
    ("codes", "tape", "halted"),
    [
        (["P"], "A", True),
        (["D"], "B", True),
        (["I"], "A", True),
        (["I"], "C", False),
        (["Z"], "C", True),
        (["R"], "A", False),
        ([], "A", False),
        (None, None, False),
        (["P"], "C", False),
        (["R", "P"], "A", True),
    ],
)
def test_a_quote_says_that_trading_is_halted_as_its_tape_writes_it(
    codes: object, tape: object, halted: bool
) -> None:
    assert bool(conditions.halt(codes, tape)) is halted
