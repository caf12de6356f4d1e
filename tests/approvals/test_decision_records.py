"""What a decision keeps: the figures it was made on and its event in the chain; and what a refusal says."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals import decisions
from approvals.models import AuditEvent, Order, OrderDecision, TradeApproval
from approvals.proposals import Overrides
from market.models import Quote
from signals.models import Signal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

NEWS = TradeApproval.Reason.NEWS
NOON = "2024-07-03T14:00:00+00:00"
LEVELS = {
    "signal_type": "BUY",
    "confidence": "0.9000",
    "entry_price": "185.500000",
    "stop_loss": "180.500000",
    "take_profit": "191.750000",
    "second_target": "195.500000",
    "reasoning": "MACD +0.3 crossed above its signal line +0.1 at 185.50.",
}


def approve(signal: Signal, by: User, **values: Any) -> TradeApproval:
    return decisions.approve(signal.pk, by=by, at=make.T0, seen=decisions.etag_of(signal, make.T0), **values)


def reject(signal: Signal, by: User, **values: Any) -> TradeApproval:
    rejection = decisions.reject(signal.pk, by=by, reason=NEWS, at=make.T0, **values)
    rejection.refresh_from_db()
    return rejection


def event(kind: str) -> dict[str, Any]:
    """Return the event of this kind as the chain holds it."""
    content: dict[str, Any] = json.loads(AuditEvent.objects.get(kind=kind).text)
    return content


def test_an_approval_is_in_the_chain_with_its_version_and_its_figures(trader: User) -> None:
    signal = make.signal()
    etag = decisions.etag_of(signal, make.T0)
    approval = approve(signal, trader)
    approved, ordered = event("signal approved"), event("order made")
    assert approval.etag == etag
    decided = {"etag": etag, "shown": approval.shown} | approval.decided
    assert (approved["at"], approved["facts"]) == (NOON, decided)
    order = approval.order
    facts = {"order": str(order), "status": "pending_submit", "signal": str(signal.pk)}
    assert (ordered["at"], ordered["facts"]) == (NOON, facts)
    assert approval.modification_notes == ""


def test_an_entry_order_says_whose_it_is_of_what_and_until_when(trader: User) -> None:
    order = approve(make.signal(), trader).order
    order.refresh_from_db()
    assert (order.kind, order.symbol, order.side, order.currency) == ("entry", "AAPL", "BUY", "USD")
    assert (order.requested_by, order.created_at, order.released_at) == (trader, make.T0, make.T0)
    assert (order.good_until, order.flat_at, order.due_at) == (
        datetime(2024, 7, 3, 17, tzinfo=UTC),
        None,
        None,
    )


def test_an_approval_of_the_terms_that_were_shown_goes_through(trader: User) -> None:
    assert approve(make.signal(), trader, shown="opens long now").order.status == "pending_submit"


def test_an_approval_of_other_terms_than_shown_is_refused_and_says_what_it_would_do(trader: User) -> None:
    with pytest.raises(decisions.ApprovalRefused) as refusal:
        approve(make.signal(), trader, shown="opens long 2024-07-03T13:32:00+00:00")
    does = "Approving does something else now than was shown: it buys 107 AAPL now at 186.22 or better, "
    assert str(refusal.value).startswith(does)
    assert (refusal.value.proposal.quantity, Order.objects.exists()) == (107, False)


def test_a_rejection_is_in_the_chain_with_its_version_reason_and_notes(trader: User) -> None:
    signal = make.signal()
    etag = decisions.etag_of(signal, make.T0)
    rejection = reject(signal, trader, notes="earnings")
    rejected = event("signal rejected")
    assert (rejected["actor"], rejected["at"]) == ("ann", NOON)
    assert rejected["subject"] == f"signal {signal.pk}"
    facts = {"etag": etag, "shown": rejection.shown, "reason": "news", "notes": "earnings"}
    assert rejected["facts"] == facts
    assert (rejection.etag, rejection.approved_by, rejection.approved_at) == (etag, trader, make.T0)


def test_a_rejection_without_notes_has_none(trader: User) -> None:
    assert reject(make.signal(), trader).modification_notes == ""


def test_price_levels_and_opinion_of_a_rejection_are_kept(trader: User) -> None:
    signal = make.signal()
    opinion = make.opinion(signal, model="llama")
    shown = reject(signal, trader).shown
    assert (shown["quote"]["price"], shown["signal"]) == ("185.600000", LEVELS)
    assert shown["opinion"] == {
        "id": str(opinion.pk),
        "analyst": "rules",
        "model": "llama",
        "agent_suggestion": "BUY",
        "confidence": "0.7000",
        "reasoning": "More speaks for it.",
        "finished_at": "2024-07-03T14:00:00Z",
        "stance": "for",
        "inventions": [],
    }


def test_price_levels_and_opinion_of_an_approval_are_kept(trader: User) -> None:
    signal = make.signal()
    opinion = make.opinion(signal)
    approval = approve(signal, trader)
    approval.refresh_from_db()
    assert approval.shown["signal"] == LEVELS
    assert approval.shown["opinion"]["id"] == str(opinion.pk)


def test_a_decision_without_an_opinion_keeps_none(trader: User) -> None:
    assert reject(make.signal(), trader).shown["opinion"] is None


def test_who_never_looked_took_no_time(trader: User) -> None:
    signal = make.signal()
    decisions.view(signal, by=make.trader("ben"), at=make.T0 - timedelta(seconds=42))
    assert reject(signal, trader).seconds_to_decide is None


class TestReleasing:
    @pytest.fixture
    def held(self, trader: User) -> Order:
        approve(make.signal(), trader)
        Order.objects.update(status="held", status_reason="the broker was away", lookups=3)
        return Order.objects.get()

    def release(self, order: Order, by: User, **values: Any) -> Order:
        return decisions.release(order.pk, by=by, at=make.T0, seen=order.fingerprint(), **values)

    def test_keeps_what_the_order_has_become(self, held: Order, trader: User) -> None:
        fingerprint = held.fingerprint()
        order = self.release(held, trader)
        decision = OrderDecision.objects.get()
        assert (decision.etag, decision.decided_at, decision.notes) == (fingerprint, make.T0, "")
        assert decision.shown["status"] == "pending_submit"
        assert (decision.shown["quantity"], decision.shown["limit_price"]) == (107, "186.220000")
        released = event("order released")
        assert (released["actor"], released["subject"], released["at"]) == ("ann", f"order {order.pk}", NOON)
        assert released["facts"] == decision.shown

    def test_begins_its_look_ups_anew(self, held: Order, trader: User) -> None:
        later = make.T0 + timedelta(seconds=5)
        order = decisions.release(held.pk, by=trader, at=later, seen=held.fingerprint())
        assert (order.lookups, order.released_at, order.cancel_exits) == (0, later, False)

    def test_of_what_changed_says_what_and_what_it_is_now(self, held: Order, trader: User) -> None:
        with pytest.raises(decisions.Changed, match=r"since you looked: the order\. Look again") as changed:
            decisions.release(held.pk, by=trader, at=make.T0, seen="another")
        assert (changed.value.what, changed.value.etag) == (["the order"], held.fingerprint())

    def test_of_what_is_not_held_says_what_it_is(self, held: Order, trader: User) -> None:
        Order.objects.update(status="submitted", status_reason="", submitted_at=make.T0)
        with pytest.raises(decisions.NotHeld) as refusal:
            self.release(held, trader)
        assert str(refusal.value) == "The order is Submitted: no new look."

    def test_of_an_entry_that_would_close_by_now_is_refused(self, held: Order, trader: User) -> None:
        make.held(quantity=-30)
        with pytest.raises(decisions.ApprovalRefused) as refusal:
            self.release(held, trader, overrides=Overrides(quantity=30))
        assert refusal.value.problems == ["It closes short by now: drop it."]
        assert refusal.value.proposal.quantity == 30


def test_a_refusal_names_everything_that_changed(trader: User) -> None:
    signal = make.signal()
    etag = decisions.etag_of(signal, make.T0)
    Signal.objects.update(stop_loss=Decimal("181"), bars_digest="1" * 32)
    with pytest.raises(decisions.Changed) as changed:
        decisions.approve(signal.pk, by=trader, at=make.T0, seen=etag)
    words = "It has changed since you looked: its levels, the bars behind it. Look again."
    assert str(changed.value) == words


def test_a_refusal_names_all_problems_one_after_the_other(trader: User) -> None:
    signal = make.signal()
    Quote.objects.update(price=188)
    Signal.objects.update(expires_at=make.T0 + timedelta(seconds=1))
    with pytest.raises(decisions.ApprovalRefused) as refusal:
        approve(Signal.objects.get(pk=signal.pk), trader, overrides=Overrides(quantity=5))
    assert str(refusal.value) == " ".join(refusal.value.problems)
