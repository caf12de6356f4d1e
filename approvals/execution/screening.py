"""A broker whose rows are checked: execution is given those that fit, and the others go into quarantine."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from approvals.brokers.base import (
    UNREADABLE,
    Account,
    AnswerLost,
    Bracket,
    Broker,
    BrokerAway,
    Capabilities,
    Charge,
    Close,
    Execution,
    Holding,
    Leg,
    Missing,
    Protection,
    Report,
    Side,
    WhatIf,
)
from approvals.execution import fitting, quarantine
from approvals.execution.fitting import DoesNotFit
from approvals.execution.quarantine import Kind, Misfit
from market.models import SymbolChange

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class UnreadableAnswer(AnswerLost):
    """The broker answered with a row that does not fit. It is in quarantine, and people know of it."""


class WrongAccount(BrokerAway):
    """The broker is at another account than LIVE_TRADING names: nothing is sent to it and nothing read."""


class ScreenedBroker:
    """A broker as execution sees it, at an instant.

    `account_id`: the account with real money that it has to be; nothing else is asked or sent before its
    number was seen to be that one. Empty for a paper account.
    """

    def __init__(
        self, broker: Broker, at: datetime, capabilities: Capabilities, account_id: str = ""
    ) -> None:
        self.broker, self.at, self.capabilities = broker, at, capabilities
        self.name, self.is_paper = broker.name, broker.is_paper
        self._unverified = account_id

    def place(self, order: Bracket) -> Report:
        return self._fitted_report(self._ask(self.broker.place, order))

    def close(self, order: Close) -> Report:
        return self._fitted_report(self._ask(self.broker.close, order))

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        return self._fitted_report(self._ask(self.broker.cancel, client_id, exits=exits))

    def protect(self, order: Protection) -> Report:
        return self._fitted_report(self._ask(self.broker.protect, order))

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        change = {"level": level, "quantity": quantity, "change_id": change_id}
        return self._fitted_report(self._ask(self.broker.replace, client_id, leg, **change))

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        """Return what an order would do; None also where the answer cannot be read: nothing depends on it."""
        answer = self._ask(self.broker.whatif, order)
        try:
            return None if answer is None else fitting.whatif(answer)
        except DoesNotFit:
            logger.warning("what an order would do does not fit: %s", fitting.shown(answer))
            return None

    def order(self, client_id: UUID) -> Report | Missing:
        report = self._ask(self.broker.order, client_id)
        return report if isinstance(report, Missing) else self._fitted_report(report)

    def knows_since(self) -> datetime | None:
        """Return since when the broker would know of every order, by what it says and by its capabilities."""
        kept = self.capabilities.orders_for
        limits = [self._ask(self.broker.knows_since), None if kept is None else self.at - kept]
        return max((limit for limit in limits if limit is not None), default=None)

    def orders(self) -> Sequence[Report]:
        """Return the reports that fit. Of orders that are not ours nothing is read."""
        rows, misfits = self._ask(lambda: list(self.broker.orders())), list[Misfit]()
        reports = [self._report(row, misfits) for row in rows if not _is_foreign(row)]
        self._quarantine(misfits)
        return [report for report in reports if report is not None]

    def ordered_by_others(self, symbol: str, side: Side) -> int | None:
        """Return the shares that working orders which are not ours may trade on a side.

        None when that cannot be read.
        """
        rows = [row for row in self._ask(lambda: list(self.broker.orders())) if _is_foreign(row)]
        names = SymbolChange.objects.current_names()
        try:
            symbols = [(fitting.symbol(row), row) for row in rows]
            of_symbol = [
                fitting.foreign_order(row) for name, row in symbols if names.get(name, name) == symbol
            ]
        except DoesNotFit:
            return None
        first_legs = sum(report.quantity - report.filled for report in of_symbol if report.side == side)
        exits = [report for report in of_symbol if report.side != side and report.exits_working]
        return first_legs + sum(report.filled for report in exits)

    def executions(self, since: datetime) -> Sequence[Execution]:
        """Return the executions that fit."""
        rows = self._ask(lambda: list(self.broker.executions(since)))
        executions, misfits = list[Execution](), list[Misfit]()
        for row in rows:
            try:
                executions.append(fitting.execution(row))
            except DoesNotFit as misfit:
                misfits.append(quarantine.of_execution(row, str(misfit)))
        recorded = quarantine.recorded(self.name, misfits) if misfits else set()
        self._quarantine([misfit for misfit in misfits if misfit.name not in recorded])
        return executions

    def charges(self, since: datetime) -> Sequence[Charge]:
        """Return the charges that fit."""
        charges, misfits = list[Charge](), list[Misfit]()
        for row in self._ask(lambda: list(self.broker.charges(since))):
            try:
                charges.append(fitting.charge(row))
            except DoesNotFit as misfit:
                name = fitting.name(getattr(row, "charge_id", None))
                misfits.append(Misfit(Kind.CHARGE, name, row, str(misfit)))
        self._quarantine(misfits)
        return charges

    def holdings(self) -> Mapping[str, Holding]:
        """Return the holdings that fit, by symbol."""
        return self.held()[0]

    def held(self) -> tuple[Mapping[str, Holding], set[str]]:
        """Return the holdings that fit, by symbol, and the symbols of which it is not known what is held."""
        holdings, misfits = dict[str, Holding](), list[Misfit]()
        for symbol, row in self._holdings():
            try:
                holdings[symbol] = fitting.holding(row)
            except DoesNotFit as misfit:
                misfits.append(Misfit(Kind.HOLDING, fitting.name(symbol), row, str(misfit)))
        self._quarantine(misfits)
        return holdings, {misfit.name for misfit in misfits}

    def whole_shares(self, symbol: str) -> int | None:
        """Return the whole shares that the account holds of a symbol; None when that cannot be read."""
        row = dict(self._holdings()).get(symbol)
        try:
            return fitting.whole_shares(row) if row is not None else 0
        except DoesNotFit:
            return None

    def account(self) -> Account:
        row = self._ask(self.broker.account)
        try:
            return fitting.account(row)
        except DoesNotFit as misfit:
            self._quarantine([Misfit(Kind.ACCOUNT, "account", row, str(misfit))])
            raise UnreadableAnswer(f"What the account is worth does not fit: {misfit}") from misfit

    def _ask(self, call: Callable[..., Answer], *args: Any, **options: Any) -> Answer:
        """Call the broker, once it is certain that it is the account that it has to be."""
        if self._unverified:
            self._verify()
        return _ask(call, *args, **options)

    def _verify(self) -> None:
        try:
            number = getattr(_ask(self.broker.account), "account_id", "")
        except AnswerLost as error:  # nothing of ours was handed over
            raise BrokerAway(f"Which account it is could not be read. {error}") from error
        if number != self._unverified:
            shown = fitting.shown(number) if number else "not told"
            raise WrongAccount(f"LIVE_TRADING is {self._unverified}, and the broker's account is {shown}.")
        self._unverified = ""

    def _holdings(self) -> list[tuple[Any, Any]]:
        """Return what the broker holds by the symbols of today: it may go on under an old one for a while."""
        rows = self._ask(lambda: list(self.broker.holdings().items()))
        names = SymbolChange.objects.current_names()
        held = {symbol for symbol, _ in rows}
        return [(symbol if names.get(symbol, symbol) in held else names[symbol], row) for symbol, row in rows]

    def _fitted_report(self, row: Any) -> Report:
        misfits = list[Misfit]()
        report = self._report(row, misfits)
        self._quarantine(misfits)
        if report is None:
            raise UnreadableAnswer(f"How the order stands does not fit: {misfits[0].reason}")
        return report

    def _report(self, row: Any, misfits: list[Misfit]) -> Report | None:
        """Return the report as it is recorded; None when it does not fit."""
        name = fitting.name(getattr(row, "client_id", None) or getattr(row, "broker_id", None))
        try:
            report = fitting.report(row)
        except DoesNotFit as misfit:
            misfits.append(Misfit(Kind.ORDER, name, row, str(misfit)))
            return None
        if report.broker_id != row.broker_id:
            reason = f"broker_id is {fitting.shown(row.broker_id)}, which is cut to fit; the rest counts"
            misfits.append(Misfit(Kind.ORDER, name, row, reason))
        return report

    def _quarantine(self, misfits: Sequence[Misfit]) -> None:
        quarantine.put(misfits, self.name, self.at)


def _is_foreign(row: Any) -> bool:
    return getattr(row, "client_id", "") is None


def _ask(call: Callable[..., Answer], *args: Any, **options: Any) -> Answer:
    """Call the broker. An answer that its module cannot read counts as lost."""
    try:
        return call(*args, **options)
    except (*UNREADABLE, OSError) as error:
        logger.exception("the broker's module failed")
        raise AnswerLost(f"Its answer could not be read: {type(error).__name__}: {error}") from error
