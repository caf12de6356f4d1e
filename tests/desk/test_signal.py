"""The page of a signal: what it says, and deciding on it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from approvals import decisions
from approvals.models import Order, SignalView, TradeApproval
from market.models import Split
from market.prices import Timeframe
from market.store import read_bars
from signals.models import Signal
from signals.panel import Panel
from signals.trades import End
from tests import make
from tests.approvals import outcome_rows


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """The edges read it."""
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def signal(db: None) -> Signal:
    """A signal that can be approved: an open market, a fresh quote, an account."""
    make.only("AAPL")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 185.6)
    return make.signal()


def page(client: Client, signal: Signal) -> str:
    return client.get(f"/signals/{signal.pk}/").content.decode()


def form(html: str) -> dict[str, str]:
    """What a browser would send of the decision's form."""
    inside = html.split('id="decide"')[1].split("</form>")[0]
    fields = re.findall(r"<input [^>]*>", inside)
    named = {
        re.search(r'name="([\w-]+)"', field)[1]: re.search(r'value="([^"]*)"', field)  # type: ignore[index]  # all have names
        for field in fields
    }
    return {name: match[1] if match else "" for name, match in named.items()}


class TestShowing:
    def test_it_says_in_words_what_pressing_does(self, trader: Client, signal: Signal) -> None:
        html = page(trader, signal)
        assert "Buys 107 AAPL now at 186.22 or better, risks" in html
        assert "good until Wednesday 17:00 UTC" in html
        assert re.search(r"<button[^>]*data-approve[^>]*>Approve: buy 107 AAPL", html)

    def test_beside_its_confidence_stands_how_often_it_came_true(
        self, trader: Client, signal: Signal
    ) -> None:
        assert "hit rate no case yet" in page(trader, signal)
        for number in range(3):
            end = End.TARGET if number else End.STOP
            outcome_rows.outcome(
                number, end=end, confidence=signal.confidence, strategy_id=signal.strategy_id
            )
        assert "hit rate 2 of 3" in page(trader, signal)

    def test_stop_and_target_say_how_far_they_are_from_the_newest_price(
        self, trader: Client, signal: Signal
    ) -> None:
        terms = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page(trader, signal).split('id="terms"')[1]))
        assert "Stop 180.50 −2.75 % Target 191.75 +3.31 %" in terms  # noqa: RUF001  a minus

    def test_the_lists_dialog_says_of_what_it_decides_and_why(self, trader: Client, signal: Signal) -> None:
        html = trader.get(f"/signals/{signal.pk}/decide/").content.decode()
        assert signal.reasoning in html
        assert "</span> AAPL</h2>" in html

    def test_it_says_when_the_bars_behind_it_are_others_now(self, trader: Client, signal: Signal) -> None:
        warning = "no longer those it was made from"
        assert warning not in page(trader, signal), "none are stored"
        make.candle("AAPL", "2024-07-02", 185.5)
        html = page(trader, signal)
        assert warning in html
        assert "The next scan looks at them" in html
        behind = read_bars(["AAPL"], Timeframe.D1)["AAPL"]
        Signal.objects.update(bars_digest=Panel.of(behind).digest(0))
        assert warning not in page(trader, signal)

    def test_after_a_split_it_says_so_instead(self, trader: Client, signal: Signal) -> None:
        make.candle("AAPL", "2024-07-02", 46.25)
        since = {"date": signal.bar_opened_at.date() + make.DAY, "recorded_at": make.T0}
        Split.objects.create(symbol="AAPL", ratio=4, source="test", **since)
        html = page(trader, signal)
        assert "One share has become 4 in a split since" in html
        assert "no longer those it was made from" not in html

    def test_its_chart_keeps_its_facts_in_words(self, trader: Client, signal: Signal) -> None:
        make.candle("AAPL", "2024-07-02", 185.5)
        html = page(trader, signal)
        assert (
            'role="img" aria-label="AAPL 1d around the bar that spoke" aria-describedby="chart-facts"' in html
        )
        assert "BUY at 185.50, stop 180.50, first target 191.75.</p>" in html

    def test_the_form_holds_what_is_proposed(self, trader: Client, signal: Signal) -> None:
        sent = form(page(trader, signal))
        assert sent["etag"] == decisions.etag_of(signal, make.T0)
        assert (sent["limit_price"], sent["stop_loss"], sent["take_profit"]) == ("186.22", "180.50", "191.75")

    def test_the_first_look_of_whoever_may_decide_is_kept(self, trader: Client, signal: Signal) -> None:
        page(trader, signal)
        page(trader, signal)
        assert SignalView.objects.get().signal == signal

    def test_a_viewer_sees_it_but_no_button(self, client: Client, signal: Signal) -> None:
        viewer = User.objects.create_user("vera")
        viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        client.force_login(viewer)
        html = page(client, signal)
        assert "Buys 107 AAPL" in html
        assert "data-approve" not in html
        assert not SignalView.objects.exists()

    def test_without_a_fresh_quote_it_says_why_it_cannot_be_approved(
        self, trader: Client, signal: Signal
    ) -> None:
        with mock.patch.object(timezone, "now", return_value=make.T0 + timedelta(minutes=2, seconds=30)):
            html = page(trader, signal)
        assert "Cannot be approved now" not in html
        with mock.patch.object(timezone, "now", return_value=make.T0 + timedelta(minutes=20)):
            html = page(trader, signal)
        assert "Cannot be approved now" in html
        assert "The feed is away" in html

    def test_words_are_in_the_viewers_zone(self, trader: Client, signal: Signal) -> None:
        trader.cookies["zone"] = "Europe/Berlin"
        assert "good until Wednesday 19:00 CEST" in page(trader, signal)

    def test_the_opposite_is_named(self, trader: Client, signal: Signal) -> None:
        make.sell()
        assert "says the opposite" in page(trader, signal)

    def test_one_that_nobody_decided_on_says_so(self, trader: Client, signal: Signal) -> None:
        Signal.objects.update(expires_at=make.T0)
        assert "Nobody decided in time." in page(trader, signal)

    def test_there_is_no_such_signal(self, trader: Client) -> None:
        assert trader.get("/signals/00000000-0000-0000-0000-000000000000/").status_code == 404


