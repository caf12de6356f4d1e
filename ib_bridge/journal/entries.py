"""What a line of the journal says. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")  # IB forgets executions and completed orders at its midnight


class Kind(StrEnum):
    """What we sent, what came, and what was noted about the connection."""

    PLACE = "place"
    CHANGE = "change"
    CANCEL = "cancel"
    OPEN_ORDER = "openOrder"
    STATUS = "orderStatus"
    ERROR = "error"
    EXECUTION = "execDetails"
    COMMISSION = "commissionReport"
    COMPLETED = "completedOrder"
    GONE = "gone"  # a reading of all open orders, executions and completed orders does not have it
    POSITION = "position"
    STATE = "state"


SENT = (Kind.PLACE, Kind.CHANGE, Kind.CANCEL)
# What shows that the gateway has the order, or had it.
TRACES = (Kind.OPEN_ORDER, Kind.STATUS, Kind.EXECUTION, Kind.COMPLETED)


@dataclass(frozen=True, slots=True)
class Entry:
    """`client_id` and `leg`: of ours, empty for orders of others. `order_id`: of its connection only."""

    seq: int
    connection: int
    at: datetime
    kind: Kind
    client_id: str = ""
    leg: str = ""
    order_id: int = 0
    perm_id: int = 0
    execution_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
