"""One client's connection: reads requests, meets faults, sends what is to be told."""

import contextlib
import socket
from typing import TYPE_CHECKING

from tests.vendors.ib_gateway import wire
from tests.vendors.ib_gateway.answers import answer
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.faults import Break
from tests.vendors.ib_gateway.market import DataType
from tests.vendors.ib_gateway.messages import Message, error

if TYPE_CHECKING:
    from tests.vendors.ib_gateway.gateway import IBGateway

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class Session:
    """`lines`: what it streams, by request; `type_wanted`: which data it asked for."""

    def __init__(self, gateway: "IBGateway", connection: socket.socket) -> None:
        self.gateway, self.connection = gateway, connection
        self.client_id: int | None = None
        self.lines: dict[str, tuple[Share, DataType]] = {}
        self.type_wanted = DataType.LIVE
        self.wants_positions = self.wants_account = self.binds_orders = False
        self.is_mute = self.cuts_next = self.is_over = False

    def serve(self) -> None:
        with contextlib.suppress(OSError), self.connection.makefile("rb") as stream:
            if stream.read(4) != wire.HELLO:
                return
            requests = wire.read_frames(stream)
            next(requests, None)  # the versions it speaks
            self.send([wire.VERSION, f"{self.gateway.at:%Y%m%d %H:%M:%S} UTC"])
            for fields in requests:
                if self.is_over:  # what had been sent already is lost with the connection
                    return
                self._meet(fields)

    def _meet(self, fields: list[str]) -> None:
        name = wire.REQUESTS.get(int(fields[0]), fields[0])
        with self.gateway.lock:
            self.gateway.heard.append((self.client_id, name, fields))
            fault = self.gateway.faults.take(name)
            if fault == Break.BEFORE:
                self.hang_up()
            if fault in (Break.BEFORE, Break.SILENCE):
                return
            self.is_mute, self.cuts_next = fault == Break.AFTER, fault == Break.WITHIN
            answer(self, name, fields)
            self.gateway.keep()
            if fault is not None:
                self.hang_up()

    def send(self, message: Message) -> None:
        if self.is_mute:
            return
        data = wire.frame(message)
        if self.cuts_next:
            self.is_mute, data = True, data[: len(data) // 2]
        try:
            self.connection.sendall(data)
        except OSError:
            self.is_mute = True

    def error(self, req_id: int | str, code: int, text: str) -> None:
        self.send(error(req_id, code, text))

    def start(self, client_id: int) -> None:
        """Let the client in, unless another one uses its id."""
        if any(session.client_id == client_id for session in self.gateway.sessions):
            self.error(
                -1,
                326,
                "Unable to connect as the client id is already in use. Retry with a unique client id.",
            )
            self.hang_up()
            return
        self.client_id = client_id
        self.send([15, 1, self.gateway.account.name])
        self.send([9, 1, self.gateway.book.next_id])
        for code, text in FARMS:
            self.error(-1, code, text)
        if self.gateway.is_cut_off:
            self.error(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost.")

    def stream(self, req_id: str, share: Share) -> None:
        """Send the ticks of a subscription as they stand."""
        _, given = self.lines[req_id]
        for message in self.gateway.market.ticks(share, req_id, given, self.gateway.at):
            self.send(message)

    def hang_up(self) -> None:
        self.is_over = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
