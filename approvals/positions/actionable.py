"""What approving a signal would do to our position, and so which signals can be acted on at all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db.models import Q

from approvals.positions.holdings import holdings
from signals.models import Signal
from signals.models.signals import SignalQuerySet
from signals.queries import pending_counts


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


@dataclass(frozen=True)
class SignalCounts:
    """How many signals are pending. `sells`: the symbol of each SELL, once for each of them."""

    buys: int
    sells: Sequence[str]
    newest_at: datetime | None

    @classmethod
    def load(cls, at: datetime) -> "SignalCounts":
        """Count the pending signals. One query."""
        return cls(*pending_counts(at))

    @property
    def total(self) -> int:
        return self.buys + len(self.sells)

    def actionable(self, longs: Collection[str] | None = None) -> int:
        """Return how many are actionable; the others are only measured. `longs`: as in `actionable`."""
        if longs is None and not settings.ALLOW_SHORT:
            longs = _long_symbols(set(self.sells))
        effects = (effect_of(Signal.Type.SELL, symbol in (longs or ())) for symbol in self.sells)
        return self.buys + sum(effect is not Effect.NOTHING for effect in effects)


def _long_symbols(symbols: Collection[str]) -> list[str]:
    held = holdings(symbols) if symbols else {}
    return [symbol for symbol, holding in held.items() if holding.balance.quantity > 0]
