"""How many queries each page makes: pinned in tests/query_counts.json, and at most 25."""

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Order
from market.models import Watchlist
from market.prices import Timeframe
from signals.models import Signal
from tests import make
from tests.query_counts import MOST, CountQueries, pinned


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def world(db: None) -> Signal:
    """Instruments with prices, bars and a split, signals that wait, what is held, held back and at work."""
    symbols = ["AAPL", "MSFT", "NVDA", "JPM"]
    make.only(*symbols)
    make.july_2024()
    make.ready()
    for symbol in symbols:
        make.quote(symbol, 186.0)
        make.history(symbol, [184.0 + number / 10 for number in range(30)])
        make.history(symbol, [160.0 + number / 10 for number in range(260)], Timeframe.H1)
    make.held("MSFT")
    make.held("NVDA")
    for symbol in ("AAPL", "JPM"):
        make.order(symbol, status=Order.Status.HELD, status_reason="Trading was halted.")
    ended = make.T0 - timedelta(hours=1)
    make.signal("JPM", status=Signal.Status.EXPIRED, ended_at=ended, timeframe="1h")
    make.sell("AAPL", timeframe="15m")
    make.signal("MSFT", timeframe="15m")
    listed = Watchlist.objects.create(name="Tech", created_at=make.T0)
    for position, symbol in enumerate(symbols):
        listed.entries.create(instrument_id=symbol, position=position, group="Chips" if position else "")
    waiting = make.signal("AAPL", timeframe="1h")
    for on in (None, None, waiting, waiting, waiting):
        make.run(on)
    make.opinion(waiting)
    return waiting


ADDRESSES = [
    "/",
    "/signals/",
    "/signals/?tab=expired",
    "/signals/{pk}/",
    "/signals/{pk}/decide/",
    "/signals/{pk}/terms/",
    "/signals/{pk}/opinions/",
    "/opinions/",
    "/opinions/{run}/",
    "/instruments/AAPL/",
    "/instruments/AAPL/?timeframe=15m",
    "/instruments/AAPL/bars/?timeframe=15m",
    "/watchlists/",
    "/watchlists/{list}/",
    "/watchlists/{list}/edit/",
    "/positions/",
    "/positions/MSFT/close/",
    "/positions/MSFT/manage/",
    "/trades/",
    "/strip/",
    "/scorecard/",
    "/away/",
    "/status/",
]


def get(trader: Client, address: str) -> None:
    answer = trader.get(address)
    assert answer.status_code == 200, answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_makes_the_pinned_number_of_queries(
    world: Signal, trader: Client, count_queries: CountQueries, address: str
) -> None:
    path = address.format(pk=world.pk, run=world.runs.newest().get().pk, list=Watchlist.objects.get().pk)
    get(trader, path)  # what is read once per process, and the first look that is written down
    with count_queries(f"page {address}"):
        get(trader, path)


def test_the_first_look_at_a_signal_is_stored_with_one_insert(
    world: Signal, trader: Client, count_queries: CountQueries
) -> None:
    get(trader, "/")  # stores the visit
    with count_queries("page /signals/{pk}/, first look") as captured:
        get(trader, f"/signals/{world.pk}/")
    assert len([query for query in captured if query["sql"].startswith("INSERT")]) == 1


def test_no_number_is_above_the_limit() -> None:
    assert {name: count for name, count in pinned().items() if count > MOST} == {}
