"""What approving a signal would do to our position, and so which signals can be acted on at all."""

from collections.abc import Collection
from enum import StrEnum

from django.conf import settings
from django.db.models import Count, Q

from approvals.positions import round_trips
from signals.models import Signal
from signals.models.signals import SignalQuerySet


class Effect(StrEnum):
    """What approving does to the position. NOTHING: the signal is not actionable, only measured."""

    OPENS_LONG = "opens long"
    OPENS_SHORT = "opens short"
    CLOSES_LONG = "closes long"
    CLOSES_SHORT = "closes short"
    NOTHING = "nothing"

    @property
    def is_entry(self) -> bool:
        return self in (Effect.OPENS_LONG, Effect.OPENS_SHORT)

    @property
    def is_exit(self) -> bool:
        return self in (Effect.CLOSES_LONG, Effect.CLOSES_SHORT)


def effect_of(signal_type: str, shares: int) -> Effect:
    """Return what approving such a signal does when we hold so many shares of its symbol."""
    buys = signal_type == Signal.Type.BUY
    if shares > 0 and not buys:
        return Effect.CLOSES_LONG
    if shares < 0 and buys:
        return Effect.CLOSES_SHORT
    if buys:
        return Effect.OPENS_LONG
    return Effect.OPENS_SHORT if settings.ALLOW_SHORT else Effect.NOTHING


def actionable(signals: SignalQuerySet, longs: Collection[str] | None = None) -> SignalQuerySet:
    """Return those of the signals whose `effect_of` is not NOTHING; the others are only measured.

    `longs`: the symbols of which we hold shares, where they have been read already; otherwise they are read
    for the symbols of the SELLs among these: at most four queries.
    """
    if settings.ALLOW_SHORT:
        return signals
    if longs is None:
        sells = signals.order_by().filter(signal_type=Signal.Type.SELL)
        longs = _long_symbols(set(sells.values_list("symbol", flat=True)))
    return signals.filter(Q(signal_type=Signal.Type.BUY) | Q(symbol__in=longs))


def count_actionable(signals: SignalQuerySet, longs: Collection[str] | None = None) -> tuple[int, int]:
    """Return how many of the signals are actionable, and how many are only measured. `longs`: as above."""
    rows = signals.order_by().values("signal_type", "symbol").annotate(signals=Count("pk"))
    counts = {(row["signal_type"], row["symbol"]): row["signals"] for row in rows}
    if longs is None:
        longs = _long_symbols({symbol for side, symbol in counts if side == Signal.Type.SELL})
    can_act = sum(
        number
        for (side, symbol), number in counts.items()
        if effect_of(side, 1 if symbol in longs else 0) is not Effect.NOTHING
    )
    return can_act, sum(counts.values()) - can_act


def _long_symbols(symbols: Collection[str]) -> list[str]:
    held = round_trips.holdings(symbols) if symbols else {}
    return [symbol for symbol, holding in held.items() if holding.balance.quantity > 0]
