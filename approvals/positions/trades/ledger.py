"""Keeping the table of closed trades: derived from our fills, computed again when any of them is new."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import prod

from django.db import transaction

from approvals import audit, notify
from approvals.models import Charge, Notification, Trade
from approvals.positions.accounting import FINEST, Split
from approvals.positions.trades.charges import Charged, charges
from approvals.positions.trades.dividends import Dividend, paid
from approvals.positions.trades.lots import ZERO, Transaction
from approvals.positions.trades.rounds import Round, rounds
from approvals.queries import trades as queries
from approvals.queries.trades import Executed, Held
from market import faults, models
from market.models import Fault
from signals.models import Signal

KEPT = {"id", "first_fill"}
COLUMNS = [field.name for field in Trade._meta.concrete_fields if field.name not in KEPT]
DAY = timedelta(days=1)
OF_TRADES = [Charge.Kind.FEE, Charge.Kind.BORROW]
Fills = Mapping[int, Executed]


def refresh(at: datetime) -> int:
    """Compute the trades of what has new fills; return of how many instruments. Each fails by itself."""
    isolation, done = faults.Isolation(Fault.Work.TRADE, at), 0
    for held in queries.out_of_date(at):
        with isolation.of(f"{held.symbol} {held.broker}"):
            compute(held, at)
            done += 1
    return done


def compute(held: Held, at: datetime) -> None:
    """Make the stored trades of an instrument those that its fills give."""
    executed = {row.id: row for row in queries.executed(held)}
    splits = [
        Split(split.date, Decimal(str(split.ratio)))
        for split in models.Split.objects.filter(symbol=held.symbol).order_by("date")
    ]
    transactions = [_transaction(row) for row in executed.values()]
    trips = rounds(transactions, splits)
    trades = [_trade(held, trip, executed, at) for trip in trips]
    _add_dividends(trades, trips, splits)
    _add_charges(held, trades, trips, transactions)
    _tell_decisions(trades, trips, executed)
    with transaction.atomic():
        stored = Trade.objects.filter(broker=held.broker, symbol=held.symbol)
        before = {trade.first_fill_id: trade for trade in stored}
        _measure(trades, before, splits)
        for trade in trades:
            _tell_correction(before.get(trade.first_fill_id), trade, at)
        stored.exclude(first_fill__in=[trade.first_fill_id for trade in trades]).delete()
        Trade.objects.bulk_create(
            trades, update_conflicts=True, unique_fields=["first_fill"], update_fields=COLUMNS
        )


def _transaction(row: Executed) -> Transaction:
    quantity = Decimal(row.quantity if row.side == Signal.Type.BUY else -row.quantity)
    return Transaction(row.id, quantity, row.price, row.commission, row.executed_at)


def _trade(held: Held, trip: Round, executed: Fills, at: datetime) -> Trade:
    entries = [executed[entry.key] for entry in trip.entries]
    prices = [transaction.price for transaction in (*trip.entries, *trip.exits)]
    risk, no_risk = _risk(trip, executed)
    return Trade(
        broker=held.broker,
        symbol=held.symbol,
        currency=entries[0].currency,
        side=Signal.Type.SELL if trip.is_short else Signal.Type.BUY,
        quantity=trip.shares,
        entries=len(trip.entries),
        exits=len(trip.exits),
        entry_price=trip.entry.quantize(FINEST),
        exit_price=trip.exit.quantize(FINEST),
        gross=trip.gross.quantize(FINEST),
        commission=trip.commission.quantize(FINEST),
        commissions_unknown=sum(bool(executed[key].commission_unknown) for key in _keys(trip)),
        net=trip.gross.quantize(FINEST) - trip.commission.quantize(FINEST),
        opened_at=trip.opened_at,
        closed_at=trip.closed_at,
        exit=_exit([executed[closing.key].leg for closing in trip.exits]),
        planned_risk=_planned_risk(trip, executed),
        risk=risk,
        no_risk=no_risk,
        lowest=min(prices),
        highest=max(prices),
        first_fill_id=entries[0].id,
        computed_at=at,
    )


def _tell_correction(before: Trade | None, now: Trade, at: datetime) -> None:
    """Tell people when the broker corrected an execution of a closed trade, and what that makes of it."""
    if before is None or (before.gross, before.quantity) == (now.gross, now.quantity):
        return
    if not queries.is_corrected(now.broker, now.symbol, before.computed_at):
        return
    made, makes = (f"{trade} {trade.net:+,.2f} {trade.currency}" for trade in (before, now))
    title = f"The broker corrected an execution of a closed trade: {made} is {makes} now."
    key = f"trade {now.first_fill_id} corrected {now.gross} {now.quantity}"
    notify.put(Notification.Kind.ORDER_FILLED, key, title[:200], at, path="/trades/")
    subject = f"fill {now.first_fill_id}"
    audit.append("trade corrected", subject, at, trade=str(now), was=before.net, net=now.net)


def _keys(trip: Round) -> set[int]:
    return {transaction.key for transaction in (*trip.entries, *trip.exits)}


def _add_dividends(trades: Sequence[Trade], trips: Sequence[Round], splits: Sequence[Split]) -> None:
    """Count in each trade the dividends whose ex-dates it was open over. At most one query."""
    if not trades:
        return
    since, until = trips[0].opened_at.date(), max(trip.closed_at for trip in trips).date()
    rows = [Dividend(*row) for row in queries.dividends(trades[0].symbol, since, until)]
    for trade, trip in zip(trades, trips, strict=True):
        trade.dividends = paid(trip, rows, splits)
        trade.net += trade.dividends


def _add_charges(
    held: Held, trades: Sequence[Trade], trips: Sequence[Round], transactions: Sequence[Transaction]
) -> None:
    """Count in each trade the fees that came later than its executions, and those of borrowing. One query."""
    if not trades:
        return
    rows = queries.charged(held, trades[0].currency, OF_TRADES)
    charged = [Charged(row.at, row.amount, row.fill) for row in rows]
    for trade, amount in zip(trades, charges(trips, transactions, charged), strict=True):
        trade.charges = amount.quantize(FINEST)
        trade.net += trade.charges


def _exit(legs: Sequence[str]) -> str:
    if len(set(legs)) != 1:
        return Trade.Exit.SEVERAL if legs else Trade.Exit.CLOSE
    return legs[0] if legs[0] in Trade.Exit.values else Trade.Exit.CLOSE


def _risk(trip: Round, executed: Fills) -> tuple[Decimal | None, str]:
    """Return what was to be lost from each entry's price to its stop then, or why that cannot be told."""
    risk = ZERO
    for entry, shares in trip.opened:
        stop, sign = executed[entry.key].stop_then, -1 if trip.is_short else 1
        if stop is None:
            return None, Trade.NoRisk.NO_STOP
        if (entry.price - stop) * sign <= 0:
            return None, Trade.NoRisk.BEYOND_STOP
        risk += (entry.price - stop) * sign * shares
    return risk.quantize(FINEST), ""


