"""`manage.py backtest`: the table of a strategy over stored history."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from market import store
from market.prices import Feed, Timeframe
from tests import make
from tests.signals.walks import walk

pytestmark = pytest.mark.django_db

START = datetime(2022, 1, 3, tzinfo=UTC)
DAYS = 400


@pytest.fixture(autouse=True)
def two_histories() -> None:
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(START + timedelta(days=DAYS), days=DAYS + 10)
    bars = {"AAPL": walk(DAYS, 1, start=START), "MSFT": walk(DAYS, 2, start=START)}
    store.write_candles(bars, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("backtest", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_a_table_that_fits_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    output = run("macd_crossover_v1", "aapl", "MSFT")
    lines = output.splitlines()
    assert lines[0] == "MACD crossover (macd_crossover_v1) on 1d, 2022-01-03 to 2023-02-06: 800 bars."
    assert [line.split()[0] for line in lines if line.startswith(("all", "AAPL", "MSFT"))] == 2 * [
        "all",
        "AAPL",
        "MSFT",
    ]
    assert max(map(len, lines)) <= 120
    assert "Recorded dividends count" in output.replace("\n", " ")
    assert capfd.readouterr().err == ""  # no progress where nobody watches


def test_one_symbol_is_one_row() -> None:
    output = run("macd_crossover_v1", "AAPL")
    assert not [line for line in output.splitlines() if line.startswith("all ")]


def test_every_figure_is_a_number_as_json() -> None:
    output = run("macd_crossover_v1", "AAPL", "--json", "--cost-bps", "5", "--min-confidence", "0.5")
    report: dict[str, Any] = json.loads(output)
    assert report["setup"]["cost_bps"] == 5
    assert report["setup"]["minimum_confidence"] == 0.5
    words = {"symbol", "first_at", "last_at"}
    for row in report["rows"]:
        assert [name for name, value in row.items() if not isinstance(value, int | float)] == [
            name for name in row if name in words
        ]


def test_days_and_parameters_are_those_given() -> None:
    span = ("--from", "2022-06-01", "--to", "2022-12-31")
    given = ("--param", "stop_atr=3", "--param", "target_atr=3.5")
    output = run("macd_crossover_v1", "AAPL", *span, *given)
    assert "2022-06-01 to 2022-12-31: 214 bars" in output
    assert "Parameters: stop_atr 3, target_atr 3.5." in output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nope", "AAPL"], "There is no strategy nope. There are: rsi_momentum_v1"),
        (["macd_crossover_v1", "NOPE"], "Not on the list of instruments: NOPE. There are: AAPL, MSFT"),
        (["macd_crossover_v1", "AAPL", "--timeframe", "15m"], "No 15m bars of AAPL are stored. Fetch them"),
        (["macd_crossover_v1", "AAPL", "--timeframe", "2d"], "invalid choice: '2d'"),
        (["macd_crossover_v1", "AAPL", "--param", "stop_atr=x"], "stop_atr must be a number from 0.1 to 20"),
        (
            ["macd_crossover_v1", "AAPL", "--param", "stop_atr"],
            "'stop_atr' sets nothing: write it as name=va",
        ),
        (
            ["macd_crossover_v1", "AAPL", "--from", "yesterday"],
            "'yesterday' is no date: write it as 2024-01-",
        ),
        (["macd_crossover_v1", "AAPL", "--min-confidence", "x"], "'x' is no number"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_there_is(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert reason in str(refusal.value)
