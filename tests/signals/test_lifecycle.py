"""How pending signals end by themselves."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from market.ingestion import delistings
from market.models import Candle, Instrument, Split, TradingSession
from signals import lifecycle
from signals.models import Signal, StrategyConfig
from tests import make

pytestmark = pytest.mark.django_db

AT = make.T0  # 14:00 UTC on 3 July 2024; make.signal() expires at 17:00, the early close


@pytest.fixture(autouse=True)
def watchlist() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()


def ended(signal: Signal) -> tuple[str, str]:
    signal.refresh_from_db()
    return signal.status, signal.ended_reason


def annotated(signals: Iterable[Signal], name: str) -> list[object]:
    return [getattr(signal, name) for signal in signals]


def test_nothing_has_happened_and_nothing_ends() -> None:
    signal = make.signal()
    assert lifecycle.sweep(AT) == {}
    assert ended(signal) == ("pending", "")


def test_a_signal_expires_at_its_moment_and_not_before() -> None:
    signal = make.signal()
    lifecycle.sweep(signal.expires_at - timedelta(microseconds=1))
    assert ended(signal) == ("pending", "")
    lifecycle.sweep(signal.expires_at + timedelta(hours=5))
    assert ended(signal) == ("expired", "nobody decided in time")
    assert signal.ended_at == signal.expires_at


def test_an_overdue_signal_counts_as_expired_before_anything_has_said_so() -> None:
    signal = make.signal()
    later = signal.expires_at
    assert signal.status_at(later) == Signal.Status.EXPIRED
    assert not Signal.objects.pending(later).exists()
    assert annotated(Signal.objects.with_status(later), "status_now") == ["expired"]


def test_expiry_comes_before_every_other_end() -> None:
    signal = make.signal()
    Instrument.objects.update(watched=False)
    lifecycle.sweep(signal.expires_at)
    assert ended(signal)[0] == "expired"


def test_a_signal_ends_when_its_instrument_leaves_the_watchlist() -> None:
    signal, other = make.signal(), make.signal("MSFT")
    Instrument.objects.filter(symbol="AAPL").update(watched=False)
    assert lifecycle.sweep(AT) == {"its instrument left the watchlist": 1}
    assert ended(signal) == ("cancelled", "its instrument left the watchlist")
    assert ended(other)[0] == "pending"


def test_a_signal_ends_when_its_instrument_is_delisted() -> None:
    signal = make.signal()
    make.action("AAPL", ex_date="2024-07-03", kind="delisting")
    delistings.follow_due(AT)
    lifecycle.sweep(AT)
    assert ended(signal) == ("cancelled", "its instrument was delisted")


def test_a_signal_ends_when_its_configuration_is_switched_off() -> None:
    signal, other = make.signal(), make.signal(timeframe="15m")
    StrategyConfig.objects.filter(strategy_id=signal.strategy_id, timeframe="1d").update(enabled=False)
    lifecycle.sweep(AT)
    assert ended(signal) == ("cancelled", "its configuration was switched off")
    assert ended(other)[0] == "pending"


def test_a_signal_ends_when_a_split_is_seen() -> None:
    signal = make.signal()
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=AT)
    lifecycle.sweep(AT)
    assert ended(signal) == ("cancelled", "share split")


@pytest.mark.parametrize(
    ("day", "recorded", "status"),
    [
        (date(2024, 7, 3), AT, "cancelled"),
        (date(2020, 8, 31), AT, "pending"),  # history that was imported: today's prices stay
        (date(2024, 7, 3), AT - timedelta(days=2), "pending"),  # known when the signal was raised
    ],
    ids=["since", "long ago", "known before"],
)
def test_a_signal_ends_at_a_split_that_was_recorded_since(day: date, recorded: datetime, status: str) -> None:
    signal = make.signal()
    Split.objects.create(symbol="AAPL", date=day, ratio=4, source="alpaca", recorded_at=recorded)
    lifecycle.sweep(AT)
    assert ended(signal)[0] == status


def quarter(low: float, high: float, **values: object) -> None:
    """A 15-minute bar of this morning."""
    Candle.objects.create(
        **{"symbol": "AAPL", "timeframe": "15m", "opened_at": datetime(2024, 7, 3, 13, 30, tzinfo=UTC)}
        | {"open": low, "high": high, "low": low, "close": high, "volume": 1, "provider": "alpaca"}
        | {"feed": "live", "session": "regular", "is_final": False, "suspect": False}
        | values
    )


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (180.5, 186, "stop traded before a decision"),
        (181, 191.75, "target traded before a decision"),
        (180, 192, "stop traded before a decision"),
        (180.51, 191.74, ""),
    ],
)
def test_a_buy_ends_when_its_stop_or_target_has_traded_since(low: float, high: float, reason: str) -> None:
    signal = make.signal()
    quarter(low, high)
    lifecycle.sweep(AT)
    assert ended(signal)[1] == reason


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (180, 190.5, "stop traded before a decision"),
        (179.25, 186, "target traded before a decision"),
        (179.26, 190.49, ""),
    ],
)
def test_a_sell_ends_when_its_stop_or_target_has_traded_since(low: float, high: float, reason: str) -> None:
    signal = make.sell()
    quarter(low, high)
    lifecycle.sweep(AT)
    assert ended(signal)[1] == reason


@pytest.mark.parametrize(
    "values",
    [
        {"session": "extended"},
        {"opened_at": datetime(2024, 7, 2, 19, 45, tzinfo=UTC)},
        {"symbol": "MSFT"},
    ],
    ids=["extended hours", "before the signal", "another symbol"],
)
def test_what_does_not_count_as_traded(values: dict[str, object]) -> None:
    signal = make.signal()
    quarter(100, 300, **values)
    lifecycle.sweep(AT)
    assert ended(signal)[0] == "pending"


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (100, 186, "stop traded before a decision"),
        (185, 300, ""),
        (185, 192, "target traded before a decision"),  # within a tenth of the entry: not what is doubted
    ],
)
def test_of_a_bar_in_doubt_the_worse_reading_counts(low: float, high: float, reason: str) -> None:
    signal = make.signal()
    quarter(low, high, suspect=True)
    lifecycle.sweep(AT)
    assert ended(signal)[1] == reason


def test_of_a_bar_in_doubt_the_worse_reading_counts_for_a_sell_too() -> None:
    target_in_doubt, stop_in_doubt = make.sell(), make.sell("MSFT")
    quarter(100, 186, suspect=True)
    quarter(185, 300, suspect=True, symbol="MSFT")
    lifecycle.sweep(AT)
    assert ended(target_in_doubt)[0] == "pending"
    assert ended(stop_in_doubt)[1] == "stop traded before a decision"


def test_the_newest_quote_tells_of_a_traded_stop_too() -> None:
    signal = make.signal()
    make.quote("AAPL", 180.4, AT - timedelta(seconds=30))
    lifecycle.sweep(AT)
    assert ended(signal) == ("cancelled", "stop traded before a decision")


@pytest.mark.parametrize(
    "as_of",
    [datetime(2024, 7, 2, 20, 0, tzinfo=UTC), datetime(2024, 7, 3, 12, 0, tzinfo=UTC)],
    ids=["before the signal", "before the open"],
)
def test_a_quote_from_outside_the_session_or_before_the_signal_does_not_count(as_of: datetime) -> None:
    signal = make.signal()
    make.quote("AAPL", 180.4, as_of)
    lifecycle.sweep(AT)
    assert ended(signal)[0] == "pending"


@pytest.mark.parametrize("was_believed", [False, True])
def test_a_doubtful_price_alone_ends_no_signal(was_believed: bool) -> None:
    """The first price of an instrument, which none was believed before, and one beside a believed price."""
    signal, at = make.signal(), AT - timedelta(seconds=30)
    make.quote(
        "AAPL",
        185.6 if was_believed else 180.4,
        at - timedelta(minutes=1) if was_believed else at,
        doubt="far_from_last",
        doubtful_price=180.4,
        doubtful_as_of=at,
    )
    lifecycle.sweep(AT)
    assert ended(signal)[0] == "pending"


def test_a_quote_of_the_lunch_break_does_not_count() -> None:
    signal = make.signal()
    begins, ends = AT - timedelta(seconds=40), AT - timedelta(seconds=20)
    TradingSession.objects.filter(date=AT.date()).update(break_starts_at=begins, break_ends_at=ends)
    make.quote("AAPL", 180.4, AT - timedelta(seconds=30))
    lifecycle.sweep(AT)
    assert ended(signal)[0] == "pending"


def test_what_is_decided_is_left_alone() -> None:
    signal = make.signal(status="approved", ended_reason="by ada")
    Instrument.objects.update(watched=False)
    quarter(1, 300)
    assert lifecycle.sweep(signal.expires_at) == {}
    assert ended(signal) == ("approved", "by ada")


def test_a_person_cancels_a_pending_signal(admin_user: User) -> None:
    signal = make.signal()
    lifecycle.cancel(signal, by=admin_user, reason="earnings tonight", at=AT)
    assert ended(signal) == ("cancelled", "cancelled by admin: earnings tonight")


def test_a_signal_is_cancelled_once(admin_user: User) -> None:
    signal = make.signal()
    lifecycle.cancel(signal, by=admin_user, reason="", at=AT)
    with pytest.raises(
        lifecycle.NotPending, match=r"It is cancelled since 2024-07-03 14:00 UTC \(cancelled by"
    ):
        lifecycle.cancel(signal, by=admin_user, reason="", at=AT + timedelta(minutes=1))


def test_an_overdue_signal_cannot_be_cancelled(admin_user: User) -> None:
    signal = make.signal()
    with pytest.raises(lifecycle.NotPending, match="It is expired since 2024-07-03 17:00 UTC"):
        lifecycle.cancel(signal, by=admin_user, reason="", at=signal.expires_at)


def test_opposite_pending_signals_on_one_symbol_conflict_each_naming_the_other() -> None:
    buy, sell = make.signal(), make.sell()
    make.sell("MSFT")
    assert list(buy.conflicting(AT)) == [sell]
    assert list(sell.conflicting(AT)) == [buy]
    marked = Signal.objects.with_conflict(AT).order_by("symbol")
    assert annotated(marked, "is_conflicting") == [True, True, False]


@pytest.mark.parametrize("values", [{"status": "rejected"}, {"expires_at": AT}], ids=["decided", "overdue"])
def test_what_is_not_pending_conflicts_with_nothing(values: dict[str, Any]) -> None:
    buy, sell = make.signal(), make.sell(**values)
    assert not buy.conflicting(AT)
    assert not sell.conflicting(AT)
    assert annotated(Signal.objects.with_conflict(AT), "is_conflicting") == [False, False]


def test_reward_to_risk_is_that_of_the_first_target() -> None:
    assert make.signal().reward_to_risk == Decimal("1.25")
