"""What the account is exposed to already: the figures that new orders are sized on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Sum

from approvals.models import AccountSnapshot, Fill, Order
from approvals.positions.account import Unknown, day_result, newest_snapshot
from approvals.positions.holdings import Position, open_positions
from approvals.positions.protection import live_entries, protect
from approvals.risk import Exposure
from market.models import Instrument

ZERO = Decimal(0)


@dataclass(frozen=True)
class Entering:
    """What of an entry may still be filled, or was filled and is not among the fills yet."""

    order: Order
    left: int

    @classmethod
    def of(cls, order: Order) -> "Entering":
        most = order.quantity if order.status in Order.WORKING else order.filled_quantity
        return cls(order, most - order.recorded)  # type: ignore[attr-defined]  # annotated

    @property
    def worth(self) -> tuple[str, Decimal]:
        return self.order.symbol, self.value

    @property
    def value(self) -> Decimal:
        return self.left * (self.order.limit_price or ZERO)

    @property
    def risk(self) -> Decimal:
        return self.order.risk * self.left / self.order.quantity

    def is_new(self, account: AccountSnapshot) -> bool:
        """Whether the broker did not have it yet when it said what the account can buy."""
        return self.order.submitted_at is None or self.order.submitted_at >= account.at


def exposure(at: datetime, positions: Sequence[Position] | None = None) -> Exposure:
    """What the account is exposed to, shares of others and working entries included.

    `positions`: the open ones, where they have been read already.
    Raises Unknown when the account has not been seen for three minutes, or holds what cannot be valued.
    Shares of others count in the values and as positions; what they may lose nobody here knows, so they are
    not in the open risk.
    """
    account = newest_snapshot(at)
    held = open_positions() if positions is None else positions
    entries = live_entries()
    entering = [one for one in map(Entering.of, entries) if one.left > 0]
    values: dict[str, Decimal] = defaultdict(Decimal)
    for symbol, value in [(one.symbol, one.value) for one in held] + [one.worth for one in entering]:
        values[symbol] += value
    _refuse_what_has_no_value(values, account.currency)
    stopped = sum((one.at_risk for one in protect(held, entries)), ZERO)
    return Exposure(
        capital=settings.TRADING_CAPITAL or account.equity,
        buying_power=account.buying_power - _spent(account, entering),
        gross=sum(values.values(), ZERO),
        open_risk=stopped + sum((one.risk for one in entering), ZERO),
        positions=len(values),
        day_result=day_result(account, at),
        values=values,
    )


def _spent(account: AccountSnapshot, entering: Iterable[Entering]) -> Decimal:
    """What has been taken up since the account was last seen: entries that work or that were filled."""
    bought = Fill.objects.filter(leg=Fill.Leg.ENTRY, recorded_at__gte=account.at)
    filled = bought.aggregate(sum=Sum(F("quantity") * F("price")))["sum"] or ZERO
    return filled + sum((one.value for one in entering if one.is_new(account)), ZERO)


def _refuse_what_has_no_value(symbols: Iterable[str], currency: str) -> None:
    """What is held in another currency, or is not known here, makes all the figures unknown."""
    known = dict(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "currency"))
    for symbol in sorted(symbols):
        if symbol not in known:
            raise Unknown(
                f"The account holds {symbol}, which Jax does not know. Add it to the instruments, so that "
                "its price and currency are known."
            )
        if known[symbol] != currency:
            held_in = f"{symbol} is held in {known[symbol]}, the account is in {currency}"
            raise Unknown(f"{held_in}, and no rate is known: nothing can be sized until it is sold.")
