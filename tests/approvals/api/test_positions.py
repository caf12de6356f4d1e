"""/api/v1/positions/ and /api/v1/account/"""

from datetime import datetime
from typing import Any

import pytest
from django_q.models import OrmQ
from rest_framework.test import APIClient

from approvals.models import AccountSnapshot, BrokerPosition, Order, TradingHalt
from market.ingestion import delistings
from tests import make
from tests.query_counts import CountQueries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

URL, ACCOUNT = "/api/v1/positions/", "/api/v1/account/"


def close(client: APIClient, symbol: str = "AAPL", body: Any = None) -> Any:
    return client.post(f"{URL}{symbol}/close/", body)


class TestList:
    def test_shows_what_is_held_with_what_protects_it(self, trader: APIClient) -> None:
        order = make.held("AAPL", 10, "184.60")
        (row,) = trader.get(URL).json()["results"]
        assert (row["symbol"], row["quantity"], row["foreign"]) == ("AAPL", 10, "0")
        assert (row["average_cost"], row["price"], row["value"]) == ("184.600000", "185.600000", "1856.00")
        assert (row["realised"], row["unrealised"], row["at_risk"]) == ("0.00", "10.00", "51.00")
        assert row["r"] == "0.24"  # 10.00 of the 41.00 that the stop at 180.50 was to lose
        (stop,) = row["exits"]
        assert (stop["order"], stop["stop_loss"], stop["take_profit"]) == (
            str(order.pk),
            "180.500000",
            "191.750000",
        )

    def test_shows_shares_of_others(self, trader: APIClient) -> None:
        BrokerPosition.objects.create(symbol="MSFT", quantity=-3, ours=0, average_cost=400, seen_at=make.T0)
        (row,) = trader.get(URL).json()["results"]
        assert (row["symbol"], row["quantity"], row["foreign"], row["value"]) == ("MSFT", 0, "-3", "1200.00")
        assert (row["price"], row["unrealised"], row["r"], row["opened_at"]) == (None, None, None, None)

    def test_says_of_what_has_no_stop_that_all_is_at_risk(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        Order.objects.update(exits_working=False)
        (row,) = trader.get(URL).json()["results"]
        assert (row["exits"], row["r"], row["at_risk"]) == ([], None, "1856.00")

    def test_says_how_many_shares_no_stop_guards(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        assert trader.get(URL).json()["results"][0]["unprotected"] == 0
        Order.objects.update(exits_working=False)
        assert trader.get(URL).json()["results"][0]["unprotected"] == 10

    def test_takes_as_many_queries_for_many_as_for_one(
        self, trader: APIClient, count_queries: CountQueries
    ) -> None:
        make.held("AAPL")
        with count_queries("GET /api/v1/positions/"):
            trader.get(URL)
        for n in range(5):
            make.held(f"S{n}")
        with count_queries("GET /api/v1/positions/"):
            assert trader.get(URL).json()["count"] == 6

    def test_nonsense_is_400(self, trader: APIClient) -> None:
        assert trader.get(URL, {"colour": "red"}).status_code == 400

    def test_a_stranger_sees_nothing(self, stranger: APIClient) -> None:
        assert stranger.get(URL).status_code == 401


class TestClose:
    def test_makes_an_order_and_says_where_it_is(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        answer = close(trader, body={"notes": "enough"})
        body = answer.json()
        assert (answer.status_code, body["kind"], body["quantity"]) == (202, "close", 10)
        assert (body["side"], body["status"], body["signal"]) == ("SELL", "pending_submit", None)
        assert trader.get(answer["Location"]).json()["decisions"][0]["notes"] == "enough"
        assert OrmQ.objects.count() == 1

    def test_is_whole_and_in_any_spelling(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        assert close(trader, "aapl").json()["quantity"] == 10

    def test_works_under_a_halt(self, trader: APIClient, now: datetime) -> None:
        make.held("AAPL", 10)
        TradingHalt.objects.create(cause="person", reason="enough", started_at=now)
        assert close(trader).status_code == 202

    def test_twice_is_409_and_once(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        close(trader)
        answer = close(trader)
        assert (answer.status_code, OrmQ.objects.count()) == (409, 1)
        assert "being closed already" in answer.json()["detail"]

    def test_at_a_price_is_for_delisted_shares(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        body = {"price": "12.5", "notes": "by the plan"}
        assert "AAPL trades" in close(trader, body=body).json()["detail"]
        make.action(ex_date="2024-07-03", kind="delisting")
        delistings.follow_due(make.T0)
        assert close(trader, body=body).json()["settlement_price"] == "12.500000"

    def test_of_another_number_than_was_shown_is_409(self, trader: APIClient) -> None:
        make.held()
        refused = close(trader, body={"shown": 12})
        assert (refused.status_code, "the page said 12" in refused.json()["detail"]) == (409, True)
        assert close(trader, body={"shown": 10}).status_code == 202

    def test_of_nothing_is_409(self, trader: APIClient) -> None:
        assert close(trader).status_code == 409

    def test_of_what_nobody_knows_is_404(self, trader: APIClient) -> None:
        assert close(trader, "ODD").status_code == 404
        assert close(trader, "%00").status_code == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"quantity": 3}, "quantity"),
            ({"notes": "\x00"}, "notes"),
            ({"price": -1}, "price"),
            ({"on": "2024-07-03"}, "price"),
        ],
    )
    def test_a_body_that_makes_no_sense_is_400(self, trader: APIClient, body: Any, field: str) -> None:
        make.held("AAPL", 10)
        answer = close(trader, body=body)
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, [field])
        assert not OrmQ.objects.exists()

    def test_a_stranger_may_not(self, stranger: APIClient, reader: APIClient) -> None:
        make.held("AAPL", 10)
        assert close(stranger).status_code == 401
        assert close(reader).status_code == 403
        assert not OrmQ.objects.exists()


class TestAccount:
    def test_shows_figures_beside_their_limits(self, trader: APIClient) -> None:
        make.held("AAPL", 10)
        body = trader.get(ACCOUNT).json()
        assert (body["account"]["equity"], body["account"]["currency"]) == ("100000.00", "USD")
        assert body["exposure"] == {
            "capital": "100000.00",
            "buying_power": "100000.00",
            "gross": {"now": "1856.00", "limit": "100000.00"},
            "open_risk": {"now": "51.00", "limit": "5000.00"},
            "positions": {"now": 1, "limit": 10},
            "day_result": {"now": "0.00", "limit": "-3000.00"},
            "week_result": {"now": "0.00", "limit": "-6000.00"},
            "strategy": "100000.00",
            "group": "40000.00",
            "risk_per_trade": "1000.00",
            "position": "20000.00",
        }
        assert (body["unknown"], body["halted"], body["obstacle"]) == ("", "", "")
        assert body["realised_today"] == "0.00"

    def test_says_when_it_is_not_known_and_why_nothing_goes(self, trader: APIClient, now: datetime) -> None:
        AccountSnapshot.objects.all().delete()
        TradingHalt.objects.create(cause="person", reason="enough", started_at=now)
        body = trader.get(ACCOUNT).json()
        assert (body["account"], body["exposure"]) == (None, None)
        assert "not seen for three minutes" in body["unknown"]
        assert body["obstacle"] == body["halted"]
        assert body["halted"].endswith("enough")

    def test_takes_always_as_many_queries(self, trader: APIClient, count_queries: CountQueries) -> None:
        make.held("AAPL")
        with count_queries("GET /api/v1/account/"):
            trader.get(ACCOUNT)
        for n in range(5):
            make.instrument(f"S{n}", "24/7")
            make.held(f"S{n}")
        with count_queries("GET /api/v1/account/"):
            assert trader.get(ACCOUNT).json()["exposure"]["positions"]["now"] == 6

    def test_nonsense_is_400(self, trader: APIClient) -> None:
        assert trader.get(ACCOUNT, {"colour": "red"}).status_code == 400

    def test_a_stranger_sees_nothing(self, stranger: APIClient) -> None:
        assert stranger.get(ACCOUNT).status_code == 401


class TestProtect:
    @pytest.fixture(autouse=True)
    def _bare(self, desk: Any, settings: Any) -> None:
        settings.BROKER = "tests.approvals.broker.client:SPEC"
        make.held("AAPL", 10, "184.60")
        Order.objects.update(exits_working=False)

    def protect(self, client: APIClient, **body: str) -> Any:
        return client.post(f"{URL}AAPL/protect/", {"stop_loss": "181.00", "notes": "it was gone"} | body)

    def test_puts_a_stop_back(self, trader: APIClient) -> None:
        answer = self.protect(trader, take_profit="192.00")
        assert answer.status_code == 202, answer.json()
        order = Order.objects.protections().get()
        assert (order.quantity, str(order.stop_loss), order.status) == (10, "181.000000", "pending_submit")
        assert answer.json()["kind"] == "protect"
        assert OrmQ.objects.count() == 1

    def test_refuses_a_second_one(self, trader: APIClient) -> None:
        self.protect(trader)
        answer = self.protect(trader)
        assert (answer.status_code, Order.objects.protections().count()) == (409, 1)
        assert "on its way already" in answer.json()["detail"]

    def test_refuses_a_stop_beyond_the_price(self, trader: APIClient) -> None:
        assert self.protect(trader, stop_loss="185.60").status_code == 409

    def test_is_possible_under_halt(self, trader: APIClient) -> None:
        TradingHalt.objects.create(cause="person", reason="enough", started_at=make.T0)
        assert self.protect(trader).status_code == 202

    def test_a_reader_may_not(self, reader: APIClient) -> None:
        assert self.protect(reader).status_code == 403
        assert not Order.objects.protections().exists()
