"""What stands behind a broker while the kit runs: what happens at the counter, and what is written there.

A module with a SPEC brings a function `counterpart`, a context manager that yields an object of a class made
from `Counterpart`. It is entered anew for each case. What takes long to start is started once and emptied.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest

from approvals.brokers.base import Instrument, Leg, Side

SYMBOL, PRICE = "AAPL", Decimal(100)


class Counterpart:
    """A paper account with 100,000 and no position, in which SYMBOL trades at PRICE.

    `values`: the settings that the broker is built with. Each act below is either overridden, or stands in
    `cannot` with the reason why it cannot be played: its cases then say so in the report.

    What an act does is to be seen by the broker's calls ten seconds later at the latest.
    """

    values: Mapping[str, Any] = {}
    cannot: ClassVar[Mapping[str, str]] = {}

    # --- time and market ----------------------------------------------------------------------------------

    def pass_time(self, at: datetime) -> None:
        """Set the clock: everything from now on happens at this instant, or shortly before it.

        What the broker does by itself by then is done: entries expire, what is to be flat is sold.
        """
        raise NotImplementedError

    def fill(self, client_id: UUID, leg: Leg, price: Decimal) -> None:
        """Fill all that is left of a leg at about this price."""
        self._cannot("fill")

    def fill_partly(self, client_id: UUID, leg: Leg, quantity: int, price: Decimal) -> None:
        """Fill so many shares of a leg; the rest goes on working."""
        self._cannot("fill_partly")

    def fill_late(self, client_id: UUID, quantity: int, price: Decimal) -> None:
        """Tell that so many shares of an entry had been filled before it was cancelled."""
        self._cannot("fill_late")

    def halt(self) -> None:
        """Halt trading in SYMBOL: nothing fills, orders stay."""
        self._cannot("halt")

    def resume(self) -> None:
        """Let SYMBOL trade again."""
        self._cannot("resume")

    # --- the broker's own decisions -----------------------------------------------------------------------

    def refuse(self, call: str, reason: str) -> None:
        """Refuse the next `place`, `close`, `cancel`, `protect` or `replace`; nothing is changed by it."""
        self._cannot("refuse")

    def reject(self, client_id: UUID, reason: str) -> None:
        """Reject an order that was accepted before."""
        self._cannot("reject")

    def expire(self, client_id: UUID) -> None:
        """End an entry at the session's end, as one that is good for the day."""
        self._cannot("expire")

    def delay_cancels(self) -> None:
        """Leave cancels pending from now on: what is to be cancelled may still fill."""
        self._cannot("delay_cancels")

    def let_cancels_through(self) -> None:
        """Cancel what is pending, and do so at once again."""
        self._cannot("let_cancels_through")

    def block(self, reason: str) -> None:
        """Block the account: it takes no orders any more."""
        self._cannot("block")

    # --- executions and money -----------------------------------------------------------------------------

    def hold_back_commissions(self) -> None:
        """Tell executions from now on before their commission is known."""
        self._cannot("hold_back_commissions")

    def tell_commission(self, execution_id: str, amount: Decimal, currency: str) -> None:
        """Tell the commission of an execution; a negative one is a rebate."""
        self._cannot("tell_commission")

    def correct(self, execution_id: str, quantity: int, price: Decimal) -> None:
        """Replace an execution by one with this quantity and price."""
        self._cannot("correct")

    def charge(self, amount: Decimal, what: str) -> None:
        """Move money by itself: a fee where the amount is negative."""
        self._cannot("charge")

    def disorder(self) -> None:
        """Tell executions newest first and each of them twice, as a vendor may."""
        self._cannot("disorder")

    # --- by hand, at the broker's own page ----------------------------------------------------------------

    def cancel_by_hand(self, client_id: UUID, leg: Leg) -> None:
        """Cancel one leg of an order of ours; the others stay."""
        self._cannot("cancel_by_hand")

    def replace_by_hand(self, client_id: UUID, leg: Leg, level: Decimal) -> None:
        """Move one leg of an order of ours to another level."""
        self._cannot("replace_by_hand")

    def trade_by_hand(self, side: Side, quantity: int) -> None:
        """Buy or sell SYMBOL at the market, at PRICE. Exits of ours stay as they are."""
        self._cannot("trade_by_hand")

    def order_by_hand(self, side: Side, quantity: int, limit: Decimal) -> None:
        """Place an order in SYMBOL that works and does not fill."""
        self._cannot("order_by_hand")

    def transfer(self, symbol: str, quantity: Decimal) -> None:
        """Have shares come to the account, or a part of one, without an execution."""
        self._cannot("transfer")

    # --- the way between the two, and the nights ----------------------------------------------------------

    def lose_request(self, call: str) -> None:
        """Lose the next such call on its way there, so that the caller cannot know whether it arrived."""
        self._cannot("lose_request")

    def lose_answer(self, call: str) -> None:
        """Lose the answer to the next such call, which arrives and acts."""
        self._cannot("lose_answer")

    def garble(self, call: str) -> None:
        """Answer the next such call, which acts, with something that is no answer."""
        self._cannot("garble")

    def is_away(self) -> AbstractContextManager[None]:
        """Make the broker unreachable for a while."""
        self._cannot("is_away")
        raise AssertionError("an act that cannot be played skips the case")

    def restart(self) -> None:
        """Restart the vendor's side as each night: connections break and what lives in a session is gone."""
        self._cannot("restart")

    def forget(self) -> None:
        """Drop the records of all orders that have ended, and of all executions. What works goes on."""
        self._cannot("forget")

    def skew(self, by: timedelta) -> None:
        """Have the broker's clock run so much ahead of ours, or behind."""
        self._cannot("skew")

    def foreign_instrument(self) -> Instrument:
        """Return an instrument in another currency than the account's, which trades at PRICE of it."""
        self._cannot("foreign_instrument")
        raise AssertionError("an act that cannot be played skips the case")

    # --- the broker's own records, read past the adapter: every counterpart reads them --------------------

    def orders_made(self, client_id: UUID) -> int:
        """Return how many orders the broker has ever made under this id. An entry with its exits is one."""
        raise NotImplementedError

    def held(self, symbol: str) -> Decimal:
        """Return what the broker's records say that is held, negative when short."""
        raise NotImplementedError

    def stops(self, symbol: str) -> int:
        """Return how many shares the stops guard that work at the broker."""
        raise NotImplementedError

    def _cannot(self, act: str) -> None:
        pytest.skip(f"not played: {act}: {self.cannot[act]}")


ALWAYS = ("pass_time", "orders_made", "held", "stops")
ACTS = [
    name
    for name, value in vars(Counterpart).items()
    if callable(value) and not name.startswith("_") and name not in ALWAYS
]


def unexplained(counterpart: Counterpart) -> list[str]:
    """Return the acts that are neither played nor have a reason why they cannot be, and those with both."""
    own = type(counterpart)
    return [
        act for act in ACTS if (getattr(own, act) is getattr(Counterpart, act)) is not (act in own.cannot)
    ]


def because(reasons: Mapping[str, str]) -> Mapping[str, str]:
    """Return `cannot`, given the names of the acts by their reason."""
    return {act: reason for reason, acts in reasons.items() for act in acts.split()}


def all_but(reason: str, *played: str) -> Mapping[str, str]:
    """Return `cannot` of a counterpart that plays only these acts, for one reason."""
    return {act: reason for act in ACTS if act not in played}
