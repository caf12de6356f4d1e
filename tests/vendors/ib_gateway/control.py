"""The control port: a JSON object a line, `{"do": "fill", "which": "ref", "quantity": 5}`, and its answer."""

import dataclasses
import json
import socket
import socketserver
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.vendors.ib_gateway.gateway import IBGateway
from tests.vendors.ib_gateway.orders import Execution, Order

OF_ORDERS = {
    "fill",
    "correct",
    "cancel",
    "refuse_next",
    "reject",
    "move",
    "place_by_hand",
    "open_orders",
    "order",
}
OF_ORDERS |= {"finish_cancels", "tell_commissions"}
OF_GATEWAY = {"drop_connections", "restart", "pass_midnight", "forget", "lose_ib", "regain_ib", "say"}
OF_DATA = {"quote", "take_market_data", "hold"}
DOES = OF_ORDERS | OF_GATEWAY | OF_DATA


class ControlPort(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, gateway: IBGateway, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Commands)
        self.gateway = gateway

    def carry_out(self, command: dict[str, Any]) -> object:
        """Call what `do` names, or set an attribute: `{"do": "set", "book.commissions": "before"}`."""
        do = command.pop("do")
        if do == "set":
            for path, value in command.items():
                self._set(path, value)
            return None
        if do == "arm":
            self.gateway.faults.arm(**command)
            return None
        if do not in DOES:
            raise LookupError(f"{do} is none of: {', '.join(sorted(DOES))}, set, arm")
        return getattr(self.gateway, do)(**command)

    def _set(self, path: str, value: object) -> None:
        owner, *rest = [self.gateway, *path.split(".")]
        for name in rest[:-1]:
            owner = getattr(owner, name)
        setattr(owner, rest[-1], value)


class _Commands(socketserver.StreamRequestHandler):
    server: ControlPort

    def handle(self) -> None:
        for line in self.rfile:
            try:
                answer = {"answer": self.server.carry_out(json.loads(line))}
            except Exception as error:  # noqa: BLE001 who controls it is told of every mistake
                answer = {"error": repr(error)}
            self.wfile.write(json.dumps(answer, default=as_json).encode() + b"\n")


def as_json(value: object) -> object:
    match value:
        case Order():
            terms = dataclasses.asdict(value.terms)
            known = {"perm_id": value.perm_id, "order_id": value.order_id, "client_id": value.client_id}
            return (
                known | {"symbol": value.share.symbol, "status": value.status, "filled": value.filled} | terms
            )
        case Execution():
            return {"exec_id": value.exec_id, "quantity": value.quantity, "price": value.price}
        case Decimal() | datetime():
            return str(value)
    raise TypeError(f"no JSON for {value!r}")


def command(port: int, do: str, **arguments: Any) -> Any:
    """Make a gateway in another process do something. Raises RuntimeError when it cannot."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        connection.makefile("rw") as lines,
    ):
        lines.write(json.dumps({"do": do, **arguments}) + "\n")
        lines.flush()
        answer = json.loads(lines.readline())
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["answer"]
