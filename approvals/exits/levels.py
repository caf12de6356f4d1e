"""Moving the stops and targets that work, and trailing the price with a stop.

What takes risk away is possible under halt and gate. A stop that is moved away takes more: it needs the room
that the limits leave, no halt, and a person who says that it is meant. What is asked for here the broker does
later (`execution.change_exits`); until it has, the old level works.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django_q.tasks import async_task

from approvals import audit, gate, positions, proposals, risk
from approvals.brokers import registry
from approvals.entry_check import format_price, levels_of
from approvals.exits.leaving import ExitRefused
from approvals.models import ExitChange, Order, OrderDecision, TrailingStop
from approvals.positions import Protected
from market.models import Instrument, Split

ZERO = Decimal(0)
Action, Leg = OrderDecision.Action, ExitChange.Leg


class Changed(Exception):
    """The order is not any more what the person saw. `etag` stands for what it is now."""

    def __init__(self, etag: str) -> None:
        self.etag = etag
        super().__init__("Its stop or its target has changed since you looked. Look again.")


@dataclass(frozen=True)
class Wanted:
    """Where stop and target are to stand; None: where they are. `is_confirmed`: more risk is meant."""

    stop: Decimal | None = None
    target: Decimal | None = None
    is_confirmed: bool = False


@dataclass(frozen=True)
class Trail:
    """How a stop is to follow the price. `after_r`: from a gain of so many R on; None: at once."""

    kind: TrailingStop.Kind
    distance: Decimal
    after_r: Decimal | None = None


@dataclass(frozen=True)
class Managed:
    """An entry whose exits work, with what can be done with them. `price`: None without a quote."""

    order: Order
    protected: Protected
    tick: Decimal

    @property
    def sign(self) -> int:
        return self.order.sign

    @property
    def price(self) -> Decimal | None:
        return self.protected.position.price

    @property
    def shares(self) -> int:
        return min(positions.guarded(self.order), abs(self.protected.position.quantity))

    @property
    def break_even(self) -> Decimal:
        """Return what the shares cost on average, on the tick that loses nothing."""
        cost = self.protected.position.average_cost
        return risk.to_tick(cost, self.tick, "ROUND_CEILING" if self.sign > 0 else "ROUND_FLOOR")

    @property
    def rule(self) -> TrailingStop | None:
        return self.order.trailing_stops.filter(ended_at=None).first()

    @property
    def obstacle(self) -> str:
        """Return why nothing of it can be moved now; empty when it can."""
        return next(_obstacles(self.order), "")

    @property
    def waiting(self) -> list[ExitChange]:
        return list(self.order.exit_changes.waiting())

    def loses(self, stop: Decimal) -> Decimal:
        """Return what the shares lose from their cost to a stop; negative when they gain."""
        return self.shares * self.sign * (self.protected.position.average_cost - stop)


def seen_as(order: Order) -> str:
    """Return what identifies the levels that a person decides on."""
    return order.fingerprint()


def offers(symbol: str) -> list[Managed]:
    """Return the entries of a symbol whose exits work, with what can be done with them."""
    tick = Instrument.objects.filter(pk=symbol).values_list("tick_size", flat=True).first()
    held = [protected for protected in positions.protected() if protected.position.symbol == symbol]
    return [
        Managed(order, protected, tick or Decimal("0.01")) for protected in held for order in protected.exits
    ]


def move(
    order: Order, wanted: Wanted, *, by: User, seen: str, at: datetime, notes: str = ""
) -> list[ExitChange]:
    """Ask for other levels of stop and target.

    Raises Changed when it is not what was seen, and ExitRefused for what cannot be, or is not to be without a
    word: a stop that is moved away.
    """
    with transaction.atomic():
        managed = _locked(order, seen)
        changes = list(_changes(managed, wanted, by, at, notes))
        if not changes:
            raise ExitRefused("Stop and target stand there already.")
        _refuse_misplaced(managed, changes)
        if away := [change for change in changes if _takes_risk(managed, change)]:
            _refuse_more_risk(managed, away[0], wanted, at)
        ExitChange.objects.bulk_create(changes)
        shown = _shown(managed) | {str(change.leg): f"{change.level:.6f}" for change in changes}
        _record(managed.order, Action.MOVE, "exits asked to move", by, at, notes, shown)
        async_task("approvals.tasks.change_exits", order.pk)
    return changes


def break_even(order: Order, *, by: User, seen: str, at: datetime, notes: str = "") -> list[ExitChange]:
    """Move the stop to what the shares cost. Raises as `move` does, and where it stands better already."""
    managed = _managed(order)
    stop_now = managed.order.stop_now
    if stop_now is not None and managed.sign * (stop_now - managed.break_even) >= 0:
        raise ExitRefused(f"The stop of {format_price(stop_now)} loses nothing already.")
    return move(order, Wanted(stop=managed.break_even), by=by, seen=seen, at=at, notes=notes)


def trail(order: Order, terms: Trail, *, by: User, seen: str, at: datetime, notes: str = "") -> TrailingStop:
    """Let the stop follow the price from now on, in the trade's favour only; another rule ends with it."""
    with transaction.atomic():
        managed = _locked(order, seen)
        if managed.price is None:
            raise ExitRefused("There is no quote to begin with.")
        rule = TrailingStop(
            order=order,
            kind=terms.kind,
            distance=terms.distance,
            atr=_atr(order) if terms.kind == TrailingStop.Kind.ATR else None,
            after_r=terms.after_r,
            best=managed.price,
            set_by=by,
            set_at=at,
            notes=notes,
        )
        if problem := _trail_problem(managed, rule):
            raise ExitRefused(problem)
        _end_rule(order, by, at, "Another one was set.")
        rule.save(force_insert=True)
        shown = _shown(managed) | {"rule": str(rule)}
        _record(order, Action.TRAIL, "stop trails", by, at, notes, shown)
    return rule


