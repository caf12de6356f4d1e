import time
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from market.ingestion import cycle
from market.ingestion.run import Cycle
from market.models import Instrument
from market.prices import Timeframe


def day(text: str) -> datetime:
    try:
        first = date.fromisoformat(text)

    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date: write it as 2024-01-31") from error
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


PACE_PAUSE = 15.0  # seconds between two tries at what a provider's pace did not allow


class Command(BaseCommand):
    help = "Fetch the candles of some symbols again from a day on, whatever is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        fetched = [timeframe.value for timeframe in Timeframe if not timeframe.built_from]
        parser.add_argument("symbols", nargs="+", type=str.upper, metavar="SYMBOL")
        parser.add_argument("--timeframe", choices=fetched, default=Timeframe.D1.value)
        parser.add_argument("--since", required=True, type=day, metavar="DATE")

    def handle(self, *args: Any, **options: Any) -> None:
        left = list(dict.fromkeys(options["symbols"]))
        _refuse_unknown(left)
        timeframe = Timeframe(options["timeframe"])
        rows, failures = 0, dict[str, str]()
        # Not through Django, which ends every update with a new line. Off where there is no terminal.
        with tqdm(total=len(left), unit="symbol", disable=None) as bar:
            while left:
                current = self._once(left, timeframe, options["since"], bar)
                rows += current.run.rows
                left = [symbol for symbol in left if f"{symbol} {timeframe}" in current.waiting]
                failures |= {
                    name: why for name, why in current.failures.items() if name not in current.waiting
                }
                if left:
                    bar.set_postfix_str("waiting for the provider's pace")
                    time.sleep(PACE_PAUSE)
        self.stdout.write(f"{rows:,} candles new or changed.")
        for name, why in sorted(failures.items()):
            self.stdout.write(f"  {name}: {why}")
        if failures:
            raise CommandError(f"{len(failures)} failed")

    def _once(self, symbols: list[str], timeframe: Timeframe, since: datetime, bar: "tqdm[Any]") -> Cycle:
        current, before = None, bar.n
        for current in cycle.backfill(symbols, timeframe, since, timezone.now()):
            bar.update(before + len(current.requested - current.waiting) - bar.n)
        if current is None:
            raise CommandError("another backfill is at work: wait for it to end")
        return current


def _refuse_unknown(symbols: list[str]) -> None:
    existing = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    if unknown := [symbol for symbol in symbols if symbol not in existing]:
        raise CommandError(f"not on the list of instruments: {', '.join(unknown)}. Add them in admin first.")
