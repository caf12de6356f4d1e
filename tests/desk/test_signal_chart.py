"""The bars of a signal's chart: what the strategy saw, its levels, and what happened since."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Outcome
from market.models import Candle, Split, TradingSession
from market.prices import Timeframe
from market.store import read_bars
from signals import indicators
from signals.models import Signal
from signals.trades import End
from tests import make
from tests.approvals import outcome_rows
from tests.query_counts import CountQueries

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
    prices = [100 + 5 * float(np.sin(number / 7)) + number / 50 for number in range(300)]
    make.history("AAPL", prices)
    return prices


def opened(number: int) -> Any:
    return Candle.objects.filter(symbol="AAPL").order_by("opened_at")[number].opened_at


def signal_of(strategy: str = "macd_crossover_v1", **values: Any) -> Signal:
    given = {"strategy_id": strategy, "timeframe": "15m", "bar_opened_at": opened(SPOKE), "parameters": {}}
    return make.signal("AAPL", **given | values)


def drawn(client: Client, signal: Signal) -> dict[str, Any]:
    answer = client.get(f"/signals/{signal.pk}/bars/")
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def seconds(number: int) -> int:
    return int(opened(number).timestamp())


@pytest.mark.usefixtures("closes")
class TestBars:
    def test_those_before_and_after_the_one_that_spoke_come(self, trader: Client) -> None:
        chart = drawn(trader, signal_of())
        assert chart["spoke"] == seconds(SPOKE)
        assert [chart["bars"][0]["time"], chart["bars"][-1]["time"]] == [seconds(0), seconds(299)]
        assert chart["earlier"] is None

    def test_of_a_long_past_signal_not_all_since_come(self, trader: Client) -> None:
        chart = drawn(trader, signal_of(bar_opened_at=opened(20)))
        assert chart["bars"][-1]["time"] == seconds(140)

    def test_the_levels_are_those_of_the_signal(self, trader: Client) -> None:
        signal = signal_of()
        assert {line["title"]: line["price"] for line in drawn(trader, signal)["lines"]} == {
            "entry": float(signal.entry_price),
            "stop": float(signal.stop_loss),
            "target": float(signal.take_profit),
        }

    def test_after_a_split_they_are_in_new_shares(self, trader: Client) -> None:
        signal = signal_of()
        Split.objects.create(
            symbol="AAPL",
            date=signal.bar_opened_at.date() + timedelta(days=1),
            ratio=4,
            source="test",
            recorded_at=make.T0 + timedelta(days=1),
        )
        assert drawn(trader, signal)["lines"][0]["price"] == float(signal.entry_price) / 4

    def test_the_end_of_its_trade_is_marked_on_its_bar(self, trader: Client) -> None:
        signal = signal_of()
        outcome_rows.outcome(end=End.TARGET)
        Outcome.objects.update(signal=signal, exited_at=opened(270), played_on="15m", r=1.23)
        marks = {marker["id"]: marker for marker in drawn(trader, signal)["markers"]}
        assert marks["spoke"] == {"id": "spoke", "time": seconds(SPOKE), "kind": "buy", "text": "BUY"}
        assert marks["end"] == {"id": "end", "time": seconds(270), "kind": "end", "text": "target, +1.2 R"}

    def test_an_end_beyond_the_bars_is_told_in_words_and_marked_nowhere(self, trader: Client) -> None:
        signal = signal_of()
        outcome_rows.outcome(end=End.STOP)
        Outcome.objects.update(signal=signal, exited_at=make.T0 + timedelta(hours=3), played_on="15m", r=-1)
        chart = drawn(trader, signal)
        assert [marker["id"] for marker in chart["markers"]] == ["spoke"]
        assert chart["says"] == (
            "It ended at 2024-07-03 17:00 UTC (stop, -1.0 R): that bar is not among those of this chart."
        )

    def test_an_end_in_a_bar_that_is_missing_is_not_marked_on_the_one_before(self, trader: Client) -> None:
        signal, at = signal_of(), opened(270)
        outcome_rows.outcome(end=End.TARGET)
        Outcome.objects.update(signal=signal, exited_at=at, played_on="15m")
        Candle.objects.filter(opened_at=at).delete()
        chart = drawn(trader, signal)
        assert [marker["id"] for marker in chart["markers"]] == ["spoke"]
        assert "It ended at" in chart["says"]

    def test_of_the_bar_that_spoke_it_says_when_it_is_gone(self, trader: Client) -> None:
        signal = signal_of()
        Candle.objects.filter(opened_at=signal.bar_opened_at).delete()
        assert drawn(trader, signal)["says"] == "The bar that spoke is no longer among the stored ones."


class TestStudies:
    def test_macd_has_a_pane_with_line_signal_line_and_histogram(
        self, trader: Client, closes: list[float]
    ) -> None:
        series = {series_line["title"]: series_line for series_line in drawn(trader, signal_of())["series"]}
        assert list(series) == ["histogram", "MACD 12, 26", "signal line 9"]
        assert {series_line["pane"] for series_line in series.values()} == {1}
        line, signal_line, histogram = indicators.macd(np.array(closes), fast=12, slow=26, signal=9)
        for title, column in zip(series, (histogram, line, signal_line), strict=True):
            points = {point["time"]: point["value"] for point in series[title]["points"]}
            assert points[seconds(SPOKE)] == pytest.approx(column[SPOKE])
            assert len(points) == int(np.count_nonzero(~np.isnan(column)))

    def test_rsi_has_its_lines_and_the_signals_own_parameters(
        self, trader: Client, closes: list[float]
    ) -> None:
        signal = signal_of("rsi_momentum_v1", parameters={"rsi_period": 9, "oversold": 25})
        (rsi,) = drawn(trader, signal)["series"]
        assert (rsi["title"], rsi["levels"], rsi["pane"]) == ("RSI 9", [25.0, 70.0], 1)
        points = {point["time"]: point["value"] for point in rsi["points"]}
        assert points[seconds(SPOKE)] == pytest.approx(indicators.rsi(np.array(closes), period=9)[SPOKE])

    def test_averages_stand_among_the_prices(self, trader: Client, closes: list[float]) -> None:
        series = drawn(trader, signal_of("ma_crossover_v1"))["series"]
        assert [(line["title"], line["pane"]) for line in series] == [
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
        signal = signal_of(**values)
        assert drawn(trader, signal)["series"] == []
        assert trader.get(f"/signals/{signal.pk}/").status_code == 200

    @pytest.mark.usefixtures("closes")
    def test_a_bar_that_is_not_final_has_no_value(self, trader: Client) -> None:
        Candle.objects.filter(opened_at=opened(299)).update(is_final=False)
        chart = drawn(trader, signal_of())
        assert chart["bars"][-1]["time"] == seconds(299)
        assert chart["series"][1]["points"][-1]["time"] == seconds(298)
        assert len(read_bars(["AAPL"], Timeframe.M15, closed=True)["AAPL"]) == 299


@pytest.mark.usefixtures("closes")
def test_it_asks_the_database_seldom(trader: Client, count_queries: CountQueries) -> None:
    signal = signal_of()
    drawn(trader, signal)
    # who asks (2), signal, instrument, the bar that is last, bars, gaps, split, outcome, closed bars
    with count_queries("page /signals/{pk}/bars/"):
        drawn(trader, signal)


@pytest.mark.parametrize(
    ("timeframe", "watched", "comes"),
    [
        ("15m", True, "The worker fetches them with its next cycles."),
        ("1h", True, "The worker fetches them with its next cycles."),
        ("5m", True, "The worker does not fetch this timeframe (CANDLE_TIMEFRAMES): load a file."),
        ("15m", False, "It is not watched: add it to the watchlist, or load a file."),
    ],
)
def test_without_a_bar_it_says_what_will_bring_some(
    trader: Client, timeframe: str, watched: bool, comes: str
) -> None:
    make.instrument("AAPL", watched=watched)
    chart = drawn(trader, make.signal("AAPL", timeframe=timeframe))
    assert (chart["bars"], chart["says"]) == ([], f"No {timeframe} bars of AAPL are stored. {comes}")


def test_the_end_of_a_daily_signal_is_marked_on_the_day_of_its_session(trader: Client) -> None:
    """Sydney opens at 23:00 UTC of the day before the session's date."""
    make.only("AAPL", calendar="XASX")
    for day in (1, 2, 3):
        opens = make.T0.replace(day=day, hour=0) - timedelta(hours=2)
        TradingSession.objects.create(
            calendar="XASX", date=opens.date() + make.DAY, opens_at=opens, closes_at=opens + make.DAY / 4
        )
        make.candle("AAPL", f"2024-07-{day:02}", 100.0)
    signal = make.signal("AAPL", bar_opened_at=make.T0.replace(day=1, hour=0))
    outcome_rows.outcome(end=End.TARGET)
    Outcome.objects.update(
        signal=signal, exited_at=make.T0.replace(day=2, hour=22, minute=15), played_on="15m"
    )
    chart = drawn(trader, signal)
    assert [marker["time"] for marker in chart["markers"]] == ["2024-07-01", "2024-07-03"]


def test_an_unknown_signal_has_none(trader: Client) -> None:
    assert trader.get("/signals/00000000-0000-0000-0000-000000000000/bars/").status_code == 404


def test_a_stranger_is_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get("/signals/00000000-0000-0000-0000-000000000000/bars/").status_code == 302
