"""Whether revised bars still support what was said."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from market import store
from market.models import Gap
from market.prices import Feed, Timeframe
from signals import scan
from signals.models import Signal, StrategyConfig
from tests import make

pytestmark = pytest.mark.django_db

AT = make.T0 + timedelta(minutes=1)


def revise(last: float) -> None:
    """The bar that spoke gets another close."""
    bars = make.bars(make.turning(), make.T0 - timedelta(minutes=15) * 60)
    close = np.append(bars.close[:-1], last)
    revised = replace(bars, close=close, high=np.maximum(bars.open, close), low=np.minimum(bars.open, close))
    store.write_candles({"AAPL": revised}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)


@pytest.fixture
def signal(macd: StrategyConfig) -> Signal:
    make.history("AAPL", make.turning())
    scan.run(AT)
    return Signal.objects.get()


def test_a_signal_whose_bar_no_longer_supports_it_is_cancelled(signal: Signal) -> None:
    revise(94.1)
    done = scan.run(AT + timedelta(minutes=1))
    signal.refresh_from_db()
    assert (signal.status, signal.ended_reason) == ("cancelled", "bar revised")
    assert done.ended == {"bar revised": 1}


def test_a_signal_that_is_still_supported_follows_its_bar(signal: Signal) -> None:
    revise(96.5)
    scan.run(AT + timedelta(minutes=1))
    revised = Signal.objects.get()
    assert revised.status == "pending"
    assert revised.pk == signal.pk
    assert revised.entry_price == Decimal("96.5")
    assert revised.bars_digest != signal.bars_digest
    assert "96.50" in revised.reasoning


def test_the_sweep_finds_a_revision_between_two_scans(signal: Signal) -> None:
    revise(94.1)
    assert scan.sweep(AT + timedelta(minutes=1)) == {"bar revised": 1}


def test_a_bar_that_became_suspect_supports_nothing(signal: Signal) -> None:
    opened_at = np.array([np.datetime64(signal.bar_opened_at.replace(tzinfo=None), "us")])
    store.set_suspect(Timeframe.M15, cleared={}, flagged={"AAPL": opened_at})
    assert scan.sweep(AT + timedelta(minutes=1)) == {"bar revised": 1}


def test_newer_bars_change_nothing_about_a_signal(signal: Signal) -> None:
    make.history("AAPL", [*make.turning(), 96.2], until=make.T0 + timedelta(minutes=15))
    scan.run(AT + timedelta(minutes=15))
    assert Signal.objects.get().status == "pending"
    assert Signal.objects.get().bars_digest == signal.bars_digest


def test_a_changed_configuration_ends_what_it_would_not_say(signal: Signal) -> None:
    now = AT + timedelta(minutes=1)
    StrategyConfig.objects.filter(enabled=True).update(minimum_confidence=Decimal("0.9"), changed_at=now)
    scan.run(now + timedelta(minutes=1))
    signal.refresh_from_db()
    assert (signal.status, signal.ended_reason) == ("cancelled", "its configuration was changed")


def test_a_changed_lifetime_reaches_what_is_pending(signal: Signal) -> None:
    now = AT + timedelta(minutes=1)
    StrategyConfig.objects.filter(enabled=True).update(lifetime_bars=2, changed_at=now)
    scan.run(now + timedelta(minutes=1))
    assert Signal.objects.get().expires_at == make.T0 + timedelta(minutes=30)


def test_a_late_event_supports_nothing(signal: Signal) -> None:
    lost = make.T0 - timedelta(minutes=20)
    Gap.objects.create(
        symbol="AAPL",
        timeframe="15m",
        first_at=lost,
        last_at=lost,
        bars=1,
        reason=Gap.Reason.OUTAGE,
        found_at=AT,
    )
    revise(96.5)
    scan.run(AT + timedelta(minutes=1))
    assert Signal.objects.get().ended_reason == "bar revised"


def test_what_a_person_has_decided_is_not_revised(signal: Signal) -> None:
    Signal.objects.update(status="approved", ended_at=AT)
    revise(94.1)
    scan.run(AT + timedelta(minutes=1))
    assert Signal.objects.get().status == "approved"