def stop_trailing(order: Order, *, by: User, seen: str, at: datetime, notes: str = "") -> None:
    """Leave the stop where it stands. Raises ExitRefused when none trails."""
    with transaction.atomic():
        managed = _locked(order, seen)
        if not _end_rule(order, by, at, f"Ended by {by.get_username()}."):
            raise ExitRefused("No stop of it trails.")
        _record(order, Action.UNTRAIL, "stop trails no more", by, at, notes, _shown(managed))


# --- what cannot be ---------------------------------------------------------------------------------------


def _locked(order: Order, seen: str) -> Managed:
    """Return what is managed, while no other can change it. Raises Changed and ExitRefused."""
    positions.lock_account()
    locked = Order.objects.select_for_update().get(pk=order.pk)
    if seen != seen_as(locked):
        raise Changed(seen_as(locked))
    return _managed(locked)


def _managed(order: Order) -> Managed:
    """Return the order beside its position. Raises ExitRefused when nothing of it can be moved."""
    if problem := next(_obstacles(order), ""):
        raise ExitRefused(problem)
    found = [managed for managed in offers(order.symbol) if managed.order.pk == order.pk]
    if not found:
        raise ExitRefused(f"Nothing of {order.symbol} is held that its exits guard.")
    return found[0]


def _obstacles(order: Order) -> Iterator[str]:
    """Yield why nothing of it can be moved."""
    spec = registry.spec_of(settings.BROKER)
    if not spec.capabilities.replaces:
        yield f"{spec.title} changes no stop or target that works. Closing the position is possible."
    if not order.exits_working:
        yield "Neither a stop nor a target of it works."
    closings = Order.objects.working().filter(symbol=order.symbol, kind=Order.Kind.CLOSE)
    if order.cancel_exits or closings.exclude(status=Order.Status.HELD).exists():
        yield f"The position in {order.symbol} is being closed: its exits end with that."
    if order.exit_changes.waiting().exists():
        yield "It is being moved already: wait until the broker has answered."
    if Split.objects.filter(symbol=order.symbol, date__gt=order.created_at).exists():
        yield "The share was split since: its levels are the broker's. Move them there, or close it."


def _changes(managed: Managed, wanted: Wanted, by: User, at: datetime, notes: str) -> Iterator[ExitChange]:
    """Yield what would stand elsewhere, on the tick."""
    order = managed.order
    pairs = ((Leg.STOP, order.stop_now, wanted.stop), (Leg.TARGET, order.target_now, wanted.target))
    for leg, before, level in pairs:
        on_tick = None if level is None else risk.to_tick(level, managed.tick)
        if on_tick is not None and before is not None and on_tick != before:
            yield ExitChange(
                order=order,
                leg=leg,
                before=before,
                level=on_tick,
                requested_by=by,
                requested_at=at,
                notes=notes,
            )


