import re
from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.imports import candles
from market.imports.csvfile import presets
from market.imports.csvfile import splits as written_splits
from market.imports.csvfile.table import Shape
from market.imports.results import describe
from market.prices import Timeframe

NAME = re.compile(
    r"([A-Z0-9][A-Z0-9.\-]{0,15})_(1m|5m|15m|1h|1d|1w)\.(csv|txt|tsv|xlsx|parquet)(\.gz|\.zip)?\Z"
)


def zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise ArgumentTypeError(f"there is no time zone {name}: write one like America/New_York or UTC")
    return ZoneInfo(name)


def splits(text: str) -> Mapping[date, float]:
    try:
        return written_splits.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def columns(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


class Command(BaseCommand):
    help = (
        "Store the candles of a CSV file as real data: all of them or none. Doing it twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="CSV (also .gz, .zip), .xlsx or .parquet with a header: time,open,high,low,close,volume",
        )
        parser.add_argument("--symbol", type=str.upper, help="not needed when the file is AAPL_1d.csv")
        parser.add_argument(
            "--timeframe",
            choices=[timeframe.value for timeframe in Timeframe],
            help="not needed when the file is AAPL_1d.csv",
        )
        parser.add_argument(
            "--timezone",
            type=zone,
            help="of times written without one, as America/New_York; not needed for dates",
        )
        parser.add_argument(
            "--splits",
            type=splits,
            metavar="DATE:RATIO,...",
            help="the splits that the file's prices do not reflect yet; `none` when they reflect all",
        )

        parser.add_argument(
            "--preset",
            choices=sorted(presets.BY_NAME),
            help="whose shape a file without a header has, where its rows leave that open",
        )
        parser.add_argument(
            "--columns",
            type=columns,
            metavar="NAME,NAME,...",
            help="the columns in their order, as date,open,high,low,close,volume; - for one to leave out",
        )
        parser.add_argument(
            "--stamps",
            choices=["open", "close"],
            help="whether the times are when bars open (the default) or when they close",
        )

        parser.add_argument(
            "--outside-hours",
            action="store_true",
            help="bars outside trading hours are meant to lie there: do not ask for the time zone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        symbol, timeframe = self._named(options)
        shape = Shape(
            preset=options["preset"] or "",
            columns=options["columns"] or (),
            stamps=options["stamps"] or "",
            outside_hours=options["outside_hours"],
        )
        try:
            with options["file"].open("rb") as file:
                result = candles.import_candles(
                    file,
                    symbol,
                    timeframe,
                    options["timezone"],
                    options["splits"],
                    timezone.now(),
                    shape,
                    options["file"].name,
                )
        except (OSError, candles.ImportRefused) as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write(describe(result))

    def _named(self, options: Mapping[str, Any]) -> tuple[str, Timeframe]:
        """Return symbol and timeframe as given, or as the file's name says them."""
        name_match = NAME.match(options["file"].name)
        symbol = options["symbol"] or (name_match and name_match[1])
        timeframe = options["timeframe"] or (name_match and name_match[2])
        if not symbol or not timeframe:
            raise CommandError("Give --symbol and --timeframe, or name the file like AAPL_1d.csv.")
        if not (options["symbol"] and options["timeframe"]):
            self.stdout.write(f"By the file's name these are {timeframe} bars of {symbol}.")
        return symbol, Timeframe(timeframe)
