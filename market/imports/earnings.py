"""Earnings dates out of a CSV file: our own columns, or a vendor's calendar. Pure."""

import re
from datetime import date, datetime, time

from market.imports import facts, spelling
from market.providers.earnings import LONGEST_PERIOD, Earnings, ReportTime, of_clock

COLUMNS: facts.Columns = {
    "symbol": ("symbol", "ticker"),
    "date": ("date", "earningsdate", "reportdate", "earningsreportdate", "announcementdate"),
    "time": ("time", "when", "hour", "session", "earningstime", "reporttime", "timing", "calltime"),
    "status": ("status", "datestatus", "confirmed", "isconfirmed", "dateconfirmed"),
    "fiscal_period": ("fiscalperiod", "period", "quarter", "fiscalquarterending", "fiscaldateending"),
}
# Whole words of what calendars write, in capitals without punctuation.
TIMES = {
    ReportTime.BEFORE: re.compile(r"\b(BEFORE|BMO|PRE|PREMARKET|AM)\b"),
    ReportTime.AFTER: re.compile(r"\b(AFTER|AMC|POST|POSTMARKET|AFTERHOURS|PM)\b"),
    ReportTime.DURING: re.compile(r"\b(DURING|DMH|DMT|INTRADAY)\b"),
}
NOT_SAID = {"", "UNKNOWN", "TBD", "TNS", "NA", "N A", "NONE", "TAS", "TIME NOT SUPPLIED", "UNSPECIFIED"}
CONFIRMED = {"confirmed", "yes", "true", "1", "y", "verified"}
ESTIMATED = {"", "estimated", "projected", "unconfirmed", "tentative", "inferred", "no", "false", "0", "n"}
WRITTEN_DATES = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y")


def read(content: bytes, symbol: str = "") -> list[Earnings]:
    """Return the earnings dates of a file. `symbol`: of rows that name none. Raises BadFile."""
    needed = ["date"] if symbol else ["symbol", "date"]
    advice = "symbol (or say which symbol it is) and date, then time, status and fiscal_period"
    return facts.read(content, COLUMNS, needed, advice, lambda cells: _earnings(cells, symbol))


def _earnings(cells: facts.Cells, symbol: str) -> Earnings:
    return Earnings(
        symbol=spelling.ours(cells.get("symbol") or symbol),
        date=_date(cells["date"]),
        time=_time(cells.get("time", "")),
        is_confirmed=_is_confirmed(cells.get("status", "")),
        fiscal_period=cells.get("fiscal_period", "")[:LONGEST_PERIOD],
    )


def _date(cell: str) -> date:
    """Return a day as calendars write it. One of three numbers is read only with the year first."""
    for form in WRITTEN_DATES:
        try:
            return datetime.strptime(cell, form).date()  # noqa: DTZ007  # a day, of no zone
        except ValueError:
            continue
    return facts.date_of(cell)


def _time(cell: str) -> ReportTime:
    """Return the part of the day of what a calendar writes: BMO, time-after-hours, 16:05."""
    words = re.sub(r"[^A-Z0-9:]+", " ", cell.upper()).strip().removeprefix("TIME ")
    if words in NOT_SAID or f"TIME {words}" in NOT_SAID or words == "NOT SUPPLIED":
        return ReportTime.UNKNOWN
    if clock := re.fullmatch(r"(\d{1,2}):(\d\d)(?::\d\d)? ?([AP]M)?(?: E[SD]?T)?", words):
        return _of_clock(int(clock[1]), int(clock[2]), clock[3] or "")
    found = [part for part, pattern in TIMES.items() if pattern.search(words)]
    if len(found) != 1:
        raise ValueError(f"{cell!r} is no time: write before, during, after, unknown, or 16:05 of New York")
    return found[0]


def _of_clock(hour: int, minute: int, half: str) -> ReportTime:
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    at = time(hour, minute)
    return ReportTime.UNKNOWN if at == time(0) else of_clock(at)


def _is_confirmed(cell: str) -> bool:
    written = cell.lower()
    if written not in CONFIRMED | ESTIMATED:
        raise ValueError(f"{cell!r} is no status: write confirmed or estimated")
    return written in CONFIRMED
