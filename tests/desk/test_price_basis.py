"""A chart and its table show raw, split-adjusted or total-return prices, by plain links."""

import pytest
from django.test import Client

from market.models import Split
from tests import make

PAGE = "/instruments/AAPL/"


@pytest.fixture(autouse=True)
def aapl(db: None) -> None:
    """Closes of 100 and 99 around a dividend of 4 for an old share, split 4:1 afterwards."""
    make.only("AAPL")
    make.july_2024()
    make.candle("AAPL", "2024-07-01", 100.0)
    make.candle("AAPL", "2024-07-02", 99.0)
    make.candle("AAPL", "2024-07-03", 99.0)
    make.action(ex_date="2024-07-02", amount=4)
    Split.objects.create(symbol="AAPL", date="2024-07-03", ratio=4, source="alpaca", recorded_at=make.T0)


def closes(client: Client, query: str = "") -> list[float]:
    bars = client.get(f"{PAGE}bars/?timeframe=1d{query}").json()["bars"]
    return [round(bar["close"], 6) for bar in bars]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [100.0, 99.0, 99.0]),
        ("&prices=split", [100.0, 99.0, 99.0]),
        ("&prices=raw", [400.0, 396.0, 99.0]),
        ("&prices=total", [99.0, 99.0, 99.0]),  # 4 for an old share is 1 for one of today
    ],
)
def test_the_chart_draws_the_prices_that_are_asked_for(
    trader: Client, query: str, expected: list[float]
) -> None:
    assert closes(trader, query) == expected


def test_earlier_bars_are_on_the_same_basis(trader: Client) -> None:
    page = trader.get(f"{PAGE}?prices=total").content.decode()
    assert "timeframe=1d&amp;prices=total" in page
    assert "times (1 &minus; dividend / close before it)" in page
    assert 'aria-current="page">total return' in page


def test_the_table_without_scripts_shows_them_too(trader: Client) -> None:
    assert "396.00" in trader.get(f"{PAGE}?prices=raw").content.decode()


def test_a_dividend_without_a_close_before_it_is_left_out_and_said(trader: Client) -> None:
    make.candle("AAPL", "2024-06-03", 100.0, is_final=False)
    make.action(ex_date="2024-06-28", amount=1)
    page = trader.get(f"{PAGE}?prices=total").content.decode()
    assert "Left out for want of a daily close" in page


def test_a_withdrawn_dividend_is_not_in_it(trader: Client) -> None:
    make.action(ex_date="2024-07-03", amount=50, ended_at=make.T0)
    assert closes(trader, "&prices=total") == [99.0, 99.0, 99.0]


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}bars/"])
def test_prices_that_do_not_exist_are_not_found(trader: Client, address: str) -> None:
    assert trader.get(f"{address}?prices=magic").status_code == 404
