from argparse import ArgumentTypeError
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from market import ingest
from market.models import Instrument
from market.prices import Timeframe


def day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date: write it as 2024-01-31") from error


class Command(BaseCommand):
    help = "Fetch the candles of some symbols again from a day on, whatever is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        fetched = [timeframe.value for timeframe in Timeframe if not timeframe.built_from]
        parser.add_argument("symbols", nargs="+", type=str.upper, metavar="SYMBOL")
        parser.add_argument("--timeframe", choices=fetched, default=Timeframe.D1.value)
        parser.add_argument("--since", required=True, type=day, metavar="DATE")

    def handle(self, *args: Any, **options: Any) -> None:
        symbols = list(dict.fromkeys(options["symbols"]))
        _refuse_unknown(symbols)
        progress = ingest.backfill(symbols, Timeframe(options["timeframe"]), options["since"], timezone.now())
        current = None
        for current in tqdm(progress, total=len(symbols), unit="symbol", file=self.stderr):  # noqa: B007  the last
            pass
        if current is None:
            raise CommandError("another backfill is at work: wait for it to end")
        self.stdout.write(
            f"{len(current.stored)} of {len(symbols)} symbols answered; {current.run.rows:,} candles new or changed."
        )
        for name in sorted(current.waiting):
            self.stdout.write(
                f"  {name}: the provider's pace did not allow it now. Ask again in a few minutes."
            )
        failures = {name: why for name, why in current.failures.items() if name not in current.stored}
        for name, why in sorted(failures.items()):
            self.stdout.write(f"  {name}: {why}")
        if failures:
            raise CommandError(f"{len(failures)} of {len(symbols)} symbols failed")


def _refuse_unknown(symbols: list[str]) -> None:
    known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    if unknown := [symbol for symbol in symbols if symbol not in known]:
        raise CommandError(f"not on the list of instruments: {', '.join(unknown)}. Add them in admin first.")
