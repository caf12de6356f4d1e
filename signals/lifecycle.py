"""How a signal ends by itself, or by a person who takes it off. Each end is one UPDATE of what is pending."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from market.models import Instrument, Split
from market.prices import Timeframe
from signals.models import Signal, StrategyConfig

EXPIRED = "nobody decided in time"
UNWATCHED = "its instrument left the watchlist"
SWITCHED_OFF = "its configuration was switched off"
SPLIT = "share split"
STOP_TRADED = "stop traded before a decision"
TARGET_TRADED = "target traded before a decision"
REVISED = "bar revised"
RECONFIGURED = "its configuration was changed"


class NotPending(Exception):
    """The signal is not pending any more."""

    def __init__(self, signal: Signal, at: datetime) -> None:
        signal.refresh_from_db()
        self.signal = signal
        ended = signal.ended_at or signal.expires_at
        why = f" ({signal.ended_reason})" if signal.ended_reason else ""
        super().__init__(
            f"It is {signal.status_at(at)} since {timezone.localtime(ended):%Y-%m-%d %H:%M %Z}{why}."
        )


def cancel(signal: Signal, *, by: User, reason: str, at: datetime) -> None:
    """Take a pending signal off. Raises NotPending when it has ended already."""
    why = f"cancelled by {by.get_username()}" + (f": {reason}" if reason else "")
    if not end(Signal.objects.pending(at).filter(pk=signal.pk), why, at):
        raise NotPending(signal, at)
    signal.refresh_from_db()


def decide(signal: Signal, verdict: Signal.Status, *, by: User, at: datetime) -> None:
    """Approve or reject a pending signal. Raises NotPending when it has ended already."""
    why = f"{verdict} by {by.get_username()}"
    mine = Signal.objects.pending(at).filter(pk=signal.pk)
    if not mine.update(status=verdict, ended_at=at, ended_reason=why):
        raise NotPending(signal, at)
    signal.refresh_from_db()


def end(pending: QuerySet[Signal], reason: str, at: datetime) -> int:
    """Cancel those of the signals that are pending; how many there were."""
    return pending.filter(status=Signal.Status.PENDING).update(
        status=Signal.Status.CANCELLED, ended_at=at, ended_reason=reason
    )


def sweep(at: datetime) -> dict[str, int]:
    """End what has ended by itself, expiry first; how many for each reason."""
    ended = Counter({EXPIRED: _expire(at)})
    for reason, signals in _ending(at):
        ended[reason] += end(signals, reason, at)
    ended.update(end_traded(at))
    return {reason: count for reason, count in ended.items() if count}


def _expire(at: datetime) -> int:
    return Signal.objects.overdue(at).update(
        status=Signal.Status.EXPIRED, ended_at=F("expires_at"), ended_reason=EXPIRED
    )


def _ending(at: datetime) -> Iterable[tuple[str, QuerySet[Signal]]]:
    pending, mine = Signal.objects.pending(at), Instrument.objects.filter(symbol=OuterRef("symbol"))
    configured = StrategyConfig.objects.enabled().filter(
        strategy_id=OuterRef("strategy_id"), timeframe=OuterRef("timeframe")
    )
    split = Split.objects.filter(
        symbol=OuterRef("symbol"),
        recorded_at__gte=OuterRef("created_at"),
        date__gte=OuterRef("bar_opened_at"),
    )
    yield UNWATCHED, pending.exclude(Exists(mine.watched()))
    yield SWITCHED_OFF, pending.exclude(Exists(configured))
    yield SPLIT, pending.filter(Exists(mine.exclude(split_pending_since=None)))
    yield SPLIT, pending.filter(Exists(split))


def end_traded(at: datetime) -> dict[str, int]:
    """Cancel those whose stop or target has traded since, in the regular session.

    Any bar that opened after the signal's own has closed tells, finished or not, and so does the newest
    quote. When both have traded nobody knows which came first: the stop counts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH traded AS (
                SELECT pending.id, bool_or(
                    CASE signal_type WHEN 'BUY' THEN low <= stop_loss ELSE high >= stop_loss END
                ) AS at_stop
                FROM strategy_signals AS pending
                CROSS JOIN LATERAL (
                    SELECT low, high FROM candles
                    WHERE candles.symbol = pending.symbol AND candles.timeframe = ANY (%(timeframes)s)
                        AND opened_at >= generated_at AND session = 'regular' AND NOT suspect
                    UNION ALL
                    SELECT price, price FROM quotes
                    JOIN instruments USING (symbol)
                    JOIN trading_sessions USING (calendar)
                    WHERE quotes.symbol = pending.symbol AND as_of > generated_at
                        AND NOT closed AND as_of >= opens_at AND as_of < closes_at
                ) AS since
                WHERE status = 'pending' AND (
                    CASE signal_type WHEN 'BUY' THEN low <= stop_loss OR high >= take_profit
                    ELSE high >= stop_loss OR low <= take_profit END
                )
                GROUP BY pending.id
            )
            UPDATE strategy_signals AS ended SET status = 'cancelled', ended_at = %(at)s,
                ended_reason = CASE WHEN at_stop THEN %(stop)s ELSE %(target)s END
            FROM traded WHERE ended.id = traded.id AND status = 'pending'
            RETURNING ended_reason
            """,
            {
                "at": at,
                "stop": STOP_TRADED,
                "target": TARGET_TRADED,
                "timeframes": [one.value for one in Timeframe],
            },
        )
        return Counter(reason for (reason,) in cursor.fetchall())
