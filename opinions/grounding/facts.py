"""What a snapshot holds, indexed once: numbers by kind, instants, and the values that names have in it."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opinions.grounding.derived import derived
from opinions.grounding.kinds import Kind, as_number, kind_of
from opinions.grounding.names import given, named
from opinions.grounding.reading import Number, Unit, canonical, numbers

INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
NEW_YORK = (-4, -5)  # hours from UTC, in summer and in winter
TOLERANCE = 1e-9
ROUGH = 10_000  # from here on a whole number may be rounded to its trailing zeros

ALL = tuple((kind, 1.0) for kind in Kind)
LOOKS: Mapping[Unit, tuple[tuple[Kind, float], ...]] = {
    Unit.NONE: ALL,
    Unit.MONEY: ((Kind.PLAIN, 1.0),),
    Unit.PERCENT: ((Kind.PERCENT, 1.0), (Kind.SHARE, 100.0), (Kind.POINTS, 0.01)),
    Unit.BASIS_POINTS: ((Kind.POINTS, 1.0), (Kind.PERCENT, 100.0)),
    Unit.LARGE: ((Kind.PLAIN, 1.0),),
    Unit.RISKS: ((Kind.MULTIPLE, 1.0),),
    Unit.RATIO: ((Kind.MULTIPLE, 1.0),),
    Unit.TIMES: ((Kind.MULTIPLE, 1.0),),
    Unit.ATRS: ((Kind.MULTIPLE, 1.0),),
    Unit.OF_HUNDRED: ((Kind.SHARE, 100.0), (Kind.PERCENT, 1.0)),
    Unit.OF_TEN: ((Kind.SHARE, 10.0),),
}
BARE_SHARE = (*ALL, (Kind.SHARE, 100.0))  # "confidence 90"
# What a number in one of the snapshot's own texts may be, by how it is written there.
WRITTEN_AS: Mapping[Unit, tuple[Kind, ...]] = {
    Unit.NONE: (Kind.PLAIN, Kind.PERCENT, Kind.MULTIPLE),
    Unit.MONEY: (Kind.PLAIN,),
    Unit.PERCENT: (Kind.PERCENT,),
    Unit.BASIS_POINTS: (Kind.POINTS,),
    Unit.LARGE: (Kind.PLAIN,),
    Unit.RISKS: (Kind.MULTIPLE,),
    Unit.RATIO: (Kind.MULTIPLE,),
    Unit.TIMES: (Kind.MULTIPLE,),
    Unit.ATRS: (Kind.MULTIPLE,),
    Unit.PERIOD: (Kind.PLAIN,),
}


class Pool:
    """Values by kind, sorted once."""

    def __init__(self, values: Iterable[tuple[Kind, float]] = ()) -> None:
        by_kind: dict[Kind, list[float]] = defaultdict(list)
        for kind, value in values:
            by_kind[kind].append(abs(value))
        self.by_kind = {kind: sorted(values) for kind, values in by_kind.items()}

    def __bool__(self) -> bool:
        return bool(self.by_kind)

    def knows(self, unit: Unit) -> bool:
        return any(kind in self.by_kind for kind, _ in LOOKS.get(unit, ()))

    def holds(self, number: Number, looks: tuple[tuple[Kind, float], ...] | None = None) -> bool:
        """Whether a value rounds to the number as it is written: to the nearest, or cut off."""
        wanted, step = abs(number.value) * number.scale, number.scale * 10.0**-number.places
        return any(
            self._within(kind, (wanted - step / 2) / factor, (wanted + step) / factor)
            for kind, factor in looks or LOOKS[number.unit]
        ) or (number.value >= ROUGH and number.scale == 1 and self._roughly(number))

    def _roughly(self, number: Number) -> bool:
        digits = f"{number.value:.0f}"
        step = 10.0 ** min(len(digits) - len(digits.rstrip("0")), len(digits) - 2)
        return self._within(Kind.PLAIN, number.value - step / 2, number.value + step / 2)

    def _within(self, kind: Kind, low: float, high: float) -> bool:
        values = self.by_kind.get(kind, [])
        slack = TOLERANCE * max(1.0, abs(high))
        at = bisect_left(values, low - slack)
        return at < len(values) and values[at] < high - slack


class Facts:
    """The index of one snapshot."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.values: list[tuple[Kind, float]] = []
        self.by_path: dict[str, list[tuple[Kind, float]]] = defaultdict(list)
        self.by_name: dict[str, list[tuple[Kind, float]]] = defaultdict(list)
        self.dates: set[str] = set()
        self.times: set[str] = set()
        self.written: set[str] = set()
        self._walk("", snapshot)
        self._averages()
        self.pool = Pool((*self.values, *derived(snapshot)))
        self.pools: dict[str, Pool] = {}

    def _walk(self, path: str, value: Any) -> None:
        if isinstance(value, str):
            self._text(value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self._walk(f"{path}.{key}", item)
        elif isinstance(value, list | tuple):
            for item in value:
                self._walk(path, item)
        elif (figure := as_number(value)) is not None:
            self._number(path, figure)

    def _number(self, path: str, value: float) -> None:
        for kind in kind_of(path):
            self.values.append((kind, value))
            self.by_path[path].append((kind, value))

    def _text(self, text: str) -> None:
        instant = INSTANT.fullmatch(text)
        if instant:
            self._instant(instant)
            return
        read = canonical(text)
        in_text = list(numbers(read))
        for number in in_text:
            self.written.add(read[number.start : number.end].strip())
            self._note(number)
        for i, to in given(read, in_text, named(read)).items():
            if not to.way:
                for name in to.names:
                    self.by_name[name] += _values(in_text[i])

    def _note(self, number: Number) -> None:
        if number.unit is Unit.DATE:
            self._date(number.key)
        elif number.unit is Unit.TIME:
            self.times.update((number.key, number.key.removesuffix("Z")))
        elif number.unit is Unit.PERIOD:
            self.by_name["periods"] += _values(number)
            self.values += _values(number)
        elif number.unit is Unit.LARGE:  # a timeframe, "15m", or a volume
            self.values += [*_values(number), (Kind.PLAIN, number.value)]
        else:
            self.values += _values(number)

    def _instant(self, match: re.Match[str]) -> None:
        day, hour, minute = match.groups()
        self._date(day)
        if hour is not None:
            self.times.add(f"{hour}:{minute}Z")
            self.times.update(f"{(int(hour) + shift) % 24:02}:{minute}" for shift in (0, *NEW_YORK))

    def _date(self, day: str) -> None:
        if day not in self.dates:
            self.dates.update((day, day[5:], day[:7]))
            self.values += [(Kind.PLAIN, float(day[:4]))] if day[:4].isdigit() else []

    def _averages(self) -> None:
        """Which average has how many bars: by the strategy's parameters, the higher timeframe, or the key."""
        periods = self.by_name["periods"]
        for path, values in list(self.by_path.items()):
            section, _, key = path[1:].rpartition(".")
            if section.endswith("parameters"):
                self._average(values, (f".indicators.{key}", f".indicators.sma_{key}"))
            elif section == "higher" and key.endswith("_period"):
                self._average(values, (f".higher.{key.removesuffix('_period')}",))
            elif section == "indicators" and (digits := re.fullmatch(r"[sewh]?ma_?(\d+)", key)):
                periods.append((Kind.PLAIN, float(digits[1])))
                self.by_name[f"average:{digits[1]}"] += values

    def _average(self, periods: list[tuple[Kind, float]], paths: tuple[str, ...]) -> None:
        for path in paths:
            if path in self.by_path and path.rpartition(".")[2] in AVERAGES:
                self.by_name["periods"] += periods[:1]
                self.by_name[f"average:{periods[0][1]:g}"] += self.by_path[path]

    def of(self, name: str) -> Pool:
        """The values that a name has here; empty when the snapshot does not hold it."""
        if name not in self.pools:
            self.pools[name] = Pool(self._of(name))
        return self.pools[name]

    def _of(self, name: str) -> Iterator[tuple[Kind, float]]:
        yield from self.by_name.get(name, ())
        if name.startswith("."):
            endings: tuple[str, ...] = (name,)
        elif name.startswith("average:"):
            endings = ()
            if not self.by_name.get(name) and float(name[8:]) in {
                value for _, value in self.by_name["periods"]
            }:
                yield from self._of("average")
        else:
            endings = PATHS.get(name, (f".indicators.{name}", f".{name}"))
        for path, values in self.by_path.items():
            if any(path.endswith(e) if not e.endswith("*") else path.startswith(e[:-1]) for e in endings):
                yield from values

    def periods(self, name: str) -> Pool:
        if name not in PERIODS:
            return Pool(self.by_name["periods"])
        keys = PERIODS[name]
        bars = [v for path, values in self.by_path.items() if path.rpartition(".")[2] in keys for v in values]
        return Pool([*bars, *((Kind.PLAIN, usual) for usual in USUAL.get(name, ()) if self.of(name))])


def _values(number: Number) -> list[tuple[Kind, float]]:
    if number.unit in (Unit.OF_HUNDRED, Unit.OF_TEN):
        return [(Kind.SHARE, number.value / (100 if number.unit is Unit.OF_HUNDRED else 10))]
    return [(kind, number.value * number.scale) for kind in WRITTEN_AS.get(number.unit, ())]


AVERAGES = frozenset(("trend_fast", "trend_slow", "sma_fast", "sma_middle", "sma_slow", "fast", "slow"))
PATHS: Mapping[str, tuple[str, ...]] = {
    "year_range": (".year.high", ".year.low"),
    "year_high": (".year.high",),
    "year_low": (".year.low",),
    "reward_to_risk": ("reward_to_risk",),
    "confidence": (".confidence",),
    "price_now": (".quote.price", ".quote.bid", ".quote.ask", ".indicators.price"),
    "bid": (".quote.bid",),
    "ask": (".quote.ask",),
    "second_target": (".signal.second_target",),
    "target": (".signal.target", ".signal.second_target"),
    "average_price": (".average_price",),
    "entry": (".signal.entry",),
    "stop": (".signal.stop",),
    "macd_signal": (".indicators.signal", ".indicators.macd_signal"),
    "histogram": (".indicators.histogram", ".indicators.macd_histogram"),
    "macd": (".indicators.macd",),
    "rsi": (".indicators.rsi*",),
    "atr": (".indicators.atr*", ".volatility.atr_percent"),
    "fast_average": (".indicators.trend_fast", ".indicators.sma_fast", ".higher.fast"),
    "slow_average": (".indicators.trend_slow", ".indicators.sma_slow", ".higher.slow"),
    "average": (
        ".indicators.trend_*",
        ".indicators.sma*",
        ".indicators.ema*",
        ".higher.fast",
        ".higher.slow",
    ),
    "volume_ratio": (".indicators.volume_ratio",),
    "hit_rate": (".targets_percent", ".luck_percent"),
    "mean_r": (".mean_r", ".mean_r_low", ".mean_r_high"),
    "stoch": (".indicators.stoch*",),
    "bollinger": (".indicators.bollinger*", ".indicators.bb*"),
}
MACD_PERIODS = ("macd_fast", "macd_slow", "macd_signal", "fast_period", "slow_period", "signal_period")
PERIODS: Mapping[str, tuple[str, ...]] = {
    "rsi": ("rsi_period",),
    "atr": ("atr_period",),
    "macd": MACD_PERIODS,
    "macd_signal": MACD_PERIODS,
    "histogram": MACD_PERIODS,
}
USUAL: Mapping[str, tuple[float, ...]] = {"rsi": (14.0,), "atr": (14.0,), "macd": (12.0, 26.0, 9.0)}
