"""Polygon's earnings dates, which are Benzinga's: a partner's data that few plans have."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from core.http import Answer as Page
from core.http import Pages, Request
from market.providers import wire
from market.providers.earnings import LONGEST_PERIOD, Earnings, ReportTime, of_clock
from market.providers.facts import Answer, day

PATH = "/benzinga/v1/earnings"
MOST_ROWS = "50000"
NEW_YORK = ZoneInfo("America/New_York")
OFF = "Polygon's plan has no earnings dates: they take Benzinga's, an addition to it"

Ask = Callable[[Mapping[str, Request]], Pages]


def fetch(ask: Ask, tickers: Mapping[str, str], since: date, until: date) -> Answer[Earnings]:
    """Return the reports of the symbols, by ticker. Raises ProviderError when nothing came."""
    pages = ask({PATH: _request(list(tickers), since, until)})
    symbols = list(tickers.values())
    if any(failure.status == 403 for failure in pages.failed.values()):
        return Answer([], off=OFF)
    if (failure := wire.why_nothing(pages)) is not None:
        raise wire.no_answer(failure)
    if pages.failed:
        return Answer([], failed=dict.fromkeys(symbols, str(next(iter(pages.failed.values())))))
    if pages.declined:
        return Answer([], declined=symbols)
    read = list(_read([page for answers in pages.answers.values() for page in answers], tickers))
    return Answer(
        [each for each in read if isinstance(each, Earnings)],
        refused=[each for each in read if isinstance(each, str)],
    )


def _request(tickers: Sequence[str], since: date, until: date) -> Request:
    return Request(
        PATH,
        {
            "ticker.any_of": ",".join(tickers),
            "date.gte": since.isoformat(),
            "date.lte": until.isoformat(),
            "limit": MOST_ROWS,
            "sort": "date.asc",
        },
    )


def _read(pages: Sequence[Page], symbols: Mapping[str, str]) -> Iterator[Earnings | str]:
    for page in pages:
        for row in wire.rows_of(page.body.get("results")):
            if symbol := symbols.get(str(row.get("ticker"))):
                yield _report(symbol, row)


def _report(symbol: str, row: wire.Row) -> Earnings | str:
    on = day(row.get("date"))
    if on is None:
        return f"{symbol}: a report without a date"
    period = f"{row.get('fiscal_period') or ''} {row.get('fiscal_year') or ''}".strip()
    return Earnings(
        symbol=symbol,
        date=on,
        time=_time(on, row.get("time")),
        is_confirmed=row.get("date_status") == "confirmed",
        fiscal_period=period[:LONGEST_PERIOD],
        reference=str(row.get("benzinga_id") or "")[:80],
    )


def _time(on: date, written: object) -> ReportTime:
    """Return which part of the day it is in New York; the vendor writes UTC, and midnight for no time."""
    try:
        at = time.fromisoformat(str(written))
    except ValueError:
        return ReportTime.UNKNOWN
    if at == time(0):
        return ReportTime.UNKNOWN
    return of_clock(datetime.combine(on, at, UTC).astimezone(NEW_YORK).time())
