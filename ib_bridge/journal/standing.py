"""How a leg stands, from what the journal has of it. Pure.

A leg is gone only when its own openOrder, orderStatus or executions say so, or when a later reading of all
open orders did not list it. An error alone ends no order that the gateway has acknowledged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from typing import Any

from ib_bridge import references
from ib_bridge.conditions import is_read_only
from ib_bridge.journal import executions
from ib_bridge.journal.entries import NEW_YORK, TRACES, Entry, Kind
from ib_bridge.journal.executions import Executed
from ib_bridge.numbers import decimal


class State(StrEnum):
    HELD = "held"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PENDING_CANCEL = "pending_cancel"
    # What no report shows: the gateway may have it, never had it, or nobody can know any more.
    UNANSWERED = "unanswered"
    NEVER_RECEIVED = "never_received"
    UNKNOWN = "unknown"


ALIVE = (State.HELD, State.WORKING, State.PENDING_CANCEL)
DONE = (State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED)
CANCELLED = ("Cancelled", "ApiCancelled")
INACTIVE, FILLED, PENDING_CANCEL, PRE_SUBMITTED = "Inactive", "Filled", "PendingCancel", "PreSubmitted"
REJECTION, CANCELLATION, NOTHING_TO_CANCEL = 201, 202, 10147
# Errors that say something of an order that lives on. 202 only accompanies a status.
REMARKS = (105, 165, CANCELLATION, 399, 404, 434, 2109, 2161, NOTHING_TO_CANCEL, 10148, 10167, 10349)


@dataclass(frozen=True, slots=True)
class Standing:
    leg: str
    state: State
    side: str = ""
    quantity: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)
    level: Decimal | None = None
    perm_id: int = 0
    broker_state: str = ""
    reason: str = ""
    average_price: Decimal | None = None
    updated_at: datetime | None = None

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE


def standings(entries: Sequence[Entry]) -> list[Standing]:
    """Return how each leg of an order stands, the first leg first. `entries`: all of the order."""
    executed = executions.executed(entries)
    by_leg = {leg: [entry for entry in entries if entry.leg == leg] for leg in references.LEGS}
    return [
        _standing(leg, told, [execution for execution in executed if execution.leg == leg])
        for leg, told in by_leg.items()
        if any(entry.kind in TRACES or entry.kind is Kind.PLACE for entry in told)
    ]


def _standing(leg: str, told: Sequence[Entry], executed: Sequence[Executed]) -> Standing:
    terms = _terms(told)
    said = _last_word(told)
    quantity = decimal(terms.get("totalQuantity")) or Decimal(0)
    filled = _filled(told, executed)
    state = _state(told, said, filled, quantity)
    return Standing(
        leg=leg,
        state=state,
        side=str(terms.get("action", "")),
        quantity=quantity,
        filled=filled,
        level=_level(terms),
        perm_id=next((entry.perm_id for entry in reversed(told) if entry.perm_id), 0),
        broker_state=said,
        reason=_reason(told, state),
        average_price=executions.average(executed),
        updated_at=told[-1].at,
    )


def _terms(told: Iterable[Entry]) -> Mapping[str, Any]:
    """Return the terms of the order: as the gateway has them, else as we sent them."""
    found: Mapping[str, Any] = {}
    for entry in told:
        if entry.kind in (Kind.PLACE, Kind.OPEN_ORDER) or (entry.kind is Kind.COMPLETED and not found):
            found = entry.body["order"]
    return found


def _level(terms: Mapping[str, Any]) -> Decimal | None:
    name = "auxPrice" if terms.get("orderType") in ("STP", "TRAIL") else "lmtPrice"
    level = decimal(terms.get(name))
    return level or None


def _last_word(told: Iterable[Entry]) -> str:
    """Return the last status that the gateway gave: IB's word."""
    word = ""
    for entry in told:
        if entry.kind is Kind.STATUS:
            word = str(entry.body["status"])
        elif entry.kind in (Kind.OPEN_ORDER, Kind.COMPLETED):
            word = str(entry.body["state"].get("status", ""))
    return word


