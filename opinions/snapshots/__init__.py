"""What an analyst is given: one JSON object, taken at one moment, and stored with the run. Nothing else.

`take` makes many at once, always with the same number of queries. Prices are numbers as they are stored,
instants ISO 8601 in UTC, shares and changes percent. What is not known is null or left out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import sanitize
from opinions import memory
from opinions.memory import regimes
from opinions.snapshots import bars, signals
from opinions.snapshots.around import HIGHER, Around, Held, Subject
from opinions.snapshots.written import instant, short

__all__ = ["Held", "Subject", "take"]


def take(subjects: Sequence[Subject], at: datetime, held: Sequence[Held] = ()) -> list[dict[str, Any]]:
    """Return the snapshot of each, in their order."""
    around = Around.load(subjects, at, held)
    questions = [subject.question(at) for subject in subjects]
    recalled = memory.recall(questions)
    return [
        _snapshot(subject, around) | signals.recalled_cases(question, cases) | {"context": subject.words}
        for subject, question, cases in zip(subjects, questions, recalled, strict=True)
    ]


def _snapshot(subject: Subject, around: Around) -> dict[str, Any]:
    instrument = around.instruments[subject.symbol]
    quote, signal = around.quotes.get(subject.symbol), subject.signal
    trail = around.trails[subject.symbol, subject.timeframe]
    indicators = dict(signal.indicators) if signal else bars.indicator_values(trail)
    higher = HIGHER.get(subject.timeframe)
    return {
        "taken_at": instant(around.at),
        "instrument": {
            "symbol": instrument.symbol,
            "name": sanitize.plain(instrument.name, 100),
            "currency": instrument.currency,
            "calendar": instrument.calendar,
        },
        "timeframe": subject.timeframe.value,
        "quote": bars.quote(quote, around.at, is_stale=quote.pk in around.stale) if quote else None,
        "signal": signals.signal_facts(signal, around) if signal else None,
        "indicators": {name: short(value) for name, value in indicators.items()},
        "trend": regimes.trend(indicators),
        "bars": bars.shown_bars(trail),
        "changes": bars.changes(trail),
        "higher": bars.higher_trend(around.trails[subject.symbol, higher], higher) if higher else None,
        "volatility": bars.volatility(trail, indicators, subject.timeframe),
        "year": bars.year(around.years.get(subject.symbol), bars.price(quote, trail)),
        "costs": signals.costs(signal) if signal else None,
        "record": signals.track_record(signal, around) if signal else None,
        "positions": list(around.held),
    }
