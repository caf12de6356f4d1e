"""What proposals depend on besides their signals: prices, sessions, positions, limits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.functional import cached_property

from approvals import gate, positions
from approvals.entry_check import MarketContext
from approvals.gate import State
from approvals.models import Order
from approvals.positions import Book, Position
from approvals.positions.correlations import Pair, read_correlations
from approvals.proposals.earnings import Calendar, read_calendars
from approvals.risk import Exposure, Limits


def limits() -> Limits:
    """Return the limits of this installation."""
    return Limits(
        risk_per_trade=settings.RISK_PER_TRADE,
        position=settings.MAX_POSITION,
        gross=settings.MAX_GROSS,
        open_risk=settings.MAX_OPEN_RISK,
        positions=settings.MAX_OPEN_POSITIONS,
        day_loss=settings.MAX_DAY_LOSS,
        week_loss=settings.MAX_WEEK_LOSS,
        strategy=settings.MAX_STRATEGY,
        strategy_positions=settings.MAX_STRATEGY_POSITIONS,
        group=settings.MAX_GROUP,
    )


@dataclass(frozen=True)
class Context:
    """What proposals depend on besides their signals, read once for all of them."""

    market: MarketContext
    obstacle: str
    exposure: Exposure | None
    unknown: str
    book: Book

    @classmethod
    def load(
        cls, symbols: Collection[str], at: datetime, state: State | None = None, book: Book | None = None
    ) -> "Context":
        """Four queries; one more for the state of the gate and three for the book, if not given."""
        book = book or Book.load(at)
        exposure, unknown = None, ""
        try:
            exposure = positions.exposure(at, book)
        except positions.Unknown as problem:
            unknown = str(problem)
        obstacle = state.obstacle if state else gate.obstacle(at)
        return cls(MarketContext.load(symbols, at), obstacle, exposure, unknown, book)

    @property
    def currency(self) -> str:
        return self.book.account.snapshot.currency if self.book.account else ""

    @cached_property
    def correlations(self) -> Mapping[Pair, float | None]:
        """How these symbols move with what is held or on order. One query, none where nothing is."""
        others = self.exposure.values if self.exposure else ()
        return read_correlations(self.market.instruments, others, self.market.at) if others else {}

    @cached_property
    def calendars(self) -> Mapping[str, Calendar]:
        """When these symbols report earnings. One query; one more where any does."""
        return read_calendars(list(self.market.instruments.values()), self.market.at)

    @cached_property
    def held(self) -> Mapping[str, Position]:
        return {position.symbol: position for position in self.book.held}

    def working(self, symbol: str, kind: Order.Kind, apart_from: Order | None = None) -> Order | None:
        """Return the newest order of this kind whose first leg may still fill."""
        for order in reversed(self.book.orders):
            is_it = (order.symbol, order.kind) == (symbol, kind) and order.status in Order.WORKING
            if is_it and order != apart_from:
                return order
        return None
