import re
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.imports import candles, look
from market.imports.csvfile import presets
from market.imports.csvfile import splits as written_splits
from market.imports.csvfile.archives import members
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.table import Shape
from market.imports.results import describe
from market.imports.sources import Source, sources
from market.prices import Timeframe

NAME = re.compile(
    r"([A-Z0-9][A-Z0-9.\-]{0,15})_(1m|5m|15m|1h|1d|1w)\.(csv|txt|tsv|xlsx|parquet)(\.gz|\.zip)?\Z"
)


def zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise ArgumentTypeError(f"there is no time zone {name}: write one like America/New_York or UTC")
    return ZoneInfo(name)


def splits(text: str) -> dict[str, dict[date, float]]:
    try:
        return written_splits.by_symbol(text)
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
            metavar="[SYMBOL:]DATE:RATIO,...",
            help="the splits that the file's prices do not reflect yet; `none` when they reflect all. In"
            " a file of several symbols each names its own, as AAPL:2020-08-31:4,KO:2012-08-13:2,none",
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
            "--dates", choices=["month", "day"], help="which stands first where no date of the file shows it"
        )
        parser.add_argument("--decimal", choices=[".", ","], help="the decimal mark of the prices")
        parser.add_argument("--skip", type=int, default=0, help="lines to leave out at the beginning")
        parser.add_argument(
            "--symbol-column",
            metavar="NAME",
            help="the column that says whose bars they are: each symbol is loaded, or not, by itself",
        )
        parser.add_argument(
            "--look",
            "--dry-run",
            action="store_true",
            help="say what the file holds, what is in doubt and what would be overwritten; load nothing",
        )
        parser.add_argument(
            "--outside-hours",
            action="store_true",
            help="bars outside trading hours are meant to lie there: do not ask for the time zone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            content = path.read_bytes()
            wanted = list(self._sources(content, options))
        except (OSError, BadFile) as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        timeframe = _timeframe(options)
        _refuse_splits_of_others(options["splits"] or {}, [source.symbol for source in wanted])
        if options["look"]:
            self._look(wanted, timeframe, options)
            return
        refusals = {}
        for source in wanted:
            try:
                self._load(source, content, timeframe, options)
            except candles.ImportRefused as refusal:
                refusals[source.symbol] = str(refusal)
        if refusals:
            raise CommandError(_refused(refusals, len(wanted)))

    def _sources(self, content: bytes, options: Mapping[str, Any]) -> Iterator[Source]:
        """Yield whose bars the file holds: one symbol's unless a column or several files say otherwise."""
        file_name, shape = options["file"].name, _shape(options)
        is_of_many = shape.symbol_column or (not options["symbol"] and len(members(content)) > 1)
        if not is_of_many:
            yield Source("", self._named(options)[0], file_name, content, shape)
            return
        for source in sources(content, file_name, shape):
            if source.left_out:
                self.stderr.write(f"Left out, for these lines are of no symbol:\n{source.left_out}")
                continue
            if not source.symbol:
                raise BadFile(f"{source.written or source.file_name!r} names no symbol that is known here")
            yield source

    def _look(self, wanted: Sequence[Source], timeframe: Timeframe, options: Mapping[str, Any]) -> None:
        for source in wanted:
            told = look.Told(timeframe, options["timezone"], _splits_of(source, options))
            seen = look.look(source.content, source.symbol, told, source.shape, timezone.now())
            self.stdout.write(look.describe(seen))

    def _load(self, source: Source, content: bytes, timeframe: Timeframe, options: Mapping[str, Any]) -> None:
        result = candles.import_candles(
            BytesIO(source.content),
            source.symbol,
            timeframe,
            options["timezone"],
            _splits_of(source, options),
            timezone.now(),
            source.shape,
            source.file_name,
            content,
        )
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


def _refuse_splits_of_others(given: Mapping[str, Mapping[date, float]], symbols: Sequence[str]) -> None:
    if given.get("") and len(symbols) > 1:
        raise CommandError(
            f"The file holds {len(symbols)} symbols. Say whose each split is, as in"
            f" --splits {symbols[0]}:2020-08-31:4; or none for those whose prices reflect all."
        )
    if others := sorted(given.keys() - {"", *symbols}):
        raise CommandError(f"--splits names {', '.join(others)}, of which the file has no bars.")


def _splits_of(source: Source, options: Mapping[str, Any]) -> Mapping[date, float] | None:
    """Return the splits of one symbol: its own, else what is said of those that are not named."""
    given: Mapping[str, Mapping[date, float]] = options["splits"] or {}
    return given.get(source.symbol, given.get(""))


def _timeframe(options: Mapping[str, Any]) -> Timeframe:
    name_match = NAME.match(options["file"].name)
    if timeframe := options["timeframe"] or (name_match and name_match[2]):
        return Timeframe(timeframe)
    raise CommandError("Give --timeframe, or name the file like AAPL_1d.csv.")


def _shape(options: Mapping[str, Any]) -> Shape:
    return Shape(
        preset=options["preset"] or "",
        columns=options["columns"] or (),
        stamps=options["stamps"] or "",
        outside_hours=options["outside_hours"],
        date_order=options["dates"] or "",
        decimal=options["decimal"] or "",
        skip=options["skip"],
        symbol_column=options["symbol_column"] or "",
    )


def _refused(refusals: Mapping[str, str], wanted: int) -> str:
    """Return what was refused, in words: one symbol's reasons, or each one's beside its name."""
    if wanted == 1:
        return f"Nothing was imported.\n{next(iter(refusals.values()))}"
    reasons = "\n".join(f"{symbol}: {refusal}" for symbol, refusal in refusals.items())
    return f"Nothing was imported of {len(refusals)} of {wanted} symbols.\n{reasons}"
