"""What loading a file would do, before anything is stored: doubts, duplicates, what is overwritten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from market import calendars, sessions, share_basis, store
from market.imports import candles, doubts, hours
from market.imports.basis import Days, restated, session_dates
from market.imports.csvfile.archives import unpack
from market.imports.csvfile.problems import BadFile, Problems
from market.imports.csvfile.reader import CandleFile, bars_of, in_chunks, zone_of
from market.imports.csvfile.table import Shape, Table, read_table
from market.imports.doubts import Doubt, Fix
from market.imports.results import first_few
from market.models import Candle, Instrument
from market.prices import Bars, Flags, Timeframe, to_datetime, to_instant
from market.sessions import Sessions

A_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Told:
    """What is said of the file beside its columns.

    `splits`: as in candles.import_candles; `ask_later`: moves of the size of a split are asked about when
    the bars are stored.
    """

    timeframe: Timeframe
    zone: ZoneInfo | None = None
    splits: Mapping[date, float] | None = None
    ask_later: bool = False


@dataclass(frozen=True)
class Counts:
    """Bars of the file beside the stored ones: `overwritten` are an earlier import's, `kept` a provider's."""

    new: int = 0
    same: int = 0
    overwritten: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Look:
    """What loading one symbol's bars would do. `refused` says why not, `problems` all lines of that."""

    symbol: str
    timeframe: Timeframe
    is_known: bool
    bars: int = 0
    first: datetime | None = None
    last: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    doubts: tuple[Doubt, ...] = ()
    refused: str = ""
    notes: tuple[str, ...] = ()
    problems: Problems | None = None


def look(content: bytes, symbol: str, told: Told, shape: Shape, at: datetime) -> Look:
    """Look at the bars of a file as those of `symbol`. Nothing is stored."""
    instrument = Instrument.objects.filter(pk=symbol).first()
    seen = Look(symbol, told.timeframe, is_known=instrument is not None)
    calendar = (instrument or Instrument(symbol=symbol)).calendar
    try:
        text = unpack(content)
        if candle_file := in_chunks(text, told.timeframe, told.zone, to_instant(at), shape):
            sessions.ensure([calendar], at)
            return _compared(seen, candle_file, told, shape, sessions.load(calendar))
        table = read_table(text, shape)
    except BadFile as bad:
        return replace(seen, refused=str(bad), problems=bad.problems)
    if asked := list(_before_reading(table, told, shape, calendar)):
        return replace(seen, doubts=tuple(asked), bars=len(table.lines))
    try:
        candle_file = bars_of(table, told.timeframe, told.zone, to_instant(at), shape)
    except BadFile as bad:
        likely = doubts.of_timeframe(table, told.timeframe)
        return replace(seen, refused=str(bad), problems=bad.problems, doubts=likely)
    sessions.ensure([calendar], at)
    return _compared(seen, candle_file, told, shape, sessions.load(calendar))


def describe(seen: Look) -> str:
    """Return a look in words, as the command prints it."""
    head = f"{seen.symbol} {seen.timeframe}"
    if seen.first and seen.last:
        form = "%Y-%m-%d %H:%M UTC" if seen.timeframe.is_intraday else "%Y-%m-%d"
        head += f", {seen.first:{form}} to {seen.last:{form}}"
    lines = [f"{head}: {seen.bars:,} bars, {in_words(seen.counts)}." if seen.first else f"{head}:"]
    lines += [seen.refused] if seen.refused else []
    lines += [str(doubt) for doubt in seen.doubts]
    return "\n".join([*lines, *seen.notes])


def in_words(counts: Counts) -> str:
    parts = [f"{counts.new:,} new", f"{counts.same:,} stored alike"]
    if counts.overwritten:
        parts.append(f"{counts.overwritten:,} different from an earlier import, which are overwritten")
    if counts.kept:
        parts.append(f"{counts.kept:,} different from a provider's, whose are kept")
    return ", ".join(parts)


def _before_reading(table: Table, told: Told, shape: Shape, calendar: str) -> Iterator[Doubt]:
    if doubt := doubts.of_dates(table):
        yield doubt
    zone = calendars.zone(calendar)
    if not (told.zone or zone_of(table, shape)) and (
        doubt := doubts.of_zone(table, told.timeframe, zone.key if zone else "")
    ):
        yield doubt


