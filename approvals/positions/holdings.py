"""What is held of each symbol, by us and by others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from approvals.accounting import Balance, Split, Trade, fold
from approvals.models import BrokerPosition, Fill
from approvals.positions import rounds
from approvals.positions.account import day_began
from market.models import Quote

ZERO = Decimal(0)


@dataclass(frozen=True)
class Position:
    """The sum of our fills of a symbol, restated for later splits. Negative quantities are short.

    `average_cost` per share, commissions not included. `realised`: what closed shares made since it was last
    flat (when it is flat: in the last round), less the commissions of all fills. `unrealised`: what the open
    ones make at `price`, the newest quote; None without one. `foreign`: shares that the account holds and we
    did not cause; what they cost is the broker's average.
    """

    symbol: str
    quantity: int
    average_cost: Decimal
    realised: Decimal
    price: Decimal | None
    unrealised: Decimal | None
    foreign: int
    opened_at: datetime | None
    brokers_cost: Decimal = ZERO

    @property
    def is_open(self) -> bool:
        return self.quantity != 0 or self.foreign != 0

    @property
    def sign(self) -> int:
        return 1 if self.quantity > 0 else -1

    @property
    def newest_price(self) -> Decimal:
        """The newest quote, or what it cost where there is none."""
        return self.price or self.average_cost or self.brokers_cost

    @property
    def value(self) -> Decimal:
        """What all shares of the account are worth; at cost where there is no price."""
        return abs(self.quantity + self.foreign) * self.newest_price


def of(symbol: str) -> Position:
    """Our position in a symbol, flat when there is none: always five queries."""
    splits = rounds.splits_of([symbol])
    balances = rounds.balances(rounds.held(splits, [symbol]), splits)
    others = BrokerPosition.objects.filter(symbol=symbol)
    return _positions([symbol], balances, others)[0]


def open_positions() -> list[Position]:
    """Those that are not flat, or that the account holds without us, by symbol: always five queries."""
    splits = rounds.splits_of()
    sums = {symbol: held for symbol, held in rounds.held(splits).items() if held}
    others = list(BrokerPosition.objects.all())
    symbols = sums.keys() | {row.symbol for row in others if row.foreign}
    made = _positions(sorted(symbols), rounds.balances(sums, splits), others)
    return [position for position in made if position.is_open]


def _positions(
    symbols: Sequence[str], balances: Mapping[str, Balance], others: Iterable[BrokerPosition]
) -> list[Position]:
    prices = dict(Quote.objects.filter(symbol__in=symbols).values_list("symbol", "price"))
    told = {row.symbol: row for row in others}
    return [_position(one, balances[one], prices.get(one), told.get(one)) for one in symbols]


def _position(symbol: str, balance: Balance, quote: float | None, told: BrokerPosition | None) -> Position:
    price = None if quote is None else Decimal(f"{quote:.6f}")
    return Position(
        symbol,
        balance.quantity,
        balance.average_cost,
        balance.realised,
        price,
        None if price is None else balance.unrealised(price),
        told.foreign if told else 0,
        balance.opened_at,
        told.average_cost if told else ZERO,
    )


def realised_today(at: datetime) -> Decimal:
    """What the exchange day has realised, commissions taken off: five queries at most."""
    began = day_began(at)
    today: dict[str, list[Trade]] = defaultdict(list)
    for fill in Fill.objects.ours().filter(executed_at__gte=began):
        trade = Trade(fill.signed_quantity, fill.price, fill.commission, fill.executed_at)
        today[fill.symbol].append(trade)
    splits = rounds.splits_of(today)
    before = rounds.balances(rounds.held(splits, today, began), splits, began)
    return sum((_realised(today[one], before[one], splits.get(one, ()), began) for one in today), ZERO)


def _realised(trades: list[Trade], before: Balance, splits: Sequence[Split], began: datetime) -> Decimal:
    later = [split for split in splits if split.date > began.date()]
    return fold(trades, later, before).realised - before.realised
