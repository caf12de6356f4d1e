"""Which reports of earnings a position may be held through."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from approvals.entry_check import NEAR
from market import sessions
from market.formatting import earnings_announcement
from market.models import EarningsDate, Instrument
from market.prices import Timeframe, to_datetime, to_instant
from market.sessions import Sessions

FAR = timedelta(days=366)  # no calendar is known for longer
ReportTime = EarningsDate.ReportTime


@dataclass(frozen=True)
class Report:
    """A report of earnings. `since`, `until`: when it is out, a whole session where that is not known."""

    since: datetime
    until: datetime
    words: str


@dataclass(frozen=True)
class Calendar:
    """The reports to come of an instrument, and its sessions until then."""

    reports: tuple[EarningsDate, ...]
    sessions: Sessions

    def held_until(self, entered_at: datetime, timeframe: Timeframe, bars: int) -> datetime | None:
        """Return when the longest holding ends; None beyond the known sessions."""
        (end,) = self.sessions.walk(timeframe, np.array([to_instant(entered_at)]), bars)
        return None if np.isnat(end) else to_datetime(end)

    def within(self, entered_at: datetime, until: datetime | None, today: date) -> list[str]:
        """Return which reports come out while it may be held, in words."""
        reports = [_placed(report, self.sessions, today) for report in self.reports]
        return [
            report.words
            for report in reports
            if report.until > entered_at and (until is None or report.since < until)
        ]


def read_calendars(instruments: Collection[Instrument], at: datetime) -> dict[str, Calendar]:
    """Return the calendar of each instrument that is to report. One query; one more where any is."""
    by_symbol: dict[str, list[EarningsDate]] = {}
    yesterday = at.date() - timedelta(days=1)  # of an exchange that is behind
    symbols = [instrument.symbol for instrument in instruments]
    for report in EarningsDate.objects.announced(yesterday).filter(symbol__in=symbols):
        by_symbol.setdefault(report.symbol, []).append(report)
    if not by_symbol:
        return {}
    calendars = {item.symbol: item.calendar for item in instruments if item.symbol in by_symbol}
    days = sessions.load_all(set(calendars.values()), at - NEAR, at + FAR)
    return {
        symbol: Calendar(tuple(by_symbol[symbol]), days[calendar]) for symbol, calendar in calendars.items()
    }


def _placed(report: EarningsDate, days: Sessions, today: date) -> Report:
    """Return when a report comes out, by the session of its day; that day of UTC where there is none."""
    opens_at = datetime.fromisoformat(f"{report.date}T00:00:00+00:00")
    closes_at = opens_at + timedelta(days=1)
    (found,) = np.nonzero(days.dates == np.datetime64(report.date, "D"))
    if len(found):
        opens_at, closes_at = to_datetime(days.opens[found[0]]), to_datetime(days.closes[found[0]])
    words = f"{report.symbol} {earnings_announcement(report, today)}"
    if report.time == ReportTime.BEFORE:
        return Report(opens_at, opens_at, words)
    return Report(closes_at if report.time == ReportTime.AFTER else opens_at, closes_at, words)
