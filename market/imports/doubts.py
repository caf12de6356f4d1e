"""What a file leaves in doubt, and the answers there are: a button on a page, an option of the command."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import pairwise

from market.imports.csvfile.problems import Problems
from market.imports.csvfile.stamps import is_day_unclear, read_stamps
from market.imports.csvfile.table import Table
from market.prices import Timeframe

MIDNIGHT = time(0)
LOOKED_AT = 500  # rows
DAY = 24 * 3600 - 3600  # a day in which the clocks go forward
WEEK = range(7 * 24 * 3600 - 3600, 7 * 24 * 3600 + 3601)


@dataclass(frozen=True)
class Fix:
    """One answer: what is said of the file, under its name, and the words for it."""

    label: str
    name: str
    value: str


@dataclass(frozen=True)
class Doubt:
    """One question about a file. `advice` tells the options of the command that answer it."""

    text: str
    fixes: tuple[Fix, ...]
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.text}{self.advice}"


def of_dates(table: Table) -> Doubt | None:
    """Ask whether the day or the month stands first, where no date shows it."""
    if table.month_first is not None or not is_day_unclear(table.stamps()):
        return None
    example = table.stamps()[0]
    fixes = (
        Fix("The month stands first", "date_order", "month"),
        Fix("The day stands first", "date_order", "day"),
    )
    text = f"{example!r} can be read in two ways: which stands first, the day or the month?"
    return Doubt(text, fixes, " Say --dates month or --dates day.")


def of_zone(table: Table, timeframe: Timeframe, exchange: str) -> Doubt | None:
    """Ask for the zone that the times need and do not name. `exchange`: that of the exchange."""
    stamps = first_stamps(table)
    if timeframe.is_intraday:
        needed = any(stamp.tzinfo is None and stamp.time() != MIDNIGHT for stamp in stamps)
        text = "The times name no time zone: of which are they?"
    else:
        needed = any(stamp.tzinfo is not None and stamp.time() != MIDNIGHT for stamp in stamps)
        text = "The times are of another date in another time zone: which is the exchange's?"
    if not needed:
        return None
    known = table.preset.zone if table.preset else ""
    zones = [zone for zone in dict.fromkeys([known, exchange, "UTC"]) if zone]
    fixes = tuple(Fix(f"Of {zone}", "zone", zone) for zone in zones)
    return Doubt(text, fixes, f" Say --timezone {zones[0]}, or what is theirs.")


def first_stamps(table: Table) -> list[datetime]:
    """Return the first stamps of a table, as far as they can be read."""
    month_first = table.month_first is not False
    cells = table.stamps()[:LOOKED_AT]
    read = read_stamps(cells, table.lines, month_first=month_first, problems=Problems())
    return [stamp for stamp in read if stamp is not None]


def timeframe_of(table: Table) -> Timeframe | None:
    """Return the timeframe that the distance between most stamps says; None when that is not clear."""
    instants = [stamp.timestamp() for stamp in _comparable(first_stamps(table))]
    steps = Counter(round(abs(later - earlier)) for earlier, later in pairwise(instants) if later != earlier)
    if not steps:
        return None
    usual = steps.most_common(1)[0][0]
    if usual in WEEK:
        return Timeframe.W1
    if usual >= DAY:
        return Timeframe.D1
    lengths = {timeframe.length.total_seconds(): timeframe for timeframe in Timeframe}
    return lengths.get(usual)


def _comparable(stamps: Sequence[datetime]) -> list[datetime]:
    return [stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC) for stamp in stamps]


def of_timeframe(table: Table, timeframe: Timeframe) -> tuple[Doubt, ...]:
    """Ask about a file that was refused whether its bars are of the timeframe that they look like."""
    likely = timeframe_of(table)
    if likely is None or likely == timeframe or likely.built_from:
        return ()
    fix = Fix(f"They are of {likely}", "timeframe", likely.value)
    return (
        Doubt(
            f"These look like bars of {likely}, not of {timeframe}.", (fix,), f" Say --timeframe {likely}."
        ),
    )
