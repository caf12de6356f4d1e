from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from market import store, tasks
from market.ingestion import pipeline
from market.models import Candle
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from market.store import Written
from tests import make

pytestmark = pytest.mark.django_db

MORNING = datetime(2024, 7, 2, 13, 30, tzinfo=UTC)
EVENING = datetime(2024, 7, 2, 21, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def calendar() -> None:
    make.july_2024()
    make.instrument("AAPL", "XNYS")


def record(
    bars: Bars,
    timeframe: Timeframe = Timeframe.M15,
    at: datetime = EVENING,
    *,
    provider: str = "alpaca",
    rejections: Rejections | None = None,
) -> Written:
    return pipeline.record(
        {"AAPL": bars},
        timeframe,
        provider=provider,
        feed=Feed.LIVE,
        at=at,
        rejections=rejections or Rejections(),
    )


def stored(timeframe: Timeframe = Timeframe.M15) -> Bars:
    return store.read_bars(["AAPL"], timeframe)["AAPL"]


def test_twice_is_the_same_as_once() -> None:
    bars = make.bars([100.0, 101.0, 102.0], MORNING)
    assert record(bars) == Written(new=3, changed=0, kept=0)
    assert record(bars) == Written(new=0, changed=0, kept=3)


def test_unfit_rows_are_left_out_and_counted_and_the_others_stored() -> None:
    bars, rejections = make.bars([100.0, 101.0, 102.0], MORNING), Rejections()
    bars.low[1] = -1.0
    record(bars, rejections=rejections)
    assert rejections.total == 1
    assert len(stored()) == 2


def test_a_bar_is_final_only_when_it_is_closed_and_settled() -> None:
    record(make.bars([100.0, 101.0, 102.0], MORNING), at=MORNING + timedelta(minutes=40))
    assert stored().final.tolist() == [True, True, False]


def test_bars_outside_the_session_are_extended() -> None:
    record(make.bars([100.0] * 4, MORNING - timedelta(minutes=30)))
    sessions = Candle.objects.filter(timeframe="15m").order_by("opened_at").values_list("session", flat=True)
    assert list(sessions) == ["extended", "extended", "regular", "regular"]


def test_hours_are_built_on_the_sessions_grid_and_grow_with_their_quarters() -> None:
    bars = make.bars([100.0, 103.0, 99.0, 101.0, 105.0], MORNING)
    record(bars[:2], at=MORNING + timedelta(minutes=31))
    assert stored(Timeframe.H1).final.tolist() == [False]
    record(bars)
    hours = stored(Timeframe.H1)
    assert list(hours.rows()) == [
        (MORNING, 100.0, 103.0, 99.0, 101.0, 4_000),
        (MORNING + timedelta(hours=1), 101.0, 105.0, 101.0, 105.0, 1_000),
    ]
    assert hours.final.all()


def test_extended_hours_are_no_part_of_an_hour() -> None:
    record(make.bars([500.0, 500.0, 100.0, 100.0], MORNING - timedelta(minutes=30)))
    assert stored(Timeframe.H1).volume.tolist() == [2_000]


def test_an_hour_may_be_built_from_quarters_of_two_providers() -> None:
    bars = make.bars([100.0, 101.0, 102.0, 103.0], MORNING)
    record(bars[:3], provider="ib_bridge")
    record(bars[3:], provider="polygon")
    assert stored(Timeframe.H1).close.tolist() == [103.0]


def test_weeks_are_built_from_days_and_stamped_monday() -> None:
    monday = datetime(2024, 7, 1, tzinfo=UTC)
    record(make.bars([10.0], monday - timedelta(days=3), Timeframe.D1), Timeframe.D1)
    record(make.bars([11.0, 12.0], monday, Timeframe.D1), Timeframe.D1)
    weeks = list(stored(Timeframe.W1).rows())
    assert [(opened, close) for opened, _, _, _, close, _ in weeks] == [
        (datetime(2024, 6, 24, tzinfo=UTC), 10.0),
        (monday, 12.0),
    ]


def test_a_jump_is_suspect_until_the_next_bar_confirms_it_even_in_a_later_batch() -> None:
    calm = [100.0, 100.5, 100.2, 100.7, 100.4, 100.9, 100.6, 101.0]
    bars = make.bars([*calm, 50.0, 50.2], MORNING)
    bars.open[8] = bars.high[8] = 50.0
    record(bars[:9])
    assert stored().suspect.tolist() == [False] * 8 + [True]
    record(bars[9:])
    assert not stored().suspect.any()


def test_the_bar_after_a_refilled_one_is_judged_again() -> None:
    """Alone it was a jump that nothing confirmed; now the jump is in the refilled bar, and it confirms it."""
    bars = make.bars([100.0, 100.5, 100.2, 100.7, 100.4, 100.9, 100.6, 50.0, 50.2], MORNING)
    bars.open[7] = bars.high[7] = 50.0
    record(bars[:7])
    record(bars[8:])
    assert stored().suspect.tolist() == [False] * 7 + [True]
    record(bars[7:8])
    assert stored().suspect.tolist() == [False] * 9


def test_a_jump_that_goes_back_stays_suspect() -> None:
    bars = make.bars([100.0, 100.5, 100.2, 100.7, 100.4, 100.9, 100.6, 50.0, 100.5, 100.4], MORNING)
    bars.open[7] = bars.high[7] = 50.0
    bars.open[8] = bars.low[8] = 100.5
    record(bars)
    assert stored().suspect.tolist() == [False] * 7 + [True] + [False] * 2


def test_an_unknown_symbol_is_refused_before_anything_is_written() -> None:
    with pytest.raises(store.UnknownSymbols, match="NOPE"):
        pipeline.record(
            {"AAPL": make.bars([1.0], MORNING), "NOPE": make.bars([1.0], MORNING)},
            Timeframe.M15,
            provider="x",
            feed=Feed.LIVE,
            at=EVENING,
            rejections=Rejections(),
        )
    assert not Candle.objects.exists()


def test_a_rejection_names_its_symbol() -> None:
    bars, rejections = make.bars([100.0], MORNING), Rejections()
    bars.low[0] = -1.0
    record(bars, rejections=rejections)
    (example,) = rejections.examples.values()
    assert example.startswith("AAPL ")


@pytest.fixture
def coin() -> None:
    make.instrument("COIN", "24/7")
    make.round_the_clock(EVENING)


def record_both(bars: Bars, at: datetime = EVENING, delay: timedelta = timedelta(0)) -> None:
    both = {"AAPL": bars, "COIN": bars}
    pipeline.record(
        both, Timeframe.M15, provider="x", feed=Feed.DELAYED, at=at, rejections=Rejections(), delay=delay
    )


@pytest.mark.usefixtures("coin")
def test_each_exchange_has_its_own_sessions() -> None:
    record_both(make.bars([100.0, 101.0], MORNING - timedelta(minutes=15)))
    candles = store.read_bars(["AAPL", "COIN"], Timeframe.M15)
    assert {symbol: bars.regular.tolist() for symbol, bars in candles.items()} == {
        "AAPL": [False, True],
        "COIN": [True, True],
    }


def test_what_an_exchange_without_regular_bars_gives_keeps_no_other_from_being_built() -> None:
    make.instrument("COIN", "XETR")  # no session of it is known, and it comes before XNYS
    record_both(make.bars([100.0, 101.0], MORNING))
    hours = store.read_bars(["AAPL", "COIN"], Timeframe.H1)
    assert {symbol: len(bars) for symbol, bars in hours.items()} == {"AAPL": 1, "COIN": 0}


@pytest.mark.parametrize(("minutes", "is_final"), [(74, False), (80, True)])
def test_a_delayed_bar_is_final_later_by_the_delay(minutes: int, *, is_final: bool) -> None:
    at, delay = MORNING + timedelta(minutes=minutes), timedelta(minutes=15)
    pipeline.record(
        {"AAPL": make.bars([100.0] * 4, MORNING)},
        Timeframe.M15,
        provider="x",
        feed=Feed.DELAYED,
        at=at,
        rejections=Rejections(),
        delay=delay,
    )
    assert stored().final[-1] == is_final
    assert stored(Timeframe.H1).final.tolist() == [is_final]


def test_a_stored_bar_becomes_suspect_by_what_is_filled_in_before_it() -> None:
    """Alone it could not be judged. The one after it stays as it is."""
    calm = [100.0, 100.5, 100.2, 100.7, 100.4, 100.9, 100.6]
    bars = make.bars([*calm, 50.0, 100.5], MORNING)
    bars.open[7] = bars.high[7] = 50.0
    bars.open[8] = bars.low[8] = 100.5
    record(bars[7:])
    assert not stored().suspect.any()
    record(bars[:7])
    assert stored().suspect.tolist() == [False] * 7 + [True, False]


@pytest.mark.usefixtures("coin")
def test_between_two_sessions_a_price_is_as_old_as_the_close_at_least() -> None:
    ticks = [make.tick(symbol, as_of=EVENING) for symbol in ("AAPL", "COIN")]
    capped = {tick.symbol: tick.as_of for tick in pipeline.cap_to_sessions(ticks)}
    assert capped == {"AAPL": datetime(2024, 7, 2, 20, 0, tzinfo=UTC), "COIN": EVENING}


DAYS = [*range(24, 29), *range(31, 34)]  # of June 2024: the trading days to 3 July


def days(*lows: float) -> Bars:
    """Daily bars at 100 from 24 June 2024 on, with these lows."""
    bars = make.bars([100.0] * len(lows), datetime(2024, 6, 24, tzinfo=UTC), Timeframe.D1)
    bars.opened_at[:] += np.array([day - 24 for day in DAYS[: len(lows)]]) * np.timedelta64(1, "D")
    bars.opened_at[:] -= np.arange(len(lows)) * np.timedelta64(1, "D")
    bars.low[:] = lows
    return bars


CALM = (99.5,) * 6
FALLEN = [100.0, 95.0, 78.0, 70.0, 74.0, 88.0, 100.0]
AFTER = datetime(2024, 7, 3, tzinfo=UTC)


def test_a_wide_day_is_believed_when_the_bars_inside_it_add_up() -> None:
    record(make.bars(FALLEN, MORNING))
    record(days(*CALM, 70.0), Timeframe.D1)
    assert not stored(Timeframe.D1).suspect.any()


def test_a_wide_day_is_not_believed_when_the_bars_inside_it_never_went_there() -> None:
    record(make.bars([100.0, 99.0, 100.0], MORNING))
    record(days(*CALM, 70.0), Timeframe.D1)
    assert stored(Timeframe.D1).suspect.tolist() == [False] * 6 + [True]


def test_bars_inside_that_come_later_support_the_day_when_the_next_one_comes() -> None:
    record(days(*CALM, 70.0), Timeframe.D1)
    record(make.bars(FALLEN, MORNING))
    assert stored(Timeframe.D1).suspect.tolist() == [False] * 6 + [True]
    record(days(*CALM, 70.0, 99.5)[7:], Timeframe.D1, AFTER + timedelta(days=1))
    assert not stored(Timeframe.D1).suspect.any()


def test_reconsidering_believes_the_day_and_its_week() -> None:
    record(days(*CALM, 70.0), Timeframe.D1)
    record(make.bars(FALLEN, MORNING))
    assert stored(Timeframe.W1).suspect.tolist() == [False, True]
    pipeline.reconsider("AAPL", at=EVENING)
    assert not stored(Timeframe.D1).suspect.any()
    assert not stored(Timeframe.W1).suspect.any()


def test_a_history_fetched_again_by_the_queue_believes_what_finer_bars_support() -> None:
    record(days(*CALM, 70.0), Timeframe.D1)
    store.write_candles(
        {"AAPL": make.bars(FALLEN, MORNING)}, Timeframe.M15, provider="alpaca", feed=Feed.LIVE
    )
    assert stored(Timeframe.D1).suspect.any()
    tasks.backfill(["AAPL"])
    assert not stored(Timeframe.D1).suspect.any()


def test_a_wide_day_is_believed_when_another_source_agrees() -> None:
    record(days(*CALM, 70.0), Timeframe.D1, provider="polygon")
    assert stored(Timeframe.D1).suspect.tolist() == [False] * 6 + [True]
    other = days(*CALM, 70.1)
    record(other[6:], Timeframe.D1, provider="alpaca")
    assert not stored(Timeframe.D1).suspect.any()


def test_a_week_is_believed_when_the_next_one_confirms_its_last_day() -> None:
    before = days(*[99.5] * 5)
    before.opened_at[:] -= np.timedelta64(7, "D")
    record(before, Timeframe.D1)
    week = days(*[99.5] * 4, 70.0)
    for prices in (week.open, week.high, week.close):
        prices[4] = 70.0
    record(week, Timeframe.D1)
    assert stored(Timeframe.W1).suspect.tolist() == [True]
    record(make.bars([70.0], datetime(2024, 7, 1, tzinfo=UTC), Timeframe.D1), Timeframe.D1)
    assert stored(Timeframe.W1).suspect.tolist() == [False, False]
