"""What vendors put on the wire, as our own values: numbers, moments, bars.

Nothing here raises for bad content. A number that is not one becomes NaN and a moment that is not one NaT, so
that the house counts the row and says why it was refused.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.http import Answer, Failure, Fetched, Pages
from core.http.failures import http_date
from market.prices import IN_WRONG_UNIT, INSTANT, Bars, Floats, Instants, Timeframe, to_instant
from market.providers.base import ProviderError

Row = Mapping[str, Any]

NOT_A_TIME = np.datetime64("NaT", "us")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_NANOSECOND = 253_402_300_799 * 10**9  # of year 9999
IN_2000, IN_2100 = 946_684_800_000.0, 4_102_444_800_000.0  # Unix milliseconds
BROKEN_VOLUME = -1.0  # refused by the house: no share count is negative
LARGEST_VOLUME = 2.0**53
LONGEST_QUERY = 6000  # characters of symbols in one address: below the 8 KB that most servers take


def number(value: object) -> float:
    """Return a float, NaN when it is not a number."""
    try:
        return float(value)  # type: ignore[arg-type]  # whatever it is
    except (TypeError, ValueError, OverflowError):
        return math.nan


def given(value: object) -> float | None:
    """Return a price of the book: None when there is none, which vendors write as 0, -1, NaN or null."""
    price = number(value)
    return None if math.isnan(price) or price in (0.0, -1.0) else price


def share_count(value: object) -> float | None:
    """Return a size or volume in shares or parts of one; None when it is neither.

    The US tapes and those that pass them on give sizes of the book in shares since 3 November 2025; they were
    round lots before (SEC release 34-101070, https://polygon.io/blog/change-stocks-quotes-round-lots-to-shares).
    """
    count = number(value)
    return count if 0 <= count <= LARGEST_VOLUME else None


def moment(text: object) -> datetime | None:
    """Parse ISO 8601 with up to nanoseconds; without an offset it is UTC. None when it is not a moment."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def has_zone(text: object) -> bool:
    """Return whether a moment says which zone it is of. What is no moment needs none: it is refused."""
    if moment(text) is None:
        return True
    return datetime.fromisoformat(str(text)).tzinfo is not None


def instants(texts: Sequence[object]) -> Instants:
    """Return moments as a column."""
    moments = [moment(text) for text in texts]
    return np.array([NOT_A_TIME if at is None else at.replace(tzinfo=None) for at in moments], dtype=INSTANT)


def dates(texts: Sequence[object]) -> Instants:
    """Return the dates that moments or plain dates are written with, as 00:00 UTC."""
    return instants([text[:10] if isinstance(text, str) else text for text in texts])


def from_milliseconds(values: Floats) -> Instants:
    """Return Unix milliseconds as a column; what is plainly a count of another unit becomes IN_WRONG_UNIT."""
    fit = np.abs(values) < 1e14
    stamps = np.full(len(values), NOT_A_TIME, dtype=INSTANT)
    stamps[fit] = (values[fit] * 1000).astype(np.int64).astype(INSTANT)
    likely = _in_our_time(values)
    for factor in (1e3, 1e-3, 1e-6):
        stamps[~likely & _in_our_time(values * factor)] = IN_WRONG_UNIT
    return stamps


def _in_our_time(milliseconds: Floats) -> NDArray[np.bool_]:
    return (milliseconds >= IN_2000) & (milliseconds < IN_2100)


def of_minute(close: object, opened_at: datetime | None, until: datetime) -> tuple[float, datetime] | None:
    """Return a minute bar's close, and the moment that it is no older than; None without such a bar.

    Which trade it was is not told: with a later time it would pass for a second trade at its own price.
    """
    price = given(close)
    return None if price is None or opened_at is None else (price, min(opened_at, until))


def from_nanoseconds(value: object) -> datetime | None:
    """Return the moment that Unix nanoseconds say, however absurd; None when it is no such count."""
    if not isinstance(value, int | float) or not value >= 0:
        return None
    return EPOCH + timedelta(microseconds=int(min(value, LAST_NANOSECOND)) // 1000)


def from_unix_milliseconds(value: object) -> datetime | None:
    """Return the moment that Unix milliseconds say, however absurd; None when it is no such count.

    As floating point nanoseconds it would be off by some, and the same trade told by a poll a later one.
    """
    if not isinstance(value, int | float) or not value >= 0:
        return None
    return EPOCH + timedelta(milliseconds=min(value, LAST_NANOSECOND // 10**6))


def part(row: Row, name: str) -> dict[str, Any]:
    """Return an object inside a row, empty when there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def rows_of(value: object) -> list[Row]:
    """Return the rows of a list; what is not an object is an empty row, to be counted as such."""
    return [row if isinstance(row, dict) else {} for row in value] if isinstance(value, list) else []


def column(rows: Sequence[Row], key: str) -> Floats:
    """Return one number of each row."""
    values = [row.get(key) for row in rows]
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(0)
    if numbers.shape != (len(rows),):
        numbers = np.array([number(value) for value in values], dtype=np.float64)
    return numbers


def volumes(rows: Sequence[Row], key: str) -> Floats:
    """Return shares or parts of one; vendors send what is neither, too."""
    counts = column(rows, key)
    return np.where((counts >= 0) & (counts <= LARGEST_VOLUME), counts, BROKEN_VOLUME)


def bars(
    rows: Sequence[Row], opened_at: Instants, keys: Sequence[str] = ("o", "h", "l", "c", "v", "vw")
) -> Bars:
    """Return rows as columns; `keys` names open, high, low, close, volume and vwap."""
    opening, high, low, close, vwap = (column(rows, key) for key in (*keys[:4], keys[5]))
    volume = volumes(rows, keys[4])
    return Bars.of(opened_at, opening, high, low, close, volume, np.where(vwap > 0, vwap, np.nan))


def opened_since(bars: Bars, since: datetime) -> Bars:
    """Return the bars opened at or after `since`; those without a time stay, to be counted."""
    return bars[~(bars.opened_at < to_instant(since))]


def most_bars(timeframe: Timeframe, since: datetime, at: datetime, hours: float) -> int:
    """Return no fewer than the bars opened from `since` to `at` when each weekday trades that many hours."""
    if at <= since:
        return 1
    first, last = np.datetime64(since.date()), np.datetime64(at.date()) + 1
    weekdays = int(np.busday_count(first, last))
    if timeframe is Timeframe.W1:
        return weekdays // 5 + 2
    if not timeframe.is_intraday:
        return weekdays + 1
    elapsed = (at - since) / timeframe.length
    return math.ceil(min(weekdays * timedelta(hours=hours) / timeframe.length, elapsed)) + 1


def chunks(symbols: Sequence[str], most: int) -> list[list[str]]:
    """Return the symbols in lists of at most `most` that fit into an address."""
    batches: list[list[str]] = []
    room = 0
    for symbol in symbols:
        if not batches or len(batches[-1]) >= most or room < len(symbol) + 1:
            batches.append([])
            room = LONGEST_QUERY
        batches[-1].append(symbol)
        room -= len(symbol) + 1
    return batches


def clock_offset(answer: Answer, at: datetime) -> timedelta | None:
    """Return how far the vendor's clock is ahead of ours, to a second: `at` is when the answer was there."""
    sent = http_date(answer.headers.get("Date"))
    return None if sent is None else sent + timedelta(seconds=0.5) - at


def error(failure: Failure, advice: str = "") -> ProviderError:
    """Return the failure of all that can be asked of a provider."""
    return ProviderError(
        f"{failure}. {advice}" if advice else str(failure),
        permanent=failure.permanent,
        retry_after=failure.retry_after,
    )


def no_answer(failure: Failure, advice: str = "", *, of_each: Fetched | Pages | None = None) -> ProviderError:
    """Return the failure of one request for symbols, or of one for each."""
    refusal = error(failure, advice)
    refusal.is_general = failure.for_all
    if of_each is not None:
        refusal.failed = {symbol: str(why) for symbol, why in of_each.failed.items()}
    return refusal


def refused_for_all(fetched: Fetched | Pages) -> set[str]:
    """Return what was asked for and failed in a way in which whatever else was asked for would have."""
    return {key for key, failure in fetched.failed.items() if failure.for_all}


def why_nothing(fetched: Fetched | Pages) -> Failure | None:
    """Return the failure that says most when nothing was answered and the provider is to blame."""
    if fetched.answers:
        return None
    blamed = [failure for failure in fetched.failed.values() if failure.blames_provider]
    return max(blamed, key=_weight, default=None)


def _weight(failure: Failure) -> tuple[bool, timedelta]:
    return failure.permanent, failure.retry_after or timedelta(0)
