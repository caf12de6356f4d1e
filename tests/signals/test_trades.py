"""How each idea turns into a trade, one way of ending and one tie at a time. Prices typed in by hand.

The idea is on row 0 (close 100); a BUY has its stop at 90 and its target at 120, a SELL at 110 and 80.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.prices import Bars
from signals.panel import Panel
from signals.strategies import Ideas
from signals.trades import End, Rules, Trades, play
from tests.signals.played import (
    FIRST,
    Price,
    beside,
    broken,
    buy,
    ideas,
    in_sessions,
    joined_ideas,
    panel,
    sell,
    shifted,
)

FREE = Rules(longest=40, cost_bps=0)
SPOKE: Price = (100, 100, 100, 100)
CALM: Price = (100, 105, 95, 100)
HOUR = np.timedelta64(1, "h")


def in_doubt(bars: Panel, row: int) -> Panel:
    """The same with a row marked suspect."""
    suspect = bars.bars.suspect.copy()
    suspect[row] = True
    return replace(bars, bars=replace(bars.bars, suspect=suspect), cache={})


def untraded(bars: Panel, *rows: int) -> Panel:
    """The same without any volume in some rows."""
    volume = bars.bars.volume.copy()
    volume[list(rows)] = 0
    return replace(bars, bars=replace(bars.bars, volume=volume), cache={})


def first_result(trades: Trades) -> tuple[End, float, int, float]:
    """How the first one ended: the way, the price, the bars held and R."""
    return End(trades.end[0]), float(trades.exit[0]), int(trades.held[0]), round(float(trades.r[0]), 9)


def test_an_idea_is_entered_at_the_open_of_the_next_bar() -> None:
    trades = play(panel(SPOKE, (102, 125, 101, 124)), buy(), FREE)
    assert trades.entry[0] == 102
    assert trades.entered[0] == 1


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 121, 99, 118), (End.TARGET, 120, 2, 2.0)),
        ((100, 120, 99, 118), (End.TARGET, 120, 2, 2.0)),
        ((100, 101, 89, 95), (End.STOP, 90, 2, -1.0)),
        ((100, 101, 90, 95), (End.STOP, 90, 2, -1.0)),
        ((100, 125, 85, 100), (End.STOP, 90, 2, -1.0)),  # both inside: the stop first
        ((88, 125, 85, 100), (End.STOP, 88, 1, -1.2)),  # opens below the stop
        ((123, 130, 85, 90), (End.TARGET, 123, 1, 2.3)),  # opens above the target
        ((90, 95, 90, 95), (End.STOP, 90, 1, -1.0)),
    ],
)
def test_a_buy_ends_at_its_stop_or_its_target(bar: Price, expected: tuple[End, float, int, float]) -> None:
    assert first_result(play(panel(SPOKE, CALM, bar, CALM), buy(), FREE)) == expected


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 101, 79, 82), (End.TARGET, 80, 2, 2.0)),
        ((100, 111, 99, 105), (End.STOP, 110, 2, -1.0)),
        ((100, 115, 75, 100), (End.STOP, 110, 2, -1.0)),  # both inside: the stop first
        ((112, 115, 75, 100), (End.STOP, 112, 1, -1.2)),  # opens above the stop
        ((77, 115, 70, 90), (End.TARGET, 77, 1, 2.3)),  # opens below the target
    ],
)
def test_a_sell_is_a_buy_upside_down(bar: Price, expected: tuple[End, float, int, float]) -> None:
    assert first_result(play(panel(SPOKE, CALM, bar, CALM), sell(), FREE)) == expected


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 101, 60, 99), (End.STOP, 90)),  # a stop that only the doubted low reaches is hit
        ((60, 101, 60, 99), (End.STOP, 60)),
        ((60, 62, 58, 60), (End.STOP, 60)),
        ((100, 150, 99, 101), (End.OPEN, None)),  # a target that only the doubted high reaches is not
        ((150, 150, 99, 101), (End.OPEN, None)),
        ((100, 150, 99, 150), (End.OPEN, None)),
        ((100, 150, 60, 101), (End.STOP, 90)),
    ],
)
def test_of_a_bar_in_doubt_the_worse_reading_counts(bar: Price, expected: tuple[End, float | None]) -> None:
    trades = play(in_doubt(panel(SPOKE, CALM, bar, CALM), 2), buy(), FREE)
    end, price = expected
    assert (End(trades.end[0]), None if np.isnan(trades.exit[0]) else trades.exit[0]) == (end, price)


def test_of_a_bar_in_doubt_the_worse_reading_counts_for_a_sell_too() -> None:
    assert play(in_doubt(panel(SPOKE, CALM, (100, 101, 60, 99), CALM), 2), sell(), FREE).end[0] == End.OPEN
    assert play(in_doubt(panel(SPOKE, CALM, (100, 150, 99, 99), CALM), 2), sell(), FREE).end[0] == End.STOP


def test_a_target_that_a_believed_price_of_a_bar_in_doubt_reaches_is_hit() -> None:
    bars = in_doubt(panel(SPOKE, (110, 115, 105, 114), (115, 121, 70, 119)), 2)
    far_stop = replace(buy(), stop=np.array([60.0]))
    assert End(play(bars, far_stop, FREE).end[0]) == End.TARGET


@pytest.mark.parametrize(("close", "price"), [(70.0, 70.0), (150.0, 100.0)])
def test_a_close_in_doubt_ends_a_trade_at_the_worse_reading(close: float, price: float) -> None:
    bar = (100, max(close, 101), 95, close) if close > 100 else (100, 101, close, close)
    wide = replace(buy(), stop=np.array([50.0]), target=np.array([400.0]))
    trades = play(in_doubt(panel(SPOKE, CALM, bar, CALM), 2), wide, Rules(longest=2, cost_bps=0))
    assert (End(trades.end[0]), trades.exit[0]) == (End.TIMEOUT, price)


def test_stop_and_target_count_from_the_entry_bar_on() -> None:
    assert first_result(play(panel(SPOKE, (100, 121, 99, 110)), buy(), FREE)) == (End.TARGET, 120, 1, 2.0)
    assert first_result(play(panel(SPOKE, (100, 121, 89, 110)), buy(), FREE)) == (End.STOP, 90, 1, -1.0)


def test_what_the_bar_of_the_idea_did_does_not_count() -> None:
    assert first_result(play(panel((100, 130, 80, 100), (100, 121, 99, 110)), buy(), FREE))[0] == End.TARGET


def test_r_is_measured_in_the_risk_really_taken_beside_the_planned_one() -> None:
    later = play(panel(SPOKE, (104, 105, 89, 95)), buy(), FREE)  # filled at 104, planned at 100, stop at 90
    assert (later.r[0], later.planned_r[0]) == (pytest.approx(-1), pytest.approx(-1.4))
    better = play(panel(SPOKE, (95, 121, 94, 120)), buy(), FREE)  # 25 made, 5 risked, 10 planned
    assert (better.r[0], better.planned_r[0]) == (pytest.approx(5), pytest.approx(2.5))
    gone = play(panel(SPOKE, (104, 105, 80, 85), (84, 85, 83, 84)), buy(), FREE)
    assert (gone.exit[0], gone.r[0]) == (90, pytest.approx(-1))


def test_an_entry_beyond_its_stop_has_no_r() -> None:
    void = play(panel(SPOKE, (89, 95, 88, 94)), buy(), FREE)
    assert void.end[0] == End.VOID
    assert np.isnan([void.r[0], void.planned_r[0]]).all()


def test_costs_are_paid_on_both_fills() -> None:
    trades = play(panel(SPOKE, (100, 121, 99, 110)), buy(), Rules(longest=40, cost_bps=2))
    assert trades.r[0] == pytest.approx((20 - 0.0002 * 100 - 0.0002 * 120) / 10)


def test_costs_of_ten_thousand_basis_points_are_all_that_was_paid_and_received() -> None:
    trades = play(panel(SPOKE, (100, 121, 99, 110)), buy(), Rules(longest=40, cost_bps=10_000))
    assert trades.r[0] == pytest.approx((20 - 100 - 120) / 10)


@pytest.mark.parametrize("opening", [90.0, 85.0, 120.0, 130.0])
def test_an_idea_whose_next_bar_opens_at_or_beyond_a_level_is_void(opening: float) -> None:
    bar = (opening, max(opening, 100), min(opening, 100), 100)
    trades = play(panel(SPOKE, bar, CALM), buy(), FREE)
    assert trades.end[0] == End.VOID
    assert np.isnan([trades.entry[0], trades.exit[0], trades.r[0]]).all()
    assert trades.held[0] == 0


def test_an_idea_without_a_next_bar_is_missed() -> None:
    assert play(panel(CALM, SPOKE), buy(row=1), FREE).end[0] == End.MISSED


def test_an_idea_is_missed_when_it_has_expired_before_the_next_bar_opens() -> None:
    bars = panel(SPOKE, (100, 121, 99, 110))
    until = [
        play(bars, buy(), FREE, expires=np.array([FIRST + HOUR * hours])).end[0] for hours in (12, 24, 36)
    ]
    assert until == [End.MISSED, End.MISSED, End.TARGET]
    assert play(bars, buy(), FREE, expires=np.array(["NaT"], dtype="datetime64[us]")).end[0] == End.TARGET


def test_a_trade_whose_end_is_not_there_yet_is_open() -> None:
    trades = play(panel(SPOKE, CALM, CALM), buy(), FREE)
    assert trades.end[0] == End.OPEN
    assert (trades.entry[0], trades.held[0], trades.exited[0]) == (100, 2, 2)
    assert np.isnan(trades.r[0])


def test_a_trade_ends_at_the_close_of_its_longest_holding() -> None:
    bars = panel(SPOKE, CALM, (100, 105, 95, 103), (100, 121, 99, 110))
    assert first_result(play(bars, buy(), Rules(longest=2, cost_bps=0))) == (End.TIMEOUT, 103, 2, 0.3)


def test_an_idea_may_have_a_longest_holding_of_its_own() -> None:
    bars = panel(SPOKE, CALM, (100, 105, 95, 103), CALM)
    trades = play(bars, joined_ideas(buy(), buy()), FREE, longest=np.array([2, 40]))
    assert trades.end.tolist() == [End.TIMEOUT, End.OPEN]


def test_the_stop_of_the_last_bar_comes_before_its_close() -> None:
    bars = panel(SPOKE, CALM, (100, 105, 89, 103))
    assert first_result(play(bars, buy(), Rules(longest=2, cost_bps=0)))[0] == End.STOP


def test_an_opposite_event_ends_a_trade_at_the_open_of_the_bar_after_it() -> None:
    bars = panel(SPOKE, CALM, CALM, (104, 125, 85, 100), CALM)
    events = joined_ideas(buy(), sell(row=2))
    assert first_result(play(bars, events, FREE, events)) == (End.OPPOSITE, 104, 2, 0.4)


def test_an_opposite_event_counts_though_it_is_not_played_itself() -> None:
    bars = panel(SPOKE, CALM, (104, 125, 85, 100), CALM)
    assert first_result(play(bars, buy(), FREE, opposing=sell(row=1)))[0] == End.OPPOSITE


def test_an_event_of_the_same_side_ends_nothing() -> None:
    bars = panel(SPOKE, CALM, CALM, (100, 121, 99, 110))
    assert play(bars, joined_ideas(buy(), buy(row=1)), FREE, buy(row=1)).end.tolist() == [
        End.TARGET,
        End.TARGET,
    ]


def test_an_opposite_event_of_the_idea_s_own_bar_ends_nothing() -> None:
    assert play(panel(SPOKE, CALM, CALM), buy(), FREE, sell(row=0)).end[0] == End.OPEN


def test_a_level_that_trades_on_the_bar_of_the_opposite_event_comes_first() -> None:
    bars = panel(SPOKE, CALM, (100, 101, 89, 100), CALM)
    assert first_result(play(bars, buy(), FREE, sell(row=2))) == (End.STOP, 90, 2, -1.0)


def test_an_open_beyond_a_level_counts_as_that_level_when_an_opposite_event_ends_it_too() -> None:
    bars = panel(SPOKE, CALM, (88, 89, 85, 87))
    assert first_result(play(bars, buy(), FREE, sell(row=1))) == (End.STOP, 88, 1, -1.2)


def test_the_longest_holding_comes_before_an_opposite_event_of_its_last_bar() -> None:
    bars = panel(SPOKE, CALM, CALM, (104, 125, 85, 100))
    assert first_result(play(bars, buy(), Rules(longest=2, cost_bps=0), sell(row=2)))[0] == End.TIMEOUT


def test_a_trade_is_open_when_the_bar_after_the_opposite_event_is_not_there_yet() -> None:
    assert play(panel(SPOKE, CALM, CALM), buy(), FREE, sell(row=2)).end[0] == End.OPEN


FLAT = Rules(longest=40, flat_at_close=True, cost_bps=0)


def test_a_trade_ends_with_the_last_bar_of_its_session() -> None:
    bars = in_sessions(panel(SPOKE, CALM, (100, 105, 95, 103), (100, 121, 99, 110)), 3, 1)
    assert first_result(play(bars, buy(), FLAT)) == (End.SESSION_CLOSE, 103, 2, 0.3)


def test_the_session_is_that_of_the_entry_not_of_the_idea() -> None:
    bars = in_sessions(panel(SPOKE, CALM, (100, 105, 95, 103), (100, 121, 99, 110)), 1, 2, 1)
    assert first_result(play(bars, buy(), FLAT)) == (End.SESSION_CLOSE, 103, 2, 0.3)


def test_a_session_that_may_not_be_over_leaves_the_trade_open() -> None:
    assert play(in_sessions(panel(SPOKE, CALM, CALM), 3), buy(), FLAT).end[0] == End.OPEN


def test_the_session_of_another_symbol_does_not_end_ours() -> None:
    first = in_sessions(panel(SPOKE, CALM, CALM), 3)
    other = in_sessions(panel(CALM, CALM, symbol="MSFT"), 1, 1)
    assert play(beside(first, other), buy(), FLAT).end[0] == End.OPEN


def test_a_session_of_the_second_symbol_ends_its_trades() -> None:
    second = in_sessions(panel(SPOKE, CALM, (100, 105, 95, 103), CALM), 3, 1)
    bars = beside(in_sessions(panel(CALM, CALM, symbol="MSFT"), 2), second)
    assert first_result(play(bars, shifted(buy(), 2), FLAT)) == (End.SESSION_CLOSE, 103, 2, 0.3)


def test_a_longest_holding_that_ends_with_the_session_counts_as_that() -> None:
    bars = in_sessions(panel(SPOKE, CALM, CALM, CALM), 3, 1)
    assert play(bars, buy(), Rules(longest=2, flat_at_close=True)).end[0] == End.TIMEOUT


def test_nothing_is_carried_across_runs() -> None:
    bars = broken(panel(SPOKE, CALM, (14, 15, 13, 14), (14, 15, 13, 14)), 2)
    events = joined_ideas(buy(), buy(row=1), sell(row=2, entry=14, stop=15.5, target=12))
    assert play(bars, events, FREE, events).end.tolist() == [End.OPEN, End.MISSED, End.OPEN]


def test_every_idea_is_a_trade_of_its_own() -> None:
    bars = panel(SPOKE, (100, 105, 95, 100), (100, 121, 99, 110))
    trades = play(bars, joined_ideas(buy(), buy(row=1)), FREE)
    assert trades.r.tolist() == [2.0, 2.0]
    assert trades.entered.tolist() == [1, 2]


def test_outcomes_are_small_whole_numbers_as_documented() -> None:
    trades = play(panel(SPOKE, CALM), buy(), FREE)
    assert (trades.end.dtype.name, trades.held.dtype.name) == ("int8", "int32")


def test_no_idea_no_trade() -> None:
    assert len(play(panel(SPOKE, CALM), ideas([], [], []), FREE)) == 0
    assert len(play(panel(), ideas([], [], []), FREE)) == 0


def test_a_level_on_another_share_basis_is_reached_in_spite_of_rounding() -> None:
    stop = round(25.785714285714285, 10)  # 180.50 before a 7:1 split; the stored low has more digits
    bars = panel((27, 27, 27, 27), (27, 28, 25.785714285714285, 27))
    assert play(bars, buy(entry=27, stop=stop, target=30), FREE).end[0] == End.STOP


steps = st.lists(
    st.tuples(st.floats(-0.05, 0.05), st.floats(0, 0.03), st.floats(0, 0.03)), min_size=2, max_size=40
)


def walk(moves: list[tuple[float, float, float]], *, gaps: bool = False) -> Panel:
    """Bars that open where the one before closed, or (with gaps) beside it."""
    close, rows = 100.0, []
    for move, up, down in moves:
        opening = close * (1 + move / 3) if gaps else close
        close = close * (1 + move)
        rows.append((opening, max(opening, close) * (1 + up), min(opening, close) * (1 - down), close))
    return panel(*rows)


def everywhere(bars: Bars) -> Ideas:
    """An idea on each bar, sides in turn, 4 % to the stop and 6 % to the target."""
    rows = np.arange(len(bars))
    sides = np.where(rows % 3 == 0, -1, 1)
    levels = np.stack([bars.close, bars.close * (1 - 0.04 * sides), bars.close * (1 + 0.06 * sides)], axis=1)
    return ideas(rows.tolist(), sides.tolist(), [(a, b, c) for a, b, c in levels.tolist()])


def played(bars: Panel, rules: Rules) -> Trades:
    """All of these, each ending those of the other side."""
    events = everywhere(bars.bars)
    return play(bars, events, rules, events)


@pytest.mark.parametrize("halted", [(88, 88, 88, 88), (123, 123, 123, 123), (100, 125, 85, 100)])
def test_a_bar_without_volume_hits_no_level(halted: Price) -> None:
    bars = untraded(panel(SPOKE, CALM, halted, (100, 121, 99, 118)), 2)
    assert first_result(play(bars, buy(), FREE)) == (End.TARGET, 120, 3, 2.0)


def test_an_idea_is_entered_in_the_first_bar_in_which_anything_trades() -> None:
    bars = untraded(panel(SPOKE, (88, 88, 88, 88), (102, 105, 101, 104), (102, 121, 101, 120)), 1)
    trades = play(bars, buy(), FREE)
    assert (trades.entered[0], trades.entry[0]) == (2, 102)
    assert first_result(trades) == (End.TARGET, 120, 2, 1.5)


def test_an_idea_after_which_nothing_trades_is_missed_and_waits() -> None:
    trades = play(untraded(panel(SPOKE, CALM, CALM), 1, 2), buy(), FREE)
    assert (trades.end[0], trades.entered[0]) == (End.MISSED, 3)


def test_what_ends_while_nothing_trades_ends_at_the_next_open_that_trades() -> None:
    bars = untraded(panel(SPOKE, CALM, CALM, (103, 104, 102, 103), CALM), 2)
    assert first_result(play(bars, buy(), replace(FREE, longest=2))) == (End.TIMEOUT, 103, 2, 0.3)
    opposing = joined_ideas(buy(), sell(row=1))
    assert first_result(play(bars, buy(), FREE, opposing)) == (End.OPPOSITE, 103, 2, 0.3)


def test_a_bar_whose_volume_is_not_known_counts() -> None:
    bars = panel(SPOKE, (100, 121, 99, 118))
    bars.bars.volume[:] = np.nan
    assert first_result(play(bars, buy(), FREE))[0] == End.TARGET


@given(steps)
def test_without_gaps_and_costs_a_stop_costs_one_r_and_a_target_brings_what_was_planned(
    moves: list[tuple[float, float, float]],
) -> None:
    bars = walk(moves)
    trades = played(bars, FREE)
    assert np.allclose(trades.r[trades.end == End.STOP], -1)
    assert np.allclose(trades.r[trades.end == End.TARGET], 1.5)


@given(steps, st.floats(0.1, 50))
def test_costs_change_no_end_and_lower_every_r(
    moves: list[tuple[float, float, float]], cost_bps: float
) -> None:
    bars = walk(moves, gaps=True)
    free = played(bars, Rules(longest=5, cost_bps=0))
    dear = played(bars, Rules(longest=5, cost_bps=cost_bps))
    assert free.end.tolist() == dear.end.tolist()
    assert (dear.r[dear.is_result] < free.r[free.is_result]).all()


@given(steps, steps)
def test_the_order_of_the_symbols_changes_nothing(
    moves: list[tuple[float, float, float]], others: list[tuple[float, float, float]]
) -> None:
    first, second = walk(moves, gaps=True), walk(others, gaps=True)
    alone = [played(bars, FREE).r for bars in (first, second)]
    forth = joined_ideas(everywhere(first.bars), shifted(everywhere(second.bars), len(first)))
    back = joined_ideas(everywhere(second.bars), shifted(everywhere(first.bars), len(second)))
    one_way = play(beside(first, second), forth, FREE, forth).r
    the_other = play(beside(second, first), back, FREE, back).r
    assert np.array_equal(one_way, np.concatenate(alone), equal_nan=True)
    assert np.array_equal(the_other, np.concatenate(alone[::-1]), equal_nan=True)


@given(steps, st.integers(1, 40))
def test_what_has_ended_stays_so_when_more_bars_come(
    moves: list[tuple[float, float, float]], cut: int
) -> None:
    longer, shorter = walk(moves, gaps=True), walk(moves[:cut], gaps=True)
    now, later = played(shorter, Rules(longest=5)), played(longer, Rules(longest=5))
    ended = now.is_result
    assert now.end[ended].tolist() == later.end[: len(shorter)][ended].tolist()
    assert now.r[ended].tolist() == later.r[: len(shorter)][ended].tolist()


@given(steps, st.integers(1, 8))
def test_no_trade_is_held_longer_than_allowed(moves: list[tuple[float, float, float]], longest: int) -> None:
    bars = walk(moves, gaps=True)
    trades = played(bars, Rules(longest=longest))
    assert (trades.held <= longest).all()
    assert (trades.held[trades.end < End.OPEN] == 0).all()
