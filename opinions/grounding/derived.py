"""The few values that anyone may compute from a snapshot. Each one widens the net, so they all stand here.

- Between the price (quote, last close, entry) and each level (entry, stop, targets, averages, the higher
  timeframe, the year's extremes, the price of a position): the difference, and in ATR.
- The same between stop and target, the targets, the two averages, the year's extremes, bid and ask.
- Stop and targets in per cent of the price, and the price in per cent of the averages.
- The MACD less its signal line; the volume in per cent of its mean, and above it.
- Counts: bars, cases, refusals, memories, positions, opposing signals; cases that gained and lost, their
  share and mean; the record's hits and stops in per cent, and those that ended otherwise.
- The bars of `changes`; one R and one time, by their meaning.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from opinions.grounding.kinds import Kind, as_number

LISTS = ("cases", "refusals", "recalled", "positions")
PAIRS = (
    ("signal.stop", "signal.target"),
    ("signal.stop", "signal.second_target"),
    ("signal.target", "signal.second_target"),
    ("indicators.trend_fast", "indicators.trend_slow"),
    ("indicators.sma_fast", "indicators.sma_slow"),
    ("higher.fast", "higher.slow"),
    ("year.high", "year.low"),
    ("quote.bid", "quote.ask"),
)
ANCHORS = ("quote.price", "indicators.price", "signal.entry")
LEVELS = (
    "signal.entry",
    "signal.stop",
    "signal.target",
    "signal.second_target",
    "higher.close",
    "higher.fast",
    "higher.slow",
    "year.high",
    "year.low",
)
EXITS = ("signal.stop", "signal.target", "signal.second_target")
AVERAGE_KEYS = ("trend_", "sma", "ema", "vwap", "price")

Values = Iterator[tuple[Kind, float]]


def derived(snapshot: Mapping[str, Any]) -> Values:
    yield Kind.MULTIPLE, 1.0
    yield from _distances(snapshot)
    yield from _counts(snapshot)
    line, signal = (_at(snapshot, f"indicators.{key}") for key in ("macd", "signal"))
    signal = _at(snapshot, "indicators.macd_signal") if signal is None else signal
    if line is not None and signal is not None:
        yield Kind.PLAIN, line - signal
    ratio = _at(snapshot, "indicators.volume_ratio")
    if ratio is not None:
        yield from ((Kind.PERCENT, ratio * 100), (Kind.PERCENT, ratio * 100 - 100))
    changes = snapshot.get("changes")
    if isinstance(changes, Mapping):
        yield from ((Kind.PLAIN, float(bars)) for bars in changes if str(bars).isdecimal())


def _distances(snapshot: Mapping[str, Any]) -> Values:
    atr = _at(snapshot, "indicators.atr")
    anchors = {value for path in ANCHORS if (value := _at(snapshot, path)) is not None} | set(_last(snapshot))
    levels = set(_levels(snapshot))
    pairs = {(anchor, level) for anchor in anchors for level in levels}
    pairs |= {(a, b) for x, y in PAIRS if (a := _at(snapshot, x)) and (b := _at(snapshot, y))}
    for first, second in pairs:
        distance = abs(first - second)
        yield Kind.PLAIN, distance
        if atr:
            yield Kind.MULTIPLE, distance / atr
    yield from _shares(snapshot)


def _shares(snapshot: Mapping[str, Any]) -> Values:
    """How far stop and targets are from the price, and the price from averages and costs, in per cent."""
    prices = {value for path in ANCHORS if (value := _at(snapshot, path))}
    exits = {value for path in EXITS if (value := _at(snapshot, path))}
    behind = {value for value in (*_averages(snapshot), *_costs(snapshot)) if value}
    yield from ((Kind.PERCENT, 100 * abs(level / price - 1)) for price in prices for level in exits | behind)
    yield from ((Kind.PERCENT, 100 * abs(price / level - 1)) for price in prices for level in behind)


def _levels(snapshot: Mapping[str, Any]) -> Iterator[float]:
    yield from (value for path in LEVELS if (value := _at(snapshot, path)) is not None)
    yield from _averages(snapshot)
    yield from _costs(snapshot)


def _averages(snapshot: Mapping[str, Any]) -> Iterator[float]:
    indicators = snapshot.get("indicators")
    if isinstance(indicators, Mapping):
        named = (value for key, value in indicators.items() if str(key).startswith(AVERAGE_KEYS))
        yield from (number for value in named if (number := as_number(value)))


def _costs(snapshot: Mapping[str, Any]) -> Iterator[float]:
    """What is held did cost a share."""
    for position in _list(snapshot, "positions"):
        if isinstance(position, Mapping) and (price := as_number(position.get("average_price"))) is not None:
            yield price


def _last(snapshot: Mapping[str, Any]) -> Iterator[float]:
    bars = snapshot.get("bars")
    if not isinstance(bars, Mapping) or not _list(bars, "rows") or "close" not in _list(bars, "columns"):
        return
    row, place = bars["rows"][-1], list(bars["columns"]).index("close")
    if isinstance(row, list | tuple) and place < len(row) and (close := as_number(row[place])) is not None:
        yield close


def _counts(snapshot: Mapping[str, Any]) -> Values:
    bars = snapshot.get("bars")
    signal = snapshot.get("signal")
    lengths = [len(_list(snapshot, name)) for name in LISTS]
    lengths += [len(_list(bars, "rows"))] if isinstance(bars, Mapping) else []
    lengths += [len(_list(signal, "opposed_by"))] if isinstance(signal, Mapping) else []
    yield from ((Kind.PLAIN, float(length)) for length in lengths)
    results = [r for case in _list(snapshot, "cases") if (r := _r(case)) is not None]
    yield from results_of(results)
    for scope in ("here", "all"):
        yield from _record(*(_at(snapshot, f"record.{scope}.{key}") for key in ("cases", "targets", "stops")))


def results_of(results: list[float]) -> Values:
    """How past cases turned out together."""
    if not results:
        return
    gained, lost = sum(r > 0 for r in results), sum(r < 0 for r in results)
    yield from ((Kind.PLAIN, float(gained)), (Kind.PLAIN, float(lost)))
    yield from ((Kind.PERCENT, 100 * count / len(results)) for count in (gained, lost))
    yield Kind.MULTIPLE, sum(results) / len(results)


def _record(cases: float | None, targets: float | None, stops: float | None) -> Values:
    if not cases or targets is None or stops is None:
        return
    yield Kind.PLAIN, cases - targets - stops
    yield from ((Kind.PERCENT, 100 * count / cases) for count in (targets, stops))


def _r(case: Any) -> float | None:
    return as_number(case.get("r")) if isinstance(case, Mapping) else None


def _list(holder: Mapping[str, Any], name: str) -> list[Any] | tuple[Any, ...]:
    values = holder.get(name)
    return values if isinstance(values, list | tuple) else []


def _at(snapshot: Mapping[str, Any], path: str) -> float | None:
    value: Any = snapshot
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return as_number(value)
