"""Putting a stop back on shares that are held without one, by a person. Always possible, as getting out is.

It takes risk away: neither halt nor gate nor a limit stands before it, and no second factor is asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django_q.tasks import async_task

from approvals import audit, positions, risk
from approvals.brokers import registry
from approvals.entry_check import format_price
from approvals.execution import protect, transitions
from approvals.execution.protect import Guard
from approvals.exits.leaving import ExitRefused
from approvals.models import Fill, Order, OrderDecision
from approvals.positions import Position, Protected
from market.models import Instrument, Split

Kind, Status = Order.Kind, Order.Status


@dataclass(frozen=True)
class Bare:
    """Shares that are held without a stop, and where the entry that bought them had it.

    `obstacle`: why no stop can be put back now; empty when it can.
    """

    position: Position
    shares: int
    entry: Order | None
    obstacle: str

    @property
    def stop(self) -> Decimal | None:
        """Return where the stop stood, where the price has not passed it."""
        return self._still_ahead(self.entry.stop_now if self.entry else None, self.position.sign)

    @property
    def target(self) -> Decimal | None:
        return self._still_ahead(self.entry.target_now if self.entry else None, -self.position.sign)

    def _still_ahead(self, level: Decimal | None, sign: int) -> Decimal | None:
        price = self.position.price
        is_passed = level is not None and price is not None and sign * (price - level) <= 0
        return None if is_passed else level


def bare(symbol: str, held: Protected | None = None) -> Bare | None:
    """Return the shares of a symbol that are held without a stop; None when there are none.

    `held`: the position with its exits, where it has been read already.
    """
    held = held or next((held for held in positions.protected() if held.position.symbol == symbol), None)
    coming = list(protect.on_its_way(symbol))
    shares = protect.bare_of(held, coming) if held else 0
    if held is None or (shares <= 0 and not coming):
        return None
    return Bare(held.position, max(shares, 0), _entry(held.position), next(_obstacles(symbol), ""))


def put_back(
    symbol: str, guard: Guard, *, by: User, at: datetime, notes: str = "", shown: int | None = None
) -> Order:
    """Place a stop, and a target where one is given, for all our shares that have no stop.

    `shown`: how many such shares the person was shown. Raises ExitRefused when there are none, when it is
    another number, when they are being closed or a stop is on its way, and for a level that would be executed
    at once.
    """
    with transaction.atomic():
        positions.lock_account()
        instrument = Instrument.objects.get(pk=symbol)
        shares = protect.bare_shares(symbol)
        if obstacle := next(_obstacles(symbol), ""):
            raise ExitRefused(obstacle)
        if shares <= 0:
            raise ExitRefused(f"No share of {symbol} is held without a stop.")
        if shown not in (None, shares):
            raise ExitRefused(
                f"{shares} {symbol} are held without a stop now, and the page said {shown}. Look again."
            )
        position = positions.of(symbol)
        on_tick = _on_tick(guard, instrument)
        if problem := next(_misplaced(position, on_tick), ""):
            raise ExitRefused(problem)
        entry = _entry(position)
        flat_at = entry.flat_at if entry and entry.flat_at and entry.flat_at > at else None
        order = protect.make(position, shares, on_tick, by, at, currency=instrument.currency, flat_at=flat_at)
        levels = {"stop": f"{on_tick.stop:.6f}", "target": on_tick.target and f"{on_tick.target:.6f}"}
        shown_then = levels | {"quantity": shares, "price": position.price and f"{position.price:.6f}"}
        OrderDecision.objects.create(
            order=order,
            action=OrderDecision.Action.PROTECT,
            decided_by=by,
            decided_at=at,
            notes=notes,
            shown=shown_then,
        )
        audit.append(
            "order made",
            transitions.subject(order),
            at,
            by=by,
            order=str(order),
            notes=notes,
            shown=shown_then,
        )
        async_task("approvals.tasks.submit", order.pk)
    return order


# --- what cannot be ---------------------------------------------------------------------------------------


def _obstacles(symbol: str) -> Iterator[str]:
    """Yield why no stop can be put back now."""
    spec = registry.spec_of(settings.BROKER)
    if not spec.capabilities.protects:
        yield f"{spec.title} takes no stop for shares that are held. Closing the position is possible."
    if Instrument.objects.get(pk=symbol).is_gone:
        yield f"{symbol} does not trade any more: close the position at a price."
    working = Order.objects.working().filter(symbol=symbol)
    if working.filter(kind=Kind.CLOSE).exclude(status=Status.HELD).exists():
        yield f"The position in {symbol} is being closed."
    if coming := protect.on_its_way(symbol).first():
        yield f"A stop is on its way already: {coming}, which is {coming.get_status_display()}."
    if not spec.capabilities.partial_brackets and working.entries().in_(*Order.SENT).exists():
        yield (
            f"An entry in {symbol} still works, and its stop comes when it has filled whole: cancel it, and "
            "what it has filled gets its stop."
        )


def _misplaced(position: Position, guard: Guard) -> Iterator[str]:
    """Yield why a level is none: it would be executed at once, or no price can reach it."""
    sign, price = position.sign, position.price
    if guard.stop <= 0 or (guard.target is not None and guard.target <= 0):
        yield "A price must be above zero."
    for name, level, side in (("stop", guard.stop, sign), ("target", guard.target, -sign)):
        if price is not None and level is not None and side * (price - level) <= 0:
            yield (
                f"The {name} of {format_price(level)} is at or beyond the price of {format_price(price)}: it "
                "would be executed at once. Close the position if that is meant."
            )
    if guard.target is not None and sign * (guard.target - guard.stop) <= 0:
        yield (
            f"The target of {format_price(guard.target)} is not beyond the stop of "
            f"{format_price(guard.stop)}."
        )


def _on_tick(guard: Guard, instrument: Instrument) -> Guard:
    tick = instrument.tick_size
    target = None if guard.target is None else risk.to_tick(guard.target, tick)
    return Guard(risk.to_tick(guard.stop, tick), target)


def _entry(position: Position) -> Order | None:
    """Return the newest entry of what is held, where its levels are those of the shares of today."""
    if position.opened_at is None:
        return None
    fills = Fill.objects.ours().filter(symbol=position.symbol, leg=Fill.Leg.ENTRY)
    newest = fills.filter(executed_at__gte=position.opened_at).select_related("order").first()
    if newest is None or newest.order is None:
        return None
    was_split = Split.objects.filter(symbol=position.symbol, date__gt=newest.order.created_at).exists()
    return None if was_split else newest.order
