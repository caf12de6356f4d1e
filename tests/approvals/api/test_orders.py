"""/api/v1/orders/ and /api/v1/fills/"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django_q.models import OrmQ
from rest_framework.test import APIClient

from approvals.models import Fill, Order, OrderDecision
from tests import make
from tests.query_counts import CountQueries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

URL, FILLS = "/api/v1/orders/", "/api/v1/fills/"
NOBODY = f"{URL}00000000-0000-0000-0000-000000000000/"
DAY = timedelta(days=1)


def listed(client: APIClient, query: str = "", url: str = URL) -> list[str]:
    return [row["symbol"] for row in client.get(f"{url}?{query}").json()["results"]]


def act(client: APIClient, order: Order, name: str, body: Any = None) -> Any:
    return client.post(f"{URL}{order.pk}/{name}/", body)


class TestList:
    @pytest.fixture
    def three(self) -> None:
        """Of three days: an entry, an older closing, and an entry that was filled before."""
        make.only("AAPL", "MSFT", "TSLA", calendar="24/7")
        make.order("AAPL", status="held")
        make.order("MSFT", kind="close", side="SELL", created_at=make.T0 - DAY)
        make.order("TSLA", status="filled", created_at=make.T0 - 2 * DAY)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["AAPL", "MSFT", "TSLA"]),
            ("status=held", ["AAPL"]),
            ("status=held,filled", ["AAPL", "TSLA"]),
            ("status=rejected", []),
            ("symbol=msft", ["MSFT"]),
            ("symbol=MSFT,AAPL", ["AAPL", "MSFT"]),
            ("kind=close", ["MSFT"]),
            ("side=BUY", ["AAPL", "TSLA"]),
            ("created_after=2024-07-02T14:00:00Z", ["AAPL", "MSFT"]),
            ("created_before=2024-07-02T14:00:00Z", ["TSLA"]),
            ("ordering=created_at", ["TSLA", "MSFT", "AAPL"]),
            ("ordering=-symbol", ["TSLA", "MSFT", "AAPL"]),
            ("limit=1&offset=1", ["MSFT"]),
        ],
    )
    @pytest.mark.usefixtures("three")
    def test_is_filtered_and_ordered(self, trader: APIClient, query: str, expected: list[str]) -> None:
        assert listed(trader, query) == expected

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("status=gone", "status"),
            ("status=held,gone", "status"),
            ("status=held,", "status"),
            ("status=held&status=filled", "status"),
            ("symbol=%00", "symbol"),
            ("status=%00", "status"),
            ("kind=%00", "kind"),
            ("side=LONG", "side"),
            ("created_after=yesterday", "created_after"),
            ("ordering=quantity", "ordering"),
            ("colour=red", "colour"),
            ("limit=0", "limit"),
        ],
    )
    def test_nonsense_is_400_and_names_the_parameter(self, trader: APIClient, query: str, field: str) -> None:
        answer = trader.get(f"{URL}?{query}")
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, [field])

    def test_a_symbol_that_is_not_there_is_422(self, trader: APIClient) -> None:
        answer = trader.get(f"{URL}?symbol=ODD")
        assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["symbol"])

    def test_takes_as_many_queries_for_many_as_for_one(
        self, trader: APIClient, count_queries: CountQueries
    ) -> None:
        make.order("AAPL")
        with count_queries("GET /api/v1/orders/"):
            trader.get(URL)
        for _ in range(5):
            make.order("AAPL", status="cancelled")
        with count_queries("GET /api/v1/orders/"):
            assert len(listed(trader)) == 6

    def test_a_stranger_sees_nothing(self, stranger: APIClient) -> None:
        assert stranger.get(URL).status_code == 401


class TestOne:
    def test_says_what_was_ordered_and_what_stands_behind_it(self, trader: APIClient) -> None:
        order = make.order("AAPL", status="held", status_reason="the feed was away")
        answer = trader.get(f"{URL}{order.pk}/")
        order.refresh_from_db()
        body = answer.json()
        assert (body["id"], body["limit_price"], body["risk"]) == (str(order.pk), "185.500000", "50.00")
        assert (body["status"], body["status_reason"]) == ("held", "the feed was away")
        assert order.approval is not None
        assert (body["signal"], body["requested_by"]) == (str(order.approval.signal_id), "ann")
        assert (body["fills"], body["decisions"], body["history"]) == ([], [], [])
        assert answer["ETag"] == f'"{body["etag"]}"' == f'"{order.fingerprint()}"'

    def test_has_its_fills_decisions_and_history(self, trader: APIClient) -> None:
        order = make.order("AAPL", status="submitted")
        make.fill(order, 4, "185.40", commission=Decimal(1))
        act(trader, order, "cancel", {"notes": "changed my mind"})
        body = trader.get(f"{URL}{order.pk}/").json()
        assert [(fill["quantity"], fill["price"]) for fill in body["fills"]] == [("4", "185.400000")]
        assert [(decision["action"], decision["notes"]) for decision in body["decisions"]] == [
            ("cancel", "changed my mind")
        ]
        assert [event["kind"] for event in body["history"]] == ["order cancel requested"]

    def test_takes_as_many_queries_for_many_fills_as_for_one(
        self, trader: APIClient, count_queries: CountQueries
    ) -> None:
        order = make.order("AAPL", status="submitted")
        make.fill(order, 1)
        with count_queries("GET /api/v1/orders/{id}/"):
            trader.get(f"{URL}{order.pk}/")
        for _ in range(5):
            make.fill(order, 1)
        with count_queries("GET /api/v1/orders/{id}/"):
            assert len(trader.get(f"{URL}{order.pk}/").json()["fills"]) == 6

    def test_unknown_is_404(self, trader: APIClient) -> None:
        assert trader.get(NOBODY).status_code == 404
        assert trader.post(f"{NOBODY}cancel/").status_code == 404
        assert trader.post(f"{NOBODY}drop/").status_code == 404


class TestCancel:
    def test_ends_an_order_that_was_not_sent(self, trader: APIClient) -> None:
        answer = act(trader, make.order(status="waiting_open"), "cancel", {"notes": "no"})
        body = answer.json()
        assert (answer.status_code, body["status"]) == (200, "cancelled")
        assert body["status_reason"] == "Cancelled by ann."

    def test_asks_the_broker_for_one_that_was(self, trader: APIClient) -> None:
        body = act(trader, make.order(status="submitted"), "cancel").json()
        assert (body["status"], OrmQ.objects.count()) == ("submitted", 1)
        assert body["cancel_requested_at"] is not None

    def test_twice_is_409_and_once(self, trader: APIClient) -> None:
        order = make.order(status="submitted")
        act(trader, order, "cancel")
        answer = act(trader, order, "cancel")
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("It is being cancelled since")
        assert (OrmQ.objects.count(), OrderDecision.objects.count()) == (1, 1)

    def test_takes_a_stop_away_only_when_told_to(self, trader: APIClient) -> None:
        order = make.held("AAPL")
        Order.objects.update(submitted_at=make.T0)
        assert act(trader, order, "cancel").status_code == 409
        assert act(trader, order, "cancel", {"exits": True}).status_code == 200

    @pytest.mark.parametrize(
        ("body", "field"),
        [({"by": "ben"}, "by"), ({"notes": "\x00"}, "notes"), ({"exits": "perhaps"}, "exits"), ([1], "body")],
    )
    def test_a_body_that_makes_no_sense_is_400(self, trader: APIClient, body: Any, field: str) -> None:
        order = make.order()
        answer = act(trader, order, "cancel", body)
        assert answer.status_code == 400
        assert field == "body" or field in answer.json()["errors"]
        assert not OrderDecision.objects.exists()


class TestDrop:
    def test_ends_a_held_order(self, trader: APIClient) -> None:
        answer = act(trader, make.order(status="held"), "drop")
        assert (answer.status_code, answer.json()["status_reason"]) == (200, "Dropped by ann.")

    def test_twice_is_409_and_once(self, trader: APIClient) -> None:
        order = make.order(status="held")
        act(trader, order, "drop")
        answer = act(trader, order, "drop")
        assert (answer.status_code, OrderDecision.objects.count()) == (409, 1)
        assert answer.json()["detail"].startswith("It was dropped already, by ann at")


@pytest.mark.parametrize("name", ["cancel", "drop"])
def test_a_stranger_may_not(stranger: APIClient, reader: APIClient, name: str) -> None:
    order = make.order(status="held")
    assert act(stranger, order, name).status_code == 401
    assert act(reader, order, name).status_code == 403
    order.refresh_from_db()
    assert order.status == "held"


class TestFills:
    @pytest.fixture
    def three(self) -> Order:
        """A purchase, a stop the day before and one that nobody here caused, the day before that."""
        make.only("AAPL", "MSFT", "TSLA", calendar="24/7")
        order = make.order("AAPL")
        make.fill(order)
        make.fill(order, leg="stop", side="SELL", symbol="MSFT", executed_at=make.T0 - DAY)
        values = {"leg": "entry", "side": "BUY", "symbol": "TSLA", "broker": "paper", "price": 1}
        instants = {"executed_at": make.T0 - 2 * DAY, "recorded_at": make.T0}
        Fill.objects.create(order=None, execution_id="odd", quantity=1, **values, **instants)
        return order

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["AAPL", "MSFT", "TSLA"]),
            ("symbol=AAPL", ["AAPL"]),
            ("ours=true", ["AAPL", "MSFT"]),
            ("ours=false", ["TSLA"]),
            ("leg=stop", ["MSFT"]),
            ("side=SELL", ["MSFT"]),
            ("executed_after=2024-07-03", ["AAPL"]),
            ("executed_before=2024-07-02", ["TSLA"]),
        ],
    )
    @pytest.mark.usefixtures("three")
    def test_are_filtered(self, trader: APIClient, query: str, expected: list[str]) -> None:
        assert listed(trader, query, FILLS) == expected

    def test_of_one_order(self, trader: APIClient, three: Order) -> None:
        assert listed(trader, f"order={three.pk}", FILLS) == ["AAPL", "MSFT"]

    @pytest.mark.parametrize("query", ["order=1", "ours=perhaps", "leg=arm", "symbol=%00", "order=%00"])
    def test_nonsense_is_400(self, trader: APIClient, query: str) -> None:
        assert trader.get(f"{FILLS}?{query}").status_code == 400

    @pytest.mark.usefixtures("three")
    def test_take_as_many_queries_for_many_as_for_one(
        self, trader: APIClient, count_queries: CountQueries
    ) -> None:
        with count_queries("GET /api/v1/fills/"):
            assert len(listed(trader, url=FILLS)) == 3

    def test_one_is_at_its_own_address(self, trader: APIClient) -> None:
        fill = make.fill(make.order("AAPL"))
        assert trader.get(f"{FILLS}{fill.pk}/").json()["execution_id"] == fill.execution_id
        assert trader.delete(f"{FILLS}{fill.pk}/").status_code in (403, 405)

    def test_a_stranger_sees_nothing(self, stranger: APIClient) -> None:
        assert stranger.get(FILLS).status_code == 401
