"""GET /api/v1/inbox/ and /api/v1/approvals/"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from signals.models import Signal
from tests import make
from tests.query_counts import CountQueries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


def waiting(now: datetime, symbol: str, minutes: int, **values: Any) -> Signal:
    return make.signal(symbol, expires_at=now + timedelta(minutes=minutes), **values)


def test_what_waits_is_listed_soonest_to_expire_first(trader: APIClient, now: datetime) -> None:
    later, sooner = waiting(now, "AAPL", 60), waiting(now, "MSFT", 5)
    rows = trader.get("/api/v1/inbox/").json()["results"]
    assert [row["signal"]["id"] for row in rows] == [str(sooner.pk), str(later.pk)]
    assert rows[1]["proposal"]["words"].startswith("Buys 107 AAPL")
    assert rows[0]["proposal"]["problems"] == ["There is no quote."]


def test_its_etag_is_the_signals(trader: APIClient, now: datetime) -> None:
    signal = waiting(now, "AAPL", 60)
    row = trader.get("/api/v1/inbox/").json()["results"][0]
    assert f'"{row["etag"]}"' == trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"]


def test_what_is_not_actionable_or_not_pending_is_not_in_it(trader: APIClient, now: datetime) -> None:
    apart = make.sell(expires_at=now + timedelta(hours=1))
    make.signal("MSFT", expires_at=now - timedelta(seconds=1))
    assert trader.get("/api/v1/inbox/").json()["results"] == []
    rows = trader.get("/api/v1/inbox/", {"actionable": "false"}).json()["results"]
    assert [row["signal"]["id"] for row in rows] == [str(apart.pk)]
    assert trader.get("/api/v1/inbox/", {"actionable": "maybe"}).status_code == 400


def test_a_longer_list_takes_no_more_queries(
    trader: APIClient, now: datetime, count_queries: CountQueries
) -> None:
    waiting(now, "AAPL", 60)
    with count_queries("GET /api/v1/inbox/"):
        trader.get("/api/v1/inbox/")
    for n in range(1, 6):
        waiting(now, "AAPL", 60, bar_opened_at=now, timeframe=f"{n}x", strategy_id=f"s{n}")
    with count_queries("GET /api/v1/inbox/"):
        assert len(trader.get("/api/v1/inbox/").json()["results"]) == 6


def test_decisions_are_listed_newest_first_and_filtered(trader: APIClient, now: datetime) -> None:
    for symbol, reason in (("AAPL", "news"), ("MSFT", "risk")):
        signal = waiting(now, symbol, 60)
        trader.post(f"/api/v1/signals/{signal.pk}/reject/", {"reason": reason})
    rows = trader.get("/api/v1/approvals/").json()["results"]
    assert [row["symbol"] for row in rows] == ["MSFT", "AAPL"]
    assert trader.get("/api/v1/approvals/", {"symbol": "AAPL"}).json()["count"] == 1
    assert trader.get("/api/v1/approvals/", {"user": "ben"}).json()["count"] == 0
    assert trader.get(f"/api/v1/approvals/{rows[0]['id']}/").json()["reason"] == "risk"


@pytest.mark.parametrize("query", [{"approved": "maybe"}, {"colour": "red"}, {"user": "\x00"}])
def test_a_filter_that_makes_no_sense_is_400(trader: APIClient, query: dict[str, str]) -> None:
    assert trader.get("/api/v1/approvals/", query).status_code == 400


@pytest.mark.parametrize("address", ["inbox", "approvals"])
def test_a_stranger_sees_nothing(stranger: APIClient, address: str) -> None:
    assert stranger.get(f"/api/v1/{address}/").status_code == 401
