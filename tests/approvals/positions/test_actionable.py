"""Which signals can be acted on: the rule for one signal and the QuerySet for many say the same."""

from datetime import timedelta
from itertools import product

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from approvals import positions
from approvals.positions import Effect, effect_of
from signals.models import Signal
from tests import make
from tests.approvals.positions.rows import split

pytestmark = pytest.mark.django_db

SHARES = {"AAPL": 10, "MSFT": -10, "SPY": 0}


@pytest.mark.parametrize("allow_short", [False, True])
def test_the_rule_and_the_queryset_agree(settings: Settings, allow_short: bool) -> None:
    settings.ALLOW_SHORT = allow_short
    for symbol, shares in SHARES.items():
        make.instrument(symbol)
        if shares:
            make.held(symbol, shares)
    signals = [create(symbol) for symbol, create in product(SHARES, (make.signal, make.sell))]
    by_rule = {
        signal.pk
        for signal in signals
        if effect_of(signal.signal_type, SHARES[signal.symbol]) is not Effect.NOTHING
    }
    pending = Signal.objects.pending(make.T0)
    assert {signal.pk for signal in positions.actionable(pending)} == by_rule
    assert {signal.pk for signal in positions.Book.load(make.T0).actionable(pending)} == by_rule
    counts = positions.SignalCounts.load(make.T0)
    assert (counts.actionable(), counts.total) == (len(by_rule), len(signals))
    assert counts.actionable(positions.Book.load(make.T0).longs) == len(by_rule)


@pytest.mark.parametrize("status", Signal.Status.values)
@pytest.mark.parametrize("seconds_left", [-1, 0, 1])
def test_what_is_pending_is_counted_as_the_queryset_keeps_it(status: str, seconds_left: int) -> None:
    make.signal(expires_at=make.T0 + timedelta(seconds=seconds_left), status=status)
    assert positions.SignalCounts.load(make.T0).buys == Signal.objects.pending(make.T0).count()


def test_shares_that_a_reverse_split_has_left_less_than_one_of_cannot_be_sold() -> None:
    make.held("AAPL", 10)
    sells = Signal.objects.filter(pk=make.sell("AAPL").pk)
    assert positions.actionable(sells).exists()
    split("AAPL", "2024-07-04", 0.05)
    assert not positions.actionable(sells).exists()


def test_without_a_sell_no_position_is_read(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make.signal()
    with django_assert_num_queries(2):
        assert positions.actionable(Signal.objects.all()).count() == 1
