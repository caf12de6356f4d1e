"""The report of a day, sent once after its close: what it made, what was done, what waits and comes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from approvals import notify
from approvals.formatting import price
from approvals.models import Charge, Fill, Notification, Order, Trade
from approvals.positions.account import account, day_began
from approvals.positions.actionable import SignalCounts
from approvals.positions.book import Book
from approvals.positions.protection import Protected
from approvals.positions.trades.summary import charged
from market.formatting import earnings_announcement
from market.models import EarningsDate
from signals.models import Signal

AFTER_CLOSE = timedelta(minutes=20)  # when the bars of the day are final
NO_NEWS_AFTER = timedelta(hours=12)
JUST_BEFORE = timedelta(microseconds=1)
LISTED = 10  # lines of a kind
COMING = timedelta(days=3)  # over a weekend
Status = Signal.Status


@dataclass(frozen=True)
class Day:
    """From one close to the next."""

    since: datetime
    until: datetime


def send(at: datetime) -> None:
    """Put the report of the day that closed last among the messages, when it is time and it is not there."""
    closed_at = day_began(at)
    if not AFTER_CLOSE <= at - closed_at < NO_NEWS_AFTER:
        return
    key = f"day {closed_at.isoformat()}"
    if not Notification.objects.filter(key=key).exists():
        day = Day(day_began(closed_at - JUST_BEFORE), closed_at)
        title, *lines = _lines(day, at)
        kind = Notification.Kind.DAY_REPORT
        notify.put(kind, key, title, at, body="\n".join(lines), path="/positions/")


def _lines(day: Day, at: datetime) -> Iterator[str]:
    book = Book.load(at)
    yield f"{day.until:%A %Y-%m-%d}: {_result(day)}"
    done = [*_fills(day), *_closed(day), *_charged(day), *_expired(day)]
    waits = [*_waits(book, at)]
    if not (done or waits):
        yield "All quiet: nothing was filled, nothing expired, nothing waits."
    yield from done
    yield from waits
    held = [protected for protected in book.protected() if protected.position.quantity]
    yield from _open(held)
    yield from _earnings([protected.position.symbol for protected in held], at)


def _result(day: Day) -> str:
    """Return what the day made of the account, by what its broker said just before the close."""
    seen = account(day.until - JUST_BEFORE)
    if seen is None or seen.snapshot.at < day.since:
        return "what it made is not known, the account was not seen"
    before = seen.snapshot.equity - seen.day_result
    share = f" ({100 * seen.day_result / before:+.2f} %)" if before else ""
    return f"{seen.day_result:+,.2f} {seen.snapshot.currency}{share}, {seen.snapshot.equity:,.2f} in all"


def _fills(day: Day) -> Iterator[str]:
    fills = Fill.objects.filter(executed_at__gt=day.since, executed_at__lte=day.until)
    lines = [
        f"{fill.side} {fill.quantity} {fill.symbol} at {price(fill.price)}"
        for fill in fills.order_by("executed_at", "pk")
    ]
    yield from _some("Filled", lines)


def _closed(day: Day) -> Iterator[str]:
    trades = Trade.objects.filter(closed_at__gt=day.since, closed_at__lte=day.until).order_by(
        "closed_at", "pk"
    )
    yield from _some("Closed", [_made(trade) for trade in trades])


def _made(trade: Trade) -> str:
    r = f", {trade.get_no_risk_display()}" if trade.r is None else f", {trade.r:+.2f} R"
    note = f", {trade.note}" if trade.note else ""
    return f"{trade} {trade.net:+,.2f} {trade.currency}{r}{note}"


def _charged(day: Day) -> Iterator[str]:
    charges = charged(Charge.objects.filter(at__gt=day.since, at__lte=day.until))
    yield from _some("Charged", [f"{each.label} {each.amount:+,.2f} {each.currency}" for each in charges])


def _expired(day: Day) -> Iterator[str]:
    expired = Signal.objects.in_status(day.until, Status.EXPIRED).filter(
        expires_at__gt=day.since, expires_at__lte=day.until
    )
    yield from _some("Expired undecided", [str(signal) for signal in expired.order_by("expires_at", "pk")])


def _some(what: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield one line for them all, and one for each of the first."""
    if lines:
        yield f"{what}: {len(lines)}"
        yield from (f"- {line}" for line in lines[:LISTED])
        if more := len(lines) - LISTED:
            yield from [f"- and {more} more"] * (more > 0)


def _waits(book: Book, at: datetime) -> Iterator[str]:
    if signals := SignalCounts.load(at).actionable(book.longs):
        yield f"Waiting for a decision: {signals} signal{'s' * (signals > 1)}"
    if held := sum(order.status == Order.Status.HELD for order in book.orders):
        yield f"Needing a new look: {held} order{'s' * (held > 1)}"


def _open(held: Sequence[Protected]) -> Iterator[str]:
    """Yield what is held, with what its stops would lose in each currency."""
    if not held:
        return
    risk: dict[str, Decimal] = {}
    for protected in held:
        currency = protected.position.currency
        risk[currency] = risk.get(currency, Decimal(0)) + protected.at_risk
    sums = " and ".join(f"{value:,.2f} {currency}".strip() for currency, value in sorted(risk.items()))
    bare = [protected.position.symbol for protected in held if protected.unprotected > 0]
    yield f"Held: {len(held)}, at risk to their stops {sums}"
    if bare:
        yield f"Without a stop: {', '.join(bare)}"


def _earnings(symbols: Sequence[str], at: datetime) -> Iterator[str]:
    """Yield the reports of what is held that come before or on the next day of trading."""
    today = at.date()
    coming = EarningsDate.objects.announced(today).filter(symbol__in=symbols, date__lte=today + COMING)
    for report in coming[:LISTED]:
        yield f"{report.symbol}: {earnings_announcement(report, today)}"
