"""Orders of ib_async from what was asked for. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ib_async import Order

from ib_bridge import references
from ib_bridge.orders.requests import Bracket, Change, Closing, Protection

REDUCE = 3  # of an OCA group: what one fills, the others lose
OPPOSITE: Mapping[str, str] = {"BUY": "SELL", "SELL": "BUY"}
LIMIT, MARKET, STOP = "LMT", "MKT", "STP"
# What an order keeps when one of its terms is changed.
KEPT = (
    "action",
    "totalQuantity",
    "orderType",
    "lmtPrice",
    "auxPrice",
    "tif",
    "ocaGroup",
    "ocaType",
    "orderRef",
    "outsideRth",
    "goodTillDate",
    "goodAfterTime",
    "parentId",
)

NextId = Callable[[], int]


def of_bracket(asked: Bracket, account: str, next_id: NextId) -> list[Order]:
    """Return entry and exits: only the last one transmits, so that IB gets all or nothing."""
    entry = _order(asked.client_id, references.ENTRY, asked.side, asked.quantity, account, next_id)
    if asked.stop_price is not None:
        _price(entry, STOP, asked.stop_price)
    else:
        _price(entry, LIMIT if asked.limit_price is not None else MARKET, asked.limit_price)
    entry.tif = "GTD" if asked.good_until else "DAY"
    entry.goodTillDate = _utc(asked.good_until)
    exits = _exits(asked, OPPOSITE[asked.side], account, next_id, asked.flat_at)
    for order in exits:
        order.parentId = entry.orderId
    return _transmitted_together([entry, *exits])


def of_protection(asked: Protection, account: str, next_id: NextId) -> list[Order]:
    return _exits(asked, asked.side, account, next_id)


def of_closing(
    asked: Closing, account: str, next_id: NextId, groups: Sequence[tuple[str, int]]
) -> list[Order]:
    """Return orders at the market, one in each OCA group whose exits guard the shares.

    `groups`: with how many shares each guards. What none guards is an order without a group.
    """
    orders = []
    parts = zip(references.CLOSES, _shared_out(asked.quantity, groups), strict=False)
    for leg, (group, quantity) in parts:
        order = _order(asked.client_id, leg, asked.side, quantity, account, next_id)
        _price(order, MARKET, None)
        order.tif = "DAY"
        if group:
            order.ocaGroup, order.ocaType = group, REDUCE
        orders.append(order)
    return orders


def _shared_out(quantity: int, groups: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield how many of the shares come from which group."""
    left = quantity
    for group, guarded in groups[: len(references.CLOSES) - 1]:
        if part := min(left, guarded):
            yield group, part
        left -= part
    if left:
        yield "", left


def changed(standing: Mapping[str, Any], order_id: int, account: str, change: Change) -> Order:
    """Return the order as it stands with what changes."""
    order = Order(**{name: standing[name] for name in KEPT if name in standing})
    order.orderId, order.account = order_id, account
    if change.level is not None:
        _price(order, order.orderType, change.level)
    if change.quantity is not None:
        order.totalQuantity = float(change.quantity)
    return order


def _exits(
    asked: Bracket | Protection, side: str, account: str, next_id: NextId, flat_at: datetime | None = None
) -> list[Order]:
    terms = [
        (references.STOP, STOP, asked.stop_loss, asked.stop_loss is not None),
        (references.TARGET, LIMIT, asked.take_profit, asked.take_profit is not None),
        (references.FLAT, MARKET, None, flat_at is not None),
    ]
    orders = []
    for leg, kind, level, is_wanted in terms:
        if is_wanted:
            order = _order(asked.client_id, leg, side, asked.quantity, account, next_id)
            _price(order, kind, level)
            order.tif, order.ocaGroup, order.ocaType = (
                "GTC",
                f"{references.OCA_PREFIX}{asked.client_id}",
                REDUCE,
            )
            order.goodAfterTime = _utc(flat_at) if leg == references.FLAT else ""
            orders.append(order)
    return orders


def _order(client_id: str, leg: str, side: str, quantity: int, account: str, next_id: NextId) -> Order:
    return Order(
        orderId=next_id(),
        action=side,
        totalQuantity=float(quantity),
        account=account,
        orderRef=references.reference(client_id, leg),
    )


def _price(order: Order, kind: str, level: Decimal | None) -> None:
    order.orderType = kind
    if level is not None and kind == STOP:
        order.auxPrice = float(level)
    elif level is not None:
        order.lmtPrice = float(level)


def _transmitted_together(orders: list[Order]) -> list[Order]:
    for order in orders[:-1]:
        order.transmit = False
    return orders


def _utc(at: datetime | None) -> str:
    """Return an instant as IB reads it in UTC; empty for none."""
    return f"{at.astimezone(UTC):%Y%m%d-%H:%M:%S}" if at else ""
