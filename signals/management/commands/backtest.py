import json
from argparse import ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from market.prices import Timeframe
from signals import backtest
from signals.strategies import STRATEGIES, StrategyFailed


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date: write it as 2024-01-31") from error


def parameter(text: str) -> tuple[str, str]:
    name, is_one, value = text.partition("=")
    if not is_one:
        raise ArgumentTypeError(f"{text!r} sets nothing: write it as name=value")
    return name, value


def number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no number") from error


class Command(BaseCommand):
    help = (
        "Test a strategy on stored bars, with honest fills and costs, beside random entries and holding."
        " What is not given is taken from the strategy's configuration for the timeframe."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("strategy", metavar="STRATEGY", help=", ".join(STRATEGIES))
        parser.add_argument("symbols", nargs="+", type=str.upper, metavar="SYMBOL")
        parser.add_argument(
            "--timeframe", default=Timeframe.D1.value, choices=[timeframe.value for timeframe in Timeframe]
        )
        parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="first day")
        parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="last day")
        parser.add_argument(
            "--param", dest="parameters", action="append", default=[], type=parameter, metavar="NAME=VALUE"
        )
        parser.add_argument("--min-confidence", dest="minimum_confidence", type=number, metavar="0..1")
        parser.add_argument(
            "--cost-bps", type=float, default=backtest.COST_BPS, help="costs of each fill in basis points"
        )
        parser.add_argument("--json", action="store_true", help="every figure as a number, shares 0 to 1")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("timeframe", "symbols", "since", "until", "minimum_confidence", "cost_bps")
        try:
            setup = backtest.checked(
                strategy_id=options["strategy"],
                parameters=dict(options["parameters"]),
                **{name: options[name] for name in names},
            )
        except backtest.BacktestRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        # Not through Django, which ends every update with a new line. Off without a terminal.
        progress = tqdm(
            backtest.studies(setup, draws=backtest.RANDOM_DRAWS),
            total=len(setup.symbols),
            unit="symbol",
            disable=None,
            leave=False,
        )
        try:
            report = backtest.report(setup, progress)
        except StrategyFailed as failure:
            raise CommandError(f"The strategy failed: {failure}") from failure
        self.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else report.text())
