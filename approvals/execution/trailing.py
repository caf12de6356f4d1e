"""Stops that trail the price: worked each minute by the reconciliation, in the trade's favour only.

The best price is kept with the rule, so a restart forgets nothing.
"""

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from approvals import positions
from approvals.models import ExitChange, TrailingStop
from approvals.positions import Position
from approvals.risk import to_tick
from market import faults
from market.models import Fault, Instrument, Split

ENDED = "Neither its stop nor its target works any more."
SPLIT = "The share was split: its levels are those of the old shares. Set it anew."


def follow(at: datetime) -> None:
    """Ask for the stops that are to stand nearer now. Three queries more when any trails."""
    rules = list(TrailingStop.objects.filter(ended_at=None).select_related("order").order_by("pk"))
    if not rules:
        return
    held = {position.symbol: position for position in positions.open_positions()}
    ticks = dict(Instrument.objects.filter(pk__in=held).values_list("symbol", "tick_size"))
    split = set(Split.objects.filter(symbol__in=held).values_list("symbol", "date"))
    isolation = faults.Isolation(Fault.Work.ORDER, at, part="trail")
    for rule in rules:
        with isolation.of(rule.order_id, str(rule.order)):
            if any(symbol == rule.order.symbol and day > rule.set_at.date() for symbol, day in split):
                _end(rule, SPLIT, at)
            else:
                _follow(rule, held.get(rule.order.symbol), ticks, at)


def _follow(rule: TrailingStop, position: Position | None, ticks: dict[str, Decimal], at: datetime) -> None:
    if not rule.order.exits_working or position is None:
        _end(rule, ENDED, at)
        return
    sign, price = rule.order.sign, position.price
    if price is None:
        return
    if sign * (price - rule.best) > 0:
        rule.best = price
        TrailingStop.objects.filter(pk=rule.pk).update(best=price)
    if _has_begun(rule, position, sign):
        _ask(rule, _level(rule, price, sign, ticks[position.symbol]), sign, at)


def _has_begun(rule: TrailingStop, position: Position, sign: int) -> bool:
    """Return whether the gain that it begins with was reached."""
    if rule.after_r is None or rule.order.stop_loss is None:
        return True
    planned = abs(position.average_cost - rule.order.stop_loss)
    return sign * (rule.best - position.average_cost) >= rule.after_r * planned


def _level(rule: TrailingStop, price: Decimal, sign: int, tick: Decimal) -> Decimal:
    """Return where the stop is to be, on the tick; never at or beyond the newest price."""
    level = to_tick(rule.level(sign), tick, ROUND_FLOOR if sign > 0 else ROUND_CEILING)
    nearest = to_tick(price, tick, ROUND_FLOOR if sign > 0 else ROUND_CEILING) - sign * tick
    return min(level, nearest) if sign > 0 else max(level, nearest)


def _ask(rule: TrailingStop, level: Decimal, sign: int, at: datetime) -> None:
    """Ask for the stop there, when that is better than where it stands and nothing of it is being moved."""
    order, before = rule.order, rule.order.stop_now
    if before is None or sign * (level - before) <= 0 or level <= 0 or order.cancel_exits:
        return
    if not order.exit_changes.waiting().filter(leg=ExitChange.Leg.STOP).exists():
        change = ExitChange(order=order, leg=ExitChange.Leg.STOP, before=before, level=level, rule=rule)
        change.requested_at = at
        change.save(force_insert=True)


def _end(rule: TrailingStop, reason: str, at: datetime) -> None:
    TrailingStop.objects.filter(pk=rule.pk, ended_at=None).update(ended_at=at, ended_reason=reason)
