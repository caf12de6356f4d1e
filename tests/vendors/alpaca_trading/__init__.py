"""Alpaca's trading on loopback: its HTTP interface, its stream of trade updates, and a hand behind it.

    with AlpacaTrading() as vendor:
        ... place orders at vendor.url ...
        vendor.account.fill(client_order_id, 10, price="187.20")

Times, states and error bodies are those of its documentation and of what its users report; nothing is filled
before the hand says so.
"""

from tests.vendors.alpaca_trading.account import Account
from tests.vendors.alpaca_trading.orders import Order
from tests.vendors.alpaca_trading.server import AlpacaTrading

__all__ = ["Account", "AlpacaTrading", "Order"]
