"""A broker as a process of its own: orders in memory, over HTTP, and every way to fail, on demand.

It prints its port. `/control/...` is for tests: what goes wrong next, what is filled, what was counted.
"""

import itertools
import json
import sys
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Answer = tuple[int, Any]
WORKING, FILLED, CANCELLED = "working", "filled", "cancelled"
LEVELS = {"entry": "limit_price", "stop": "stop_loss", "target": "take_profit"}


def is_protection(order: dict[str, Any]) -> bool:
    return "stop_loss" in order and "limit_price" not in order


class Book:
    """All that the broker knows."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.orders: dict[str, dict[str, Any]] = {}
        self.executions: list[dict[str, Any]] = []
        self.received: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.faults: list[tuple[str, str]] = []
        self.hanging: Counter[str] = Counter()
        self.released = threading.Event()
        self.equity = "100000"
        self.account = {"account_id": "", "is_blocked": ""}
        self.odd_holdings: dict[str, Any] = {}
        self.amended: dict[int, dict[str, Any]] = {}
        self.charges: list[dict[str, Any]] = []
        self.too_old: set[str] = set()
        self.numbers = itertools.count(1)

    def fault(self, call: str) -> str:
        """Return what goes wrong with this call; each fault once, in the order they were asked for."""
        with self.lock:
            due = next((fault for fault in self.faults if fault[0] == call), None)
            if due:
                self.faults.remove(due)
        return due[1] if due else ""

    def place(self, order: dict[str, Any]) -> Answer:
        with self.lock:
            client_id = order["client_id"]
            if client_id not in self.orders:
                self.accepted[client_id] += 1
                number = {"broker_id": f"B{next(self.numbers)}"}
                fresh = {"state": WORKING, "filled": 0, "exits_working": False, "reason": ""}
                self.orders[client_id] = order | fresh | number
            return 200, self.orders[client_id]

    def protect(self, order: dict[str, Any]) -> Answer:
        answer = self.place(order)
        with self.lock:
            if self.accepted[order["client_id"]] == 1 and "exit" not in order:
                self.orders[order["client_id"]]["exits_working"] = True
                cancelled = self.orders.get(order.get("cancels", ""), {})
                cancelled["exits_working"] = False
        return answer

    def replace(self, client_id: str, change: dict[str, Any]) -> Answer:
        with self.lock:
            order = self.orders.get(client_id)
            if order is None:
                return 422, {"reason": "there is no such order"}
            if change["change_id"] not in order.setdefault("changes", []):
                order["changes"].append(change["change_id"])
                values = {LEVELS[change["leg"]]: change["level"], "quantity": change["quantity"]}
                order |= {name: value for name, value in values.items() if value is not None}
            return 200, order

    def cancel(self, client_id: str, *, exits: bool) -> Answer:
        with self.lock:
            order = self.orders.get(client_id)
            if order is None:
                return 422, {"reason": "there is no such order"}
            order["exits_working"] &= not exits
            if order["state"] == WORKING:
                order["state"] = CANCELLED
            return 200, order

    def fill(self, client_id: str | None, leg: str, quantity: int, price: str, **foreign: str) -> None:
        with self.lock:
            order = self.orders.get(client_id or "", foreign)
            side = order["side"]
            if leg in ("stop", "target", "flat"):
                order["exits_working"] = False
                order["exit"] = leg
                if is_protection(order):
                    order["filled"] += quantity
                    order["state"] = FILLED if order["filled"] >= order["quantity"] else WORKING
                    order["exits_working"] = order["state"] == WORKING
                else:
                    side = "BUY" if side == "SELL" else "SELL"
            elif "filled" in order:
                self._count(order, leg, quantity)
            self.executions.append(
                {
                    "execution_id": f"X{next(self.numbers)}",
                    "client_id": client_id,
                    "leg": leg,
                    "symbol": order["symbol"],
                    "side": side,
                    "quantity": quantity,
                    "price": price,
                    "commission": "1.00",
                    "executed_at": foreign.get("at") or datetime.now(UTC).isoformat(),  # noqa: TID251
                }
            )

    def _count(self, order: dict[str, Any], leg: str, quantity: int) -> None:
        order["filled"] += quantity
        if order["filled"] >= order["quantity"]:
            order["state"] = FILLED
            for guard in order.get("guards", ()):
                self.orders[guard]["exits_working"] = False
        order["exits_working"] = leg == "entry" and order["state"] != CANCELLED

    def holdings(self) -> dict[str, Any]:
        held: Counter[str] = Counter()
        for execution in self.executions:
            held[execution["symbol"]] += (
                execution["quantity"] if execution["side"] == "BUY" else -execution["quantity"]
            )
        return {symbol: quantity for symbol, quantity in held.items() if quantity} | self.odd_holdings


class Requests(BaseHTTPRequestHandler):
    book = Book()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size) or "{}")
        first, *rest = unquote(self.path).strip("/").split("/")
        if first == "control":
            self._answer(200, self._control(rest[0], body))
        else:
            self._broker(first, rest[0] if rest else "", body)

    def _broker(self, call: str, client_id: str, body: dict[str, Any]) -> None:
        fault = self.book.fault(call)
        if call in ("place", "close", "protect"):
            self.book.received[body["client_id"]] += 1
        if fault == "hang before":
            self._hang(call)
            return  # the caller is gone, and the broker has not received the order
        if fault in ("refuse", "500 before"):
            self._answer(422 if fault == "refuse" else 500, {"reason": "no shares to borrow"})
            return
        if fault == "deny":
            self._answer(200 if call == "orders" else 404, [])
            return
        answer = self._act(call, client_id, body)
        if fault == "lose":
            self.book.orders.pop(body["client_id"])
        if fault in ("hang after", "late"):
            self._hang(call)
        if fault == "odd":
            answer = 200, answer[1] | {"state": "asleep"}
        if fault == "exits work on":  # the cancel is not through yet
            answer = 200, answer[1] | {"exits_working": True}
        if fault == "500 after":
            answer = 500, {"reason": "internal error"}
        if fault not in ("hang after", "drop"):
            self._answer(*answer)

    def _act(self, call: str, client_id: str, body: dict[str, Any]) -> Answer:
        book = self.book
        if call in ("place", "close"):
            return book.place(body)
        if call == "protect":
            return book.protect(body)
        if call == "replace":
            return book.replace(client_id, body)
        if call == "cancel":
            return book.cancel(client_id, exits=body["exits"])
        if call == "order" and client_id in book.too_old:
            return 200, "too long ago"
        if call == "charges":
            return 200, book.charges
        if call == "order":
            return (200, book.orders[client_id]) if client_id in book.orders else (404, {})
        if call == "orders":
            return 200, [order for order in book.orders.values() if order["state"] == WORKING]
        if call == "executions":
            return 200, [row | book.amended.get(place, {}) for place, row in enumerate(book.executions)]
        if call == "holdings":
            return 200, book.holdings()
        return 200, {"equity": book.equity} | book.account

    def _hang(self, call: str) -> None:
        self.book.hanging[call] += 1
        self.book.released.wait(60)

    def _control(self, call: str, body: dict[str, Any]) -> Any:
        book = self.book
        if call == "reset":
            book.released.set()
            Requests.book = Book()
        elif call == "fault":
            book.faults += [(body["call"], body["fault"])] * body["times"]
        elif call == "fill":
            book.fill(**body)
        elif call == "rest foreign":
            number = f"B{next(book.numbers)}"
            row = {"client_id": None, "broker_id": number, "reason": "", "filled": 0}
            book.orders[number] = body | row | {"state": WORKING, "exits_working": False}
        elif call == "forget":
            book.orders.pop(body["client_id"])
        elif call == "outlive":
            book.orders.pop(body["client_id"])
            book.too_old.add(body["client_id"])
        elif call == "correct":
            old = book.executions[body["place"]]
            book.executions.append(old | {"execution_id": f"X{next(book.numbers)}"} | body["values"])
            book.executions[-1]["corrects"] = old["execution_id"]
        elif call == "charge":
            book.charges.append(body)
        elif call == "claim":
            book.orders[body["client_id"]]["filled"] = body["filled"]
        elif call == "amend order":
            book.orders[body["client_id"]].update(body["values"])
        elif call == "amend execution":
            book.amended[body["place"]] = body["values"]
        elif call == "hold":
            book.odd_holdings = body["holdings"]
        elif call == "account":
            book.account |= body
        elif call == "equity":
            book.equity = body["equity"]
        elif call == "release":
            book.released.set()
            book.released = threading.Event()
            book.hanging.clear()
        counted = ("received", "accepted", "hanging", "orders", "executions")
        return {name: getattr(self.book, name) for name in counted}

    def _answer(self, status: int, body: Any) -> None:
        payload = json.dumps(body).encode()
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the requests are counted instead."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