def _planned_risk(trip: Round, executed: Fills) -> Decimal | None:
    """Return what the shares that were filled were to lose from limit to stop; None where one has none."""
    risk = ZERO
    for entry, shares in trip.opened:
        limit, stop = executed[entry.key].limit_price, executed[entry.key].stop_loss
        if limit is None or stop is None:
            return None
        risk += abs(limit - stop) * shares
    return risk.quantize(FINEST)


def _tell_decisions(trades: Sequence[Trade], trips: Sequence[Round], executed: Fills) -> None:
    """Say of each trade which signal and decision it came of."""
    orders = [
        [executed[entry.key].order_id for entry in trip.entries if executed[entry.key].is_entry]
        for trip in trips
    ]
    decided = queries.decided({order for of_trade in orders for order in of_trade})
    for trade, of_trade in zip(trades, orders, strict=True):
        known = [decided[order] for order in of_trade if order in decided]
        trade.signals = len({row.signal_id for row in known})
        if known:
            first = known[0]
            trade.signal_id, trade.decided_by_id = first.signal_id, first.decided_by
            trade.strategy_id, trade.timeframe, trade.stance = (
                first.strategy_id,
                first.timeframe,
                first.stance,
            )


def _measure(trades: Sequence[Trade], stored: Mapping[int, Trade], splits: Sequence[Split]) -> None:
    """Widen the range of each trade by what traded in it: as it is stored, once its bars have all come."""
    missing = []
    for trade in trades:
        before = stored.get(trade.first_fill_id)
        if before and before.closed_at == trade.closed_at and before.computed_at >= trade.closed_at + DAY:
            trade.lowest, trade.highest = before.lowest, before.highest
        else:
            missing.append(trade)
    if not missing:
        return
    opened, closed = [trade.opened_at for trade in missing], [trade.closed_at for trade in missing]
    for number, row in queries.extremes(missing[0].symbol, opened, closed).items():
        trade = missing[number]
        later = (split.ratio for split in splits if split.date > trade.closed_at.date())
        ratio = prod(later, start=Decimal(1))
        low, high = ((Decimal(str(price)) * ratio).quantize(FINEST) for price in (row.low, row.high))
        trade.lowest, trade.highest = min(trade.lowest, low), max(trade.highest, high)
