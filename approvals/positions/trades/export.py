"""Closed trades and tax lots as CSV files."""

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from approvals.models import Charge, Fill, Trade
from approvals.models.fills import ADOPTED
from approvals.positions.accounting import Split
from approvals.positions.trades.lots import Method, Transaction, match, named
from approvals.positions.trades.naming import names
from approvals.positions.trades.wash_sales import Day, TaxLot, tax_lots
from market import calendars, models
from signals.models import Signal

TRADE_COLUMNS = (
    *("symbol", "side", "quantity", "opened_at", "closed_at", "entry_price", "exit_price", "currency"),
    *(
        "gross",
        "dividends",
        "charges",
        "commission",
        "net",
        "risk",
        "r",
        "planned_r",
        "adverse",
        "favourable",
        "exit",
    ),
    *("strategy", "timeframe", "decided_by", "opinion", "broker", "no_r", "note"),
)
CHARGE_COLUMNS = (
    *("at", "kind", "amount", "currency", "what", "symbol", "execution_id", "broker", "charge_id"),
    "recorded_at",
)
LOT_COLUMNS = (
    *("broker", "symbol", "quantity", "acquired", "sold", "proceeds", "basis", "adjustment_code"),
    *("adjustment", "gain", "term", "currency", "opened_by", "closed_by", "note"),
)
CENT = Decimal("0.01")
WASH = "W"  # of Form 8949, column (f)
NEW_YORK = ZoneInfo("America/New_York")


def trades_csv(trades: Iterable[Trade]) -> Iterator[str]:
    """Yield the lines of a table of trades, its heading first."""
    yield _line(TRADE_COLUMNS)
    for trade in trades:
        yield _line(
            [
                *(trade.symbol, trade.side, _plain(trade.quantity), trade.opened_at.isoformat()),
                *(trade.closed_at.isoformat(), _plain(trade.entry_price), _plain(trade.exit_price)),
                *(trade.currency, *map(_plain, (trade.gross, trade.dividends, trade.charges))),
                *_known(trade),
                _plain(trade.risk),
                *(_ratio(trade.r), _ratio(trade.planned_r), _plain(trade.adverse), _plain(trade.favourable)),
                *(trade.exit, trade.strategy_id, trade.timeframe, trade.decided_by or "", trade.stance),
                *(trade.broker, trade.get_no_risk_display(), trade.note),
            ]
        )


def _known(trade: Trade) -> tuple[str, str]:
    """Return commission and net; empty while a commission is not known: sums would be of something else."""
    return ("", "") if trade.commissions_unknown else (_plain(trade.commission), _plain(trade.net))


def charges_csv(charges: Iterable[Charge]) -> Iterator[str]:
    """Yield the lines of a table of charges, its heading first."""
    yield _line(CHARGE_COLUMNS)
    for charge in charges:
        yield _line(
            [
                *(charge.at.isoformat(), charge.kind, _plain(charge.amount), charge.currency, charge.what),
                *(charge.symbol, charge.execution_id, charge.broker, charge.charge_id),
                charge.recorded_at.isoformat(),
            ]
        )


def tax_lots_csv(year: int | None, method: Method, *, washes: bool) -> Iterator[str]:
    """Yield the lines of a table of what was sold in a year (None: ever), one row a lot, its heading first.

    Lots go as they were named when they were sold, and else as the method says. Of everything that the
    brokers executed, ours or not: the tax office asks for the account. Money to the cent, in the currency of
    the instrument. `note` says of which a commission is not yet known.
    """
    yield _line(LOT_COLUMNS)
    choose = named(names(), method)
    instruments = models.Instrument.objects.in_bulk()
    splits = defaultdict(list)
    for split in models.Split.objects.order_by("date"):
        splits[split.symbol].append(Split(split.date, Decimal(str(split.ratio))))
    unknown = set(Fill.objects.exclude(commission_unknown="").values_list("pk", flat=True))
    for (broker, symbol), fills in _by_instrument().items():
        instrument = instruments.get(symbol)
        zone = calendars.zone(instrument.calendar) if instrument else None
        matched = match(fills, splits[symbol], choose)
        for lot in tax_lots(matched, splits[symbol], _day_at(zone or NEW_YORK), washes=washes):
            if year in (None, lot.sold.year):
                yield _line(_lot(broker, symbol, instrument.currency if instrument else "", lot, unknown))


def _by_instrument() -> dict[tuple[str, str], list[Transaction]]:
    transactions: dict[tuple[str, str], list[Transaction]] = defaultdict(list)
    columns = ("broker", "symbol", "pk", "side", "quantity", "price", "commission", "executed_at")
    # A closing that stands for an execution of the account's owner is that execution once more.
    executed = Fill.objects.exclude(execution_id__endswith=ADOPTED).order_by("broker", "symbol")
    for broker, symbol, key, side, quantity, *rest in executed.values_list(*columns):
        signed = quantity if side == Signal.Type.BUY else -quantity
        transactions[broker, symbol].append(Transaction(key, signed, *rest))
    return transactions


def _day_at(zone: ZoneInfo) -> Day:
    def day(instant: datetime) -> date:
        return instant.astimezone(zone).date()

    return day


def _lot(broker: str, symbol: str, currency: str, lot: TaxLot, unknown: Collection[int]) -> list[object]:
    keys = {lot.lot.opened.key, lot.lot.closed.key if lot.lot.closed else 0}
    proceeds, basis, disallowed = (
        money.quantize(CENT) for money in (lot.proceeds, lot.basis, lot.disallowed)
    )
    return [
        *(broker, symbol, _plain(lot.quantity), lot.acquired, lot.sold, proceeds, basis),
        *(WASH if disallowed else "", disallowed, proceeds - basis + disallowed),
        *("long" if lot.is_long_term else "short", currency),
        *(lot.lot.opened.key, lot.lot.closed.key if lot.lot.closed else ""),
        "" if keys.isdisjoint(unknown) else "commission not yet known",
    ]


def _line(cells: Iterable[object]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerow(cells)
    return table.getvalue()


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _ratio(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.4f}"
