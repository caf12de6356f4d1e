"""Bad prints, halts and books through the cycle: what is stored, shown and believed, poll by poll."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from market.models import IngestionRun, Quote, QuoteHistory
from tests import make
from tests.loopback import AT, quotes, watch
from tests.vendors import Alpaca, IBBridge, Polygon

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, "AAPL", "MSFT", "AMD")


def poll(vendor: Alpaca | Polygon | IBBridge, minute: int) -> IngestionRun:
    vendor.now = AT + minute * MINUTE
    return quotes(vendor.now)


def newest(symbol: str = "AAPL") -> tuple[float, str, float | None]:
    quote = Quote.objects.get(symbol=symbol)
    return quote.price, quote.doubt, quote.doubtful_price


def doubts() -> list[tuple[float, str]]:
    return list(QuoteHistory.objects.filter(symbol="AAPL").order_by("as_of").values_list("price", "doubt"))


def test_a_bad_print_stands_beside_the_believed_price_and_goes_with_the_next_trade(alpaca: Alpaca) -> None:
    alpaca.prices["AAPL"] = 100.0
    poll(alpaca, 0)
    alpaca.prints["AAPL"] = (1000.0, ["@"])
    assert poll(alpaca, 1).stored == 3
    assert newest() == (100.0, "outside_book", 1000.0)
    del alpaca.prints["AAPL"]
    poll(alpaca, 2)
    assert newest() == (100.0, "", None)
    assert doubts() == [(100.0, ""), (1000.0, "outside_book"), (100.0, "")]


def test_a_true_jump_is_believed_at_the_second_poll(alpaca: Alpaca) -> None:
    alpaca.prices["AAPL"] = 100.0
    poll(alpaca, 0)
    alpaca.prices["AAPL"], alpaca.books["AAPL"] = 140.0, (99.9, 100.1)
    poll(alpaca, 1)
    assert newest() == (100.0, "outside_book", 140.0)
    alpaca.prices["AAPL"] = 139.0
    poll(alpaca, 2)
    assert newest() == (139.0, "", None)


def test_a_jump_that_its_book_follows_is_believed_at_once(polygon: Polygon) -> None:
    polygon.prices["AAPL"] = 100.0
    poll(polygon, 0)
    polygon.prices["AAPL"] = 60.0
    poll(polygon, 1)
    assert newest() == (60.0, "", None)


def test_a_trade_that_its_book_confirms_later_counts_from_then_on(alpaca: Alpaca) -> None:
    alpaca.prices["AAPL"] = 100.0
    poll(alpaca, 0)
    alpaca.prints["AAPL"], alpaca.traded_at["AAPL"] = (140.0, ["@"]), AT + MINUTE
    poll(alpaca, 1)
    assert doubts()[-1] == (140.0, "outside_book")
    alpaca.books["AAPL"] = (139.9, 140.1)
    poll(alpaca, 2)
    assert newest() == (140.0, "", None)
    row = QuoteHistory.objects.get(symbol="AAPL", price=140.0)
    assert (row.doubt, row.received_at >= AT + 2 * MINUTE) == ("", True)


def test_the_first_price_of_a_symbol_outside_its_book_is_stored_as_doubtful(bridge: IBBridge) -> None:
    bridge.prints["AAPL"], bridge.books["AAPL"] = (0.01, []), (99.9, 100.1)
    poll(bridge, 0)
    quote = Quote.objects.get(symbol="AAPL")
    assert (quote.price, quote.doubt, quote.is_believed) == (0.01, "outside_book", False)
    bridge.prints["AAPL"] = (100.0, [])
    poll(bridge, 1)
    assert newest() == (100.0, "", None)


def test_one_vendor_does_all_of_it_at_once_and_every_symbol_keeps_its_price(alpaca: Alpaca) -> None:
    alpaca.prices |= {"AAPL": 100.0, "MSFT": 400.0, "AMD": 150.0}
    poll(alpaca, 0)
    alpaca.prints |= {"AAPL": (10.0, ["@"]), "MSFT": (390.0, ["@", "I"]), "AMD": (150.1, ["@"])}
    alpaca.books |= {"MSFT": (400.02, 400.01), "AMD": (150.0, 150.0)}
    alpaca.tapes["AMD"], alpaca.quote_conditions["AMD"] = "A", ["P"]
    run = poll(alpaca, 1)
    assert (run.stored, run.failed, run.rejected) == (3, 0, {})
    assert [newest(symbol)[:2] for symbol in ("AAPL", "MSFT", "AMD")] == [
        (100.0, "outside_book"),
        (400.0, ""),
        (150.1, ""),
    ]
    books = {quote.symbol: (quote.book, quote.halt) for quote in Quote.objects.all()}
    assert books == {"AAPL": ("", ""), "MSFT": ("crossed", ""), "AMD": ("locked", "news is pending")}


def test_a_halt_of_which_no_more_is_heard_ends_with_the_next_session(alpaca: Alpaca) -> None:
    make.quote("MSFT", as_of=AT - timedelta(days=1), halt="news is pending")
    make.quote("AMD", as_of=AT, halt="news is pending")
    assert Quote.objects.end_old_halts(AT) == 1
    assert dict(Quote.objects.values_list("symbol", "halt")) == {"MSFT": "", "AMD": "news is pending"}


def test_a_halt_ends_when_the_vendor_no_longer_says_so(alpaca: Alpaca) -> None:
    alpaca.tapes["AAPL"], alpaca.quote_conditions["AAPL"] = "A", ["D"]
    alpaca.traded_at["AAPL"] = AT
    poll(alpaca, 0)
    assert Quote.objects.get(symbol="AAPL").halt == "news is being released"
    alpaca.quote_conditions["AAPL"] = ["R"]
    poll(alpaca, 1)
    assert Quote.objects.get(symbol="AAPL").halt == ""
