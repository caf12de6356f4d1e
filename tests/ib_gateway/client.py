"""The real ib_async client over a real socket, for tests that are not asynchronous."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from ib_async import IB, LimitOrder, MarketOrder, Order, Stock, StopOrder, Trade

from tests.vendors.ib_gateway.contracts import LISTED

PATIENCE = 10.0
Answer = TypeVar("Answer")


class Client:
    """`errors`: what the gateway said, as code by order or request."""

    def __init__(self, port: int, loop: asyncio.AbstractEventLoop, client_id: int = 7) -> None:
        self.port, self.loop, self.client_id = port, loop, client_id
        self.ib = IB()
        self.errors: list[tuple[int, int, str]] = []
        self.ib.errorEvent += lambda req_id, code, text, _: self.errors.append((req_id, code, text))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.ib.disconnect()
        self.run(asyncio.sleep(0))

    def run(self, asked: Awaitable[Answer]) -> Answer:
        return self.loop.run_until_complete(asyncio.wait_for(asked, PATIENCE))

    @property
    def requests(self) -> Any:
        """The client's own requests, which have no types."""
        return self.ib.client

    def connect(self, timeout: float = PATIENCE) -> Self:
        """Connect. After error 326 or a broken hand-shake ib_async waits until the timeout."""
        self.run(self.ib.connectAsync("127.0.0.1", self.port, clientId=self.client_id, timeout=timeout))
        return self

    def until(self, condition: Callable[[], object]) -> None:
        """Let messages arrive until the condition holds. Raises TimeoutError when it never does."""

        async def holds() -> None:
            while not condition():
                await asyncio.sleep(0.005)

        self.run(holds())

    def settle(self) -> None:
        """Wait for an answer, and so for all that was sent before it."""
        self.run(self.ib.reqCurrentTimeAsync())

    def codes(self) -> list[int]:
        return [code for _, code, _ in self.errors if code < 2100 or code > 2200]

    def place(self, order: Order, symbol: str = "AAPL") -> Trade:
        trade = self.ib.placeOrder(self.stock(symbol), order)
        with suppress(TimeoutError):
            self.settle()
        return trade

    def bracket(self, ref: str = "7", quantity: int = 10) -> list[Trade]:
        """Place an entry at 190 with a stop at 180 and a target at 200, the last one transmitting."""
        entry = LimitOrder("BUY", quantity, 190, transmit=False, orderId=self.ib.client.getReqId())
        target = LimitOrder("SELL", quantity, 200, transmit=False, parentId=entry.orderId, tif="GTC")
        stop = StopOrder("SELL", quantity, 180, transmit=True, parentId=entry.orderId, tif="GTC")
        legs = {"entry": entry, "target": target, "stop": stop}
        trades = []
        for leg, order in legs.items():
            order.orderRef = f"{ref}/{leg}"
            trades.append(self.ib.placeOrder(self.stock("AAPL"), order))
        self.settle()
        return trades

    @staticmethod
    def stock(symbol: str) -> Stock:
        """Return a contract as the client keeps it once it is qualified; without an id when it is unknown."""
        con_id = next((share.con_id for share in LISTED if share.symbol == symbol), 0)
        return Stock(symbol, "SMART", "USD", conId=con_id)

    def open_orders(self) -> dict[str, str]:
        """Return the state of every open order by its reference, as asked anew."""
        trades = self.run(self.ib.reqAllOpenOrdersAsync())
        return {trade.order.orderRef: trade.orderStatus.status for trade in trades if not trade.isDone()}


def sell(quantity: int, ref: str = "", **terms: Any) -> MarketOrder:
    return MarketOrder("SELL", quantity, orderRef=ref, **terms)