def _refuse_misplaced(managed: Managed, changes: list[ExitChange]) -> None:
    """Raise ExitRefused for a level at which it would be executed at once, or which no price can reach."""
    price, sign = managed.price, managed.sign
    for change in changes:
        level = format_price(change.level)
        if change.level <= 0:
            raise ExitRefused("A price must be above zero.")
        side = sign if change.leg == Leg.STOP else -sign
        if price is not None and side * (price - change.level) <= 0:
            raise ExitRefused(
                f"The {change.leg} of {level} is at or beyond the price of {format_price(price)}: it would be"
                " executed at once. Close the position if that is meant."
            )
    after = {change.leg: change.level for change in changes}
    stop, target = (
        after.get(Leg.STOP, managed.order.stop_now),
        after.get(Leg.TARGET, managed.order.target_now),
    )
    if stop is not None and target is not None and sign * (target - stop) <= 0:
        raise ExitRefused(
            f"The target of {format_price(target)} is not beyond the stop of {format_price(stop)}."
        )


def _takes_risk(managed: Managed, change: ExitChange) -> bool:
    return change.leg == Leg.STOP and managed.sign * (change.level - change.before) < 0


def _refuse_more_risk(managed: Managed, change: ExitChange, wanted: Wanted, at: datetime) -> None:
    """Raise ExitRefused unless the limits have room for what the stop takes more, and it is meant."""
    if managed.rule is not None:
        raise ExitRefused(f"The stop {managed.rule}: end that before you move it away.")
    if obstacle := gate.obstacle(at):
        raise ExitRefused(f"A stop that is moved away takes more risk. {obstacle}")
    try:
        exposure = positions.exposure(at)
    except positions.Unknown as unknown:
        raise ExitRefused(str(unknown)) from None
    most = proposals.limits().in_money(exposure.capital)
    more, loses = managed.shares * abs(change.level - change.before), managed.loses(change.level)
    room, currency = most.open_risk - exposure.open_risk, managed.order.currency
    takes = f"It would risk {more:.2f} {currency} more, {max(loses, ZERO):.2f} in all until the stop"
    if more > room:
        raise ExitRefused(f"{takes}: all stops together may lose only {max(room, ZERO):.2f} more.")
    if loses > most.risk_per_trade:
        raise ExitRefused(f"{takes}: a trade may lose {most.risk_per_trade:.2f}.")
    if not wanted.is_confirmed:
        raise ExitRefused(f"{takes}. Confirm that this is meant.")


def _trail_problem(managed: Managed, rule: TrailingStop) -> str:
    """Return why a stop cannot trail so; empty when it can."""
    if rule.distance <= 0 or (rule.kind == TrailingStop.Kind.PERCENT and rule.distance >= 100):
        return "The distance must be above zero, and below 100 per cent."
    if rule.kind == TrailingStop.Kind.ATR and not rule.atr:
        return "Its signal has no ATR: trail by per cent."
    if rule.level(managed.sign) <= 0:
        return "The distance is more than the price."
    return ""


# --- what is kept -----------------------------------------------------------------------------------------


def _atr(order: Order) -> Decimal | None:
    return levels_of(order.approval.signal).atr if order.approval else None


def _end_rule(order: Order, by: User, at: datetime, reason: str) -> bool:
    rules = TrailingStop.objects.filter(order=order, ended_at=None)
    return rules.update(ended_at=at, ended_by=by, ended_reason=reason) == 1


def _shown(managed: Managed) -> dict[str, Any]:
    """Return what stood there when it was decided, as JSON has it."""
    order, price = managed.order, managed.price
    levels = {"stop_was": order.stop_now, "target_was": order.target_now, "price": price}
    return {name: None if level is None else f"{level:.6f}" for name, level in levels.items()}


def _record(
    order: Order, action: str, event: str, by: User, at: datetime, notes: str, shown: dict[str, Any]
) -> None:
    OrderDecision.objects.create(
        order=order, action=action, decided_by=by, decided_at=at, notes=notes, shown=shown
    )
    audit.append(event, f"order {order.pk}", at, by=by, order=str(order), notes=notes, **shown)
