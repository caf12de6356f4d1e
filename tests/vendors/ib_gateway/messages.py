"""What the gateway says about orders, executions and positions, field by field as server version 176 does."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tests.vendors.ib_gateway.account import Account, Holding
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.orders import Execution, Order
from tests.vendors.ib_gateway.wire import UNSET

Message = list[object]


def error(req_id: int | str, code: int, text: str) -> Message:
    return [4, 2, req_id, code, text, ""]


def _contract(share: Share, exchange: str = "SMART") -> Message:
    return [share.con_id, share.symbol, "STK", "", 0, "", "", exchange, share.currency, share.symbol, "NMS"]


def _number(figure: Decimal | None) -> str:
    return "" if figure is None else f"{figure.normalize():f}"


def open_order(
    order: Order, account: str, margins: Iterable[Decimal] = (), commission: Decimal | None = None
) -> Message:
    """Return openOrder; with margins it answers a what-if."""
    terms, is_what_if = order.terms, commission is not None
    status = "PreSubmitted" if is_what_if else order.status
    parent_id = order.parent.order_id if order.parent else 0
    return [
        *[5, order.order_id, *_contract(order.share), *_terms(order), account, "", 0],
        *[terms.ref, order.client_id, order.perm_id, int(terms.outside_rth), 0, 0, terms.good_after, ""],
        *["", "", "", ""],  # group, method, percentage and profile of an adviser
        *["", terms.good_till, "", "", "", 0, "", -1],  # model ... exempt code
        *[0, "", "", "", "", "", "", 0, 0, 0, ""],  # auction ... minimum quantity
        *[order.oca_type or 3, 0, 0, "", parent_id, 0, "", 0, "None", "", "0", "", "", "", "?", 0, 0, ""],
        *[0, 0, "", "", "", "", ""],  # continuous update ... legs in words
        *[0, 0, 0, "", "", "", ""],  # legs, their prices, routing, scale, hedge
        *[0, "", "IB", 0, 0, ""],  # opted out, clearing, not held, delta neutral, algorithm
        *[0, int(is_what_if), status, *_margins(margins), _number(commission), "", ""],
        *["USD" if is_what_if else "", ""],
        *[0, 0, 0],  # randomized size and price, conditions
        *["None", UNSET, "", UNSET, UNSET, UNSET, UNSET, 0, "", "", "", "0.0", 0, 0, 0, 0],  # adjusted
        *["", "", 0, "", "", "", "", ""],  # duration ... offsets
    ]  # fmt: skip


def _terms(order: Order) -> Message:
    terms = order.terms
    prices = [_number(price) or "0.0" for price in (terms.limit, terms.stop)]
    return [terms.action, _number(terms.quantity), terms.order_type, *prices, terms.tif, order.group]


def _margins(margins: Iterable[Decimal]) -> Message:
    return [str(figure) for figure in margins] or [UNSET] * 9


def order_status(order: Order) -> Message:
    parent_id = order.parent.order_id if order.parent else 0
    figures = [
        _number(order.filled),
        _number(order.remaining),
        _number(order.average),
        order.perm_id,
        parent_id,
    ]
    last = [_number(order.last_price), order.client_id, order.why_held, 0]
    return [3, order.order_id, order.status, *figures, *last]


def completed_order(order: Order, account: str) -> Message:
    terms = order.terms
    ended = f"{order.ended_at:%Y%m%d %H:%M:%S} UTC" if order.ended_at else ""
    return [
        *[101, *_contract(order.share), *_terms(order), account, "", 0],
        *[terms.ref, order.perm_id, int(terms.outside_rth), 0, 0, terms.good_after, "", "", "", ""],
        *["", terms.good_till, "", "", "", 0, "", -1, "", "", "", "", "", 0, 0, 0, ""],
        *[order.oca_type or 3, 0, "", 0, "None", "", "0", 0, 0, ""],
        *[0, 0, "", "", "", 0, 0, 0, "", "", "", ""],
        *["", "IB", 0, 0, "", 0, order.status, 0, 0, 0],
        *["", UNSET, "0.0", 0, 0, "", _number(order.filled), 0, 0, "", 0, 0, 0, ended, order.reason],
        *["", "", "", "", ""],
    ]  # fmt: skip


def execution(told: Execution, account: str, req_id: int | str = -1) -> Message:
    order = told.order
    side = "BOT" if order.terms.sign > 0 else "SLD"
    at = f"{told.at:%Y%m%d-%H:%M:%S}"  # UTC, as the dash says
    return [
        *[
            11,
            req_id,
            order.order_id,
            *_contract(order.share, order.share.primary_exchange),
            told.exec_id,
            at,
        ],
        *[
            account,
            order.share.primary_exchange,
            side,
            _number(told.quantity),
            _number(told.price),
            order.perm_id,
        ],
        *[
            order.client_id,
            0,
            _number(told.cumulative),
            _number(told.average),
            order.terms.ref,
            "",
            "",
            "",
            2,
        ],
    ]


def commission(told: Execution) -> Message:
    currency = told.commission_currency or told.order.share.currency
    return [59, 1, told.exec_id, _number(told.commission), currency, UNSET, UNSET, ""]


def position(held: Holding, account: str) -> Message:
    contract = _contract(held.share, held.share.primary_exchange)
    return [61, 3, account, *contract, _number(held.quantity), _number(held.cost)]


def portfolio(held: Holding, account: str) -> Message:
    share = held.share
    gain = _number((held.price - held.cost) * held.quantity)
    where = [share.con_id, share.symbol, "STK", "", 0, "", "", share.primary_exchange, share.currency]
    worth = [
        _number(held.quantity),
        _number(held.price),
        _number(held.value),
        _number(held.cost),
        gain,
        "0.0",
    ]
    return [7, 8, *where, share.symbol, "NMS", *worth, account]


def account_values(account: Account, at: datetime) -> list[Message]:
    """Return the answer to reqAccountUpdates."""
    values: list[Message] = [
        [6, 2, key, value, currency, account.name] for key, value, currency in account.values()
    ]
    shares = [portfolio(held, account.name) for held in account.holdings.values()]
    return [*values, *shares, [8, 1, f"{at:%H:%M}"], [54, 1, account.name]]
