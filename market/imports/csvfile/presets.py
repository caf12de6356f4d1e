"""The shapes of files without a header, by the program or vendor that writes them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from market.imports.csvfile.numbers import is_number
from market.imports.csvfile.problems import BadFile

Rows = Sequence[Sequence[str]]

LOOKED_AT = 200  # rows
LEAST = 3  # rows that show what the columns are
ISO = r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?,"
OHLCV = ("open", "high", "low", "close", "volume")


def always(rows: Rows) -> bool:
    return True


def has_no_volume(rows: Rows) -> bool:
    return all(float(row[-1]) == 0 for row in rows)


def has_volume(rows: Rows) -> bool:
    return not has_no_volume(rows)


def has_whole_prices(rows: Rows) -> bool:
    """Whether prices are whole numbers of hundredths of a cent."""
    return all(cell.strip().isdecimal() for row in rows for cell in row[-5:-1])


@dataclass(frozen=True)
class Preset:
    """One vendor's shape. `stamp` matches the beginning of a row, `proof` the rows that could be another's.

    `stamps`: whether a time is the bar's open or its close; `divisor` of the prices; `counts_volume` is False
    where the last column is always zero; `zone` is that of the times.
    """

    name: str
    title: str
    delimiter: str
    columns: tuple[str, ...]
    stamp: str
    proof: Callable[[Rows], bool] = always
    stamps: str = "open"
    month_first: bool | None = None
    divisor: int = 1
    counts_volume: bool = True
    zone: str = ""
    note: str = ""


PRESETS = (
    # http://www.kibot.com/Data_Format.aspx: when the bar opened, New York's time; daily files have none
    Preset(
        *("kibot", "Kibot", ",", ("date", "time", *OHLCV), r"\d\d/\d\d/\d{4},\d\d:\d\d,"),
        month_first=True,
        zone="America/New_York",
    ),
    Preset("kibot-daily", "Kibot", ",", ("date", *OHLCV), r"\d\d/\d\d/\d{4},", month_first=True),
    # https://firstratedata.com/about/FAQ: yyyy-MM-dd HH:mm:ss, when the bar opened, New York's time
    Preset(
        *("firstrate", "FirstRate Data", ",", ("time", *OHLCV), ISO, has_volume),
        zone="America/New_York",
    ),
    # https://www.histdata.com/f-a-q/data-files-detailed-specification/: EST without daylight saving
    Preset(
        *("histdata", "HistData", ";", ("time", *OHLCV), r"\d{8} \d{6};", has_no_volume),
        counts_volume=False,
        zone="Etc/GMT+5",
    ),
    Preset(
        *("histdata-mt", "HistData for MetaTrader", ",", ("date", "time", *OHLCV)),
        *(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d,", has_no_volume),
        counts_volume=False,
        zone="Etc/GMT+5",
    ),
    Preset(
        *("histdata-xlsx", "HistData for Excel", ",", ("time", *OHLCV), ISO, has_no_volume),
        counts_volume=False,
        zone="Etc/GMT+5",
    ),
    # https://www.metatrader4.com/en/trading-platform/help/service/history_center: CSV of the history center
    Preset(
        *("metatrader4", "MetaTrader 4", ",", ("date", "time", *OHLCV)),
        *(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d,", has_volume),
        note="Its volume counts changes of the price, not shares.",
    ),
    # https://www.metatrader5.com/en/terminal/help/trading_advanced/custom_instruments: has a header otherwise
    Preset(
        *("metatrader5", "MetaTrader 5", "\t", ("date", "time", *OHLCV[:-1], "-", "volume", "-")),
        r"\d{4}\.\d\d\.\d\d\t\d\d:\d\d:\d\d\t",
    ),
    # https://ninjatrader.com/support/helpguides/nt8/importing.htm: a bar of minutes is stamped with its end
    Preset(
        *("ninjatrader", "NinjaTrader", ";", ("time", *OHLCV), r"\d{8} \d{6};", has_volume),
        stamps="close",
    ),
    Preset("ninjatrader-daily", "NinjaTrader", ";", ("date", *OHLCV), r"\d{8};"),
    # https://github.com/binance/binance-public-data: milliseconds, since 2025 microseconds
    Preset("binance", "Binance", ",", ("time", *OHLCV, *"------"), r"\d{13}(\d{3})?,"),
    # https://support.kraken.com/articles/360047124832: seconds, and the number of trades
    Preset("kraken", "Kraken", ",", ("time", *OHLCV, "-"), r"\d{10},"),
    # https://docs.kraken.com/api/docs/rest-api/get-ohlc-data: the average price before the volume
    Preset("kraken-api", "Kraken's API", ",", ("time", *OHLCV[:-1], "vwap", "volume", "-"), r"\d{10},"),
    # https://www.csidata.com: the open interest at the end, of futures
    Preset("csi", "CSI Data", ",", ("date", *OHLCV, "-"), r"\d{8},"),
    # https://www.iqfeed.net/dev: the high first, when the bar closed in New York, the day's volume so far
    Preset(
        *("iqfeed", "IQFeed", ",", ("time", "high", "low", "open", "close", "-", "volume", "-")),
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,",
        stamps="close",
        zone="America/New_York",
    ),
    Preset(
        *("iqfeed-daily", "IQFeed", ",", ("date", "high", "low", "open", "close", "volume", "-")),
        r"\d{4}-\d\d-\d\d( 00:00:00)?,",
    ),
    # https://github.com/QuantConnect/Lean/blob/master/Data/equity/readme.md: hundredths of a cent
    Preset(
        *("lean", "LEAN", ",", ("time", *OHLCV), r"\d{8} \d\d:\d\d,", has_whole_prices),
        divisor=10_000,
        zone="America/New_York",
    ),
)
BY_NAME = {preset.name: preset for preset in PRESETS}


def named(name: str) -> Preset:
    if name not in BY_NAME:
        raise BadFile(f"there is no preset {name}: it is one of {', '.join(sorted(BY_NAME))}")
    return BY_NAME[name]


def recognize(rows: Rows, delimiter: str) -> Preset | None:
    """Return the one shape that these rows can have, None when there is none or more than one."""
    rows = rows[:LOOKED_AT]
    if len(rows) < LEAST:
        return None
    matches = [preset for preset in PRESETS if preset.delimiter == delimiter and _fits(preset, rows)]
    return matches[0] if len(matches) == 1 else None


def _fits(preset: Preset, rows: Rows) -> bool:
    return (
        all(len(row) == len(preset.columns) for row in rows)
        and all(re.match(preset.stamp, preset.delimiter.join(row) + preset.delimiter) for row in rows)
        and all(_are_bars(preset, row) for row in rows)
        and preset.proof([_bar(preset, row) for row in rows])
    )


def _are_bars(preset: Preset, row: Sequence[str]) -> bool:
    """Whether the high of a row is its highest price and the low its lowest, as far as they are numbers."""
    cells = _bar(preset, row)
    if not all(map(is_number, cells)):
        return False
    open_, high, low, close, _ = map(float, cells)
    return low <= min(open_, close) and max(open_, close) <= high


def _bar(preset: Preset, row: Sequence[str]) -> list[str]:
    return [row[preset.columns.index(what)] for what in OHLCV]
