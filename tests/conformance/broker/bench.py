"""A broker's adapter on the bench: what the cases do with it, and how they read its answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from approvals.brokers.base import (
    Bracket,
    Broker,
    BrokerSpec,
    Close,
    Execution,
    Instrument,
    Leg,
    LegReport,
    LegState,
    Protection,
    Report,
    Side,
    State,
)
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart
from tests.make import T0

STOP, TARGET = PRICE - 5, PRICE + 10
AAPL = Instrument(SYMBOL)
HOUR = timedelta(hours=1)


@dataclass
class Bench:
    """The broker as it is now, and the counterpart behind it. Time passes only where a case lets it."""

    spec: BrokerSpec
    behind: Counterpart
    now: datetime = T0

    def __post_init__(self) -> None:
        self.behind.pass_time(self.now)

    @property
    def broker(self) -> Broker:
        return self.spec.build(self.behind.values, self.now)

    def wait(self, seconds: float = 10) -> None:
        self.now += timedelta(seconds=seconds)
        self.behind.pass_time(self.now)

    # --- orders -------------------------------------------------------------------------------------------

    def entry(self, side: Side = Side.BUY, **terms: Any) -> Bracket:
        """Return an entry for 10 shares that has not been placed, good for three hours."""
        levels = {"limit_price": PRICE + side.sign, "stop_loss": STOP, "take_profit": TARGET}
        if side is Side.SELL:
            levels |= {"stop_loss": TARGET, "take_profit": STOP}
        given: dict[str, Any] = {
            "client_id": uuid4(),
            "instrument": AAPL,
            "quantity": 10,
            "good_until": T0 + 3 * HOUR,
        }
        return Bracket(**{"side": side} | given | levels | terms)

    def placed(self, side: Side = Side.BUY, **terms: Any) -> Bracket:
        order = self.entry(side, **terms)
        self.broker.place(order)
        self.wait()
        return order

    def filled(self, side: Side = Side.BUY, **terms: Any) -> Bracket:
        """Return an entry that is filled, whose exits work."""
        order = self.placed(side, **terms)
        self.fill(order.client_id)
        return order

    def partly_filled(self) -> Bracket:
        """Return an entry of which 4 shares of 10 are filled."""
        order = self.placed()
        self.fill(order.client_id, quantity=4)
        return order

    def closing(self, *guards: Bracket, quantity: int = 10, side: Side = Side.SELL) -> Close:
        """Return a closing that has not been sent."""
        ids = tuple(order.client_id for order in guards)
        return Close(uuid4(), AAPL, side, quantity, guards=ids)

    def protection(self, quantity: int = 10, **terms: Any) -> Protection:
        """Return a stop and a target for shares bought, not sent."""
        given: dict[str, Any] = {"client_id": uuid4(), "instrument": AAPL, "side": Side.SELL}
        levels = {"stop_loss": STOP, "take_profit": TARGET}
        return Protection(**given | {"quantity": quantity} | levels | terms)

    def fill(
        self, client_id: UUID, leg: Leg = Leg.ENTRY, price: Decimal = PRICE, quantity: int | None = None
    ) -> None:
        """Fill a leg, whole or in part, and let it be told."""
        if quantity is None:
            self.behind.fill(client_id, leg, price)
        else:
            self.behind.fill_partly(client_id, leg, quantity, price)
        self.wait()

    # --- answers ------------------------------------------------------------------------------------------

    def report(self, client_id: UUID) -> Report:
        """Return how an order stands that the broker must know."""
        report = self.broker.order(client_id)
        assert isinstance(report, Report), report
        return report

    def standing(self, client_id: UUID) -> tuple[State, int]:
        """Return the state of an order and how much of it is filled."""
        report = self.report(client_id)
        return report.state, report.filled

    def leg(self, client_id: UUID, leg: Leg) -> LegReport:
        """Return how one leg stands; where it was replaced, its successor."""
        legs = [row for row in self.report(client_id).legs if row.leg is leg]
        living = [row for row in legs if row.state is not LegState.REPLACED]
        assert living, f"there is no {leg} among {legs}"
        return living[-1]

    def lives(self, client_id: UUID, leg: Leg) -> bool:
        """Return whether a leg can still fill."""
        return self.leg(client_id, leg).state.is_live

    def executions(self) -> list[Execution]:
        """Return all that were told since the beginning, each id once, as it was told last."""
        rows = self.broker.executions(T0 - HOUR)
        return list({row.execution_id: row for row in rows}.values())

    def counted(self) -> list[Execution]:
        """Return those that count: a corrected one does not."""
        rows = self.executions()
        corrected = {row.corrects for row in rows}
        return [row for row in rows if row.execution_id not in corrected]

    def only(self) -> Execution:
        (execution,) = self.executions()
        return execution

    def held(self, symbol: str = SYMBOL) -> Decimal:
        """Return what the adapter says that is held."""
        holding = self.broker.holdings().get(symbol)
        return holding.quantity if holding else Decimal(0)

    def working(self) -> set[UUID | None]:
        """Return the ids of the orders that work."""
        return {report.client_id for report in self.broker.orders()}
