"""How often each page asks the database: as often for many rows as for few, and seldom."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import Order
from market.prices import Timeframe
from signals.models import Signal
from tests import make

MOST = 12
Ask = Callable[[str], list[str]]


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
    waiting = make.signal("AAPL", timeframe="1h")
    waiting.opinion = [make.run(on) for on in (None, None, waiting, waiting, waiting, waiting)][-1]
    waiting.save()
    return waiting


@pytest.fixture
def ask(trader: Client) -> Ask:
    def asked(address: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            answer = trader.get(address)
        assert answer.status_code == 200, answer.content.decode()
        return [query["sql"] for query in caught.captured_queries]

    return asked


ADDRESSES = [
    "/",
    "/desk/update/",
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
    "/instruments/AAPL/opinions/",
    "/positions/",
    "/positions/MSFT/close/",
    "/strip/",
    "/scorecard/",
    "/away/",
    "/status/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_asks_seldom(world: Signal, ask: Ask, address: str) -> None:
    asked = address.format(pk=world.pk, run=world.opinion_id)
    ask(asked)  # what is read once per process, and the first look that is written down
    queries = ask(asked)
    assert len(queries) <= MOST, "\n".join(queries)


def test_the_first_look_at_a_signal_writes_it_down_and_asks_no_more(world: Signal, ask: Ask) -> None:
    ask("/")  # that somebody is here
    queries = ask(f"/signals/{world.pk}/")
    assert len([query for query in queries if query.startswith("INSERT")]) == 1
    assert len(queries) <= MOST, "\n".join(queries)