class TestTerms:
    def test_fewer_shares_risk_less(self, trader: Client, signal: Signal) -> None:
        html = trader.get(f"/signals/{signal.pk}/terms/", {"quantity": "10"}).content.decode()
        assert "Buys 10 AAPL now" in html

    def test_a_stop_on_the_wrong_side_is_told_before_anything_is_sent(
        self, trader: Client, signal: Signal
    ) -> None:
        html = trader.get(f"/signals/{signal.pk}/terms/", {"stop_loss": "200"}).content.decode()
        assert "is at or beyond the stop of 200.00" in html
        assert "data-approve" not in html

    def test_what_becomes_another_order_cannot_be_approved_from_that_page(
        self, trader: Client, signal: Signal
    ) -> None:
        shown = form(page(trader, signal))["terms"]
        address = f"/signals/{signal.pk}/terms/"
        assert "data-approve" in trader.get(address, {"terms": shown}).content.decode()
        html = trader.get(address, {"terms": "opens long at the open"}).content.decode()
        assert "This is not what your page said before." in html
        assert "data-approve" not in html

    def test_what_cannot_be_read_is_no_wish(self, trader: Client, signal: Signal) -> None:
        html = trader.get(f"/signals/{signal.pk}/terms/", {"quantity": "many"}).content.decode()
        assert "The figures cannot be read" in html
        assert "data-approve" not in html


class TestWatching:
    def test_nothing_is_repainted_while_nothing_changed(self, trader: Client, signal: Signal) -> None:
        etag = decisions.etag_of(signal, make.T0)
        assert trader.get(f"/signals/{signal.pk}/watch/", {"etag": etag}).status_code == 204

    def test_a_changed_level_is_shown_beside_the_old_one(self, trader: Client, signal: Signal) -> None:
        query = {"etag": decisions.etag_of(signal, make.T0), "stop": "180.50"}
        Signal.objects.update(stop_loss=Decimal("181.25"))
        html = trader.get(f"/signals/{signal.pk}/watch/", query).content.decode()
        assert "its levels" in html
        assert "180.50 → 181.25" in html
        assert html.count("<a ") == 1

    def test_another_persons_decision_is_told(self, trader: Client, signal: Signal) -> None:
        etag = decisions.etag_of(signal, make.T0)
        decisions.reject(signal.pk, by=make.trader("ben"), reason=TradeApproval.Reason.NEWS, at=make.T0)
        html = trader.get(f"/signals/{signal.pk}/watch/", {"etag": etag}).content.decode()
        assert "it is rejected (rejected by ben)" in html


