"""What the account holds and is worth, as the broker says; what its losses halt."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from approvals import halt, positions
from approvals.brokers.base import Account, Holding
from approvals.models import AccountSnapshot, BrokerPosition, Order, Trade, TradingHalt
from market.models import Instrument

Cause = TradingHalt.Cause
START_OF_TIME = datetime.min.replace(tzinfo=UTC)
NAMED = 5  # of the trades that pause
EACH_MINUTE = timedelta(days=15)  # longer than any holidays: a day is counted from the close before it


def write_holdings(
    holdings: Mapping[str, Holding],
    unreadable: Collection[str],
    at: datetime,
    unrecorded: Mapping[str, Decimal] | None = None,
) -> None:
    """Replace the rows of what the account holds. Those of `unreadable` symbols stay as they were.

    `unrecorded`: what our orders have filled and is not among the fills yet. It is ours, not another's: as
    what its entry is filled for it counts already.
    """
    open_positions = positions.open_positions()
    quantities = {position.symbol: Decimal(position.quantity) for position in open_positions}
    for symbol, shares in (unrecorded or {}).items():
        quantities[symbol] = quantities.get(symbol, Decimal(0)) + shares
    held_by_us = {symbol for symbol, quantity in quantities.items() if quantity}
    rows = [
        BrokerPosition(
            symbol=symbol,
            quantity=holdings[symbol].quantity if symbol in holdings else Decimal(0),
            average_cost=holdings[symbol].average_cost if symbol in holdings else Decimal(0),
            ours=int(quantities.get(symbol, 0)),
            seen_at=at,
        )
        for symbol in sorted((holdings.keys() | held_by_us).difference(unreadable))
    ]
    with transaction.atomic():
        kept = [row.symbol for row in rows] + [symbol for symbol in unreadable if symbol.isprintable()]
        BrokerPosition.objects.exclude(symbol__in=kept).delete()
        BrokerPosition.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["symbol"],
            update_fields=["quantity", "average_cost", "ours", "seen_at"],
        )


def mark_instruments_in_use() -> None:
    """Have prices fetched of what is held or on order, watched or not: its exits depend on them."""
    held = BrokerPosition.objects.exclude(quantity=0, ours=0).values("symbol")
    working = Order.objects.filter(Q(status__in=Order.WORKING) | Q(exits_working=True)).values("symbol")
    used = Instrument.objects.filter(Q(symbol__in=held) | Q(symbol__in=working))
    used.filter(in_use=False).update(in_use=True)
    Instrument.objects.filter(in_use=True).exclude(pk__in=used.values("pk")).update(in_use=False)


def write_snapshot(account: Account, broker: str, at: datetime) -> None:
    """Store what the account is worth."""
    snapshot = AccountSnapshot(
        broker=broker,
        at=at,
        currency=account.currency,
        equity=account.equity,
        cash=account.cash,
        buying_power=account.buying_power,
    )
    AccountSnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)


def prune_snapshots(at: datetime) -> int:
    """Keep each minute of the last 15 days, and the last one of each day before; return how many went."""
    later = AccountSnapshot.objects.filter(
        broker=OuterRef("broker"), at__date=OuterRef("at__date"), at__gt=OuterRef("at")
    )
    deleted, _ = AccountSnapshot.objects.filter(Exists(later), at__lt=at - EACH_MINUTE).delete()
    return deleted


def halt_on_loss(broker: str, at: datetime) -> None:
    """Halt once a day, and once a week, when the account lost more since its start than the limit of that."""
    account = positions.account(at, broker)
    if account is None:
        return
    day = (account.day_began, -account.day_result, settings.MAX_DAY_LOSS)
    week = (account.week_began, -account.week_result, settings.MAX_WEEK_LOSS)
    for cause, name, (began, lost, share) in ((Cause.DAY_LOSS, "day", day), (Cause.WEEK_LOSS, "week", week)):
        most = (settings.TRADING_CAPITAL or account.snapshot.equity + lost) * share
        if lost < most or TradingHalt.objects.filter(cause=cause, started_at__range=(began, at)).exists():
            continue
        since = f"{began:%Y-%m-%d %H:%M} UTC"
        sum_lost = f"The account lost {lost} {account.snapshot.currency} since {since}"
        halt.start(cause, f"{sum_lost}; {most:.2f} are allowed a {name}.", at)


def pause_on_losses(at: datetime) -> None:
    """Pause when the newest trades all lost money: so many since the last pause as the setting says."""
    enough = settings.PAUSE_AFTER_LOSSES
    if not enough:
        return
    pauses = TradingHalt.objects.filter(cause=Cause.LOSSES)
    paused_at = pauses.aggregate(newest=Max("started_at"))["newest"] or START_OF_TIME
    trades = Trade.objects.filter(closed_at__gt=paused_at, closed_at__lte=at)
    newest = trades.order_by("-closed_at", "-pk")[:enough]
    until = at + timedelta(hours=settings.PAUSE_HOURS)
    if len(newest) == enough and all(trade.net < 0 for trade in newest):
        lost = ", ".join(f"{trade.symbol} {trade.net:+,.2f} {trade.currency}" for trade in newest[:NAMED])
        reason = f"The last {enough} trades lost money ({lost}): look at what they have in common."
        halt.start(Cause.LOSSES, reason, at, until=until)
