"""Cash that a person pays in to an account on paper, takes out, or resets. Orders are not touched."""

from decimal import Decimal

from approvals.brokers.paper.account import CENT
from approvals.brokers.paper.broker import Paper
from approvals.brokers.paper.cash_book import Kind, Transfer

MOST = Decimal(1_000_000_000_000)
SHOWN = 5


class NotMoved(ValueError):
    """The cash stays where it is; the message says why, and what to do."""


class Cashier(Paper):
    """The account, for its owner."""

    def move(self, kind: Kind, amount: Decimal, by: int, reason: str) -> Transfer:
        """Pay in, take out, or reset to an amount of cash. Raises NotMoved.

        `by`: a user's key. What is taken out is not needed: for entries that work, for shorts, or for
        dividends that a short owes. A reset leaves executions and charges as they are: it is a transfer of
        the difference, and is refused while something is held or works.
        """
        if not reason.strip():
            raise NotMoved("Say why: the account's statement and the audit chain keep it.")
        if not 0 < amount <= MOST or amount != amount.quantize(CENT):
            raise NotMoved("The amount must be above 0, at most 1,000,000,000,000, in whole cents.")
        with self._turn() as opening:
            account = self._account(opening)
            if kind is Kind.WITHDRAWAL and amount > account.buying_power:
                raise NotMoved(
                    f"{account.buying_power} {account.currency} can be taken out: the rest of the cash "
                    f"({account.cash}) is needed for entries that work and for shorts."
                )
            if kind is Kind.RESET:
                self._refuse_reset()
            cash = {Kind.DEPOSIT: amount, Kind.WITHDRAWAL: -amount, Kind.RESET: amount - account.cash}[kind]
            if not cash:
                raise NotMoved(f"The account has just that: {account.cash} {account.currency}.")
            transfer = Transfer(kind, cash, by, reason.strip(), self._at)
            self._book.transfer(transfer)
            return transfer

    def _refuse_reset(self) -> None:
        held = self._positions(self._book.executions())
        symbols = [symbol for symbol, position in held.items() if position.shares]
        works = sorted({ticket.terms.symbol for ticket in self._book.live()})
        if symbols or works:
            names = ", ".join([*symbols, *(symbol for symbol in works if symbol not in symbols)][:SHOWN])
            raise NotMoved(
                f"Something is held or works ({names}): a reset closes nothing. Close and cancel it first."
            )