class TestApproving:
    def test_what_was_shown_is_ordered(self, trader: Client, signal: Signal) -> None:
        sent = form(page(trader, signal)) | {"notes": "looks right"}
        answer = trader.post(f"/signals/{signal.pk}/approve/", sent, follow=True)
        order = Order.objects.get()
        assert (order.quantity, order.limit_price) == (107, Decimal("186.22"))
        assert order.approval is not None
        assert order.approval.modification_notes == "looks right"
        assert "Approved by ann" in answer.content.decode()

    def test_pressing_twice_orders_once(self, trader: Client, signal: Signal) -> None:
        sent = form(page(trader, signal))
        trader.post(f"/signals/{signal.pk}/approve/", sent)
        answer = trader.post(f"/signals/{signal.pk}/approve/", sent, follow=True)
        assert "It is approved since" in answer.content.decode()
        assert Order.objects.count() == 1

    def test_what_changed_meanwhile_is_shown_and_nothing_is_ordered(
        self, trader: Client, signal: Signal
    ) -> None:
        sent = form(page(trader, signal)) | {"quantity": "7"}
        Signal.objects.update(stop_loss=Decimal("181.25"))
        answer = trader.post(f"/signals/{signal.pk}/approve/", sent)
        html = answer.content.decode()
        assert answer.status_code == 412
        assert "180.50 → 181.25" in html
        assert form(html)["quantity"] == "7", "what was typed is kept"
        assert form(html)["stop_loss"] == "181.25", "what only stood there is as it is now"
        assert form(html)["etag"] != sent["etag"]
        assert not Order.objects.exists()

    def test_more_shares_than_the_limits_allow_are_refused(self, trader: Client, signal: Signal) -> None:
        sent = form(page(trader, signal)) | {"quantity": "100000"}
        answer = trader.post(f"/signals/{signal.pk}/approve/", sent)
        assert answer.status_code == 409
        assert "100000 shares are too many" in answer.content.decode()
        assert not Order.objects.exists()

    def test_an_order_now_is_not_made_an_order_at_the_open(self, trader: Client, signal: Signal) -> None:
        sent = form(page(trader, signal)) | {"terms": "opens long waits"}
        answer = trader.post(f"/signals/{signal.pk}/approve/", sent)
        assert answer.status_code == 409
        assert "something else now than was shown: it buys 107 AAPL" in answer.content.decode()
        assert not Order.objects.exists()

    def test_an_exit_of_other_shares_than_shown_is_refused(self, trader: Client, signal: Signal) -> None:
        make.held("AAPL", 10)
        exit_ = make.sell()
        sent = form(page(trader, exit_))
        make.fill(make.order("AAPL", quantity=5, status=Order.Status.FILLED, filled_quantity=5))
        answer = trader.post(f"/signals/{exit_.pk}/approve/", sent)
        assert answer.status_code == 409
        assert "something else now than was shown: it sells 15 AAPL" in answer.content.decode()
        assert not Order.objects.filter(kind=Order.Kind.CLOSE).exists()

    def test_an_exit_as_shown_is_made(self, trader: Client, signal: Signal) -> None:
        make.held("AAPL", 10)
        exit_ = make.sell()
        trader.post(f"/signals/{exit_.pk}/approve/", form(page(trader, exit_)))
        assert Order.objects.get(kind=Order.Kind.CLOSE).quantity == 10

    def test_a_viewer_may_not(self, client: Client, signal: Signal) -> None:
        viewer = User.objects.create_user("vera")
        viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        client.force_login(viewer)
        for what in ("approve", "reject"):
            assert client.post(f"/signals/{signal.pk}/{what}/", {"reason": "news"}).status_code == 403


class TestRejecting:
    def test_one_tap_rejects(self, trader: Client, signal: Signal) -> None:
        answer = trader.post(f"/signals/{signal.pk}/reject/", {"reason": "weak evidence"}, follow=True)
        assert "Rejected by ann" in answer.content.decode()
        assert signal.approval.reason == TradeApproval.Reason.WEAK_EVIDENCE

    def test_no_reason_is_no_decision(self, trader: Client, signal: Signal) -> None:
        answer = trader.post(f"/signals/{signal.pk}/reject/", {})
        assert answer.status_code == 400
        assert "Choose one of the reasons" in answer.content.decode()
        assert not TradeApproval.objects.exists()
