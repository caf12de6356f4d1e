"""Cash by currency, positions, and what IB computes from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.orders import Execution, Order

LEVERAGE = 4
INITIAL, MAINTENANCE = Decimal("0.25"), Decimal("0.20")
CENT = Decimal("0.01")


@dataclass
class Holding:
    share: Share
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    price: Decimal = Decimal(0)

    def trade(self, signed: Decimal, price: Decimal) -> None:
        if signed * self.quantity >= 0:
            self.cost = (self.cost * self.quantity + price * signed) / (self.quantity + signed)
        elif abs(signed) > abs(self.quantity):
            self.cost = price
        self.quantity += signed
        self.price = price

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Account:
    """`rates`: what one unit of a currency is worth in the base currency."""

    name: str = "DU123456"
    base: str = "USD"
    cash: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(100_000)})
    rates: dict[str, Decimal] = field(default_factory=dict)
    holdings: dict[int, Holding] = field(default_factory=dict)

    def hold(self, share: Share, quantity: Decimal, cost: Decimal) -> None:
        self.holdings[share.con_id] = Holding(share, quantity, cost, cost)

    def apply(self, execution: Execution, sign: int = 1) -> None:
        """Book an execution; with sign -1 take it back."""
        share, signed = execution.order.share, execution.quantity * execution.order.terms.sign * sign
        if signed:
            self.holdings.setdefault(share.con_id, Holding(share)).trade(signed, execution.price)
        paid = signed * execution.price + sign * execution.commission
        self.cash[share.currency] = self.cash.get(share.currency, Decimal(0)) - paid

    @property
    def equity(self) -> Decimal:
        shares = sum(self.in_base(held.share.currency, held.value) for held in self.holdings.values())
        return self.total_cash + shares

    @property
    def total_cash(self) -> Decimal:
        return sum((self.in_base(currency, amount) for currency, amount in self.cash.items()), Decimal(0))

    @property
    def gross(self) -> Decimal:
        values = (abs(self.in_base(held.share.currency, held.value)) for held in self.holdings.values())
        return sum(values, Decimal(0))

    def in_base(self, currency: str, amount: Decimal) -> Decimal:
        return amount * self.rate(currency)

    def rate(self, currency: str) -> Decimal:
        return Decimal(1) if currency == self.base else self.rates.get(currency, Decimal(1))

    def values(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, value and currency, as reqAccountUpdates tells them."""
        available = self.equity - self.gross * INITIAL
        yield "AccountType", "INDIVIDUAL", ""
        yield "NetLiquidation", _money(self.equity), self.base
        yield "TotalCashValue", _money(self.total_cash), self.base
        yield "EquityWithLoanValue", _money(self.equity), self.base
        yield "AvailableFunds", _money(available), self.base
        yield "BuyingPower", _money(available * LEVERAGE), self.base
        yield "GrossPositionValue", _money(self.gross), self.base
        yield "InitMarginReq", _money(self.gross * INITIAL), self.base
        yield "MaintMarginReq", _money(self.gross * MAINTENANCE), self.base
        yield "CashBalance", _money(self.total_cash), "BASE"
        for currency, amount in self.cash.items():
            yield "CashBalance", _money(amount), currency
            yield "ExchangeRate", f"{self.rate(currency):.6f}", currency

    def margins_with(self, order: Order, price: Decimal, commission: Decimal) -> list[Decimal]:
        """Return initial and maintenance margin and equity: before, the change, after."""
        value = self.in_base(order.share.currency, order.terms.quantity * price)
        before = [self.gross * INITIAL, self.gross * MAINTENANCE, self.equity]
        change = [value * INITIAL, value * MAINTENANCE, -self.in_base(order.share.currency, commission)]
        after = [one + other for one, other in zip(before, change, strict=True)]
        return [figure.quantize(CENT) for figure in (*before, *change, *after)]


def _money(amount: Decimal) -> str:
    return str(amount.quantize(CENT))
