"""People are told of a signal that waits, and once more before its time is over."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from approvals import notify, positions
from approvals.models import Delivery, Notification
from signals import lifecycle
from signals.models import Signal
from tests import make
from tests.approvals.listener import Listener

Kind = Notification.Kind
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    with Listener() as listening:
        settings.NOTIFY_URLS = [listening.url()]
        yield listening


def about_signals(at: datetime) -> None:
    notify.about_signals(positions.actionable(Signal.objects.pending(at)), at)


def notified_kinds() -> list[str]:
    return list(Notification.objects.order_by("pk").values_list("kind", flat=True))


def lasting(minutes: int, symbol: str = "AAPL") -> Signal:
    """Return a signal stored at T0 that expires so many minutes later."""
    return make.signal(symbol, created_at=make.T0, expires_at=make.T0 + minutes * MINUTE)


def test_a_signal_that_waits_is_told_once() -> None:
    signal = make.signal()
    about_signals(make.T0)
    about_signals(make.T0 + MINUTE)
    message = Notification.objects.get()
    assert message.title == "BUY AAPL (macd_crossover_v1, 1d), confidence 0.90, until 17:00 UTC"
    assert message.body == signal.reasoning
    assert message.path == f"/signals/{signal.pk}/"


@pytest.mark.parametrize(("life", "before"), [(40, 10), (120, 30), (600, 30)])
def test_it_is_told_again_in_its_last_quarter_and_last_half_hour(life: int, before: int) -> None:
    signal = lasting(life)
    about_signals(signal.expires_at - (before + 1) * MINUTE)
    assert notified_kinds() == [Kind.SIGNAL_WAITING]
    about_signals(signal.expires_at - before * MINUTE)
    about_signals(signal.expires_at - MINUTE)
    assert notified_kinds() == [Kind.SIGNAL_WAITING, Kind.SIGNAL_EXPIRING]


def test_a_signal_that_has_ended_is_not_told() -> None:
    make.signal(status=Signal.Status.REJECTED)
    lasting(10, "MSFT")
    about_signals(make.T0 + 10 * MINUTE)
    assert notified_kinds() == []


def test_a_sell_without_shares_to_sell_is_told_when_shorting_is_on(settings: Settings) -> None:
    make.sell("AAPL")
    make.sell("MSFT")
    make.held("MSFT", 10)
    about_signals(make.T0)
    assert list(Notification.objects.values_list("signal__symbol", flat=True)) == ["MSFT"]
    settings.ALLOW_SHORT = True
    about_signals(make.T0)
    assert Notification.objects.count() == 2


def test_a_message_about_a_signal_that_has_ended_meanwhile_is_not_sent(listener: Listener) -> None:
    signal = make.signal()
    about_signals(make.T0)
    lifecycle.decide(signal, Signal.Status.REJECTED, by=make.trader(), at=make.T0)
    assert notify.send(make.T0) == {"expired": 1}
    assert Delivery.objects.get().problem == "The signal was decided on or has ended meanwhile."
    assert listener.paths == []


def test_a_thousand_signals_take_as_many_queries_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    Signal.objects.bulk_create(waiting(number) for number in range(1000))
    with django_assert_num_queries(7):
        about_signals(make.T0)
    with django_assert_num_queries(3):
        about_signals(make.T0)
    assert Notification.objects.count() == 1000


def waiting(number: int) -> Signal:
    levels = {"entry_price": 185, "stop_loss": 180, "take_profit": 190, "second_target": 195}
    return Signal(
        symbol=f"S{number}",
        strategy_id="macd_crossover_v1",
        timeframe="1d",
        bar_opened_at=datetime.fromisoformat("2024-07-02T00:00Z"),
        signal_type="BUY",
        confidence=Decimal("0.9"),
        indicators={},
        generated_at=make.T0,
        expires_at=make.T0 + 600 * MINUTE,
        created_at=make.T0,
        **{name: Decimal(price) for name, price in levels.items()},
    )
