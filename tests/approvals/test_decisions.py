"""Approving, rejecting and releasing: once, on what was seen."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from approvals import decisions
from approvals.models import AuditEvent, Order, OrderDecision, TradeApproval, TradingHalt
from approvals.proposals import Overrides
from market.models import Quote
from signals import lifecycle
from signals.models import Signal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

SATURDAY = datetime(2024, 7, 6, 12, tzinfo=UTC)
NEWS = TradeApproval.Reason.NEWS


def approve(signal: Signal, by: User, at: datetime = make.T0, **values: Any) -> TradeApproval:
    given: dict[str, Any] = {"seen": decisions.etag_of(signal, at)} | values
    return decisions.approve(signal.pk, by=by, at=at, **given)


def queued() -> list[tuple[str, tuple[Any, ...]]]:
    return [(row.func(), row.task["args"]) for row in OrmQ.objects.all()]


def test_an_approval_is_a_status_a_record_an_order_and_its_task(trader: User) -> None:
    signal = make.signal()
    approval = approve(signal, trader, notes="as I would")
    signal.refresh_from_db()
    order = approval.order
    assert (signal.status, signal.ended_reason) == ("approved", "approved by ann")
    assert (approval.approved_by, approval.modification_notes) == (trader, "as I would")
    assert (order.status, order.quantity, order.limit_price) == ("pending_submit", 107, Decimal("186.22"))
    assert (order.stop_loss, order.take_profit) == (Decimal("180.50"), Decimal("191.75"))
    assert queued() == [("approvals.tasks.submit", (order.pk,))]


def test_what_was_shown_proposed_and_decided_is_kept(trader: User) -> None:
    approval = approve(make.signal(), trader, overrides=Overrides(quantity=5, stop_loss=Decimal("182")))
    approval.refresh_from_db()
    assert approval.shown["quote"]["price"] == "185.600000"
    assert approval.shown["signal"]["stop_loss"] == "180.500000"
    assert approval.shown["words"].startswith("Buys 5 AAPL now")
    assert (approval.proposed["quantity"], approval.proposed["stop_loss"]) == (107, "180.500000")
    assert (approval.decided["quantity"], approval.decided["stop_loss"]) == (5, "182.000000")


def test_how_long_it_took_is_counted_from_the_first_look(trader: User) -> None:
    signal = make.signal()
    decisions.view(signal, by=trader, at=make.T0 - timedelta(seconds=42))
    decisions.view(signal, by=trader, at=make.T0)
    assert approve(signal, trader).seconds_to_decide == 42


def test_it_is_written_into_the_chain(trader: User) -> None:
    signal = make.signal()
    order = approve(signal, trader).order
    assert list(AuditEvent.objects.order_by("number").values_list("kind", "actor", "subject")) == [
        ("signal approved", "ann", f"signal {signal.pk}"),
        ("order made", "ann", f"order {order.pk}"),
    ]


def test_a_second_approval_is_refused_and_names_who_was_first(trader: User) -> None:
    signal = make.signal()
    approve(signal, trader)
    with pytest.raises(lifecycle.NotPending, match=r"It is approved since .* \(approved by ann\)"):
        approve(signal, make.trader("ben"))
    assert (TradeApproval.objects.count(), Order.objects.count(), len(queued())) == (1, 1, 1)


def test_an_expired_signal_is_not_approved(trader: User) -> None:
    signal = make.signal()
    with pytest.raises(lifecycle.NotPending, match="It is expired since"):
        approve(signal, trader, signal.expires_at)


def test_nor_one_that_changed_since_it_was_seen(trader: User) -> None:
    signal = make.signal()
    etag = decisions.etag_of(signal, make.T0)
    Signal.objects.update(stop_loss=Decimal("181"))
    with pytest.raises(decisions.Changed) as changed:
        approve(signal, trader, seen=etag)
    signal.refresh_from_db()
    assert (changed.value.what, changed.value.etag) == (["its levels"], decisions.etag_of(signal, make.T0))
    assert not TradeApproval.objects.exists()


def test_nor_one_that_another_began_to_oppose(trader: User) -> None:
    signal = make.signal()
    etag = decisions.etag_of(signal, make.T0)
    make.sell()
    with pytest.raises(decisions.Changed, match="whether another signal opposes it"):
        approve(signal, trader, seen=etag)


def test_a_refusal_leaves_nothing_behind_and_the_signal_pending(trader: User) -> None:
    signal = make.signal()
    Quote.objects.update(price=188)
    with pytest.raises(decisions.ApprovalRefused, match=r"The price has run 1\.000 ATR") as refusal:
        approve(signal, trader)
    signal.refresh_from_db()
    assert (signal.status, refusal.value.proposal.entry_check.price) == ("pending", Decimal("188"))
    assert queued() == []
    for kind in (TradeApproval, Order, AuditEvent):
        assert kind._default_manager.count() == 0


def test_a_halt_refuses_approvals_but_no_rejection(trader: User) -> None:
    signal = make.signal()
    TradingHalt.objects.create(cause="person", reason="holiday", started_at=make.T0)
    with pytest.raises(decisions.ApprovalRefused, match="halted"):
        approve(signal, trader)
    rejection = decisions.reject(signal.pk, by=trader, reason=NEWS, at=make.T0)
    assert (rejection.approved, rejection.reason) == (False, "news")


def test_a_rejection_needs_no_quote_no_account_and_no_version(trader: User) -> None:
    signal = make.signal("MSFT")
    rejection = decisions.reject(signal.pk, by=trader, reason=NEWS, at=make.T0, notes="earnings")
    signal.refresh_from_db()
    assert (signal.status, rejection.modification_notes) == ("rejected", "earnings")
    assert AuditEvent.objects.get().kind == "signal rejected"
    assert not Order.objects.exists()


def test_a_second_rejection_is_refused(trader: User) -> None:
    signal = make.signal()
    decisions.reject(signal.pk, by=trader, reason=NEWS, at=make.T0)
    with pytest.raises(lifecycle.NotPending, match="rejected by ann"):
        decisions.reject(signal.pk, by=make.trader("ben"), reason=NEWS, at=make.T0)
    assert TradeApproval.objects.count() == 1


def test_out_of_session_the_order_waits_and_nothing_is_queued(trader: User) -> None:
    make.quote("MSFT", 185.60, datetime(2024, 7, 5, 20, tzinfo=UTC))
    make.ready(SATURDAY)
    signal = make.signal("MSFT", expires_at=datetime(2024, 7, 8, 20, tzinfo=UTC))
    order = approve(signal, trader, SATURDAY).order
    assert (order.status, order.due_at) == ("waiting_open", datetime(2024, 7, 8, 13, 32, tzinfo=UTC))
    assert order.good_until == datetime(2024, 7, 8, 20, tzinfo=UTC)
    assert queued() == []


def test_a_signal_against_the_position_makes_a_closing_order(trader: User) -> None:
    make.held(quantity=30)
    order = approve(make.sell(), trader).order
    assert (order.kind, order.side, order.quantity, order.stop_loss) == ("close", "SELL", 30, None)
    assert queued() == [("approvals.tasks.submit", (order.pk,))]


class TestReleasing:
    @pytest.fixture
    def held(self, trader: User) -> Order:
        order = approve(make.signal(), trader).order
        OrmQ.objects.all().delete()
        Order.objects.update(status="held", status_reason="the broker was away")
        order.refresh_from_db()
        return order

    def release(self, order: Order, by: User, at: datetime = make.T0, **values: Any) -> Order:
        given: dict[str, Any] = {"seen": order.fingerprint()} | values
        return decisions.release(order.pk, by=by, at=at, **given)

    def test_sends_it_at_what_the_price_makes_of_it_now(self, held: Order, trader: User) -> None:
        Quote.objects.update(price=185.00)
        order = self.release(held, trader)
        assert (order.status, order.limit_price, order.status_reason) == (
            *("pending_submit", Decimal("185.62"), ""),
        )
        assert queued() == [("approvals.tasks.submit", (order.pk,))]

    def test_keeps_what_the_person_decided(self, trader: User) -> None:
        levels = {"stop_loss": Decimal("184"), "take_profit": Decimal("190")}
        approve(
            make.signal(), trader, overrides=Overrides(quantity=2, limit_price=Decimal("185.70"), **levels)
        )
        Order.objects.update(status="held", status_reason="the broker was away")
        order = self.release(Order.objects.get(), trader)
        assert (order.quantity, order.stop_loss, order.take_profit) == (2, *levels.values())
        assert order.limit_price == Decimal("185.70")

    def test_may_change_it(self, held: Order, trader: User) -> None:
        order = self.release(held, trader, overrides=Overrides(quantity=5, stop_loss=Decimal("183")))
        assert (order.quantity, order.stop_loss, order.take_profit) == (5, Decimal("183"), held.take_profit)

    def test_forgets_that_it_was_to_be_cancelled(self, held: Order, trader: User) -> None:
        Order.objects.update(cancel_requested_at=make.T0)
        assert self.release(held, trader).cancel_requested_at is None

    def test_is_a_decision_of_its_own(self, held: Order, trader: User) -> None:
        self.release(held, make.trader("ben"), notes="still good")
        decision = OrderDecision.objects.get()
        assert (decision.action, str(decision.decided_by), decision.notes) == ("release", "ben", "still good")
        assert AuditEvent.objects.order_by("-number")[0].kind == "order released"

    def test_twice_is_refused(self, held: Order, trader: User) -> None:
        self.release(held, trader)
        with pytest.raises(decisions.NotHeld, match="The order is about to be sent"):
            self.release(held, trader)
        assert len(queued()) == 1

    def test_of_what_changed_since_is_refused(self, held: Order, trader: User) -> None:
        fingerprint = held.fingerprint()
        Order.objects.update(status_reason="the feed was away")
        with pytest.raises(decisions.Changed):
            self.release(held, trader, seen=fingerprint)

    def test_looks_afresh(self, held: Order, trader: User) -> None:
        Quote.objects.update(price=180)
        with pytest.raises(decisions.ApprovalRefused, match="beyond the stop"):
            self.release(held, trader)
        held.refresh_from_db()
        assert held.status == "held"

    def test_of_an_expired_signal_is_refused(self, held: Order, trader: User) -> None:
        at = datetime(2024, 7, 3, 16, 59, 59, tzinfo=UTC)
        make.ready(at)
        Quote.objects.update(as_of=at)
        Signal.objects.update(expires_at=at)
        with pytest.raises(decisions.ApprovalRefused, match=r"Its signal expired .*: drop it"):
            self.release(held, trader, at)

    def test_of_a_closing_needs_no_look(self, trader: User) -> None:
        make.held(quantity=30)
        closing = make.order(
            kind=Order.Kind.CLOSE, side=Signal.Type.SELL, quantity=30, status=Order.Status.HELD
        )
        Quote.objects.all().delete()
        assert self.release(closing, trader).status == "pending_submit"

    def test_of_a_closing_that_a_signal_asked_for_needs_no_look_either(self, trader: User) -> None:
        make.held(quantity=30)
        closing = approve(make.sell(), trader).order
        Order.objects.filter(pk=closing.pk).update(status="held", status_reason="the feed was away")
        Quote.objects.all().delete()
        assert self.release(Order.objects.get(pk=closing.pk), trader).status == "pending_submit"

    def test_follows_the_price_up_where_no_person_set_a_limit(self, held: Order, trader: User) -> None:
        Quote.objects.update(price=185.90)
        order = self.release(held, trader)
        assert (held.limit_price, order.limit_price) == (Decimal("186.22"), Decimal("186.52"))

    @pytest.mark.parametrize(("price", "limit"), [(184.90, "185.52"), (185.90, "185.70")])
    def test_goes_with_a_limit_of_a_person_s_only_down(self, trader: User, price: float, limit: str) -> None:
        approve(make.signal(), trader, overrides=Overrides(limit_price=Decimal("185.70")))
        Order.objects.update(status="held", status_reason="the broker was away")
        Quote.objects.update(price=price)
        assert self.release(Order.objects.get(), trader).limit_price == Decimal(limit)

    @pytest.mark.parametrize(("price", "limit"), [(186.30, "185.68"), (185.30, "185.50")])
    def test_goes_with_a_limit_of_a_person_s_who_sells_only_up(
        self, trader: User, settings: Settings, price: float, limit: str
    ) -> None:
        settings.ALLOW_SHORT = True
        approve(make.sell(), trader, overrides=Overrides(limit_price=Decimal("185.50")))
        Order.objects.update(status="held", status_reason="the broker was away")
        Quote.objects.update(price=price)
        assert self.release(Order.objects.get(), trader).limit_price == Decimal(limit)

    def test_counts_the_shares_at_the_limit_that_is_asked_for_now(self, held: Order, trader: User) -> None:
        Quote.objects.update(price=186.60)
        assert (quantity_at(held, None), quantity_at(held, "186.00")) == (106, 107)

    def test_keeps_a_person_s_limit_inside_the_target_that_is_asked_for_now(self, trader: User) -> None:
        approve(make.signal(), trader, overrides=Overrides(limit_price=Decimal("186.20")))
        nearer = Overrides(stop_loss=Decimal("185.30"), take_profit=Decimal("186.10"))
        proposal = decisions.proposal_of(Order.objects.get(), make.T0, nearer)
        assert proposal is not None
        assert (proposal.limit_price, proposal.levels.take_profit) == (Decimal("186.09"), Decimal("186.10"))


def quantity_at(order: Order, limit: str | None) -> int:
    """Return how many shares releasing the order would buy, at a limit of its own."""
    overrides = Overrides(limit_price=Decimal(limit) if limit else None)
    proposal = decisions.proposal_of(order, make.T0, overrides)
    return proposal.quantity if proposal else 0
