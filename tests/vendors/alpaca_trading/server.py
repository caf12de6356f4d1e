"""The addresses of Alpaca's trading interface, and faults that only trading has."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.vendors import prices
from tests.vendors.alpaca_trading import hand, stream
from tests.vendors.alpaca_trading.account import Account, Row
from tests.vendors.alpaca_trading.orders import OPEN, Order, asset_id, plain, stamp
from tests.vendors.alpaca_trading.rules import Refusal, not_found, unprocessable
from tests.vendors.server import Fault, Reply, Turn, Vendor, Visit

MOST_ORDERS, USUAL_ORDERS = 500, 50
MOST_ACTIVITIES = 100
PAPER_NUMBER, LIVE_NUMBER = "PA3TEST00001", "123456789"
NO_CONTENT = Reply(b"", 204)


class AlpacaTrading(Vendor):
    """`is_live`: whether the account has real money. `is_disordered`: whether activities come twice and the
    newest first. `shows_replaced`: whether an order's legs name those that were replaced, too. By hand, from
    a terminal: `curl URL/-/fill -d '{"own_id": "...", "leg": "stop"}'`.
    """

    key, secret = "PKTEST", "alpaca-secret"

    def __init__(
        self, *, is_live: bool = False, symbols: Sequence[str] = prices.WATCHLIST, **options: Any
    ) -> None:
        super().__init__(symbols=symbols, **options)
        number = LIVE_NUMBER if is_live else PAPER_NUMBER
        self.account = Account(lambda: self.at, symbols, number=number)
        self.stream = stream.Stream(self.key, self.secret)
        self.account.tell = self._tell
        self.shows_replaced, self.is_disordered = True, False
        self._routes: dict[tuple[str, str], Callable[[Visit], Reply]] = {
            ("GET", "/v2/account"): lambda visit: Reply.json(self._account()),
            ("GET", "/v2/clock"): lambda visit: Reply.json(self._clock()),
            ("GET", "/v2/positions"): lambda visit: Reply.json(self._positions()),
            ("GET", "/v2/orders"): self._list_orders,
            ("GET", "/v2/orders:by_client_order_id"): self._by_client_id,
            ("POST", "/v2/orders"): self._place,
            ("POST", "/-/fill"): lambda visit: Reply.json(self.fill(**visit.content)),
        }

    @property
    def settings(self) -> dict[str, Any]:
        keys = {"ALPACA_API_KEY": self.key, "ALPACA_API_SECRET": self.secret}
        return {"ALPACA_TRADING_URL": self.url, **keys}

    def stop(self) -> None:
        self.stream.hang_up()
        super().stop()

    # --- the hand -------------------------------------------------------------------------------------------

    def order(self, own_id: object, leg: str = "entry") -> Order:
        """The order with this id of ours, or its newest leg of that name."""
        orders = self.account.orders.values()
        order = next(order for order in orders if order.client_order_id in (str(own_id), f"jax-{own_id}"))
        return hand.leg_of(order, leg)

    def fill(
        self,
        own_id: object,
        quantity: object = None,
        *,
        leg: str = "entry",
        price: object = None,
        at: datetime | None = None,
    ) -> Row:
        """Fill an order or a leg of it, all that is left or part of it, by default at its own price."""
        order = self.order(own_id, leg)
        shares = order.remaining if quantity is None else Decimal(str(quantity))
        worth = self.account.worth(order) if price is None else Decimal(str(price))
        return hand.fill(self.account, order, shares, worth, at or self.at)

    def reject(self, own_id: object) -> None:
        hand.reject(self.account, self.order(own_id), self.at)

    def correct(self, row: Row, **columns: Any) -> Row:
        """Replace an execution by one with these columns (qty, price)."""
        return hand.correct(self.account, row, self.at, **columns)

    def trade_by_hand(self, symbol: str, quantity: object, price: object) -> Row:
        """Buy, or with a negative quantity sell, on Alpaca's own page."""
        shares, worth = Decimal(str(quantity)), Decimal(str(price))
        return hand.trade_by_hand(self.account, symbol, shares, worth, self.at)

    def pay(self, kind: str, amount: str, **columns: Any) -> Row:
        """Book a fee (FEE), a dividend (DIV), interest (INT) or a deposit (CSD)."""
        return hand.pay(self.account, kind, Decimal(amount), self.at, **columns)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave: connections break and new ones are refused. Then come back to the same address."""
        self.shutdown()
        self.server_close()
        self.break_connections()
        self.stream.hang_up()
        try:
            yield
        finally:
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self.server_activate()
            self.start()

    def lose_answer(self, on: str = "/v2/orders*", *, status: int | None = None, times: int = 1) -> None:
        """Do what is asked next, and break off or answer with an error. What is only read is let through."""
        self.fail(_after(status), on=on, times=times)

    def forget(self, own_id: object) -> None:
        """Know nothing of an order any more, as of one that is too old."""
        self.account.forgotten.add(self.order(own_id).client_order_id)

    # --- answers --------------------------------------------------------------------------------------------

    def serve(self, visit: Visit, connection: socket.socket) -> None:
        if visit.path == "/stream" and "websocket" in visit.headers.get("upgrade", "").lower():
            self.visits.append(visit)
            self.stream.talk(visit, connection)
        else:
            super().serve(visit, connection)

    def answer(self, visit: Visit) -> Reply:
        keys = (visit.headers.get("apca-api-key-id"), visit.headers.get("apca-api-secret-key"))
        if keys != (self.key, self.secret) and not visit.path.startswith("/-/"):
            return Reply.json({"message": "forbidden."}, 403)
        try:
            return self._answer(visit)
        except Refusal as refusal:
            return Reply.json(refusal.body, refusal.status)

    def _answer(self, visit: Visit) -> Reply:
        if (route := self._routes.get((visit.method, visit.path))) is not None:
            return route(visit)
        match visit.method, visit.path.removeprefix("/v2/").split("/"):
            case "GET", ["orders", order_id]:
                return self._written(self.account.find(order_id), visit)
            case "PATCH", ["orders", order_id]:
                return self._written(self.account.replace(order_id, visit.content), visit)
            case "DELETE", ["orders", order_id]:
                self.account.cancel(order_id)
                return NO_CONTENT
            case "GET", ["positions", symbol]:
                if symbol not in self.account.positions:
                    raise not_found("position does not exist")
                return Reply.json(hand.position(self.account, symbol))
            case "GET", ["assets", symbol]:
                if symbol not in self.account.assets:
                    raise not_found(f"asset not found for {symbol}")
                return Reply.json(self.account.assets[symbol])
            case "GET", ["account", "activities", *kinds]:
                return self._activities(kinds, visit.query)
        return Reply.json({"message": "endpoint not found."}, 404)

    def _place(self, visit: Visit) -> Reply:
        order = self.account.place(visit.content or {})
        # Its answer is that of the moment it came in.
        return Reply.json({**order.as_json(nested=True), "status": "pending_new", "filled_qty": "0"})

    def _by_client_id(self, visit: Visit) -> Reply:
        return self._written(self.account.by_client_id(visit.query.get("client_order_id", "")), visit)

    def _written(self, order: Order, visit: Visit) -> Reply:
        return Reply.json(self._json(order, nested=visit.query.get("nested", "").lower() == "true"))

    def _json(self, order: Order, *, nested: bool) -> Row:
        with self.account.lock:
            row = order.as_json(nested=nested)
        if row["legs"] and not self.shows_replaced:
            row["legs"] = [leg for leg in row["legs"] if leg["status"] != "replaced"]
        return row

    def _list_orders(self, visit: Visit) -> Reply:
        query = visit.query
        nested, status = query.get("nested", "").lower() == "true", query.get("status", "open")
        limit = int(query.get("limit", USUAL_ORDERS))
        if limit > MOST_ORDERS:
            raise unprocessable(f"limit must be at most {MOST_ORDERS}")
        with self.account.lock:
            rows = [order for order in self.account.orders.values() if self._is_listed(order, query, nested)]
        if status == "open":
            rows = [order for order in rows if order.status in OPEN]
        elif status == "closed":
            rows = [order for order in rows if order.status not in OPEN]
        rows.sort(key=lambda order: order.submitted_at, reverse=query.get("direction", "desc") == "desc")
        return Reply.json([self._json(order, nested=nested) for order in rows[:limit]])

    def _is_listed(self, order: Order, query: dict[str, str], nested: bool) -> bool:
        symbols = [symbol for symbol in query.get("symbols", "").split(",") if symbol]
        return (
            order.client_order_id not in self.account.forgotten
            and not (nested and order.parent is not None)
            and not (symbols and order.symbol not in symbols)
            and not ("after" in query and order.submitted_at <= datetime.fromisoformat(query["after"]))
            and not ("until" in query and order.submitted_at >= datetime.fromisoformat(query["until"]))
        )

    def _activities(self, kinds: list[str], query: dict[str, str]) -> Reply:
        wanted = kinds or [kind for kind in query.get("activity_types", "").split(",") if kind]
        size = int(query.get("page_size", MOST_ACTIVITIES))
        if size > MOST_ACTIVITIES:
            raise unprocessable(f"page size must be at most {MOST_ACTIVITIES}")
        rows = [row for row in self.account.activities if not wanted or row["activity_type"] in wanted]
        if "after" in query:
            edge = datetime.fromisoformat(query["after"])
            rows = [row for row in rows if _moment(row) > edge]
        rows.sort(
            key=lambda row: row["id"].partition("::")[0], reverse=query.get("direction", "desc") == "desc"
        )
        if self.is_disordered:
            rows = [row for row in reversed(rows) for _ in range(2)]
        ids = [row["id"] for row in rows]
        token = query.get("page_token")
        begin = ids.index(token) + 1 if token in ids else 0
        return Reply.json(rows[begin : begin + size])

    def _account(self) -> Row:
        account = self.account
        return {
            "id": asset_id(account.number),
            "account_number": account.number,
            "status": "ACTIVE",
            "currency": "USD",
            "cash": plain(account.cash),
            "portfolio_value": plain(account.equity()),
            "equity": plain(account.equity()),
            "last_equity": plain(account.equity()),
            "buying_power": plain(account.buying_power()),
            "multiplier": str(account.multiplier),
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": False,
            "shorting_enabled": True,
            "pattern_day_trader": False,
            "daytrade_count": 0,
            "created_at": "2024-01-02T15:00:00Z",
            **account.flags,
        }

    def _positions(self) -> list[Row]:
        with self.account.lock:
            return [hand.position(self.account, symbol) for symbol in sorted(self.account.positions)]

    def _clock(self) -> Row:
        soon = stamp(self.at + timedelta(hours=4))
        is_open = self.account.is_open
        return {"timestamp": stamp(self.at), "is_open": is_open, "next_open": soon, "next_close": soon}

    def _tell(self, event: str, order: Order, **more: Any) -> None:
        details = {"event": event, "timestamp": stamp(self.at), **more, "order": order.as_json(nested=False)}
        self.stream.push({"stream": "trade_updates", "data": details})


def _after(status: int | None) -> Fault:
    def fault(turn: Turn) -> None:
        reply = turn.reply()
        if turn.visit.method == "GET":
            turn.send(reply)
        elif status is None:
            turn.connection.shutdown(2)
        else:
            turn.send(Reply.json({"message": "internal server error occurred"}, status))

    return fault


def _moment(row: Row) -> datetime:
    day = row.get("transaction_time") or f"{row['date']}T00:00:00+00:00"
    return datetime.fromisoformat(day[:26] + "+00:00" if day.endswith("Z") else day)
