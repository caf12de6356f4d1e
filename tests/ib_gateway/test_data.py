"""Contracts, quotes and history at the gateway, as the real client sees them."""

import math
from datetime import date, timedelta

import pytest
from ib_async import Contract, Stock, Ticker

from tests.ib_gateway.client import Client
from tests.ib_gateway.conftest import NOON
from tests.vendors import prices
from tests.vendors.ib_gateway import IBGateway
from tests.vendors.ib_gateway.history import Pace

AAPL = Client.stock("AAPL")


def subscribe(client: Client, data_type: int, symbol: str = "AAPL") -> Ticker:
    client.ib.reqMarketDataType(data_type)
    ticker = client.ib.reqMktData(client.stock(symbol))
    client.settle()
    return ticker


def daily(client: Client, duration: str = "5 D") -> list[object]:
    bars = client.run(client.ib.reqHistoricalDataAsync(AAPL, "", duration, "1 day", "TRADES", True))
    return [bar.date for bar in bars]


def test_details_tell_exchange_ticks_and_hours(client: Client) -> None:
    (details,) = client.run(client.ib.reqContractDetailsAsync(AAPL))
    assert details.contract is not None
    assert (details.contract.conId, details.contract.primaryExchange) == (265598, "NASDAQ")
    assert (details.minTick, details.marketRuleIds) == (0.01, "26,26")
    assert details.timeZoneId == "US/Eastern"
    hours = details.liquidHours.split(";")
    assert hours[:3] == ["20240702:0930-20240702:1600", "20240703:0930-20240703:1300", "20240704:CLOSED"]


def test_ticks_go_by_price(client: Client) -> None:
    (details,) = client.run(client.ib.reqContractDetailsAsync(Stock("SAP", "SMART", "EUR")))
    rule = client.run(client.ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0])))
    assert rule is not None
    assert [(step.lowEdge, step.increment) for step in rule] == [(0, 0.01), (100, 0.05), (200, 0.1)]


def test_a_symbol_of_two_currencies_is_two_contracts(client: Client) -> None:
    found = client.run(client.ib.reqContractDetailsAsync(Contract(symbol="SAP", secType="STK")))
    assert {details.contract.currency for details in found if details.contract} == {"USD", "EUR"}


def test_a_contract_that_is_not_known(client: Client) -> None:
    assert client.run(client.ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD"))) == []
    assert client.codes() == [200]


@pytest.mark.parametrize(("pattern", "symbols"), [("BRK", ["BRK B"]), ("berkshire", ["BRK B"]), ("zzz", [])])
def test_search_by_symbol_and_name(client: Client, pattern: str, symbols: list[str]) -> None:
    found = client.run(client.ib.reqMatchingSymbolsAsync(pattern)) or []
    assert [described.contract.symbol for described in found if described.contract] == symbols


def test_ticks_stream(gateway: IBGateway, client: Client) -> None:
    ticker = subscribe(client, 1)
    assert (ticker.marketDataType, ticker.volume) == (1, 1_250_000)
    gateway.quote("AAPL", bid="189.99", ask="190.01", last=190, volume=2_000_000)
    client.until(lambda: ticker.volume == 2_000_000)
    assert (ticker.bid, ticker.ask, ticker.last, ticker.bidSize) == (189.99, 190.01, 190, 300)
    client.ib.cancelMktData(AAPL)
    client.settle()
    assert client.codes() == []


@pytest.mark.parametrize(
    ("subscribed", "is_open", "asked", "given"),
    [(True, True, 1, 1), (True, False, 2, 2), (True, True, 3, 1), (False, True, 3, 3), (False, False, 4, 4)],
)
def test_data_come_as_they_can(
    gateway: IBGateway, client: Client, subscribed: bool, is_open: bool, asked: int, given: int
) -> None:
    gateway.market.is_open = is_open
    gateway.market.subscriptions = {} if subscribed else {"AAPL": 354}
    ticker = subscribe(client, asked)
    assert ticker.marketDataType == given
    assert ticker.bid > 0
    assert client.codes() == ([] if subscribed else [10167])


@pytest.mark.parametrize(
    ("missing", "delayed", "code"), [(354, True, 354), (10089, True, 10089), (354, False, 10168)]
)
def test_data_that_are_not_subscribed(
    gateway: IBGateway, client: Client, missing: int, delayed: bool, code: int
) -> None:
    gateway.market.subscriptions, gateway.market.has_delayed = {"AAPL": missing}, delayed
    assert math.isnan(subscribe(client, 1).bid)
    assert client.codes() == [code]


def test_another_session_takes_the_data(gateway: IBGateway, client: Client) -> None:
    ticker = subscribe(client, 1)
    gateway.take_market_data()
    gateway.quote("AAPL", last=1)
    subscribe(client, 1, "MSFT")
    assert client.codes() == [10197, 10197]
    assert ticker.last != 1


def test_a_hundred_lines_and_no_more(client: Client) -> None:
    client.requests.MaxRequests = 0
    for _ in range(101):
        client.requests.reqMktData(client.requests.getReqId(), AAPL, "", False, False, [])
    client.settle()
    assert client.codes() == [101]


def test_volumes_in_lots(gateway: IBGateway, client: Client) -> None:
    gateway.market.in_lots = True
    ticker = subscribe(client, 1)
    assert (ticker.volume, ticker.askSize) == (12_500, 5)


def test_daily_bars_carry_a_date(client: Client) -> None:
    assert daily(client, "3 D") == [date(2024, 6, 28), date(2024, 7, 1), date(2024, 7, 2)]


def test_intraday_bars_are_those_of_all_vendors(client: Client) -> None:
    bars = client.run(client.ib.reqHistoricalDataAsync(AAPL, "", "3600 S", "15 mins", "TRADES", True, 2))
    assert [f"{bar.date:%H:%M}" for bar in bars] == ["15:00", "15:15", "15:30", "15:45", "16:00"]
    expected = prices.bars("AAPL", timedelta(minutes=15), NOON - timedelta(hours=1), NOON)
    assert [bar.close for bar in bars] == [bar.close for bar in expected]


def test_the_same_again_within_15_seconds_breaks_the_pace(client: Client) -> None:
    assert daily(client)
    assert daily(client) == []
    assert client.codes() == [162]


@pytest.mark.parametrize(
    ("moments", "refused"),
    [
        ([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 1),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 0),
        ([n * 9.9 for n in range(61)], 1),
        ([n * 10.1 for n in range(61)], 0),
    ],
)
def test_the_pace_of_history(moments: list[float], refused: int) -> None:
    now = iter(moments)
    pace = Pace(lambda: next(now))
    share = IBGateway().shares[0]
    assert [pace.refuses(share, f"request {n}") for n in range(len(moments))].count(True) == refused


def test_no_data_for_a_weekend(client: Client) -> None:
    asked = client.ib.reqHistoricalDataAsync(AAPL, "20240630 20:00:00 UTC", "60 S", "1 min", "TRADES", True)
    assert list(client.run(asked)) == []
    assert client.codes() == [162]
