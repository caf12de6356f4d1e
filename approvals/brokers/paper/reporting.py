"""How an order on paper stands, leg by leg. Pure."""

from collections import Counter
from decimal import Decimal

from approvals.brokers.base import Bracket, Close, Leg, LegReport, LegState, Protection, Report, State
from approvals.brokers.paper.book import Ticket
from approvals.brokers.paper.floor import Floor

STATES = {
    State.WORKING: LegState.WORKING,
    State.FILLED: LegState.FILLED,
    State.CANCELLED: LegState.CANCELLED,
}


def report(floor: Floor, ticket: Ticket) -> Report:
    """Return how it stands as of `floor.at`: levels and what exits wait for are on the basis of that day."""
    terms = ticket.terms
    return Report(
        client_id=terms.client_id,
        broker_id=f"paper-{ticket.number}",
        instrument=terms.instrument,
        side=terms.side,
        state=ticket.state,
        quantity=terms.quantity,
        filled=ticket.filled,
        reason=ticket.reason,
        exits_working=ticket.covered > 0,
        legs=_legs(floor, ticket),
    )


def _legs(floor: Floor, ticket: Ticket) -> tuple[LegReport, ...]:
    terms = ticket.terms
    if isinstance(terms, Close):
        return (_first(ticket, Leg.CLOSE, None),)
    exits = [leg for leg in (Leg.STOP, Leg.TARGET) if ticket.first_level(leg) is not None]
    if isinstance(terms, Bracket) and terms.flat_at:
        exits.append(Leg.FLAT)
    traded = _exited(floor, ticket)
    rows = [_exit(floor, ticket, leg, traded[leg]) for leg in exits]
    if isinstance(terms, Protection):
        return tuple(rows)
    return (_first(ticket, Leg.ENTRY, floor.level(ticket, Leg.ENTRY)), *rows)


def _first(ticket: Ticket, leg: Leg, level: Decimal | None) -> LegReport:
    state = STATES[ticket.state]
    return LegReport(
        leg, state, _number(ticket, leg), ticket.terms.quantity, ticket.filled, level, state.value
    )


def _exit(floor: Floor, ticket: Ticket, leg: Leg, traded: int) -> LegReport:
    """A leg asks for what it has traded and what is left of that: nothing more once it has ended."""
    covered = floor.shares(ticket, floor.at)
    if covered:
        state, quantity = LegState.WORKING, traded + covered
    elif ticket.works_entry:
        state, quantity = LegState.HELD, max(ticket.terms.quantity, traded)
    elif traded:
        state, quantity = LegState.FILLED, traded
    else:
        state, quantity = LegState.CANCELLED, ticket.filled or ticket.terms.quantity
    word = "stopped" if covered and ticket.is_stopped and leg is Leg.STOP else state.value
    return LegReport(leg, state, _number(ticket, leg), quantity, traded, floor.level(ticket, leg), word)


def _exited(floor: Floor, ticket: Ticket) -> Counter[Leg]:
    """Return how many shares each of its exits has sold (or bought back)."""
    traded: Counter[Leg] = Counter()
    for execution in floor.book.fills(ticket) if ticket.exited else ():
        traded[execution.leg] += execution.quantity
    return traded


def _number(ticket: Ticket, leg: Leg) -> str:
    return f"paper-{ticket.number}-{leg}"
