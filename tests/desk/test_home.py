"""The desk: the watchlist, what waits, what is held, and its update."""

import re
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from desk.home import line_points
from market.models import Instrument, Quote
from tests import make


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 186.0)
    make.candle("AAPL", "2024-07-02", 185.0)


def row(html: str, symbol: str) -> str:
    return html.split(f'id="row-{symbol}"')[1].split("</tr>")[0]


def test_a_row_says_price_change_range_and_age(trader: Client) -> None:
    make.history("AAPL", [184.0, 185.0, 187.5])
    html = row(trader.get("/").content.decode(), "AAPL")
    for expected in ("186.00", "▲ +0.54 %", "184.00 to 187.50", "<polyline", "data-since="):
        assert expected in html, expected


def test_bars_of_the_day_before_are_no_part_of_the_range(trader: Client) -> None:
    make.history("AAPL", [100.0, 110.0], until=make.T0 - timedelta(hours=18))
    html = row(trader.get("/").content.decode(), "AAPL")
    assert "– to –" in html  # noqa: RUF001  a dash, where a figure could be


def test_an_instrument_without_a_quote_says_so(trader: Client) -> None:
    assert "no quote yet" in row(trader.get("/").content.decode(), "MSFT")


def test_a_quote_that_is_too_old_is_called_stale(trader: Client) -> None:
    Quote.objects.update(as_of=make.T0 - timedelta(minutes=20))
    assert "stale" in row(trader.get("/").content.decode(), "AAPL")


def test_a_doubtful_price_a_crossed_book_and_a_halt_are_shown(trader: Client) -> None:
    states = {"doubt": "outside_book", "doubtful_price": 1860.0, "doubtful_as_of": make.T0}
    Quote.objects.update(**states, bid=186.1, ask=186.0, halt="news is pending")
    for page in ("/", "/instruments/AAPL/"):
        html = trader.get(page).content.decode()
        for state in (
            "doubtful: 1,860.00 is far outside its own bid and ask",
            "crossed: the bid is above the ask",
            "halted: news is pending",
        ):
            assert state in html, (page, state)


def test_what_waits_and_what_is_held_stand_beside(trader: Client) -> None:
    signal = make.signal("MSFT")
    make.held("AAPL")
    html = trader.get("/").content.decode()
    assert f'href="/signals/{signal.pk}/"' in html
    assert '<span class="state">works' in html
    assert "▲ +5.00" in html


def test_what_can_only_be_measured_does_not_wait_for_anybody(trader: Client) -> None:
    make.held("AAPL")
    make.sell("MSFT"), make.sell("AAPL", timeframe="15m"), make.sell("MSFT", timeframe="1h")
    html = trader.get("/").content.decode()
    assert len(re.findall(r'<a href="/signals/[\w-]{36}/">AAPL', html)) == 1
    assert not re.search(r'<a href="/signals/[\w-]{36}/">MSFT', html)
    assert "2 to measure only</a>" in html
    assert 'id="waiting-count">1<' in html


def test_when_selling_short_is_on_every_signal_waits(trader: Client, settings: Settings) -> None:
    settings.ALLOW_SHORT = True
    make.sell("MSFT")
    html = trader.get("/").content.decode()
    assert re.search(r'<a href="/signals/[\w-]{36}/">MSFT', html)
    assert "to measure only" not in html
    assert 'id="waiting-count">1<' in html


def test_it_can_be_searched(trader: Client) -> None:
    html = trader.get("/", {"search": "ms"}).content.decode()
    assert "row-MSFT" in html
    assert "row-AAPL" not in html
    assert "Nothing watched begins with “zz”" in trader.get("/", {"search": "zz"}).content.decode()


def test_many_instruments_are_shown_by_the_page(trader: Client) -> None:
    Instrument.objects.bulk_create(Instrument(symbol=f"B{n:03}", calendar="XNYS") for n in range(60))
    assert "1 to 40 of 62" in trader.get("/").content.decode()
    assert "41 to 62 of 62" in trader.get("/", {"page": "2"}).content.decode()


def test_a_line_fills_its_drawing() -> None:
    assert line_points([1.0, 3.0, 2.0]) == "0.0,23.0 48.0,1.0 96.0,12.0"
    assert line_points([1.0]) == ""
    assert line_points([2.0, 2.0]) == "0.0,23.0 96.0,23.0"


def test_it_is_narrowed_to_a_watchlist_in_its_order(trader: Client) -> None:
    make.instrument("NVDA")
    listed = make.watchlist("Tech", "NVDA", "AAPL")
    html = trader.get(f"/?list={listed.pk}").content.decode()
    assert re.findall(r'id="row-(\w+)"', html) == ["NVDA", "AAPL"]
    assert f'<option value="{listed.pk}" selected>' in html
    assert f"/?list={listed.pk}" in html.split("data-refresh=")[1][:40]
    everything = trader.get("/?list=999").content.decode()
    assert re.findall(r'id="row-(\w+)"', everything) == ["AAPL", "MSFT", "NVDA"]
