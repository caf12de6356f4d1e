"""GET .../proposal/, POST .../approve/ and .../reject/ of a signal, POST .../release/ of an order."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from approvals.models import Order, SignalView, TradeApproval
from market.models import Quote
from signals.models import Signal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


@pytest.fixture
def signal(now: datetime) -> Signal:
    return make.signal(expires_at=now + timedelta(hours=1))


def url(signal: Signal, act: str) -> str:
    return f"/api/v1/signals/{signal.pk}/{act}/"


def approve(client: APIClient, signal: Signal, body: Any = None, seen: str | None = None) -> Any:
    etag = seen or client.get(f"/api/v1/signals/{signal.pk}/")["ETag"]
    return client.post(url(signal, "approve"), body, headers={"If-Match": etag})


def test_a_proposal_says_what_approving_would_do(trader: APIClient, signal: Signal) -> None:
    answer = trader.get(url(signal, "proposal"))
    body = answer.json()
    assert (body["does"], body["quantity"], body["limit_price"]) == ("opens long", 107, "186.220000")
    assert (body["problems"], body["risk"]) == ([], "612.04")
    assert body["words"].startswith("Buys 107 AAPL now at 186.22 or better")
    assert answer["ETag"] == trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"]


def test_the_first_look_of_each_person_is_written_down_once(trader: APIClient, signal: Signal) -> None:
    trader.get(url(signal, "proposal"))
    trader.get(url(signal, "proposal"))
    assert SignalView.objects.get().user.username == "ann"


def test_a_proposal_can_be_asked_for_with_changes(trader: APIClient, signal: Signal) -> None:
    body = trader.get(url(signal, "proposal"), {"quantity": "5", "stop_loss": "183"}).json()
    assert (body["quantity"], body["stop_loss"], body["problems"]) == (5, "183.000000", [])
    assert trader.get(url(signal, "proposal"), {"quantity": "many"}).status_code == 400


def test_an_approval_answers_with_the_decision_and_its_order(trader: APIClient, signal: Signal) -> None:
    answer = approve(trader, signal, {"quantity": 5, "notes": "small"})
    body = answer.json()
    assert (answer.status_code, body["approved_by"], body["decided"]["quantity"]) == (201, "ann", 5)
    assert (body["order"], body["order_status"]) == (str(Order.objects.get().pk), "pending_submit")
    assert TradeApproval.objects.get().modification_notes == "small"


def test_what_was_shown_is_what_is_ordered(trader: APIClient, signal: Signal) -> None:
    shown = trader.get(url(signal, "proposal")).json()["shown"]
    Quote.objects.update(price=F("price") + 1)
    refused = approve(trader, signal, {"shown": shown})
    assert (refused.status_code, "something else now" in refused.json()["detail"]) == (409, True)
    assert not Order.objects.exists()
    assert approve(trader, signal, {"shown": refused.json()["proposal"]["shown"]}).status_code == 201


def test_the_etag_of_the_signal_and_of_the_proposal_both_count(trader: APIClient, signal: Signal) -> None:
    etag = trader.get(url(signal, "proposal"))["ETag"]
    assert approve(trader, signal, seen=f"W/{etag}").status_code == 201


@pytest.mark.parametrize("sent", [{}, {"If-Match": "*"}, {"If-Match": ""}])
def test_without_a_version_it_is_428(trader: APIClient, signal: Signal, sent: dict[str, str]) -> None:
    answer = trader.post(url(signal, "approve"), {}, headers=sent)
    assert (answer.status_code, answer["Content-Type"]) == (428, "application/problem+json")
    assert "If-Match" in answer.json()["detail"]


def test_an_older_version_is_412_with_the_new_one_and_what_changed(trader: APIClient, signal: Signal) -> None:
    etag = trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"]
    Signal.objects.update(stop_loss="181")
    answer = approve(trader, signal, seen=etag)
    body = answer.json()
    assert (answer.status_code, body["changed"], body["signal"]["stop_loss"]) == (
        *(412, ["its levels"], "181.000000"),
    )
    assert approve(trader, signal, seen=answer["ETag"]).status_code == 201


def test_a_refusal_is_409_with_the_figures(trader: APIClient, signal: Signal) -> None:
    Quote.objects.update(price=188)
    answer = approve(trader, signal)
    body = answer.json()
    assert answer.status_code == 409
    assert body["problems"][0] == "The price has run 1.000 ATR from 185.50 to 188.00; 0.5 are allowed."
    assert body["proposal"]["look"]["drift_atr"] == "1.0000"


def test_a_signal_that_ended_is_409_and_says_who_decided(trader: APIClient, signal: Signal) -> None:
    etag = trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"]
    trader.post(url(signal, "reject"), {"reason": "news"})
    answer = approve(trader, signal, seen=etag)
    assert answer.status_code == 409
    assert "(rejected by ann)" in answer.json()["detail"]


def test_a_rejection_needs_no_version(trader: APIClient, signal: Signal) -> None:
    answer = trader.post(url(signal, "reject"), {"reason": "price moved", "notes": "too late"})
    body = answer.json()
    assert (answer.status_code, body["approved"], body["reason"]) == (201, False, "price moved")
    assert body["order"] is None


def test_a_second_rejection_is_409(trader: APIClient, signal: Signal) -> None:
    trader.post(url(signal, "reject"), {"reason": "risk"})
    assert trader.post(url(signal, "reject"), {"reason": "risk"}).status_code == 409


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("approve", {"quantity": 0}, "quantity"),
        ("approve", {"quantity": 1.5}, "quantity"),
        ("approve", {"limit_price": "NaN"}, "limit_price"),
        ("approve", {"approved_by": "ben"}, "approved_by"),
        ("approve", {"notes": "\x00"}, "notes"),
        ("reject", {}, "reason"),
        ("reject", {"reason": "no"}, "reason"),
        ("reject", {"reason": "other", "user": "ben"}, "user"),
    ],
)
def test_a_body_that_makes_no_sense_is_400_and_decides_nothing(
    trader: APIClient, signal: Signal, act: str, body: Any, field: str
) -> None:
    etag = trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"]
    answer = trader.post(url(signal, act), body, headers={"If-Match": etag})
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, [field])
    assert not TradeApproval.objects.exists()


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_a_stranger_may_not_decide(stranger: APIClient, reader: APIClient, signal: Signal, act: str) -> None:
    body = {"reason": "news"} if act == "reject" else {}
    assert stranger.post(url(signal, act), body).status_code == 401
    assert reader.post(url(signal, act), body).status_code == 403
    assert not TradeApproval.objects.exists()


def test_an_unknown_signal_is_404(trader: APIClient) -> None:
    nobody = "/api/v1/signals/00000000-0000-0000-0000-000000000000"
    assert trader.post(f"{nobody}/approve/", {}, headers={"If-Match": '"x"'}).status_code == 404
    assert trader.post(f"{nobody}/reject/", {"reason": "news"}).status_code == 404


class TestRelease:
    @pytest.fixture
    def order(self, trader: APIClient, signal: Signal) -> Order:
        approve(trader, signal)
        Order.objects.update(status="held", status_reason="the feed was away")
        return Order.objects.get()

    def post(self, client: APIClient, order: Order, seen: str | None = None) -> Any:
        etag = f'"{seen or order.fingerprint()}"'
        return client.post(f"/api/v1/orders/{order.pk}/release/", {}, headers={"If-Match": etag})

    def test_sends_a_held_order_after_all(self, trader: APIClient, order: Order) -> None:
        answer = self.post(trader, order)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending_submit")

    def test_what_it_would_do_can_be_asked(self, trader: APIClient, order: Order) -> None:
        answer = trader.get(f"/api/v1/orders/{order.pk}/proposal/", {"quantity": "3"})
        assert (answer.json()["quantity"], answer.json()["problems"]) == (3, [])
        assert answer["ETag"] == f'"{order.fingerprint()}"'
        self.post(trader, order)
        assert trader.get(f"/api/v1/orders/{order.pk}/proposal/").status_code == 409

    def test_nothing_else_goes_out_than_was_shown(self, trader: APIClient, order: Order) -> None:
        address = f"/api/v1/orders/{order.pk}"
        shown = trader.get(f"{address}/proposal/").json()["shown"]
        Quote.objects.update(price=F("price") + 1)
        order.refresh_from_db()
        headers = {"If-Match": f'"{order.fingerprint()}"'}
        refused = trader.post(f"{address}/release/", {"shown": shown}, headers=headers)
        assert (refused.status_code, "something else now" in refused.json()["detail"]) == (409, True)
        order.refresh_from_db()
        assert order.status == Order.Status.HELD
        body = {"shown": refused.json()["proposal"]["shown"]}
        assert trader.post(f"{address}/release/", body, headers=headers).status_code == 202

    def test_twice_is_409(self, trader: APIClient, order: Order) -> None:
        self.post(trader, order)
        assert self.post(trader, order).status_code == 409

    def test_needs_what_was_seen(self, trader: APIClient, order: Order) -> None:
        address = f"/api/v1/orders/{order.pk}/release/"
        assert trader.post(address, {}).status_code == 428
        answer = self.post(trader, order, seen="old")
        assert (answer.status_code, answer["ETag"]) == (412, f'"{order.fingerprint()}"')

    def test_a_stranger_may_not(self, stranger: APIClient, reader: APIClient, order: Order) -> None:
        assert self.post(stranger, order).status_code == 401
        assert self.post(reader, order).status_code == 403
