"""Which symbols are connected but silent."""

import pytest

from market.ingestion.streaming.silence import Heard, is_all_silent, silent

OPENED = 0.0


def heard(*moments: float, since: float = 0.0) -> Heard:
    known = Heard(since)
    for moment in moments:
        known.note(moment)
    return known


def every(seconds: float, until: float, since: float = 0.0) -> Heard:
    count = int((until - since) / seconds)
    return heard(*[since + seconds * (n + 1) for n in range(count)], since=since)


def test_a_busy_symbol_is_silent_after_a_minute() -> None:
    busy = every(0.5, until=100.0)
    assert not busy.is_silent(OPENED, 159.0, None)
    assert busy.is_silent(OPENED, 161.0, None)


def test_a_thin_symbol_is_judged_by_its_own_spacing() -> None:
    thin = every(30.0, until=900.0)
    assert not thin.is_silent(OPENED, 900.0 + 590.0, None)
    assert thin.is_silent(OPENED, 900.0 + 610.0, None)


def test_a_symbol_that_never_came_is_silent_once_a_poll_saw_a_trade_of_it() -> None:
    never = heard(since=10.0)
    assert not never.is_silent(OPENED, 10_000.0, None)
    assert not never.is_silent(OPENED, 200.0, traded=5.0)
    assert not never.is_silent(OPENED, 60.0, traded=65.0)
    assert never.is_silent(OPENED, 200.0, traded=190.0)


def test_a_poll_a_moment_ahead_is_no_silence() -> None:
    assert not heard(100.0).is_silent(OPENED, 165.0, traded=159.0)


def test_the_night_is_no_silence_and_no_spacing() -> None:
    evening = every(1.0, until=1_000.0)
    morning = 60_000.0
    assert not evening.is_silent(morning, morning + 59, None)
    assert evening.is_silent(morning, morning + 61, None)
    for n in range(60):
        evening.note(morning + n)
    assert evening.spacing is not None
    assert evening.spacing < 2.0


def test_only_what_trades_now_is_judged() -> None:
    quiet = {"A": every(1.0, until=100.0), "B": every(1.0, until=100.0)}
    assert silent(quiet, {"A": OPENED}, {}, 400.0) == ["A"]
    assert silent(quiet, {}, {}, 400.0) == []


@pytest.mark.parametrize(
    ("symbols", "silent", "expected"),
    [("AB", "AB", True), ("AB", "A", False), ("", "", False), ("A", "AB", True)],
)
def test_the_connection_is_silent_when_all_that_trades_is(symbols: str, silent: str, expected: bool) -> None:
    assert is_all_silent(symbols, silent) is expected
