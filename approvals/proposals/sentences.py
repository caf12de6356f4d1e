"""A proposal as a person reads it: what pressing the button does."""

from datetime import datetime

from django.utils import timezone

from approvals.entry_check import format_price
from approvals.positions import Effect
from approvals.proposals.proposal import NOT_ACTIONABLE, Proposal
from signals.models import Signal


def describe(proposal: Proposal) -> str:
    """Return in a sentence what pressing the button does."""
    if proposal.effect is Effect.NOTHING:
        return NOT_ACTIONABLE
    verb = "buys" if proposal.signal.signal_type == Signal.Type.BUY else "sells"
    sentence = _exit(proposal, verb) if proposal.effect.is_exit else _entry(proposal, verb)
    return sentence[0].upper() + sentence[1:]


def _exit(proposal: Proposal, verb: str) -> str:
    hours = proposal.entry_check.hours
    when = "now" if hours.is_open else f"at the open{_on(hours.opens_at)}"
    side = "long" if proposal.effect is Effect.CLOSES_LONG else "short"
    shares = f"{verb} {proposal.quantity} {proposal.symbol}"
    return (
        f"{shares} {when} at the market, out of the {side} position; its stop and target are cancelled first."
    )


def _entry(proposal: Proposal, verb: str) -> str:
    if proposal.size is None or proposal.limit_price is None:
        return f"{verb} {proposal.symbol}; how many is not known now."
    risks = f"risks {proposal.size.risk:.2f} {proposal.context.currency} until the stop"
    limit = f"at {format_price(proposal.limit_price)} or better"
    terms = f"{limit}, {risks}, good until{_on(proposal.good_until)}"
    shares = f"{verb} {proposal.quantity} {proposal.symbol}"
    if proposal.waits_until is None:
        return f"{shares} now {terms}."
    opens = _on(proposal.entry_check.hours.opens_at)
    return f"waits for the open{opens}, looks again two minutes later, then {shares} {terms}."


def _on(at: datetime | None) -> str:
    """In the active time zone: the viewer's on a page, UTC elsewhere."""
    return f" {timezone.localtime(at):%A %H:%M %Z}" if at else ""


def terms(proposal: Proposal) -> str:
    """Return which kind of order it would be and when it would go out: no person approves another one unseen.

    An entry's figures are sent as they were shown; an exit has none, so its shares are among its terms.
    """
    if proposal.effect.is_exit:
        what, at = f"{proposal.effect} {proposal.quantity}", proposal.entry_check.hours.opens_at
    else:
        what, at = proposal.effect.value, proposal.waits_until
    return f"{what} {'now' if at is None else at.isoformat()}"


def terms_in_full(proposal: Proposal) -> str:
    """Return the terms with the figures, for who sends no figures of an entry: all that was shown."""
    if proposal.effect.is_exit:
        return terms(proposal)
    prices = (proposal.limit_price, proposal.levels.stop_loss, proposal.levels.take_profit)
    figures = " ".join("-" if price is None else f"{price.normalize():f}" for price in prices)
    return f"{terms(proposal)} {proposal.quantity} {figures}"
