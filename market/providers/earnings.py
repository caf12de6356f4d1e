"""Earnings dates as providers give them: when a company reports, and how surely. No Django or database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Protocol, runtime_checkable

from market.providers.facts import Answer

OPEN, CLOSE = time(9, 30), time(16)  # of the exchanges in New York, whose companies vendors list
LONGEST_PERIOD = 16


class ReportTime(StrEnum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Earnings:
    """The day on which a company reports. `reference`: the source's own id; empty where it has none."""

    symbol: str
    date: date
    time: ReportTime = ReportTime.UNKNOWN
    is_confirmed: bool = False
    fiscal_period: str = ""
    reference: str = ""

    @property
    def problem(self) -> str:
        """Return what it lacks; nothing can be."""
        return ""


@runtime_checkable
class GivesEarnings(Protocol):
    """A provider that knows earnings dates. Not all do."""

    name: str

    def earnings(self, symbols: Sequence[str], since: date, until: date) -> Answer[Earnings]:
        """Return the reports from `since` to `until`. Raises ProviderError when nothing comes at all."""


def of_clock(at: time) -> ReportTime:
    """Return which part of the day a time in New York is."""
    if at < OPEN:
        return ReportTime.BEFORE
    return ReportTime.DURING if at < CLOSE else ReportTime.AFTER
