"""What the bridge consists of, put together once and found by each request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from ib_bridge.configuration import Configuration
from ib_bridge.gateway.contracts import Contracts
from ib_bridge.gateway.link import Link
from ib_bridge.journal.store import Journal
from ib_bridge.market.history import History
from ib_bridge.market.lines import Lines
from ib_bridge.orders.desk import Desk


@dataclass(frozen=True)
class Bridge:
    configuration: Configuration
    journal: Journal
    link: Link
    contracts: Contracts
    history: History
    lines: Lines
    desk: Desk


def build(configuration: Configuration, clock: Callable[[], datetime]) -> Bridge:
    journal = Journal(configuration.journal)
    link, contracts = Link(configuration, journal, clock), Contracts()
    history = History(link, contracts)
    lines = Lines(link, contracts, history)
    return Bridge(configuration, journal, link, contracts, history, lines, Desk(link, contracts))


def bridge_of(connection: HTTPConnection) -> Bridge:
    bridge: Bridge = connection.app.state.bridge
    return bridge