def _filled(told: Iterable[Entry], executed: Sequence[Executed]) -> Decimal:
    """Return the shares filled: by executions, or by the status where it is ahead of them."""
    by_executions = executions.shares(executed)
    by_status = max(
        (decimal(e.body["filled"]) or Decimal(0) for e in told if e.kind is Kind.STATUS), default=Decimal(0)
    )
    is_corrected = any(execution.corrects for execution in executed)
    return by_executions if is_corrected else max(by_executions, by_status)


def _state(told: Sequence[Entry], said: str, filled: Decimal, quantity: Decimal) -> State:
    traces = [entry for entry in told if entry.kind in TRACES]
    if not traces:
        return _without_a_trace(told)
    if quantity and filled >= quantity:
        return State.FILLED
    if said in CANCELLED or said == FILLED:
        return _ended(told, said)
    if said == INACTIVE and is_refused(_of_placing(told)):
        return State.REJECTED
    if (gone := _gone_since(traces[-1], told)) is not None:
        # Had it filled on the day of that reading, its executions would have been told with it.
        return State.CANCELLED if _was_gone_at_once(gone) else State.UNKNOWN
    return _alive(told, said)


def _gone_since(last: Entry, told: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in told if entry.kind is Kind.GONE and entry.seq > last.seq), None)


def _without_a_trace(told: Sequence[Entry]) -> State:
    """Return the state of what was sent and never acknowledged."""
    after = told[max(n for n, entry in enumerate(told) if entry.kind is Kind.PLACE) :]
    gone = next((entry for entry in after if entry.kind is Kind.GONE), None)
    if any(entry.kind is Kind.ERROR and _says_that_it_is_not_there(entry.body) for entry in after):
        return State.REJECTED
    if gone is None:
        return State.UNANSWERED
    if is_refused(after):
        return State.REJECTED
    return State.NEVER_RECEIVED if _was_gone_at_once(gone) else State.UNKNOWN


def _says_that_it_is_not_there(error: Mapping[str, Any]) -> bool:
    return error["code"] == NOTHING_TO_CANCEL or is_read_only(error["code"], str(error["text"]))


def is_refused(told: Iterable[Entry]) -> bool:
    """Return whether IB said an error of the order that is more than a remark."""
    return any(entry.kind is Kind.ERROR and entry.body["code"] not in REMARKS for entry in told)


def _was_gone_at_once(gone: Entry) -> bool:
    """Return whether it was last known on the day on which it was gone: IB still knew of its end."""
    return _same_day(datetime.fromisoformat(gone.body["seen_at"]), gone.at)


def _ended(told: Sequence[Entry], said: str) -> State:
    if said == FILLED:
        return State.FILLED  # its executions are on their way
    if any(entry.kind is Kind.ERROR and entry.body["code"] == REJECTION for entry in _of_placing(told)):
        return State.REJECTED
    was_asked = any(entry.kind is Kind.CANCEL for entry in told)
    return State.EXPIRED if not was_asked and _is_due(told) else State.CANCELLED


def _is_due(told: Sequence[Entry]) -> bool:
    """Return whether the order ended when its time was up."""
    until = next((entry.body.get("good_until") for entry in told if entry.kind is Kind.PLACE), None)
    ended = next((entry.at for entry in reversed(told) if entry.kind in (Kind.STATUS, Kind.COMPLETED)), None)
    return bool(until and ended and ended >= datetime.fromisoformat(until))


def _alive(told: Sequence[Entry], said: str) -> State:
    if said == PENDING_CANCEL:
        return State.PENDING_CANCEL
    held = next((e.body["whyHeld"] for e in reversed(told) if e.kind is Kind.STATUS), "")
    return State.HELD if said == PRE_SUBMITTED and "child" in held else State.WORKING


def _of_placing(told: Sequence[Entry]) -> Iterator[Entry]:
    """Yield what was told before the order was changed: an error after that may be of the change."""
    return takewhile(lambda entry: entry.kind is not Kind.CHANGE, told)


def _reason(told: Sequence[Entry], state: State) -> str:
    """Return the last thing that IB said of it beside its status, such as why it was rejected."""
    errors = [entry for entry in told if entry.kind is Kind.ERROR]
    if not errors or (state is State.FILLED):
        return ""
    last = errors[-1].body
    return f"{last['text']} ({last['code']})"[:300]


def _same_day(one: datetime, other: datetime) -> bool:
    return one.astimezone(NEW_YORK).date() == other.astimezone(NEW_YORK).date()
