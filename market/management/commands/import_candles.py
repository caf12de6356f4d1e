from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market import importing
from market.prices import Timeframe

SHOWN = 5


def zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise ArgumentTypeError(f"there is no time zone {name}: write one like America/New_York or UTC")
    return ZoneInfo(name)


def splits(text: str) -> Mapping[date, float]:
    """2014-06-09:7,2020-08-31:4 as ratios by date; `none` is an empty one."""
    if text == "none":
        return {}
    ratios = {}
    for part in text.split(","):
        day, _, ratio = part.partition(":")
        try:
            ratios[date.fromisoformat(day.strip())] = float(Fraction(ratio.strip().replace(":", "/")))
        except (ValueError, ZeroDivisionError) as error:
            raise ArgumentTypeError(
                f"{part!r} is no split: write DATE:RATIO as in 2014-06-09:7 or 2001-05-01:3/2"
            ) from error
    if min(ratios.values()) <= 0:
        raise ArgumentTypeError(
            "a split has a ratio above zero: 7 for seven new shares for one old, 1/10 for one for ten"
        )
    return ratios


class Command(BaseCommand):
    help = (
        "Store the candles of a CSV file as real data: all of them or none. Doing it twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV with a header: time,open,high,low,close,volume")
        parser.add_argument("--symbol", required=True, type=str.upper)
        parser.add_argument(
            "--timeframe", required=True, choices=[timeframe.value for timeframe in Timeframe]
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

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                result = importing.import_candles(
                    file,
                    options["symbol"],
                    Timeframe(options["timeframe"]),
                    options["timezone"],
                    options["splits"],
                    timezone.now(),
                )
        except (OSError, importing.Refused) as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write(told(result))


def told(result: importing.ImportResult) -> str:
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
        lines.append(f"No bars, for they hold no price: lines {_first(result.empty_lines)}.")
    if result.suspects:
        stamps = [f"{at:{shape}}" for at in result.suspects]
        lines.append(f"Marked suspect, for no later bar confirms the jump: {_first(stamps)}.")
    return "\n".join([*lines, *result.notes])


def _first(several: list[Any]) -> str:
    more = f" and {len(several) - SHOWN} more" if len(several) > SHOWN else ""
    return ", ".join(map(str, several[:SHOWN])) + more
