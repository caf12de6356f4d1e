"""The list of candles: of one symbol by the table's key, of all only the suspect ones."""

import pytest
from django.db import connection
from django.test import Client

from market.models import Candle
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/candlerow/"


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    make.only("AAPL", "MSFT")
    for day in range(1, 8):
        make.candle("AAPL", f"2024-06-{day:02}", 100.0 + day)
        make.candle("MSFT", f"2024-06-{day:02}", 400.0, provider="polygon", feed="delayed", revisions=day % 2)
    Candle.objects.filter(symbol="MSFT", opened_at__day=4).update(suspect=True)


def listed(client: Client, query: str = "", **filters: str) -> list[str]:
    page = client.get(LIST, {"q": query} | filters)
    rows = page.context["cl"].result_list
    return [f"{row.symbol} {row.opened_at:%d}" for row in rows]


def test_a_symbol_names_its_bars_newest_first(reader: Client) -> None:
    assert listed(reader, "aapl") == [f"AAPL 0{day}" for day in range(7, 0, -1)]


def test_days_narrow_it(reader: Client) -> None:
    assert listed(reader, "AAPL 2024-06-03 2024-06-05") == ["AAPL 05", "AAPL 04", "AAPL 03"]
    assert listed(reader, "AAPL 2024-06-06") == ["AAPL 07", "AAPL 06"]


@pytest.mark.parametrize("query", ["AAPL yesterday", "AAPL 2024-13-45", "AAPL 0001-01-01 9999-12-31"])
def test_what_is_no_day_narrows_nothing(reader: Client, query: str) -> None:
    assert len(listed(reader, query)) == 7


def test_without_a_symbol_all_that_is_suspect_is_listed(reader: Client) -> None:
    assert listed(reader) == ["MSFT 04"]


@pytest.mark.parametrize(
    ("filters", "days"),
    [
        ({"state": "revised"}, "7531"),
        ({"state": "suspect"}, "4"),
        ({"provider": "alpaca"}, ""),
        ({"provider": "polygon", "feed": "delayed", "timeframe": "1d", "session": "regular"}, "7654321"),
        ({"timeframe": "15m"}, ""),
        ({"state": "nonsense", "provider": "nobody"}, "7654321"),
    ],
)
def test_filters(reader: Client, filters: dict[str, str], days: str) -> None:
    assert listed(reader, "MSFT", **filters) == [f"MSFT 0{day}" for day in days]


def test_each_bar_leads_to_its_page(operator: Client, count_queries: CountQueries) -> None:
    with count_queries("admin candles"):
        page = operator.get(LIST, {"q": "AAPL"}).content.decode()
    assert "/admin/market/reviewitem/bar_3AAAPL_3A1d_3A1717718400/change/" in page


def test_a_page_is_read_backwards_from_the_key() -> None:
    rows = Candle.objects.filter(symbol="AAPL").order_by("-symbol", "-timeframe", "-opened_at")[:50]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    assert "Index Scan Backward" in rows.explain()


def test_who_may_not_read_candles_sees_none(clerk: Client) -> None:
    assert clerk.get(LIST).status_code == 403
