import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from market.models import Instrument, Quote
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/instrument/"


@pytest.fixture(autouse=True)
def watchlist(db: None) -> None:
    """Five instruments that trade round the clock, each doing differently."""
    at = timezone.now()
    make.instrument("TSLA", "24/7")
    make.only("AAPL", "MSFT", "NVDA", "AMD", calendar="24/7")
    Instrument.objects.filter(pk="AAPL").update(name="Apple")
    make.round_the_clock(at, days=3, ahead=400)
    make.quote("AAPL", 101.0, as_of=at - timedelta(seconds=30))
    make.quote("MSFT", 99.0, as_of=at - timedelta(hours=3))
    make.quote("AMD", 50.0, as_of=at)
    Instrument.objects.filter(pk="AMD").update(split_pending_since=at)
    make.candle("AAPL", f"{at - timedelta(days=1):%Y-%m-%d}", 100.0)
    make.candle("MSFT", f"{at - timedelta(days=2):%Y-%m-%d}", 100.0)


def cells(client: Client, symbol: str, query: str = "") -> dict[str, str]:
    """The words in one instrument's row, by column."""
    page = client.get(f"{LIST}?{query}").content.decode()
    (row,) = re.findall(rf"<tr>(?:(?!</tr>).)*/instruments/{symbol}/.*?</tr>", page, re.DOTALL)
    columns = re.findall(r'class="field-(\w+)[^"]*">(.*?)</t[dh]>', row, re.DOTALL)
    return {name: re.sub(r"<[^>]+>", "", text).strip() for name, text in columns}


def symbols(client: Client, query: str) -> list[str]:
    return [row.pk for row in client.get(f"{LIST}?{query}").context["cl"].result_list]


