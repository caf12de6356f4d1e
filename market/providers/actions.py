"""Corporate actions as providers give them: what happens to a share, and when. No Django or database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Protocol, runtime_checkable

from market.providers.facts import Answer

MOST = Decimal(1_000_000_000)
FINEST = Decimal("1e-8")  # dividends of depositary receipts have that many places


class Kind(StrEnum):
    DIVIDEND = "dividend"
    SPLIT = "split"
    SYMBOL_CHANGE = "symbol change"
    MERGER = "merger"
    DELISTING = "delisting"
    WORTHLESS = "worthless"
    SPIN_OFF = "spin-off"
    RIGHTS = "rights"
    UNIT_SPLIT = "unit split"


@dataclass(frozen=True, kw_only=True)
class Action:
    """One corporate action of a share.

    `ex_date`: the first session without the dividend, in new shares, under the new symbol, or after the end.
    `amount`: cash for one share of that time, not restated for later splits; 0 where there is none.
    `ratio`: new shares for one old one, in a merger, a spin-off, rights and a unit split those of
    `new_symbol`; 0 where there is none. A stock dividend of 5 % is a split of 1.05.
    `reference`: the source's own id, by which a correction is known; empty where it has none.
    """

    symbol: str
    kind: Kind
    ex_date: date
    amount: Decimal = Decimal(0)
    currency: str = ""
    ratio: Decimal = Decimal(0)
    new_symbol: str = ""
    pay_date: date | None = None
    record_date: date | None = None
    declared_date: date | None = None
    reference: str = ""

    @property
    def problem(self) -> str:
        """Return what it lacks to be one of its kind; empty when it is whole."""
        if self.kind is Kind.DIVIDEND and not self.amount:
            return "a dividend without an amount above zero"
        if self.kind is Kind.DIVIDEND and not self.currency:
            return "a dividend without a currency"
        if self.kind is Kind.SPLIT and self.ratio in (0, 1):
            return "a split without a ratio other than 1"
        if self.kind is Kind.SYMBOL_CHANGE and self.new_symbol in ("", self.symbol):
            return "a change of symbol without a new symbol"
        if self.kind is Kind.MERGER and not (self.amount or self.ratio):
            return "a merger that gives neither cash nor shares"
        if self.kind in (Kind.SPIN_OFF, Kind.RIGHTS, Kind.UNIT_SPLIT) and not self.ratio:
            return f"a {self.kind.value} without the new shares for one"
        return ""


Actions = Answer[Action]


@runtime_checkable
class GivesActions(Protocol):
    """A provider that knows corporate actions. Not all do."""

    name: str

    def corporate_actions(
        self, symbols: Sequence[str], since: date, until: date, silent: Mapping[str, date]
    ) -> Actions:
        """Return what happens to the shares from `since` to `until`, as far as it is announced.

        `silent`: the day of the last bar of those of the symbols that have none any more, for vendors that
        tell a new symbol only when they are asked about it. Raises ProviderError when nothing comes at all.
        """


def amount(value: object) -> Decimal:
    """Return a number above zero as a Decimal; 0 for whatever is none. A float is read as it is written."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    if not number.is_finite() or not 0 < number <= MOST:
        return Decimal(0)
    return number.quantize(FINEST, ROUND_HALF_EVEN).normalize() + 0


def sound(actions: Iterable[Action | str]) -> tuple[list[Action], list[str]]:
    """Part whole actions from what is none; a text is why a row is not even one."""
    whole, refused = [], []
    for action in actions:
        problem = action if isinstance(action, str) else action.problem
        if problem:
            refused.append(problem if isinstance(action, str) else f"{action.symbol}: {problem}")
        elif isinstance(action, Action):
            whole.append(action)
    return whole, refused
