"""Which bars of an answer, and which stored ones beside them, are in doubt, by all that is stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import numpy as np

from market import quality, store
from market.ingestion import verdicts
from market.prices import Bars, Flags, Instants, Timeframe, to_instant

RECONSIDERED = 5  # stored bars just before, which the given ones may support: a run of suspects is one

NEAR_LENGTHS = 10  # on both sides of a bar: a week of daily ones and more


class Judged(NamedTuple):
    """Bars with their suspects marked. `touched`: the same and the stored ones whose mark has changed."""

    bars: dict[str, Bars]
    touched: dict[str, Bars]


class _Line(NamedTuple):
    """The bars of one symbol in order: `first` to `end` are given, the others stored. `marks`: as judged."""

    bars: Bars
    first: int
    end: int
    marks: Flags

    @classmethod
    def of(cls, given: Bars, around: Bars) -> "_Line":
        before = around[around.opened_at < given.opened_at[0]]
        after = around[around.opened_at > given.opened_at[-1]]
        bars = Bars.join([before, given, after])
        return cls(bars, len(before), len(before) + len(given), quality.suspects(bars))

    @property
    def given(self) -> Bars:
        return replace(self.bars[self.first : self.end], suspect=self.marks[self.first : self.end])

    @property
    def is_plain(self) -> bool:
        return not (self.marks.any() or self.bars.suspect.any())

    def doubted(self) -> Bars:
        """Return the bars in doubt that evidence from elsewhere may support."""
        rows = np.flatnonzero(self.marks)
        return self.bars[rows[rows >= self.first - RECONSIDERED]]

    def believing(self, openings: Instants) -> "_Line":
        return self._replace(marks=self.marks & ~np.isin(self.bars.opened_at, openings))

    def changed(self) -> Flags:
        """Return which stored bars get another mark: those before can only be cleared by what came."""
        changes: Flags = self.marks != self.bars.suspect
        changes[: self.first] &= self.bars.suspect[: self.first]
        changes[: max(self.first - RECONSIDERED, 0)] = False
        changes[self.first : self.end] = False
        return changes


def judge(
    bars: Mapping[str, Bars],
    around: Mapping[str, Bars],
    timeframe: Timeframe,
    provider: str | None,
    at: datetime,
) -> Judged:
    """Return the bars with their suspects marked, judged with the stored bars on both sides of them.

    `around`: those stored bars. The ones just before are judged again: these may support them. So is the one
    just after. What else is stored may support any of them, and what was believed once is believed again.
    Writes the marks of the stored ones, and which are believed because another provider gives the same.
    `provider`: of the bars; None when they are the stored ones.
    """
    lines = {symbol: _Line.of(bars[symbol], near) for symbol, near in around.items()}
    wild = {symbol: line for symbol, line in lines.items() if not line.is_plain}
    doubted = {symbol: line.doubted() for symbol, line in wild.items()}
    agreed: dict[tuple[str, datetime], str] = {}
    for symbol, openings in store.supported(doubted, timeframe, provider=provider).items():
        wild[symbol] = wild[symbol].believing(_instants(openings))
        agreed |= {(symbol, opened_at): other for opened_at, other in openings.items() if other}
    if agreed:
        verdicts.remember_agreement(agreed, timeframe, at)
    for symbol, believed in verdicts.remembered(doubted, timeframe).items():
        wild[symbol] = wild[symbol].believing(believed)
    lines |= wild
    touched = {symbol: line.given for symbol, line in lines.items()}
    judged = dict(touched)
    changed = {symbol: line.changed() for symbol, line in wild.items()}
    for symbol, rows in changed.items():
        rows = rows.copy()
        rows[lines[symbol].first : lines[symbol].end] = True
        touched[symbol] = lines[symbol].bars[rows]
    _write(lines, {symbol: rows for symbol, rows in changed.items() if rows.any()}, timeframe)
    return Judged(judged, touched)


def _write(lines: Mapping[str, _Line], changed: Mapping[str, Flags], timeframe: Timeframe) -> None:
    if not changed:
        return
    store.lock(lines)
    openings = {symbol: lines[symbol].bars.opened_at for symbol in changed}
    store.set_suspect(
        timeframe,
        cleared={symbol: openings[symbol][rows & ~lines[symbol].marks] for symbol, rows in changed.items()},
        flagged={symbol: openings[symbol][rows & lines[symbol].marks] for symbol, rows in changed.items()},
    )


def _instants(openings: Mapping[datetime, str]) -> Instants:
    return np.array([to_instant(opened_at) for opened_at in openings], dtype="datetime64[us]")


def reconsider(symbol: str, timeframe: Timeframe) -> Bars:
    """Believe those stored bars in doubt that what is stored by now supports; return them."""
    doubted = store.read_doubted(symbol, timeframe)
    if not len(doubted):
        return doubted
    openings = _instants(store.supported({symbol: doubted}, timeframe)[symbol])
    store.set_suspect(timeframe, cleared={symbol: openings}, flagged={})
    return doubted[np.isin(doubted.opened_at, openings)]


def near(symbol: str, timeframe: Timeframe, around: datetime) -> Bars:
    """Return the stored bars near a moment."""
    span = NEAR_LENGTHS * timeframe.length
    return store.read_bars([symbol], timeframe, since=around - span, until=around + span)[symbol]


def judge_again(symbol: str, timeframe: Timeframe, around: datetime, at: datetime) -> None:
    """Judge the stored bars anew that lie near one which a person has changed."""
    bars = near(symbol, timeframe, around)
    if not len(bars):
        return
    stored = {symbol: bars}
    judged = judge(stored, store.context(stored, timeframe), timeframe, None, at).bars[symbol]
    store.set_suspect(
        timeframe,
        cleared={symbol: bars.opened_at[bars.suspect & ~judged.suspect]},
        flagged={symbol: bars.opened_at[judged.suspect & ~bars.suspect]},
    )
