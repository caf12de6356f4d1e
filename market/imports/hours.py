"""Whether the times of a file fit the hours of its exchange: their zone, and whether they are opens."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from market import calendars
from market.imports.csvfile.reader import CandleFile
from market.imports.csvfile.table import Shape
from market.imports.doubts import Doubt, Fix
from market.prices import Instants, Timeframe, to_datetime, to_instant
from market.sessions import Sessions

ENOUGH = 100  # bars that show of which zone they are
LOOKED_AT = 2_000  # bars that are read in another zone
MANY, FEW = 0.5, 0.1  # of the bars
SHOWN = 3
CLOSES, OPENS = ("stamps", "close"), ("stamps", "open")


def doubt(
    candle_file: CandleFile, timeframe: Timeframe, trading_sessions: Sessions, shape: Shape
) -> Doubt | None:
    """Return what the times leave in doubt and how to answer it; None when that is nothing."""
    if not timeframe.is_intraday or not len(trading_sessions.dates):
        return None
    opened_at = candle_file.bars.opened_at
    question = None if shape.outside_hours else _other_zone(opened_at, candle_file.zone, trading_sessions)
    return question or (None if shape.stamps else _other_stamps(candle_file, timeframe, trading_sessions))


def note(opened_at: Instants, timeframe: Timeframe, trading_sessions: Sessions) -> list[str]:
    """Return in words how many bars lie outside the sessions."""
    if not len(trading_sessions.dates):
        return []
    since_first = opened_at[opened_at >= trading_sessions.dates[0]]
    outside = since_first[~trading_sessions.regular(timeframe, since_first)]
    if not len(outside):
        return []
    if timeframe.is_intraday:
        return [
            f"{len(outside):,} of {len(opened_at):,} bars lie outside trading hours: they are kept apart."
        ]
    days = ", ".join(str(day) for day in outside[:SHOWN].astype("datetime64[D]"))
    more = f" and {len(outside) - SHOWN} more" if len(outside) > SHOWN else ""
    return [
        f"{trading_sessions.calendar} has no session on {days}{more}: strategies see no bars of these days."
    ]


def _other_zone(opened_at: Instants, zone: tzinfo | None, trading_sessions: Sessions) -> Doubt | None:
    """Return the question whether the times are of the exchange's zone, when nearly all would fit then."""
    exchange = calendars.zone(trading_sessions.calendar)
    outside = int((~trading_sessions.near(opened_at)).sum())
    if zone is None or exchange is None or len(opened_at) < ENOUGH or outside < MANY * len(opened_at):
        return None
    sample = opened_at[:: len(opened_at) // LOOKED_AT + 1]
    if (~trading_sessions.near(_read_in(exchange, sample, zone))).mean() > FEW:
        return None
    return Doubt(
        f"{outside:,} of {len(opened_at):,} bars lie outside trading hours: is the zone {_place(exchange)}?",
        (
            Fix(f"It is {_place(exchange)}", "zone", exchange.key),
            Fix("They are meant to lie there", "outside_hours", "1"),
        ),
        f" Say --timezone {exchange.key}, or --outside-hours when they are meant to lie there.",
    )


def _place(zone: ZoneInfo) -> str:
    return zone.key.rpartition("/")[2].replace("_", " ")


def _read_in(zone: tzinfo, instants: Instants, was: tzinfo) -> Instants:
    """Return the instants that the same wall clocks mean in another zone."""
    clocks = (to_datetime(instant).astimezone(was) for instant in instants)
    return np.array([to_instant(clock.replace(tzinfo=zone).astimezone(UTC)) for clock in clocks])


def _other_stamps(candle_file: CandleFile, timeframe: Timeframe, trading_sessions: Sessions) -> Doubt | None:
    """Return the question whether times are closes, or opens, when the first and last bars say so."""
    opened_at, length = candle_file.bars.opened_at, np.timedelta64(timeframe.length)
    near = (trading_sessions.closes > opened_at[0]) & (trading_sessions.opens <= opened_at[-1])
    opens, closes = trading_sessions.opens[near], trading_sessions.closes[near]
    if candle_file.stamped == "close":
        opens, closes = closes - length, opens - length
    at_opens, at_closes = np.isin(opens, opened_at).sum(), np.isin(closes, opened_at).sum()
    if at_opens or not at_closes or at_closes < MANY * len(closes):
        return None
    ends, begins = Fix("They are when bars close", *CLOSES), Fix("They are when bars open", *OPENS)
    if candle_file.stamped == "close":
        advice = ": say --stamps open, or --stamps close if not."
        return Doubt("stamps look like the beginning of the bar", (begins, ends), advice)
    advice = ": say --stamps close, or --stamps open if not."
    return Doubt("stamps look like the end of the bar", (ends, begins), advice)
