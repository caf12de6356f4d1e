"""What proposals depend on besides their signals: prices, sessions, positions, limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from approvals import positions, switches
from approvals.look import Scene
from approvals.models import AccountSnapshot, Order
from approvals.positions import Position
from approvals.risk import Exposure, Limits


def limits() -> Limits:
    """The limits of this installation."""
    return Limits(
        risk_per_trade=settings.RISK_PER_TRADE,
        position=settings.MAX_POSITION,
        gross=settings.MAX_GROSS,
        open_risk=settings.MAX_OPEN_RISK,
        positions=settings.MAX_OPEN_POSITIONS,
        day_loss=settings.MAX_DAY_LOSS,
    )


@dataclass(frozen=True)
class Surroundings:
    """What proposals depend on besides their signals, read once for all of them."""

    scene: Scene
    obstacle: str
    exposure: Exposure | None
    unknown: str
    currency: str
    held: Mapping[str, Position]
    entering: Mapping[str, Order]
    closing: frozenset[str]

    @classmethod
    def load(cls, symbols: Collection[str], at: datetime, apart_from: Order | None = None) -> "Surroundings":
        held = positions.open_positions()
        exposure, unknown = _exposure(at, held)
        account = AccountSnapshot.objects.order_by("-at").first()
        orders = Order.objects.working().filter(symbol__in=symbols)
        working = [order for order in orders if order != apart_from]
        return cls(
            scene=Scene.load(symbols, at),
            obstacle=switches.obstacle(at),
            exposure=exposure,
            unknown=unknown,
            currency=account.currency if account else "",
            held={position.symbol: position for position in held},
            entering={order.symbol: order for order in working if order.kind == Order.Kind.ENTRY},
            closing=frozenset(order.symbol for order in working if order.kind == Order.Kind.CLOSE),
        )


def _exposure(at: datetime, held: Sequence[Position]) -> tuple[Exposure | None, str]:
    try:
        return positions.exposure(at, held), ""
    except positions.Unknown as unknown:
        return None, str(unknown)
