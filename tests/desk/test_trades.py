"""The page of closed trades, and its files."""

import csv
import io
from collections.abc import Iterator
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Charge
from approvals.positions import trades
from tests import make
from tests.approvals.positions.trades.rows import HOUR, LATER, closed, entry, leave
from tests.make import T0


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=LATER):
        yield


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT")


def page(client: Client, query: str = "") -> str:
    return client.get(f"/trades/{query}").content.decode()


def table(client: Client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(address).content.decode())))


def test_without_a_trade_it_says_when_there_will_be_one(trader: Client) -> None:
    assert "No closed trade" in page(trader)


def test_what_a_trade_made_and_why(trader: Client) -> None:
    closed()
    html = page(trader)
    for expected in ("10 <a", "▲ +60.00", "▲ +1.09", "+1.20 planned", "target", "approved by ann", "60 min"):
        assert expected in html, expected


def test_what_all_made_together(trader: Client) -> None:
    closed()
    closed("183", at=T0 + 3 * HOUR, symbol="MSFT")
    html = page(trader)
    for expected in ("2 trades in USD", "1 of 2, 50 %", "▲ +30.00", "2.00"):
        assert expected in html, expected


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?symbol=aa", 1),
        ("?symbol=X", 0),
        ("?side=SELL", 0),
        ("?exit=target", 2),
        ("?exit=stop", 0),
        ("?since=2024-07-03", 2),
        ("?since=2024-07-04", 0),
        ("?until=2024-07-03", 2),
        ("?until=2024-07-02", 0),
        ("?strategy=nonsense&since=nonsense", 2),
    ],
)
def test_filters(trader: Client, query: str, count: int) -> None:
    closed()
    closed("183", symbol="MSFT")
    assert page(trader, query).count('id="trade-') == count
    assert len(table(trader, f"/trades/export/{query}")) == count


def test_the_file_of_trades(trader: Client) -> None:
    closed()
    (row,) = table(trader, "/trades/export/")
    assert {name: row[name] for name in ("symbol", "side", "quantity", "net", "r", "exit", "decided_by")} == {
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": "10",
        "net": "60",
        "r": "1.0909",
        "exit": "target",
        "decided_by": "ann",
    }


def test_the_tax_lots_of_a_year(trader: Client) -> None:
    leave(entry(), "183", T0 + HOUR)
    again = entry(4, "184", T0 + 2 * HOUR)
    trades.refresh(LATER)
    (row,) = table(trader, "/trades/tax-lots/?year=2024&method=fifo&washes=on")
    shown = (
        "symbol",
        "quantity",
        "acquired",
        "sold",
        "proceeds",
        "basis",
        "adjustment_code",
        "adjustment",
        "gain",
    )
    assert [row[name] for name in shown] == [
        *("AAPL", "10", "2024-07-03", "2024-07-03", "1830.00", "1860.00", "W", "12.00", "-18.00"),
    ]
    assert table(trader, "/trades/tax-lots/?year=2023&method=fifo") == []
    leave(again, "186", T0 + 3 * HOUR)
    trades.refresh(LATER)
    lots = table(trader, "/trades/tax-lots/?year=2024&method=fifo&washes=on")
    assert [(lot["basis"], lot["gain"]) for lot in lots] == [("1860.00", "-18.00"), ("748.00", "-4.00")]


def test_last_in_first_out_is_another_result(trader: Client) -> None:
    entry(price="186")
    leave(entry(price="190", at=T0 + HOUR), "192", T0 + 2 * HOUR)
    sold = {
        method: [(lot["basis"], lot["gain"]) for lot in table(trader, f"/trades/tax-lots/?method={method}")]
        for method in ("fifo", "lifo")
    }
    assert sold == {"fifo": [("1860.00", "60.00")], "lifo": [("1900.00", "20.00")]}


def test_lots_of_nonsense_are_refused(trader: Client) -> None:
    answer = trader.get("/trades/tax-lots/?year=last&method=best")
    assert (answer.status_code, "year" in answer.content.decode()) == (400, True)


def test_it_says_which_commission_is_not_known(trader: Client) -> None:
    leave(entry(), "192", T0 + HOUR, commission_unknown="The broker has not told it yet.")
    trades.refresh(LATER)
    html = page(trader)
    assert "commission not yet known of 1 of 2 fills" in html
    assert "not yet known of 1 trade, whose net is without it" in html


def test_charges_are_listed_by_kind_and_in_a_file(trader: Client) -> None:
    at = {"at": T0, "recorded_at": T0}
    row = Charge(
        broker="paper", charge_id="C1", kind="interest", amount=-3, currency="USD", what="Debit", **at
    )
    row.save()
    html = page(trader)
    assert "Interest" in html
    assert "3.00 USD" in html
    (line,) = table(trader, "/trades/charges/")
    assert (line["kind"], line["amount"], line["what"]) == ("interest", "-3", "Debit")
    assert page(trader, "?since=2024-07-04").count("Interest") == 0
