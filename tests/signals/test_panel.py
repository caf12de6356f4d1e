"""Bars of several symbols end to end: nothing is compared across them, and only like with like."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
import pytest

from market import store as candles
from market.models import Gap, Instrument, Split
from market.prices import Bars, Feed, Timeframe
from signals import store
from signals.panel import Panel
from signals.strategies import STRATEGIES
from tests import make
from tests.signals.walks import walk

START = datetime(2022, 1, 3, tzinfo=UTC)


def panel_of(bars: Bars, **columns: object) -> Panel:
    return replace(Panel.of(bars), cache={}, **columns)  # type: ignore[arg-type]  # any column


def test_the_first_bar_of_a_run_has_nothing_before_it() -> None:
    panel = panel_of(walk(4, start=START), starts=np.array([0, 2]))
    assert np.array_equal(panel.before(np.array([1.0, 2, 3, 4])), [np.nan, 1, np.nan, 3], equal_nan=True)
    assert panel.before(np.array([True] * 4)).tolist() == [False, True, False, True]


def test_an_empty_panel_has_no_ideas() -> None:
    panel = Panel.of(Bars.empty())
    assert [len(strategy().ideas(panel)) for strategy in STRATEGIES.values()] == [0, 0, 0]


def test_daily_volume_is_compared_with_the_last_twenty_bars() -> None:
    bars = replace(walk(21, start=START), volume=np.array([100] * 20 + [310]))
    ratio = panel_of(bars).volume_ratio(20)
    assert np.isnan(ratio[:19]).all()
    assert ratio[19] == 1
    assert ratio[20] == 310 * 20 / (19 * 100 + 310)


def test_intraday_volume_is_compared_with_the_same_time_of_other_sessions() -> None:
    size, slots = 42, 2
    bars = replace(walk(size, start=START), volume=np.array([900, 100] * 21))
    bars.volume[-1] = 120
    slot, session = np.tile(np.arange(slots, dtype=np.int32), 21), np.repeat(np.arange(21, dtype=np.int32), 2)
    panel = panel_of(bars, slot=slot, session=session)
    assert panel.volume_ratio(20)[-1] == 120 * 20 / (19 * 100 + 120)
    assert panel.volume_ratio(20)[-2] == 1


@pytest.mark.parametrize(("missing", "is_compared"), [(5, True), (6, False)])
def test_a_slot_that_was_missing_in_more_than_a_quarter_more_sessions_is_not_compared(
    missing: int, is_compared: bool
) -> None:
    present = np.delete(np.arange(20 + missing, dtype=np.int32), slice(1, 1 + missing))
    panel = panel_of(walk(20, start=START), slot=np.full(20, 3, dtype=np.int32), session=present)
    assert np.isnan(panel.volume_ratio(20)[-1]) != is_compared


def test_volumes_of_different_sources_are_not_compared() -> None:
    source = np.array([1] * 10 + [2] * 25, dtype=np.int32)
    ratio = panel_of(walk(35, start=START), source=source).volume_ratio(20)
    assert np.flatnonzero(~np.isnan(ratio)).tolist() == list(range(29, 35))


def test_a_volume_that_is_not_known_is_compared_with_none() -> None:
    bars = walk(45, start=START)
    bars.volume[4] = np.nan
    ratio = panel_of(bars).volume_ratio(20)
    assert np.flatnonzero(~np.isnan(ratio)).tolist() == list(range(24, 45))


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_a_volume_ratio_is_the_same_however_long_the_history(share: float) -> None:
    bars = walk(300, start=START)
    bars = replace(bars, volume=bars.volume * share)
    ratio = panel_of(bars).volume_ratio(20)
    assert panel_of(bars[slice(200, None)]).volume_ratio(20)[19:].tolist() == ratio[219:].tolist()
    assert ratio[299] == pytest.approx(bars.volume[299] / bars.volume[280:].mean())


def test_a_digest_of_whole_volumes_is_what_it_was_when_they_were_integers() -> None:
    bars = walk(1, start=START)
    bars.volume[0] = 1_200
    prices = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, np.array([1_200]))
    digest = blake2b(b"".join(column.tobytes() for column in prices), digest_size=16).hexdigest()
    assert panel_of(bars).digest(0) == digest
    bars.volume[0] = 1_200.5
    assert panel_of(bars).digest(0) != digest


def test_a_digest_stands_for_the_bars_up_to_its_own() -> None:
    bars = walk(300, start=START)
    changed = replace(bars, close=np.append(bars.close[:-1], bars.close[-1] + 0.01))
    assert panel_of(bars).digest(298) == panel_of(changed).digest(298)
    assert panel_of(bars).digest(299) != panel_of(changed).digest(299)
    assert panel_of(bars[slice(50, None)]).digest(249) == panel_of(bars).digest(299)


@pytest.mark.django_db
class TestStored:
    def test_the_panel_of_several_symbols_says_what_each_ones_own_says(self) -> None:
        make.only("AAPL", "MSFT", "IBM", calendar="24/7")
        for seed, symbol in enumerate(("AAPL", "MSFT")):
            bars = walk(300 + seed * 50, seed, start=START)
            candles.write_candles({symbol: bars}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
        together = store.panel(["MSFT", "AAPL", "IBM"], Timeframe.D1)
        assert together.symbols == ("AAPL", "IBM", "MSFT")
        for strategy in (kind() for kind in STRATEGIES.values()):
            ideas = strategy.ideas(together)
            for number, symbol in enumerate(together.symbols):
                alone = strategy.ideas(store.panel([symbol], Timeframe.D1))
                of_symbol = ideas[together.symbol[ideas.row] == number]
                assert of_symbol.confidence.tolist() == alone.confidence.tolist()
                assert of_symbol.stop.tolist() == alone.stop.tolist()

    def test_unknown_symbols_are_refused(self) -> None:
        with pytest.raises(candles.UnknownSymbols, match="Not an instrument: NOPE"):
            store.panel(["NOPE"], Timeframe.D1)

    def test_a_move_of_the_size_of_a_split_is_told_and_ends_no_run(self) -> None:
        make.only("AAPL", calendar="24/7")
        bars = walk(40, start=START)
        prices = {
            name: np.concatenate([column[:20], column[20:] / 7])
            for name in ("open", "high", "low", "close")
            for column in [getattr(bars, name)]
        }
        candles.write_candles(
            {"AAPL": replace(bars, **prices)}, Timeframe.D1, provider="import", feed=Feed.LIVE
        )
        panel = store.panel(["AAPL"], Timeframe.D1)
        assert panel.starts.tolist() == [0]
        (jump,) = panel.jumps
        assert (jump.symbol, jump.opened_at, jump.factor) == ("AAPL", START + timedelta(days=20), 7)
        day = f"{jump.opened_at:%Y-%m-%d}"
        make.move("AAPL", day, answer="real", answered_at=jump.opened_at)
        assert store.panel(["AAPL"], Timeframe.D1).jumps == ()

    def test_an_outage_marks_the_bar_after_it_as_late(self) -> None:
        make.only("AAPL", calendar="24/7")
        candles.write_candles(
            {"AAPL": walk(10, start=START)}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE
        )
        lost = START + timedelta(days=3)
        gap = {"symbol": "AAPL", "timeframe": "1d", "first_at": lost, "last_at": lost, "bars": 1}
        Gap.objects.create(**gap, reason=Gap.Reason.OUTAGE, found_at=lost)
        assert np.flatnonzero(store.panel(["AAPL"], Timeframe.D1).late).tolist() == [4]

    def test_an_outage_makes_the_built_bar_that_it_lies_in_late_and_the_next(self) -> None:
        make.only("AAPL", calendar="24/7")
        hours = walk(6, start=START, timeframe=Timeframe.H1)
        candles.write_candles({"AAPL": hours}, Timeframe.H1, provider="built", feed=Feed.LIVE)
        lost = START + timedelta(hours=2, minutes=15)
        gap = {"symbol": "AAPL", "timeframe": "15m", "first_at": lost, "last_at": lost, "bars": 1}
        Gap.objects.create(**gap, reason=Gap.Reason.OUTAGE, found_at=lost)
        assert np.flatnonzero(store.panel(["AAPL"], Timeframe.H1).late).tolist() == [2, 3]

    def test_a_split_makes_the_ticks_before_it_smaller(self) -> None:
        make.only("AAPL", calendar="24/7")
        candles.write_candles({"AAPL": walk(4, start=START)}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
        day = (START + timedelta(days=2)).date()
        Split.objects.create(symbol="AAPL", date=day, ratio=4, source="alpaca", recorded_at=START)
        assert store.panel(["AAPL"], Timeframe.D1).tick.tolist() == [0.0025, 0.0025, 0.01, 0.01]

    def test_intraday_bars_know_their_session_and_their_place_in_it(self) -> None:
        make.only("AAPL")
        make.july_2024()
        opens = datetime(2024, 7, 1, 19, 30, tzinfo=UTC)
        late = walk(2, start=opens, timeframe=Timeframe.M15)
        early = walk(2, start=datetime(2024, 7, 2, 13, 30, tzinfo=UTC), timeframe=Timeframe.M15)
        candles.write_candles(
            {"AAPL": Bars.join([late, early])}, Timeframe.M15, provider="alpaca", feed=Feed.LIVE
        )
        panel = store.panel(["AAPL"], Timeframe.M15)
        assert panel.slot.tolist() == [24, 25, 0, 1]
        assert np.diff(panel.session).tolist() == [0, 1, 0]

    def test_it_is_read_in_a_handful_of_queries(self, django_assert_max_num_queries: object) -> None:
        symbols = [f"S{n}" for n in range(30)]
        make.only(*symbols, calendar="24/7")
        with django_assert_max_num_queries(6):  # type: ignore[operator]  # a fixture
            store.panel(symbols, Timeframe.M15)
        assert Instrument.objects.watched().count() == 30


def test_strategies_see_no_bar_in_doubt() -> None:
    doubted = bars_of(10, 10, 99, 10, 10)
    doubted.suspect[2] = True
    panel = replace(Panel.of(doubted), late=np.array([False, False, True, False, False]))
    seen, rows = panel.seen
    assert rows.tolist() == [0, 1, 3, 4]
    assert seen.bars.close.tolist() == [10, 10, 10, 10]
    assert seen.late.tolist() == [False, False, True, False]
    assert panel.without_doubt.close.tolist() == [10, 10, 10, 10, 10]


def test_a_panel_without_doubt_is_seen_as_it_is() -> None:
    panel = Panel.of(bars_of(10, 11, 12))
    assert panel.seen[0] is panel
    assert panel.without_doubt is panel.bars


def test_the_runs_that_are_seen_begin_with_bars_that_are_believed() -> None:
    """Two symbols; the first bar of the second is in doubt, and all of the third."""
    bars = bars_of(10, 10, 20, 20, 20, 30)
    bars.suspect[[2, 5]] = True
    panel = replace(
        Panel.of(bars),
        symbols=("A", "B", "C"),
        symbol=np.array([0, 0, 1, 1, 1, 2], dtype=np.int32),
        starts=np.array([0, 2, 5]),
    )
    seen, rows = panel.seen
    assert rows.tolist() == [0, 1, 3, 4]
    assert seen.starts.tolist() == [0, 2]
    assert seen.symbol.tolist() == [0, 0, 1, 1]


def bars_of(*closes: float) -> Bars:
    return make.bars(list(closes))
