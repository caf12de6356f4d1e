"""Our book, as a statement is compared with it: fills and charges, and what they make of cash and shares."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.db.models import Min, Sum

from approvals.brokers.answers import Charge
from approvals.brokers.orders import Side
from approvals.brokers.statements import Books, Entry, Statement
from approvals.models import AccountSnapshot, BrokerPosition, Fill, Order, StatementBase
from approvals.models import Charge as StoredCharge
from approvals.models.fills import SIGNED_QUANTITY, FillQuerySet
from market.models import Instrument, Split, SymbolChange

Sums = dict[str, Decimal]

ADOPTED, BY_A_PERSON = "/adopted", "drift "  # ends and beginnings of numbers that are Jax's own
FIRST_CASH = "Cash: this statement is the first one, and what later ones are compared with."
FIRST_SHARES = "Positions: no shares were seen at the broker yet that the statement's could be compared with."


@dataclass(frozen=True)
class Loaded:
    """The book of a broker up to a statement's end. `beside`: cash and shares that are not of the book."""

    books: Books
    cash_beside: Sums | None
    shares_beside: Sums | None
    charged_from: date


def load(broker: str, statement: Statement) -> Loaded:
    """Return the book as of a statement's end, with what the account has beside it."""
    base = StatementBase.objects.filter(broker=broker).first()
    began = _began(broker, statement)
    entries = _entries(broker, statement.until + statement.edge)
    counted = [entry for entry in entries if entry.executed_at <= statement.until]
    charged_from = base.charged_from if base else max(statement.since, began).date()
    cash = _spent(counted, _charges(broker, charged_from, statement.until))
    shares = _shares(counted, statement.until)
    why_not = list[str]()
    cash_beside = _cash_beside(base, statement, entries, began)
    if cash_beside is None and statement.cash is not None:
        why_not.append(FIRST_CASH)
        cash_beside = _less(_numbers(statement.cash), cash)
        cash_there = None
    else:
        cash_there = None if cash_beside is None else _sum(cash_beside, cash)
    shares_beside, holdings = _shares_beside(broker, base, statement, shares, entries)
    if holdings is None and statement.holdings is not None:
        why_not.append(FIRST_SHARES)
    in_time = (statement.since - statement.edge, statement.until + statement.edge)
    books = Books(
        began=began,
        executions=tuple(
            entry for entry in entries if in_time[0] <= entry.executed_at <= in_time[1] and _is_told(entry)
        ),
        charges=_charges(broker, statement.since.date(), statement.until),
        holdings=holdings,
        cash=cash_there,
        why_not=tuple(why_not),
        names=SymbolChange.objects.current_names(),
    )
    return Loaded(books, cash_beside, shares_beside, charged_from)


def _began(broker: str, statement: Statement) -> datetime:
    """Return since when we follow the account: what was before is its owner's."""
    if statement.opening_holdings is not None:
        return statement.since
    firsts = (
        AccountSnapshot.objects.filter(broker=broker).aggregate(first=Min("at"))["first"],
        Order.objects.filter(broker=broker).aggregate(first=Min("submitted_at"))["first"],
        Fill.objects.ours().filter(broker=broker).aggregate(first=Min("executed_at"))["first"],
    )
    return min((first for first in firsts if first is not None), default=statement.until)


def _entries(broker: str, until: datetime) -> list[Entry]:
    fills = (
        _fills(broker).filter(executed_at__lte=until).prefetch_related("told").order_by("executed_at", "pk")
    )
    currencies = dict(Instrument.objects.values_list("symbol", "currency"))
    return [_entry(fill, currencies.get(fill.symbol, "USD")) for fill in fills]


def _fills(broker: str) -> FillQuerySet:
    """Return all that was executed in the account; what was adopted of it is there once."""
    return Fill.objects.filter(broker=broker).exclude(execution_id__endswith=ADOPTED)


def _is_told(entry: Entry) -> bool:
    """Return whether it is the broker's, not what a person said became of shares."""
    return not entry.ids[0].startswith(BY_A_PERSON)


