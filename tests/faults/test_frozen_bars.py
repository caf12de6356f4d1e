"""A vendor that answers with 200 and nothing new, in an open session: it is noticed."""

import json
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from jaxsite.monitoring import health
from market import doctor
from market.ingestion.lateness import late_bars
from market.models import IngestionRun
from market.prices import Timeframe
from tests.loopback import AT, candles, watch
from tests.vendors import IBBridge

pytestmark = pytest.mark.django_db

SYMBOLS = ["AAPL", "AMD", "MSFT", "NVDA"]
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, *SYMBOLS)


def an_hour(bridge: IBBridge, *, moves: bool) -> datetime:
    """Run a cycle each quarter of an hour and return when the last one ended."""
    candles(AT)
    at = AT
    for _ in range(4):
        at += QUARTER
        bridge.now = at if moves else AT
        candles(at)
    return at + timedelta(seconds=30)


def bars_check(at: datetime) -> health.Check:
    return next(check for check in health.run_checks(at) if check.name == "bars")


def cycles(at: datetime) -> doctor.Finding:
    return next(finding for finding in doctor.examine(at) if finding.about == "candle cycles")


def test_old_bars_again_and_again_are_late(bridge: IBBridge) -> None:
    at = an_hour(bridge, moves=False)
    assert late_bars(at)[Timeframe.M15] == SYMBOLS
    assert bars_check(at).status == health.Status.DEGRADED
    assert IngestionRun.objects.latest().stored == 4  # of the run alone, all looks well


def test_doctor_says_that_nothing_new_is_stored(bridge: IBBridge) -> None:
    at = an_hour(bridge, moves=False)
    assert cycles(at).advice == doctor.prices.NOTHING_NEW_ADVICE


def test_no_bars_at_all_are_late(bridge: IBBridge) -> None:
    for symbol in SYMBOLS:
        bridge.answers[f"/candles/{symbol}"] = {"symbol": symbol, "candles": [], "count": 0}
    assert late_bars(an_hour(bridge, moves=True))[Timeframe.M15] == SYMBOLS


def test_new_bars_are_not(bridge: IBBridge) -> None:
    at = an_hour(bridge, moves=True)
    assert late_bars(at)[Timeframe.M15] == []
    assert bars_check(at).status == health.Status.HEALTHY
    assert cycles(at).advice == ""


def test_one_symbol_that_stands_still_is_no_alarm_within_its_session(bridge: IBBridge) -> None:
    candles(AT)
    (asked,) = bridge.visits_to("/candles/AMD")
    bridge.answers["/candles/AMD"] = json.loads(bridge.answer(asked).body)
    assert late_bars(an_hour(bridge, moves=True))[Timeframe.M15] == []
