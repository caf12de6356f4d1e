"""Decisions of users: on a signal, once, on what was on the screen; and on orders that are held.

Each decision is one transaction: the signal's new status, the row that records it, the order with the task
that sends it, and the event in the chain. A second decision is refused and names the first.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django_q.tasks import async_task

from approvals import audit, positions
from approvals.entry_check import EntryCheck, MarketContext, check, levels_of
from approvals.execution import transitions
from approvals.models import Order, OrderDecision, SignalView, TradeApproval
from approvals.proposals import (
    AS_PROPOSED,
    Context,
    Overrides,
    Proposal,
    describe,
    propose,
    terms,
    terms_in_full,
)
from approvals.proposals.version import differences, version
from opinions.models import OrchestrationRun
from signals import lifecycle
from signals.models import Signal


class ApprovalRefused(Exception):
    """It cannot be approved now. `problems` say why, `proposal` has the figures."""

    def __init__(self, problems: Sequence[str], proposal: Proposal) -> None:
        self.problems, self.proposal = list(problems), proposal
        super().__init__(" ".join(problems))


class Changed(Exception):
    """It is not any more what the person saw. `etag` stands for what it is now."""

    def __init__(self, what: Sequence[str], etag: str) -> None:
        self.what, self.etag = list(what), etag
        super().__init__(f"It has changed since you looked: {', '.join(what)}. Look again.")


class NotHeld(Exception):
    """The order does not need a new look any more."""

    def __init__(self, order: Order) -> None:
        order.refresh_from_db()
        super().__init__(
            f"The order is {order.get_status_display()}: {order.status_reason or 'no new look'}."
        )


def etag_of(signal: Signal, at: datetime) -> str:
    """Return the version of the signal that a user decides on."""
    return _etag(signal, _newest_opinion(signal), at)


def _etag(signal: Signal, opinion: OrchestrationRun | None, at: datetime) -> str:
    is_conflicting = signal.conflicting(at).exists()
    return version(signal, at, is_conflicting=is_conflicting, opinion_id=opinion.pk if opinion else None)


def _newest_opinion(signal: Signal) -> OrchestrationRun | None:
    return OrchestrationRun.objects.newest_of([signal]).get(signal.pk)


def view(signal: Signal, *, by: User, at: datetime) -> None:
    """Store when a user first looked at what approving would do."""
    first = SignalView(signal=signal, user=by, first_at=at)
    SignalView.objects.bulk_create([first], ignore_conflicts=True)


def approve(
    pk: UUID,
    *,
    by: User,
    seen: str,
    at: datetime,
    overrides: Overrides = AS_PROPOSED,
    notes: str = "",
    shown: str = "",
) -> TradeApproval:
    """Approve a signal as it was seen. `seen` is the fingerprint of that, `shown` the terms, where they were.

    Raises lifecycle.NotPending when it has ended, Changed when it is not what was seen, and ApprovalRefused
    when the newest price, the limits, the gate or a halt speak against it.
    """
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=pk)
        if signal.status_at(at) != Signal.Status.PENDING:
            raise lifecycle.NotPending(signal, at)
        opinion = _newest_opinion(signal)
        etag = _etag(signal, opinion, at)
        if seen != etag:
            raise Changed(differences(seen, etag), etag)
        proposal = _checked(signal, overrides, at)
        _refuse_other_terms(proposal, shown)
        plain = Proposal(signal, AS_PROPOSED, proposal.context)
        lifecycle.decide(signal, Signal.Status.APPROVED, by=by, at=at)
        approval = TradeApproval.objects.create(
            approved=True,
            modification_notes=notes,
            proposed=_json(plain.as_json()),
            decided=_json(proposal.as_json()),
            shown=_json(_shown(signal, proposal.entry_check, opinion) | {"words": describe(proposal)}),
            **_decided(signal, by, at, etag),
        )
        order = _order(approval, proposal, at)
        _send(order)
        facts = {"etag": etag, "shown": approval.shown, **approval.decided}
        audit.append("signal approved", f"signal {signal.pk}", at, by=by, **facts)
        subject, what = f"order {order.pk}", f"{order}"
        audit.append("order made", subject, at, by=by, order=what, status=order.status, signal=signal.pk)
    return approval


def reject(
    pk: UUID, *, by: User, reason: TradeApproval.Reason, at: datetime, notes: str = ""
) -> TradeApproval:
    """Reject a signal, whatever has changed meanwhile. Raises lifecycle.NotPending when it has ended."""
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=pk)
        opinion, market = _newest_opinion(signal), MarketContext.load([signal.symbol], at)
        etag = _etag(signal, opinion, at)
        fresh = check(levels_of(signal), signal.symbol, market)
        lifecycle.decide(signal, Signal.Status.REJECTED, by=by, at=at)
        approval = TradeApproval.objects.create(
            approved=False,
            reason=reason,
            modification_notes=notes,
            shown=_json(_shown(signal, fresh, opinion)),
            **_decided(signal, by, at, etag),
        )
        facts = {"etag": etag, "shown": approval.shown, "reason": str(reason), "notes": notes}
        audit.append("signal rejected", f"signal {signal.pk}", at, by=by, **facts)
    return approval


def release(
    pk: UUID,
    *,
    by: User,
    seen: str,
    at: datetime,
    overrides: Overrides = AS_PROPOSED,
    notes: str = "",
    shown: str = "",
) -> Order:
    """Let a held order go out after all, as `proposal_of` says. A decision of its own.

    `shown`: the terms, where they were. Raises NotHeld, Changed and ApprovalRefused as `approve` does.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=pk)
        if order.status != Order.Status.HELD:
            raise NotHeld(order)
        if seen != order.fingerprint():
            raise Changed(["the order"], order.fingerprint())
        decided = _renewed(order, overrides, at, shown)
        OrderDecision.objects.create(
            order=order,
            action=OrderDecision.Action.RELEASE,
            decided_by=by,
            decided_at=at,
            notes=notes,
            etag=seen,
            shown=_json(decided),
        )
        status, terms = decided["status"], {name: decided[name] for name in decided if name != "status"}
        fresh = {"released_at": at, "lookups": 0, "cancel_requested_at": None, "cancel_exits": False}
        transitions.change(order, [Order.Status.HELD], status, status_reason="", **fresh, **terms)
        order.refresh_from_db()
        _send(order)
        audit.append("order released", f"order {order.pk}", at, by=by, **_json(decided))
    return order


