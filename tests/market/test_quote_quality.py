"""Which times of a quote are refused, each under its own reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from market.prices import Bars, QuoteTick, to_instant
from market.providers import polygon, wire
from market.providers.base import Unpaced
from market.quality import Rejections, fit_bars
from market.quality.quotes import fit_quotes
from tests import vendors

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
GOOD = QuoteTick("AAPL", 180.0, AT)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        (EPOCH, "time_before_2000"),
        (EPOCH + timedelta(days=20_000 // 2), "time_before_2000"),
        (datetime(1999, 12, 31, 23, 59, tzinfo=UTC), "time_before_2000"),
        (datetime(1, 1, 1, tzinfo=UTC), "time_before_2000"),
        (datetime(2000, 1, 1, tzinfo=UTC), "time_too_old"),
        (AT - timedelta(days=367), "time_too_old"),
        (EPOCH + timedelta(microseconds=AT.timestamp() // 1000), "time_in_wrong_unit"),  # seconds for ns
        (EPOCH + timedelta(seconds=AT.timestamp() / 1e6), "time_in_wrong_unit"),  # ms for ns
        (EPOCH + timedelta(seconds=AT.timestamp() / 1e3), "time_in_wrong_unit"),  # µs for ns, s for ms
        (datetime(2286, 11, 20, 17, 46, 39, tzinfo=UTC), "time_in_future"),
        (datetime.max.replace(tzinfo=UTC), "time_in_future"),
    ],
)
def test_an_absurd_time_is_refused_with_its_reason(as_of: datetime, reason: str) -> None:
    rejections = Rejections()
    assert fit_quotes([replace(GOOD, as_of=as_of)], ["AAPL"], AT, rejections) == []
    assert rejections.counts == {reason: 1}


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=4), timedelta(days=366)])
def test_an_old_price_of_a_share_that_seldom_trades_is_kept(age: timedelta) -> None:
    tick = replace(GOOD, as_of=AT - age)
    assert fit_quotes([tick], ["AAPL"], AT, Rejections()) == [tick]


@pytest.mark.parametrize(
    ("unit", "reason"),
    [(10**3, "time_in_wrong_unit"), (10**6, "time_in_wrong_unit"), (10**9, "time_in_wrong_unit")],
)
def test_polygons_trades_in_a_larger_unit_are_counted_so(unit: int, reason: str) -> None:
    with vendors.Polygon(now=AT) as vendor:
        vendor.unit = unit
        made = polygon.Polygon(vendor.url, key=vendor.key, per_minute=100, pace=Unpaced())
        ticks, rejections = made.quotes(["AAPL"], AT).ticks, Rejections()
    assert fit_quotes(ticks, ["AAPL"], AT, rejections) == []
    assert rejections.counts == {reason: 1}


@pytest.mark.parametrize("stamp", [0, 1, 10**19, 2**63, 10**30, 1.7e300])
def test_a_count_that_is_no_time_of_ours_is_refused_and_counted(stamp: float) -> None:
    with vendors.Polygon(now=AT) as vendor:
        trade = {"p": 5.0, "t": stamp}
        vendor.answers["/v2/snapshot/locale/us/markets/stocks/tickers"] = {
            "status": "OK",
            "tickers": [{"ticker": "AAPL", "lastTrade": trade}],
        }
        made = polygon.Polygon(vendor.url, key=vendor.key, per_minute=100, pace=Unpaced())
        ticks, rejections = made.quotes(["AAPL"], AT).ticks, Rejections()
    assert fit_quotes(ticks, ["AAPL"], AT, rejections) == []
    assert rejections.total == 1


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e6])
def test_bars_in_another_unit_of_time_are_counted_so_and_none_is_used(factor: float) -> None:
    right = AT.timestamp() * 1000
    stamps = wire.from_milliseconds(np.array([right - 60_000, right * factor, right]))
    five = np.full(3, 5.0)
    bars = Bars.of(stamps, five, five, five, five, np.full(3, 100))
    rejections = Rejections()
    fit = fit_bars(wire.opened_since(bars, AT - timedelta(days=1)), "AAPL", to_instant(AT), rejections)
    assert len(fit) == 2
    assert rejections.counts == {"time_in_wrong_unit": 1}


def test_milliseconds_of_our_time_are_moments_and_zero_is_1970() -> None:
    stamps = wire.from_milliseconds(np.array([0.0, 946_684_800_000.0, 1_720_018_740_000.0, np.nan]))
    assert [str(stamp)[:4] for stamp in stamps] == ["1970", "2000", "2024", "NaT"]