def act(client: Client, action: str, *symbols: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": symbols, "index": 0}, follow=True)


def messages_of(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_a_row_says_what_it_trades_at_since_when_and_from_whom(operator: Client) -> None:
    row = cells(operator, "AAPL")
    assert (row["price"], row["change"], row["percent"]) == ("101.00", "▲ +1.00", "▲ +1.00 %")
    assert (row["age"], row["source"], row["health"]) == ("30 s", "alpaca, live", "fresh")


def test_a_fall_is_told_by_arrow_and_sign_not_by_colour_alone(operator: Client) -> None:
    row = cells(operator, "MSFT")
    assert (row["change"], row["percent"], row["age"]) == ("▼ −1.00", "▼ −1.00 %", "3 h")  # noqa: RUF001  a minus


def test_an_instrument_without_a_quote_shows_no_figures(operator: Client) -> None:
    row = cells(operator, "NVDA")
    assert {row[name] for name in ("price", "change", "percent", "age", "source")} == {"–"}  # noqa: RUF001  a dash


def test_a_price_has_the_decimals_of_its_tick(operator: Client) -> None:
    Instrument.objects.filter(pk="AAPL").update(tick_size="0.0001")
    assert cells(operator, "AAPL")["price"] == "101.0000"


HEALTH = {
    "AAPL": "fresh",
    "MSFT": "stale",
    "NVDA": "no quote",
    "AMD": "split pending",
    "TSLA": "not watched",
}


@pytest.mark.parametrize("symbol", HEALTH)
def test_the_dot_and_the_filter_agree(operator: Client, symbol: str) -> None:
    assert cells(operator, symbol)["health"] == HEALTH[symbol]
    listed = symbols(operator, f"health={HEALTH[symbol]}")
    assert symbol in listed
    assert not set(listed) & (HEALTH.keys() - {symbol})


def test_it_is_found_by_provider_watchlist_and_name(operator: Client) -> None:
    Quote.objects.filter(pk="MSFT").update(provider="polygon")
    assert symbols(operator, "provider=polygon") == ["MSFT"]
    assert symbols(operator, "watched__exact=1") == ["AAPL", "AMD", "MSFT", "NVDA"]
    assert symbols(operator, "q=appl") == ["AAPL"]


def test_ten_thousand_instruments_take_as_many_queries_as_a_few(
    operator: Client, count_queries: CountQueries
) -> None:
    # who asks (2), what the filters offer (2), counts (2), the page, its quotes and changes (3)
    with count_queries("admin instruments"):
        assert "AAPL" in symbols(operator, "")
    at = timezone.now()
    names = [f"T{number:05}" for number in range(10_000)]
    Instrument.objects.bulk_create(Instrument(symbol=name, calendar="24/7") for name in names)
    Quote.objects.bulk_create(
        Quote(symbol=name, price=1.0, as_of=at, received_at=at, provider="alpaca", feed="live")
        for name in names
    )
    with count_queries("admin instruments"):
        assert len(symbols(operator, "p=7")) == 50
    with count_queries("admin instruments by health"):  # which are stale
        assert len(symbols(operator, "health=fresh")) == 50


def test_adding_to_the_watchlist_writes_down_who_and_what(operator: Client) -> None:
    page = act(operator, "watch", "TSLA", "AAPL")
    assert Instrument.objects.get(pk="TSLA").watched
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id, entry.get_change_message()) == (
        "operator",
        "TSLA",
        "Changed Watched.",
    )
    assert messages_of(page) == ["Added to the watchlist: 1. Their quotes come with the next cycle."]


def test_growing_beyond_what_the_provider_allows_is_warned_of(operator: Client, settings: Settings) -> None:
    settings.DATA_KIND, settings.PROVIDERS = "real", ["ib_bridge"]
    settings.IB_BRIDGE_URL, settings.CANDLE_TIMEFRAMES = "http://127.0.0.1:1", ["1m"]
    make.only("S1", "S2", "S3", "S4", "S5")
    make.instrument("S6", watched=False)
    assert len(messages_of(act(operator, "watch", "S6"))) == 2
    make.instrument("S7", watched=False)
    (_, warning) = messages_of(act(operator, "watch", "S7"))
    assert warning.startswith("7 instruments on 1m need 7.0 requests a minute; IB Bridge allows 6.0")


def test_removing_twice_is_the_same_as_once(operator: Client) -> None:
    for _ in range(2):
        act(operator, "unwatch", "AAPL")
    assert not Instrument.objects.get(pk="AAPL").watched
    assert LogEntry.objects.count() == 1


def test_backfill_now_queues_it_for_the_slow_cluster_and_says_so(operator: Client) -> None:
    page = act(operator, "backfill", "AAPL", "MSFT", "TSLA")
    queued = OrmQ.objects.get()
    assert (queued.key, queued.func(), queued.name()) == ("slow", "market.tasks.backfill", "market.backfill")
    assert queued.task["args"] == (["AAPL", "MSFT"],)
    assert {entry.object_id for entry in LogEntry.objects.all()} == {"AAPL", "MSFT"}
    left_out, backfill = messages_of(page)
    assert left_out.startswith("Left out, for they are not watched: 1.")
    assert backfill.startswith("Backfill queued: 2.")


def test_backfill_of_none_that_is_watched_queues_nothing(operator: Client) -> None:
    act(operator, "backfill", "TSLA")
    assert not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("action", ["watch", "unwatch", "backfill"])
def test_a_reader_may_do_none_of_it(reader: Client, action: str) -> None:
    act(reader, action, "AAPL", "TSLA")
    assert Instrument.objects.get(pk="AAPL").watched
    assert not Instrument.objects.get(pk="TSLA").watched
    assert not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


def entry(**values: str) -> dict[str, str]:
    usual = {"calendar": "24/7", "currency": "USD", "tick_size": "0.01", "kind": "unknown", "lot_size": "1"}
    return {"symbol": "IBM", "name": ""} | usual | values


def test_a_symbol_is_added_in_capitals(operator: Client) -> None:
    operator.post(f"{LIST}add/", entry(symbol=" brk.b ", currency="usd", watched="on"))
    added = Instrument.objects.get(pk="BRK.B")
    assert (added.currency, added.watched) == ("USD", True)
    assert json.loads(LogEntry.objects.get().change_message) == [{"added": {}}]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("symbol", "A PPL", "is no symbol"),
        ("symbol", "aapl", "already exists"),
        ("calendar", "NOWHERE", "no exchange calendar is called"),
        ("tick_size", "0", "instrument_tick_size_is_positive"),
        ("lot_size", "0", "instrument_lot_size_is_positive"),
    ],
)
def test_an_unfit_one_is_refused(operator: Client, field: str, value: str, complaint: str) -> None:
    before = Instrument.objects.count()
    page = operator.post(f"{LIST}add/", entry(**{field: value}))
    assert complaint in json.dumps(page.context["errors"])
    assert Instrument.objects.count() == before


def test_a_symbol_never_changes(operator: Client) -> None:
    operator.post(f"{LIST}AAPL/change/", entry(symbol="APPL", name="Apple Inc."))
    assert Instrument.objects.get(pk="AAPL").name == "Apple Inc."
    assert not Instrument.objects.filter(pk="APPL").exists()


def test_a_change_leaves_alone_what_ingestion_writes_meanwhile(operator: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        operator.post(f"{LIST}AAPL/change/", entry(name="Apple Inc."))
    (update,) = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "instruments"')]
    assert "split_pending_since" not in update


@pytest.mark.parametrize(("kind", "calendar"), [("simulated", "24/7"), ("real", "XNYS")])
def test_the_form_offers_the_hours_that_fit_the_data(
    operator: Client, settings: Settings, kind: str, calendar: str
) -> None:
    settings.DATA_KIND = kind
    assert operator.get(f"{LIST}add/").context["adminform"].form.initial["calendar"] == calendar


def test_a_symbol_with_a_slash_has_its_pages(operator: Client) -> None:
    make.instrument("BTC/USD", "24/7")
    page = operator.get(LIST).content.decode()
    assert "/instruments/BTC/USD/" in page
    for name in ("load", "change"):
        assert operator.get(f"{LIST}BTC_2FUSD/{name}/").status_code == 200
