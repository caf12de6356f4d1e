"""Refused rows as they came: one row for equal ones, and never very many."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from market import store
from market.models import RefusedRow
from market.prices import IN_WRONG_UNIT, Timeframe, to_instant
from market.quality import KEPT_ROWS, Rejections, fit_bars
from market.quality.quotes import fit_quotes
from tests import make

pytestmark = pytest.mark.django_db

UNTIL = to_instant(make.T0 + timedelta(days=1))


def refused(low: float = -1.0, size: int = 3) -> Rejections:
    rejections = Rejections("alpaca", "live", Timeframe.M15)
    bars = make.bars([100.0] * size, make.T0)
    bars.low[1:] = low
    fit_bars(bars, "AAPL", UNTIL, rejections)
    return rejections


def keep(rejections: Rejections, run: int = 1, most: int = 100) -> None:
    store.keep_refused(rejections.rows, run, make.T0 + timedelta(minutes=run), most)


def test_a_row_is_kept_with_all_that_is_known_of_it() -> None:
    keep(refused(size=2))
    row = RefusedRow.objects.get()
    assert (row.symbol, row.timeframe, row.source, row.feed) == ("AAPL", "15m", "alpaca", "live")
    assert (row.reason, row.stamp) == ("price_not_positive", "2024-07-03T14:15:00+00:00")
    assert row.given == {"open": 100.0, "high": 100.0, "low": -1.0, "close": 100.0, "volume": 1000}


def test_equal_rows_of_each_cycle_are_counted_on_one() -> None:
    for run in range(1, 4):
        keep(refused(), run)
    rows = RefusedRow.objects.order_by("stamp")
    assert [(row.times, row.run_id) for row in rows] == [(3, 3), (3, 3)]
    assert rows[0].first_at < rows[0].last_at


def test_a_broken_provider_does_not_fill_the_table() -> None:
    keep(refused(size=KEPT_ROWS + 500), 1, most=200)
    assert RefusedRow.objects.count() == 200
    assert refused(size=KEPT_ROWS + 500).total == KEPT_ROWS + 499


def test_what_was_seen_waits_again_only_with_other_values() -> None:
    keep(refused(size=2))
    RefusedRow.objects.update(
        reviewed_at=make.T0, reviewed_by=User.objects.create_user("olga"), why="a known hole"
    )
    keep(refused(size=2), 2)
    assert RefusedRow.objects.get().why == "a known hole"
    keep(refused(low=-2.0, size=2), 3)
    assert RefusedRow.objects.get().reviewed_at is None


def test_a_quote_is_one_row_however_often_it_comes() -> None:
    for minute in range(3):
        rejections = Rejections("bridge", "live")
        tick = make.tick(price=float("nan"), as_of=make.T0 + timedelta(minutes=minute))
        fit_quotes([tick], ["AAPL"], make.T0 + timedelta(hours=1), rejections)
        keep(rejections, minute)
    row = RefusedRow.objects.get()
    assert (row.times, row.timeframe, row.stamp) == (3, "", "")
    assert (row.given["price"], row.given["as_of"]) == ("nan", "2024-07-03T14:02:00+00:00")


def test_bars_without_a_usable_time_are_kept_without_one() -> None:
    rejections, bars = Rejections("x", "live", "1d"), make.bars([100.0, 100.0], make.T0)
    bars.opened_at[0] = IN_WRONG_UNIT
    fit_bars(bars, "AAPL", UNTIL, rejections)
    keep(rejections)
    assert RefusedRow.objects.get().stamp == ""


def test_long_and_hostile_texts_are_cut() -> None:
    rejections = Rejections("x", "live", "1d")
    rejections.keep("no\x00thing" * 20, "A\n" * 100, "", {"bars": 1})
    rejections.keep("no\x00thing" * 20, "A\n" * 120, "", {"bars": 2})
    keep(rejections)
    row = RefusedRow.objects.get()
    assert (len(row.symbol), len(row.reason), row.times) == (32, 40, 2)
