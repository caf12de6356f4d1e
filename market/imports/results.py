"""What an import did, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from market.prices import Timeframe
from market.store import Written

SHOWN = 5


@dataclass(frozen=True)
class ImportResult:
    """The outcome of an import.

    `written` counts the bars of the file; `suspects` are the stored ones in its span that wait for
    confirmation; `empty_lines` held no price; `added`: the instrument was not known before; `notes` say what
    the user should look at.
    """

    symbol: str
    timeframe: Timeframe
    bars: int
    first: datetime
    last: datetime
    written: Written
    suspects: list[datetime]
    empty_lines: list[int]
    added: bool
    notes: list[str]


def describe(result: ImportResult) -> str:
    """Return what was imported, in plain words."""
    written = result.written
    shape = "%Y-%m-%d %H:%M UTC" if result.timeframe.is_intraday else "%Y-%m-%d"
    span = f"{result.first:{shape}} to {result.last:{shape}}"
    counts = f"{written.new:,} new, {written.changed:,} changed, {written.kept:,} kept as they were"
    lines = [f"{result.symbol} {result.timeframe}, {span}: {result.bars:,} bars, {counts}."]
    if result.added:
        lines.append(
            f"{result.symbol} was not known: added, not watched. Switch it on in admin to follow it."
        )
    if result.empty_lines:
        lines.append(f"No bars, for they hold no price: lines {first_few(result.empty_lines)}.")
    if result.suspects:
        stamps = [f"{at:{shape}}" for at in result.suspects]
        lines.append(f"Marked suspect, for nothing supports the jump: {first_few(stamps)}.")
    return "\n".join([*lines, *result.notes])


def first_few(several: Sequence[object]) -> str:
    """Return the first of them, and how many more there are."""
    more = f" and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
    return ", ".join(map(str, several[:SHOWN])) + more