def proposal_of(
    order: Order, at: datetime, overrides: Overrides = AS_PROPOSED, context: Context | None = None
) -> Proposal | None:
    """Return what releasing a held entry would do; None for a closing, which stays as it is.

    What the person decided stands where nothing else is wished: no more shares than then, the same stop and
    target, and no limit beyond one that was set by hand. `context`: where it has been read already.
    """
    if order.approval is None or order.kind == Order.Kind.CLOSE:
        return None
    stop = order.stop_loss if overrides.stop_loss is None else overrides.stop_loss
    target = order.take_profit if overrides.take_profit is None else overrides.take_profit
    known_context = context or Context.load([order.symbol], at)
    first = Proposal(
        order.approval.signal, Overrides(None, overrides.limit_price, stop, target), known_context, order
    )
    limit = _no_worse(first, order) if overrides.limit_price is None else overrides.limit_price
    quantity = overrides.quantity
    if quantity is None and first.largest is not None:
        quantity = min(order.quantity, first.largest.quantity) or None
    return replace(first, overrides=Overrides(quantity, limit, stop, target))


def _no_worse(fresh: Proposal, order: Order) -> Decimal | None:
    """Return the limit of now, but not beyond the one that a person had set."""
    approval = order.approval
    is_set = approval is not None and approval.proposed.get("limit_price") != approval.decided.get(
        "limit_price"
    )
    if not is_set or order.limit_price is None or fresh.worst_price is None:
        return None
    nearest = min if fresh.levels.sign > 0 else max
    return nearest(order.limit_price, fresh.worst_price)


