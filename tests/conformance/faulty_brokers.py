"""Brokers that each do one thing wrong, made from the kit's own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from approvals.brokers.base import (
    Account,
    Bracket,
    BrokerAway,
    Close,
    Execution,
    Holding,
    Leg,
    LegState,
    Missing,
    OrderRefused,
    Protection,
    Report,
    State,
    WhatIf,
)
from tests.conformance.broker.reference.broker import Reference, report


class PlacesTwice(Reference):
    def place(self, order: Bracket) -> Report:
        return report(self._place(order))


class ProtectsTwice(Reference):
    def protect(self, order: Protection) -> Report:
        return report(self._protect(order))


class RefusesInSilence(Reference):
    def place(self, order: Bracket) -> Report:
        try:
            return super().place(order)
        except OrderRefused as refusal:
            raise OrderRefused("") from refusal


class TakesAnySymbol(Reference):
    def place(self, order: Bracket) -> Report:
        return report(self.book.ticket(order.client_id) or self.book.add_entry(order))


class WhatIfPlaces(Reference):
    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        if isinstance(order, Bracket):
            self.place(order)
        return super().whatif(order)


class CancelsExitsAlways(Reference):
    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        return super().cancel(client_id, exits=True)


class NeverCancelsExits(Reference):
    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        return super().cancel(client_id, exits=False)


class CancelsOthers(Reference):
    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        for ticket in self.book.tickets:
            self.book.cancel(ticket, exits=exits)
        return super().cancel(client_id, exits=exits)


class TakesPendingForCancelled(Reference):
    def order(self, client_id: UUID) -> Report | Missing:
        answer = super().order(client_id)
        if isinstance(answer, Report) and answer.legs[0].state is LegState.PENDING_CANCEL:
            return replace(answer, state=State.CANCELLED)
        return answer


class CountsWholeFillsOnly(Reference):
    def order(self, client_id: UUID) -> Report | Missing:
        answer = super().order(client_id)
        if isinstance(answer, Report) and answer.state is State.WORKING:
            return replace(answer, filled=0)
        return answer


class TellsNoLegs(Reference):
    def order(self, client_id: UUID) -> Report | Missing:
        answer = super().order(client_id)
        return replace(answer, legs=()) if isinstance(answer, Report) else answer


class NeverReceivedWhatIsGone(Reference):
    def order(self, client_id: UUID) -> Report | Missing:
        answer = super().order(client_id)
        return answer if isinstance(answer, Report) else Missing.NEVER_RECEIVED


class ForgetsWhatEnded(Reference):
    def order(self, client_id: UUID) -> Report | Missing:
        ticket = self.book.ticket(client_id)
        return report(ticket) if ticket and ticket.is_live else Missing.NEVER_RECEIVED


class UsesIdsAgain(Reference):
    def place(self, order: Bracket) -> Report:
        self.book.forgotten.discard(order.client_id)
        return super().place(order)


class NumbersAnew(Reference):
    numbers = count(1)

    def order(self, client_id: UUID) -> Report | Missing:
        answer = super().order(client_id)
        return replace(answer, broker_id=f"N{next(self.numbers)}") if isinstance(answer, Report) else answer


class HidesOrdersOfOthers(Reference):
    def orders(self) -> Sequence[Report]:
        return [order for order in super().orders() if order.client_id]


class ClosesWithoutExits(Reference):
    def close(self, order: Close) -> Report:
        for guard in order.guards:
            self.book.cancel(self._known(guard), exits=True)
        return super().close(order)


class ClosesWhatTheStopSold(Reference):
    def close(self, order: Close) -> Report:
        return super().close(replace(order, guards=()))


class ChangesTwice(Reference):
    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        self._known(client_id).changes.clear()
        return super().replace(client_id, leg, level=level, quantity=quantity, change_id=change_id)


class ProtectsBeside(Reference):
    def protect(self, order: Protection) -> Report:
        return super().protect(replace(order, cancels=None))


class TellsAllExecutions(Reference):
    def executions(self, since: datetime) -> Sequence[Execution]:
        return list(self.book.executions.values())


class TellsByTradeOnly(Reference):
    def executions(self, since: datetime) -> Sequence[Execution]:
        return [row for row in super().executions(since) if row.executed_at >= since]


class TellsLaterOnly(Reference):
    def executions(self, since: datetime) -> Sequence[Execution]:
        return [row for row in super().executions(since) if row.executed_at > since]


class TellsNewestFirst(Reference):
    def executions(self, since: datetime) -> Sequence[Execution]:
        return super().executions(since)[::-1]


class TellsOtherwise(Reference):
    """Tells each execution with other values."""

    def values(self, row: Execution) -> dict[str, Any]:
        return {}

    def executions(self, since: datetime) -> Sequence[Execution]:
        return [replace(row, **self.values(row)) for row in super().executions(since)]


class TakesNoCommissionForZero(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"commission": row.commission or Decimal(0)}


class LosesTheSignOfRebates(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"commission": abs(row.commission) if row.commission else row.commission}


class LosesTheCurrency(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"commission_currency": ""}


class CorrectsBeside(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"corrects": ""}


class TakesAllForEntries(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"leg": Leg.ENTRY}


class TellsNaiveTimes(TellsOtherwise):
    def values(self, row: Execution) -> dict[str, Any]:
        return {"executed_at": row.executed_at.replace(tzinfo=None)}


class HoldsWholeShares(Reference):
    def holdings(self) -> Mapping[str, Holding]:
        held = super().holdings().items()
        return {symbol: replace(row, quantity=Decimal(int(row.quantity))) for symbol, row in held}


class SaysNothingOfBlocks(Reference):
    def account(self) -> Account:
        return replace(super().account(), is_blocked="")


class HasNoNumber(Reference):
    def account(self) -> Account:
        return replace(super().account(), account_id="")


class BreaksWhenAway(Reference):
    def holdings(self) -> Mapping[str, Holding]:
        try:
            return super().holdings()
        except BrokerAway as error:
            raise ConnectionError(str(error)) from error


class SaysNothingIsHeldWhenAway(Reference):
    def holdings(self) -> Mapping[str, Holding]:
        try:
            return super().holdings()
        except BrokerAway:
            return {}