def _compared(
    seen: Look, candle_file: CandleFile, told: Told, shape: Shape, trading_sessions: Sessions
) -> Look:
    days = session_dates(trading_sessions, told.timeframe, candle_file.bars.opened_at)
    bars = restated(candle_file.bars, days, told.splits or {})
    asked = [hours.doubt(candle_file, told.timeframe, trading_sessions, shape)]
    asked += [_of_recorded_splits(seen.symbol, told, days[0])]
    refused, notes = "", hours.note(bars.opened_at, told.timeframe, trading_sessions)
    if not any(asked):
        asked.append(_of_moves(bars, days, told, trading_sessions))
        try:
            notes += candles.compare_basis(seen.symbol, told.timeframe, bars, days, trading_sessions)
        except candles.ImportRefused as refusal:
            refused = str(refusal)
    return replace(
        seen,
        bars=len(bars),
        first=to_datetime(bars.opened_at[0]),
        last=to_datetime(bars.opened_at[-1]),
        counts=_counts(seen.symbol, told.timeframe, bars),
        doubts=tuple(doubt for doubt in asked if doubt),
        refused=refused,
        notes=(*candle_file.notes, *notes),
        problems=candle_file.left_out if candle_file.left_out.reasons else None,
    )


def _of_recorded_splits(symbol: str, told: Told, first: np.datetime64) -> Doubt | None:
    later = candles.later_splits(symbol, first)
    if told.splits is not None or not later:
        return None
    written = ",".join(f"{day}:{ratio:g}" for day, ratio in sorted(later.items()))
    fixes = (
        Fix(f"As they were traded: restate them by {written}", "splits", written),
        Fix("In today's shares", "splits", "none"),
    )
    text = f"{symbol} was split after the first bar of the file ({written}). How are its prices written?"
    return Doubt(text, fixes, f" Say --splits {written} or --splits none.")


def _of_moves(bars: Bars, days: Days, told: Told, trading_sessions: Sessions) -> Doubt | None:
    """Ask about moves of the size of a split that nothing explains, unless that was answered."""
    if told.splits is not None or told.ask_later or not share_basis.may_hold_any(bars):
        return None
    regular = trading_sessions.regular(told.timeframe, bars.opened_at)
    ratios = share_basis.split_like(bars[regular], days[regular], np.zeros(1, dtype=np.intp))
    rows = np.flatnonzero(ratios)
    if not len(rows):
        return None
    written = ",".join(f"{days[regular][row]}:{ratios[row]:g}" for row in rows)
    fixes = (
        Fix("Splits that the prices do not reflect", "splits", written),
        Fix("All of these moves are real", "splits", "none"),
        Fix("Load it, and ask me later", "splits", "ask"),
    )
    shown = first_few([f"{days[regular][row]} (by {ratios[row]:g})" for row in rows])
    text = f"Moves of the size of a split, and nothing explains them: {shown}."
    return Doubt(text, fixes, f" Say --splits {written} or --splits none.")


def _counts(symbol: str, timeframe: Timeframe, bars: Bars) -> Counts:
    """Count the bars that are stored already, alike and otherwise, and those that are new."""
    first, last = to_datetime(bars.opened_at[0]), to_datetime(bars.opened_at[-1])
    stored = store.read_bars([symbol], timeframe, since=first, until=last + A_MICROSECOND)[symbol]
    if not len(stored):
        return Counts(new=len(bars))
    near = np.minimum(np.searchsorted(stored.opened_at, bars.opened_at), len(stored) - 1)
    is_stored = stored.opened_at[near] == bars.opened_at
    is_same = is_stored & _alike(bars, stored[near])
    other = bars.opened_at[is_stored & ~is_same]
    kept = int(np.isin(other, _of_providers(symbol, timeframe, first, last)).sum()) if len(other) else 0
    return Counts(int((~is_stored).sum()), int(is_same.sum()), len(other) - kept, kept)


def _alike(bars: Bars, stored: Bars) -> Flags:
    alike = np.ones(len(bars), dtype=np.bool_)
    for name in ("open", "high", "low", "close", "volume"):
        alike &= getattr(bars, name) == getattr(stored, name)
    return alike


def _of_providers(symbol: str, timeframe: Timeframe, first: datetime, last: datetime) -> Days:
    """Return the openings of the final bars that a provider has delivered."""
    rows = Candle.objects.filter(
        symbol=symbol, timeframe=timeframe, opened_at__range=(first, last), is_final=True
    ).exclude(provider=candles.PROVIDER)
    return np.array(
        [to_instant(at) for at in rows.values_list("opened_at", flat=True)], dtype="datetime64[us]"
    )
