"""Whether an account may place an order: what it is allowed, holds and can pay for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.vendors.alpaca_trading.orders import OPEN, Order, plain
from tests.vendors.alpaca_trading.rules import forbidden, unprocessable

if TYPE_CHECKING:
    from tests.vendors.alpaca_trading.account import Account


def check_account(flags: Mapping[str, Any]) -> None:
    for flag in ("account_blocked", "trading_blocked"):
        if flags.get(flag):
            raise forbidden("account is not allowed to trade")
    if flags.get("trade_suspended_by_user"):
        raise forbidden("new orders are rejected by user request")


def check_asset(asset: Mapping[str, Any] | None, order: Order) -> None:
    if asset is None:
        raise unprocessable(f'asset "{order.symbol}" not found')
    if asset["status"] != "active":
        raise unprocessable(f'asset "{order.symbol}" is not active')
    if not asset["tradable"]:
        raise unprocessable(f'asset "{order.symbol}" is not tradable')


def check_shares_and_money(account: "Account", order: Order) -> None:
    shares = account.positions.get(order.symbol, [Decimal(0)])[0]
    if shares * order.sign < 0:
        _check_free_shares(account, order, abs(shares))
        return
    if order.order_class == "oco":
        raise forbidden("oco orders are for positions", symbol=order.symbol)
    may_short = account.flags.get("shorting_enabled", True) and account.assets[order.symbol]["shortable"]
    if order.side == "sell" and not may_short:
        raise forbidden(f'asset "{order.symbol}" cannot be sold short')
    if existing := _opposite(account, order):
        raise forbidden(
            "potential wash trade detected. use complex orders",
            existing_order_id=existing.id,
            reject_reason="opposite side market/stop order exists",
        )
    cost, power = order.qty * account.worth(order), account.buying_power()
    if cost > power:
        raise forbidden("insufficient buying power", buying_power=plain(power), cost_basis=plain(cost))


def opens(account: "Account", order: Order) -> bool:
    """Whether a living order would open a position or add to one: it binds money."""
    shares = account.positions.get(order.symbol, [Decimal(0)])[0]
    return order.status in OPEN and order.parent is None and shares * order.sign >= 0


def _check_free_shares(account: "Account", order: Order, existing: Decimal) -> None:
    held = account.held_for_orders(order.symbol)
    available = existing - held
    if order.qty > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {plain(order.qty)}, available: "
            f"{plain(available)})",
            available=plain(available),
            existing_qty=plain(existing),
            held_for_orders=plain(held),
            symbol=order.symbol,
        )


def _opposite(account: "Account", order: Order) -> Order | None:
    """The living opposite order that it could trade with."""
    others = (
        other
        for other in account.orders.values()
        if other.symbol == order.symbol and other.side != order.side and other.status in OPEN
    )
    return next((other for other in others if other.type != "limit"), None)