def _renewed(order: Order, overrides: Overrides, at: datetime, shown: str) -> dict[str, Any]:
    """Return what a held order becomes. A closing stays as it is."""
    positions.lock_account()
    proposal = proposal_of(order, at, overrides)
    if proposal is None:
        return {"status": Order.Status.PENDING_SUBMIT}
    signal = proposal.signal
    if signal.has_run_out(at):
        raise ApprovalRefused(
            [f"Its signal expired at {signal.expires_at:%Y-%m-%d %H:%M} UTC: drop it."], proposal
        )
    if proposal.problems:
        raise ApprovalRefused(proposal.problems, proposal)
    if not proposal.effect.is_entry:
        raise ApprovalRefused([f"It {proposal.effect} by now: drop it."], proposal)
    _refuse_other_terms(proposal, shown)
    return _terms(proposal)


def _refuse_other_terms(proposal: Proposal, shown: str) -> None:
    """Raise ApprovalRefused when it would do another thing, or at another time, than a person was shown."""
    if shown and shown not in (terms(proposal), terms_in_full(proposal)):
        now = describe(proposal)
        problem = f"Approving does something else now than was shown: it {now[:1].lower()}{now[1:]}"
        raise ApprovalRefused([problem], proposal)


def _checked(signal: Signal, overrides: Overrides, at: datetime) -> Proposal:
    """Return the proposal to decide on, while no other can take the same room. Raises ApprovalRefused."""
    positions.lock_account()
    proposal = propose(signal, at, overrides)
    if proposal.problems:
        raise ApprovalRefused(proposal.problems, proposal)
    return proposal


def _order(approval: TradeApproval, proposal: Proposal, at: datetime) -> Order:
    is_entry, terms = proposal.effect.is_entry, _terms(proposal)
    return Order.objects.create(
        kind=Order.Kind.ENTRY if is_entry else Order.Kind.CLOSE,
        approval=approval,
        symbol=proposal.symbol,
        side=proposal.signal.signal_type,
        currency=proposal.context.market.instruments[proposal.symbol].currency,
        requested_by=approval.approved_by,
        created_at=at,
        released_at=at,
        **terms,
    )


def _terms(proposal: Proposal) -> dict[str, Any]:
    """Return what an order asks for, and whether it is sent at once."""
    if not proposal.effect.is_entry:
        return {"status": Order.Status.PENDING_SUBMIT, "quantity": proposal.quantity}
    waits = proposal.waits_until is not None
    return {
        "status": Order.Status.WAITING_OPEN if waits else Order.Status.PENDING_SUBMIT,
        "quantity": proposal.quantity,
        "limit_price": proposal.limit_price,
        "stop_loss": proposal.levels.stop_loss,
        "take_profit": proposal.levels.take_profit,
        "good_until": proposal.good_until,
        "flat_at": proposal.flat_at,
        "due_at": proposal.waits_until,
    }


def _send(order: Order) -> None:
    """Queue what sends it, in the transaction that says it is to be sent."""
    if order.status == Order.Status.PENDING_SUBMIT:
        async_task("approvals.tasks.submit", order.pk)


def _decided(signal: Signal, by: User, at: datetime, etag: str) -> dict[str, Any]:
    """Return what every decision has."""
    first_viewed_at = (
        SignalView.objects.filter(signal=signal, user=by).values_list("first_at", flat=True).first()
    )
    return {
        "signal": signal,
        "approved_by": by,
        "approved_at": at,
        "etag": etag,
        "seconds_to_decide": None if first_viewed_at is None else (at - first_viewed_at).total_seconds(),
    }


def _shown(signal: Signal, fresh: EntryCheck, opinion: OrchestrationRun | None) -> dict[str, Any]:
    """Return what the decision was made on."""
    names = ("signal_type", "confidence", "entry_price", "stop_loss", "take_profit", "second_target")
    levels = {name: getattr(signal, name) for name in names}
    content = {"quote": fresh.as_json(), "signal": levels | {"reasoning": signal.reasoning}}
    return content | {"opinion": _opinion(opinion, signal.signal_type) if opinion else None}


def _opinion(run: OrchestrationRun, side: str) -> dict[str, Any]:
    """Return what the analyst had said by then."""
    names = ("id", "analyst", "model", "agent_suggestion", "confidence", "reasoning", "finished_at")
    return {name: getattr(run, name) for name in names} | {
        "stance": run.stance(side),
        "inventions": run.invented,
    }


def _json(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the same as JSON holds it: exact numbers and instants as text."""
    plain: dict[str, Any] = json.loads(json.dumps(figures, cls=DjangoJSONEncoder))
    return plain
