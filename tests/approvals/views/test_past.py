"""The bars of a signal's chart: what the strategy saw, its levels, and what happened since."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from approvals.models import Outcome
from market.models import Candle, Split
from market.prices import Timeframe
from market.store import read_bars
from signals import indicators
from signals.models import Signal
from signals.trades import End
from tests import make
from tests.approvals import made_outcomes

SPOKE = 250  # which of the bars
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def closes(db: None) -> list[float]:
    """300 quarters of an hour up to now, on a market that never closes."""
    make.only("AAPL", calendar="24/7")
    make.round_the_clock()
    make.quote("AAPL", 101.0)
    found = [100 + 5 * float(np.sin(number / 7)) + number / 50 for number in range(300)]
    make.history("AAPL", found)
    return found


def opened(number: int) -> Any:
    return Candle.objects.filter(symbol="AAPL").order_by("opened_at")[number].opened_at


def said(strategy: str = "macd_crossover_v1", **values: Any) -> Signal:
    given = {"strategy_id": strategy, "timeframe": "15m", "bar_opened_at": opened(SPOKE), "parameters": {}}
    return make.signal("AAPL", **given | values)


def drawn(client: Client, signal: Signal) -> dict[str, Any]:
    answer = client.get(f"/signals/{signal.pk}/bars/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def seconds(number: int) -> int:
    return int(opened(number).timestamp())


@pytest.mark.usefixtures("closes")
class TestBars:
    def test_those_before_and_after_the_one_that_spoke_come(self, trader: Client) -> None:
        found = drawn(trader, said())
        assert found["spoke"] == seconds(SPOKE)
        assert [found["bars"][0]["time"], found["bars"][-1]["time"]] == [seconds(0), seconds(299)]
        assert found["earlier"] is None

    def test_of_a_long_past_signal_not_all_since_come(self, trader: Client) -> None:
        found = drawn(trader, said(bar_opened_at=opened(20)))
        assert found["bars"][-1]["time"] == seconds(140)

    def test_the_levels_are_those_of_the_signal(self, trader: Client) -> None:
        signal = said()
        assert {line["title"]: line["price"] for line in drawn(trader, signal)["lines"]} == {
            "entry": float(signal.entry_price),
            "stop": float(signal.stop_loss),
            "target": float(signal.take_profit),
        }

    def test_after_a_split_they_are_in_new_shares(self, trader: Client) -> None:
        signal = said()
        Split.objects.create(
            symbol="AAPL",
            date=signal.bar_opened_at.date() + timedelta(days=1),
            ratio=4,
            source="test",
            recorded_at=make.T0 + timedelta(days=1),
        )
        assert drawn(trader, signal)["lines"][0]["price"] == float(signal.entry_price) / 4

    def test_the_end_of_its_trade_is_marked_on_its_bar(self, trader: Client) -> None:
        signal = said()
        made_outcomes.outcome(end=End.TARGET)
        Outcome.objects.update(signal=signal, exited_at=opened(270), r=1.23)
        marks = {one["id"]: one for one in drawn(trader, signal)["markers"]}
        assert marks["spoke"] == {"id": "spoke", "time": seconds(SPOKE), "kind": "buy", "text": "BUY"}
        assert marks["end"] == {"id": "end", "time": seconds(270), "kind": "end", "text": "target, +1.2 R"}


class TestStudies:
    def test_macd_has_a_pane_with_line_signal_line_and_histogram(
        self, trader: Client, closes: list[float]
    ) -> None:
        series = {one["title"]: one for one in drawn(trader, said())["series"]}
        assert list(series) == ["histogram", "MACD 12, 26", "signal line 9"]
        assert {one["pane"] for one in series.values()} == {1}
        line, signal_line, histogram = indicators.macd(np.array(closes), fast=12, slow=26, signal=9)
        for title, column in zip(series, (histogram, line, signal_line), strict=True):
            points = {point["time"]: point["value"] for point in series[title]["points"]}
            assert points[seconds(SPOKE)] == pytest.approx(column[SPOKE])
            assert len(points) == int(np.count_nonzero(~np.isnan(column)))

    def test_rsi_has_its_lines_and_the_signals_own_parameters(
        self, trader: Client, closes: list[float]
    ) -> None:
        signal = said("rsi_momentum_v1", parameters={"rsi_period": 9, "oversold": 25})
        (rsi,) = drawn(trader, signal)["series"]
        assert (rsi["title"], rsi["levels"], rsi["pane"]) == ("RSI 9", [25.0, 70.0], 1)
        points = {point["time"]: point["value"] for point in rsi["points"]}
        assert points[seconds(SPOKE)] == pytest.approx(indicators.rsi(np.array(closes), period=9)[SPOKE])

    def test_averages_stand_among_the_prices(self, trader: Client, closes: list[float]) -> None:
        series = drawn(trader, said("ma_crossover_v1"))["series"]
        assert [(one["title"], one["pane"]) for one in series] == [
            ("SMA 20", 0),
            ("SMA 50", 0),
            ("SMA 200", 0),
        ]
        points = {point["time"]: point["value"] for point in series[2]["points"]}
        assert points[seconds(SPOKE)] == pytest.approx(np.mean(closes[SPOKE - 199 : SPOKE + 1]))

    @pytest.mark.usefixtures("closes")
    @pytest.mark.parametrize(
        "values", [{"strategy": "gone_v1"}, {"parameters": {"macd_fast": 50, "macd_slow": 26}}]
    )
    def test_a_strategy_that_is_not_known_any_more_has_none(self, trader: Client, values: Any) -> None:
        signal = said(**values)
        assert drawn(trader, signal)["series"] == []
        assert trader.get(f"/signals/{signal.pk}/").status_code == 200

    @pytest.mark.usefixtures("closes")
    def test_a_bar_that_is_not_final_has_no_value(self, trader: Client) -> None:
        Candle.objects.filter(opened_at=opened(299)).update(is_final=False)
        found = drawn(trader, said())
        assert found["bars"][-1]["time"] == seconds(299)
        assert found["series"][1]["points"][-1]["time"] == seconds(298)
        assert len(read_bars(["AAPL"], Timeframe.M15, closed=True)["AAPL"]) == 299


@pytest.mark.usefixtures("closes")
def test_it_asks_the_database_seldom(
    trader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    signal = said()
    drawn(trader, signal)
    # who asks (2), signal, instrument, the bar that is last, bars, gaps, split, outcome, closed bars
    with django_assert_num_queries(10):
        drawn(trader, signal)


def test_without_a_bar_the_chart_says_that_nothing_came(trader: Client) -> None:
    make.only("AAPL")
    assert drawn(trader, make.signal("AAPL"))["bars"] == []


def test_an_unknown_signal_has_none(trader: Client) -> None:
    assert trader.get("/signals/00000000-0000-0000-0000-000000000000/bars/").status_code == 404


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get("/signals/00000000-0000-0000-0000-000000000000/bars/").status_code == 302
