"""Comparing our book with a statement: what differs, and what of it can be taken over. Pure.

A correction or a commission of an execution that we hold is taken over, and so is money that moved by itself.
Everything else is a difference, with words that say what to do.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from approvals.brokers.answers import Charge, Execution
from approvals.brokers.orders import Side
from approvals.brokers.statements.statement import Statement

NEW_YORK = ZoneInfo("America/New_York")  # by its days statements of both brokers count
IB_REVISION = re.compile(r"(?P<stem>[0-9a-f]+\.[0-9a-f]+\.\d+)\.(?P<revision>\d+)")
NOON = time(12)
CENT, ROUNDED = Decimal("0.01"), Decimal("0.0005")
SMALLEST_PRICE, SMALLEST_COMMISSION = Decimal("0.000001"), Decimal("0.0001")


class Kind(StrEnum):
    """What differs."""

    NOT_HERE = "not here"
    NOT_THERE = "not there"
    DIFFERS = "differs"
    CANCELLED = "cancelled"
    SUM = "sum"
    HOLDING = "holding"
    CASH = "cash"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `name`: what it is about, the same each night. `detail`: what to do.

    `at`: when an execution happened; None for what is about the statement's end.
    """

    kind: Kind
    name: str
    ours: str
    stated: str
    detail: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An execution in our book. `ids`: all that the broker gave it, the one that we hold it under first.

    `commission`: as it was told; None while it was not. `currency`: what it was traded in.
    """

    ids: tuple[str, ...]
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal | None
    commission_currency: str
    currency: str
    executed_at: datetime

    def __str__(self) -> str:
        return f"{self.side} {_plain(self.quantity)} {self.symbol} at {_plain(self.price)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What we hold to be true of an account. `began`: since when we follow it.

    `executions`, `charges`: those of the statement's time. `holdings`, `cash`: what there should be at its
    end; None where that cannot be said, and `why_not` says so. `names`: today's symbol of each old one.
    """

    began: datetime
    executions: tuple[Entry, ...]
    charges: tuple[Charge, ...]
    holdings: Mapping[str, Decimal] | None = None
    cash: Mapping[str, Decimal] | None = None
    why_not: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it. `corrections`, `charges`: what our book takes over. `agreed`: how much agrees."""

    differences: tuple[Difference, ...]
    corrections: tuple[Execution, ...]
    charges: tuple[Charge, ...]
    agreed: int
    not_compared: tuple[str, ...]


def compare(books: Books, statement: Statement) -> Comparison:
    """Return what differs between our book and a statement."""
    differences, corrections, agreed = list[Difference](), list[Execution](), 0
    if statement.executions is not None:
        matched = _Matched(books, statement)
        corrections = list(matched.corrections())
        differences += matched.differences()
        agreed += len(matched.pairs)
    sides = ((_holdings, books.holdings, statement.holdings), (_cash, books.cash, statement.cash))
    for part, ours, stated in sides:
        if ours is not None and stated is not None:
            own = list(part(books, statement))
            differences += own
            agreed += len(ours.keys() | stated.keys()) - len(own)
    differences += [_unread(text) for text in statement.unread]
    charges = tuple(_new_charges(books, statement))
    return Comparison(
        tuple(differences), tuple(corrections), charges, agreed, tuple(_not_compared(books, statement))
    )


def _not_compared(books: Books, statement: Statement) -> Iterator[str]:
    parts = {
        "trades": statement.executions,
        "fees and dividends": statement.charges,
        "positions": statement.holdings,
        "cash": statement.cash,
    }
    missing = [name for name, part in parts.items() if part is None]
    if missing:
        yield f"The statement has no {' and no '.join(missing)}: have its sections added."
    yield from books.why_not


# --- executions -------------------------------------------------------------------------------------------


class _Matched:
    """The executions of both sides, each with its like."""

    def __init__(self, books: Books, statement: Statement) -> None:
        self.books, self.statement = books, statement
        by_id = {key: entry for entry in books.executions for own in entry.ids for key in (own, stem(own))}
        self.pairs: list[tuple[Entry, Execution]] = []
        self.nameless, self.not_here = list[Execution](), list[Execution]()
        for execution in map(self._renamed, statement.executions or ()):
            entry = by_id.get(execution.execution_id) or by_id.get(execution.corrects or "-")
            entry = entry or by_id.get(stem(execution.execution_id))
            if not execution.execution_id:
                self.nameless.append(execution)
            elif entry is not None:
                self.pairs.append((entry, execution))
            elif execution.executed_at >= books.began:
                self.not_here.append(execution)
        self.pairs = list({entry.ids[0]: (entry, execution) for entry, execution in self.pairs}.values())
        named = {entry.ids[0] for entry, _ in self.pairs}
        self.alone = [entry for entry in books.executions if entry.ids[0] not in named]

    def _renamed(self, execution: Execution) -> Execution:
        symbol = self.books.names.get(execution.symbol, execution.symbol)
        return replace(execution, instrument=replace(execution.instrument, symbol=symbol))

    def corrections(self) -> Iterator[Execution]:
        """Yield what our book takes over: corrections under a number of their own, and commissions."""
        for entry, execution in self.pairs:
            is_new = execution.execution_id not in entry.ids and execution.corrects not in entry.ids[1:]
            is_later = is_new and _revision(execution.execution_id) > _revision(entry.ids[0])
            if is_new and (is_later or execution.corrects) and _is_same_trade(entry, execution):
                yield replace(execution, corrects=execution.corrects or entry.ids[0])
            elif not _figures(entry, execution) and _has_other_commission(entry, execution):
                yield execution

    def differences(self) -> Iterator[Difference]:
        taken_over = {execution.execution_id for execution in self.corrections()}
        for entry, execution in self.pairs:
            figures = _figures(entry, execution)
            if figures and execution.execution_id not in taken_over:
                yield _differs(entry, execution, figures)
        cancelled = list(self.statement.cancelled)
        alone = list[Entry]()
        for entry in self.alone:
            like = next((other for other in cancelled if _is_cancelled_by(entry, other)), None)
            if like is None:
                alone.append(entry)
            else:
                cancelled.remove(like)
                yield _cancelled(entry)
        yield from map(_not_here, self.not_here)
        if self.nameless:
            yield from self._sums(alone)
        else:
            yield from (_not_there(entry) for entry in alone if self._must_be_there(entry))

    def _must_be_there(self, entry: Entry) -> bool:
        begin, end = self.statement.since + self.statement.edge, self.statement.until - self.statement.edge
        return max(begin, self.books.began) <= entry.executed_at <= end

    def _sums(self, alone: Iterable[Entry]) -> Iterator[Difference]:
        """Yield the days on which a symbol was traded otherwise, of executions that have no number."""
        ours, stated = _by_day(alone), _by_day(self.nameless)
        first = self.books.began.astimezone(NEW_YORK).date()
        for key in sorted(ours.keys() | stated.keys()):
            day, symbol, side = key
            mine, theirs = (sums.get(key, (Decimal(0), Decimal(0))) for sums in (ours, stated))
            is_same = (
                mine[0] == theirs[0] and abs(mine[1] - theirs[1]) <= CENT * max(mine[0], Decimal(1)) / 100
            )
            if day > first and not is_same:
                yield Difference(
                    Kind.SUM,
                    f"{day} {side} {symbol}",
                    f"{_plain(mine[0])} for {_money(mine[1])}",
                    f"{_plain(theirs[0])} for {_money(theirs[1])}",
                    f"On {day} Jax has other trades of {symbol} ({side}) than it has. Compare the fills"
                    " of that day with the broker's page. If it is right so, answer with the reason.",
                    datetime.combine(day, NOON, NEW_YORK),
                )


def _by_day(trades: Iterable[Entry | Execution]) -> dict[tuple[date, str, str], tuple[Decimal, Decimal]]:
    sums: dict[tuple[date, str, str], tuple[Decimal, Decimal]] = {}
    for trade in trades:
        key = (trade.executed_at.astimezone(NEW_YORK).date(), trade.symbol, trade.side.value)
        quantity, value = sums.get(key, (Decimal(0), Decimal(0)))
        sums[key] = (quantity + trade.quantity, value + trade.quantity * trade.price)
    return sums


def stem(execution_id: str) -> str:
    """Return what is the same in all revisions of an execution at IB, which counts them at the end."""
    match = IB_REVISION.fullmatch(execution_id)
    return match["stem"] if match else execution_id


def _revision(execution_id: str) -> int:
    match = IB_REVISION.fullmatch(execution_id)
    return int(match["revision"]) if match else 0


def _is_same_trade(entry: Entry, execution: Execution) -> bool:
    """Return whether a correction leaves symbol and side: others are no correction that a fill can take."""
    return (entry.symbol, entry.side) == (execution.symbol, execution.side)


def _is_cancelled_by(entry: Entry, cancelled: Execution) -> bool:
    if cancelled.execution_id:
        return stem(cancelled.execution_id) in map(stem, entry.ids)
    shares = Decimal(cancelled.quantity)
    return (cancelled.symbol, shares, cancelled.price) == (entry.symbol, entry.quantity, entry.price)


def _figures(entry: Entry, execution: Execution) -> list[str]:
    """Return the names of the figures that differ."""
    return [
        name for name in ("symbol", "side", "quantity") if getattr(entry, name) != getattr(execution, name)
    ] + (["price"] if abs(entry.price - execution.price) >= SMALLEST_PRICE else [])


def _has_other_commission(entry: Entry, execution: Execution) -> bool:
    if execution.commission is None:
        return False
    if entry.commission is None:
        return True
    currencies = {
        entry.commission_currency or entry.currency,
        execution.commission_currency or entry.currency,
    }
    is_other = abs(entry.commission - execution.commission) >= SMALLEST_COMMISSION
    return is_other or (bool(execution.commission) and len(currencies) > 1)


def _shown(execution: Execution) -> str:
    return f"{execution.side} {execution.quantity} {execution.symbol} at {_plain(execution.price)}"


def _differs(entry: Entry, execution: Execution, figures: list[str]) -> Difference:
    return Difference(
        Kind.DIFFERS,
        execution.execution_id,
        str(entry),
        _shown(execution),
        f"The same execution has another {' and '.join(figures)} in the statement, under the same number."
        " Compare it with the broker's page: Jax counts what it was told first.",
        entry.executed_at,
    )


def _cancelled(entry: Entry) -> Difference:
    return Difference(
        Kind.CANCELLED,
        entry.ids[0],
        str(entry),
        "taken back",
        "The broker took this execution back (busted), and Jax still counts it. Look at the positions page:"
        " the account holds other shares then, and asks what became of them. Answer that first.",
        entry.executed_at,
    )


def _not_here(execution: Execution) -> Difference:
    when = f"{execution.executed_at:%Y-%m-%d %H:%M} UTC"
    return Difference(
        Kind.NOT_HERE,
        execution.execution_id,
        "",
        _shown(execution),
        f"The broker executed it at {when}, and Jax does not have it. If you traded by hand while Jax was not"
        " connected, answer so; else see the quarantined broker rows, and what the positions page asks.",
        execution.executed_at,
    )


def _not_there(entry: Entry) -> Difference:
    return Difference(
        Kind.NOT_THERE,
        entry.ids[0],
        str(entry),
        "",
        "Jax counts an execution that the statement does not have. Look for it on the broker's page: if it is"
        " not there either, the broker took it back; answer what the positions page asks.",
        entry.executed_at,
    )


# --- what is there at the end -----------------------------------------------------------------------------


def _holdings(books: Books, statement: Statement) -> Iterator[Difference]:
    stated = _summed(
        (books.names.get(name, name), shares) for name, shares in (statement.holdings or {}).items()
    )
    ours = _summed((books.names.get(name, name), shares) for name, shares in (books.holdings or {}).items())
    for symbol in sorted(ours.keys() | stated.keys()):
        book, broker = ours.get(symbol, Decimal(0)), stated.get(symbol, Decimal(0))
        if abs(book - broker) < 1 and (book == broker or broker % 1 or book % 1):
            continue  # parts of a share are not Jax's
        yield Difference(
            Kind.HOLDING,
            symbol,
            _plain(book),
            _plain(broker),
            f"By Jax's book the account held {_plain(book)} {symbol} at the statement's end, by the statement"
            f" {_plain(broker)}. See the trades of it that differ, splits that are not recorded, and shares"
            " that were transferred.",
        )


def _summed(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, amount in amounts:
        sums[name] = sums.get(name, Decimal(0)) + amount
    return sums


def _cash(books: Books, statement: Statement) -> Iterator[Difference]:
    ours, stated = books.cash or {}, statement.cash or {}
    allowed = max(CENT, ROUNDED * len(books.executions))
    for currency in sorted(ours.keys() | stated.keys()):
        book, broker = ours.get(currency, Decimal(0)), stated.get(currency, Decimal(0))
        if abs(book - broker) > allowed:
            yield Difference(
                Kind.CASH,
                currency,
                _money(book),
                _money(broker),
                f"The book makes {_money(book)} {currency}, the statement says {_money(broker)}:"
                f" {_money(broker - book)} more or less. Other differences may be the reason; else look for"
                " money that came or went on the broker's page, and answer with what it was.",
            )


def _unread(text: str) -> Difference:
    return Difference(
        Kind.UNREAD,
        text[:120],
        "",
        text,
        "A row of the statement could not be read, so that it was not compared. Look at it in the statement.",
    )


def _new_charges(books: Books, statement: Statement) -> Iterator[Charge]:
    """Yield the charges that we do not have, by number or, from another format, by day and amount."""
    stored = {charge.charge_id for charge in books.charges}
    stated = [charge for charge in statement.charges or () if charge.at >= books.began]
    named = {charge.charge_id for charge in stated} & stored
    others = Counter(map(_likeness, (own for own in books.charges if own.charge_id not in named)))
    for charge in stated:
        if charge.charge_id in stored:
            continue
        if others[_likeness(charge)] > 0:
            others[_likeness(charge)] -= 1
        else:
            yield charge


def _likeness(charge: Charge) -> tuple[date, str, Decimal]:
    return charge.at.date(), charge.currency, charge.amount.quantize(CENT)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