def _entry(fill: Fill, currency: str) -> Entry:
    told = sorted(fill.told.all(), key=lambda row: row.pk)
    newest = next((row for row in reversed(told) if row.commission is not None), None)
    ids = [fill.execution_id, *(row.execution_id for row in told), *(row.corrects for row in told)]
    current = next((row.execution_id for row in reversed(told) if row.corrects), fill.execution_id)
    commission = newest.commission if newest else (None if fill.commission_unknown else fill.commission)
    return Entry(
        ids=tuple(dict.fromkeys([current, *filter(None, ids)])),
        symbol=fill.symbol,
        side=Side(fill.side),
        quantity=fill.quantity,
        price=fill.price,
        commission=commission,
        commission_currency=newest.commission_currency if newest else "",
        currency=currency,
        executed_at=fill.executed_at,
    )


def _charges(broker: str, since: date, until: datetime) -> tuple[Charge, ...]:
    rows = StoredCharge.objects.filter(broker=broker, at__date__gte=since, at__lte=until).order_by("pk")
    return tuple(Charge(row.charge_id, row.at, row.amount, row.currency, row.what) for row in rows)


# --- sums -------------------------------------------------------------------------------------------------


def _spent(entries: Iterable[Entry], charges: Iterable[Charge]) -> Sums:
    """Return what executions and charges made of cash, by currency."""
    sums: Sums = defaultdict(Decimal)
    for entry in entries:
        sums[entry.currency] -= entry.side.sign * entry.quantity * entry.price
        sums[entry.commission_currency or entry.currency] -= entry.commission or Decimal(0)
    for charge in charges:
        sums[charge.currency] += charge.amount
    return dict(sums)


def _shares(entries: Iterable[Entry], until: datetime) -> Sums:
    """Return the shares that executions add up to, restated for the splits since each."""
    splits = _splits(until)
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for entry in entries:
        ratio = _ratio(splits.get(entry.symbol, ()), entry.executed_at.date())
        sums[entry.symbol] += entry.side.sign * Fraction(entry.quantity) * ratio
    return {symbol: _decimal(shares) for symbol, shares in sums.items()}


def _splits(until: datetime) -> dict[str, list[Split]]:
    splits: dict[str, list[Split]] = defaultdict(list)
    for split in Split.objects.filter(date__lte=until.date()):
        splits[split.symbol].append(split)
    return splits


def _ratio(splits: Iterable[Split], since: date) -> Fraction:
    ratio = Fraction(1)
    for split in splits:
        if split.date > since:
            ratio *= Fraction(split.ratio).limit_denominator(1_000)
    return ratio


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / number.denominator


def _cash_beside(
    base: StatementBase | None, statement: Statement, entries: Iterable[Entry], began: datetime
) -> Sums | None:
    """Return the money that is not of our book; None while no statement has said so."""
    if base is not None and base.cash is not None:
        return _numbers(base.cash)
    if statement.opening_cash is None or statement.since < began:
        return None
    before = [entry for entry in entries if entry.executed_at < statement.since]
    return _less(_numbers(statement.opening_cash), _spent(before, ()))


def _shares_beside(
    broker: str, base: StatementBase | None, statement: Statement, shares: Sums, entries: Iterable[Entry]
) -> tuple[Sums | None, Sums | None]:
    """Return the shares that are not of our book, and what there should be with them.

    Before the first statement: by what the broker says that the account holds now, less what came since.
    """
    if base is not None and base.holdings is not None:
        splits = _splits(statement.until)
        beside = {
            symbol: number * _decimal(_ratio(splits.get(symbol, ()), base.at.date()))
            for symbol, number in _numbers(base.holdings).items()
        }
        return _numbers(base.holdings), _sum(beside, shares)
    if statement.opening_holdings is not None:
        beside = _numbers(statement.opening_holdings)
        return beside, _sum(beside, shares)
    rows = BrokerPosition.objects.all()
    if statement.holdings is None or not rows.exists():
        return (None if statement.holdings is None else _less(_numbers(statement.holdings), shares)), None
    later = _fills(broker).filter(executed_at__gt=statement.until).order_by().values("symbol")
    since = {row["symbol"]: row["total"] for row in later.annotate(total=Sum(SIGNED_QUANTITY))}
    there = {row.symbol: Decimal(row.quantity) - since.get(row.symbol, 0) for row in rows}
    return _less(_numbers(statement.holdings), shares), there


def _numbers(values: Mapping[str, object]) -> Sums:
    return {name: Decimal(str(value)) for name, value in values.items()}


def _sum(ours: Sums, others: Sums) -> Sums:
    return {name: ours.get(name, Decimal(0)) + others.get(name, Decimal(0)) for name in ours.keys() | others}


def _less(ours: Sums, others: Sums) -> Sums:
    return _sum(ours, {name: -number for name, number in others.items()})
