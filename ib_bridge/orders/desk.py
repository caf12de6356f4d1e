"""The order side: one order at a time, by the id that Jax gives it."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ib_async import IB, Contract, Order
from ib_async.wrapper import RequestError

from ib_bridge import references
from ib_bridge.gateway.contracts import Contracts, Instrument, NoContract
from ib_bridge.gateway.link import Link, NotReady
from ib_bridge.journal import executions
from ib_bridge.journal.standing import State
from ib_bridge.numbers import decimal, text
from ib_bridge.orders import building, reports
from ib_bridge.orders.book import AnswerLost, Book, Refused
from ib_bridge.orders.changing import Changing
from ib_bridge.orders.halves import Halves
from ib_bridge.orders.placing import Placing
from ib_bridge.orders.requests import Bracket, Change, Closing, Protection

logger = logging.getLogger("ib_bridge")
WHAT_IF = 10.0  # seconds


class Desk:
    def __init__(self, link: Link, contracts: Contracts) -> None:
        self._link, self._contracts = link, contracts
        self._book = Book(link)
        self._changing = Changing(link, self._book)
        self._placing = Placing(link, self._book, self._changing)
        self._halves = Halves(link, self._book, self._changing)
        self._lock = asyncio.Lock()
        link.settle = self.settle

    async def place(self, asked: Bracket) -> dict[str, Any]:
        until = asked.good_until.isoformat() if asked.good_until else None
        return await self._once(
            asked.client_id, asked.instrument, lambda ib: building.of_bracket(asked, *self._who(ib)), until
        )

    async def protect(self, asked: Protection) -> dict[str, Any]:
        placed = await self._once(
            asked.client_id, asked.instrument, lambda ib: building.of_protection(asked, *self._who(ib))
        )
        if asked.cancels and placed["exits_working"]:
            await self.cancel(asked.cancels, references.EXITS)
        return placed

    async def close(self, asked: Closing) -> dict[str, Any]:
        def build(ib: IB) -> list[Order]:
            return building.of_closing(asked, *self._who(ib), self._book.groups_of(asked.guards))

        return await self._once(asked.client_id, asked.instrument, build)

    async def order(self, client_id: str) -> dict[str, Any]:
        """Return how an order stands. Raises Missing; NotReady when the gateway must be asked and is away."""
        try:
            return self._book.report(client_id)
        except reports.Missing as missing:
            if missing.state is State.UNKNOWN:
                raise
        await self._read()
        return self._book.report(client_id)

    async def orders(self) -> list[dict[str, Any]]:
        """Return the orders that work, those of others after ours."""
        await self._read()
        ours = dict.fromkeys(leg.client_id for leg in self._link.journal.open_legs())
        working = [self._book.report(client_id) for client_id in ours if self._book.is_alive(client_id)]
        return [*working, *map(reports.foreign, self._link.reading.foreign)]

    async def cancel(self, client_id: str, legs: Collection[str]) -> dict[str, Any]:
        """Cancel what of these legs still works. Raises Missing for an unknown order, Refused."""
        async with self._lock:
            ib = self._link.trading
            self._book.report(client_id)
            await self._changing.end(ib, client_id, legs)
            if refusal := self._changing.refusal(client_id, legs):
                raise Refused(refusal)
            return self._book.report(client_id)

    async def replace(self, client_id: str, change: Change) -> dict[str, Any]:
        """Change a leg where it stands. Raises Missing, Refused, AnswerLost."""
        async with self._lock:
            ib = self._link.trading
            self._book.report(client_id)
            await self._changing.change(ib, client_id, change)
            return self._book.report(client_id)

    async def executions(self, since: datetime) -> list[dict[str, Any]]:
        """Return what was executed, corrected or charged since then, oldest first."""
        await self._read()
        told = self._link.journal.executions_told_since(since)
        mine = [each for each in executions.executed(told) if each.account in ("", self._link.status.account)]
        return [reports.execution(each) for each in sorted(mine, key=lambda each: each.executed_at)]

    async def what_if(self, asked: Bracket | Closing) -> dict[str, Any]:
        """Return margin and commission of an order that is not placed."""
        ib = self._link.trading
        contract = await self._contract(ib, asked.instrument)
        (order, *_) = self._of_what_if(ib, asked)
        try:
            state = await asyncio.wait_for(ib.whatIfOrderAsync(contract, order), WHAT_IF)
        except RequestError as refusal:
            raise Refused(f"{refusal.message} ({refusal.code})") from None
        except TimeoutError:
            raise AnswerLost("IB has not said what the order would do.") from None
        return {
            "initial_margin": text(decimal(state.initMarginAfter)),
            "maintenance_margin": text(decimal(state.maintMarginAfter)),
            "equity_after": text(decimal(state.equityWithLoanAfter)),
            "commission": text(decimal(state.commission)),
            "currency": state.commissionCurrency,
        }

    def _of_what_if(self, ib: IB, asked: Bracket | Closing) -> list[Order]:
        if isinstance(asked, Closing):
            return building.of_closing(asked, *self._who(ib), ())
        bare = replace(asked, stop_loss=None, take_profit=None, flat_at=None)
        return building.of_bracket(bare, *self._who(ib))

    async def _once(
        self,
        client_id: str,
        instrument: Instrument,
        build: Callable[[IB], Sequence[Order]],
        good_until: str | None = None,
    ) -> dict[str, Any]:
        """Place the orders unless the id is known. Looking and placing happen under one lock."""
        async with self._lock:
            ib = self._link.trading
            if self._book.is_new(client_id):
                contract = await self._contract(ib, instrument)
                await self._placing.send(ib, client_id, contract, build(ib), good_until)
            return self._book.report(client_id)

    async def _contract(self, ib: IB, instrument: Instrument) -> Contract:
        try:
            return await self._contracts.contract(ib, instrument)
        except NoContract as reason:
            raise Refused(str(reason)) from None
        except (TimeoutError, ConnectionError):
            raise NotReady("The gateway did not say which contract that is; nothing was sent.") from None

    async def settle(self, ib: IB) -> None:
        """End what came to IB in part only, unless something is being sent: then the next reading does."""
        if self._lock.locked():
            return
        async with self._lock:
            try:
                await self._halves.end(ib)
            except (Refused, AnswerLost) as reason:
                logger.warning("What came to IB in part only is not ended yet: %s", reason)

    async def _read(self) -> None:
        """Have the gateway tell orders and executions. Raises NotReady."""
        ib = self._link.trading
        try:
            await self._link.reading.orders(ib)
            await self.settle(ib)
        except (TimeoutError, ConnectionError):
            raise NotReady("The gateway does not say which orders it has.") from None

    def _who(self, ib: IB) -> tuple[str, Callable[[], int]]:
        """Return whose orders they are, and what gives them their ids."""
        return self._link.status.account, ib.client.getReqId
