from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from approvals import execution, gate, halt
from approvals.models import AccountSnapshot, TradingHalt
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE

OPEN = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)


def at_equity(fake: FakeBroker, equity: int, at: datetime) -> None:
    fake.worth(equity)
    execution.reconcile_orders(at)


@pytest.fixture
def day(fake: FakeBroker) -> FakeBroker:
    """The account was worth 100,000 a minute before the open."""
    make.july_2024()
    make.only("AAPL")
    at_equity(fake, 100_000, OPEN - MINUTE)
    return fake


def losses() -> int:
    return TradingHalt.objects.filter(cause=TradingHalt.Cause.DAY_LOSS).count()


def test_the_account_is_written_down_each_minute(fake: FakeBroker) -> None:
    for minute in range(3):
        at_equity(fake, 100_000 + minute, make.T0 + minute * MINUTE)
    snapshots = AccountSnapshot.objects.order_by("at").values_list("broker", "currency", "equity")
    assert list(snapshots) == [("fake", "USD", Decimal(100_000 + n)) for n in range(3)]


def test_the_days_loss_limit_halts_trading(day: FakeBroker) -> None:
    at_equity(day, 97_001, make.T0)
    assert losses() == 0
    at_equity(day, 97_000, make.T0 + MINUTE)
    assert losses() == 1
    assert "The account lost 3000.00 USD since 2024-07-02 20:00 UTC" in gate.state(make.T0).halted


def test_the_limit_is_a_share_of_the_trading_capital(day: FakeBroker, settings: Settings) -> None:
    settings.TRADING_CAPITAL = Decimal(20_000)
    at_equity(day, 99_400, make.T0)
    assert losses() == 1


def test_a_days_loss_that_a_person_resumed_from_does_not_halt_again_that_day(day: FakeBroker) -> None:
    at_equity(day, 90_000, make.T0)
    halt.end(make.T0, execution_rows.trader(), "seen")
    at_equity(day, 80_000, make.T0 + MINUTE)
    assert (losses(), gate.state(make.T0).halted) == (1, "")
    friday = datetime(2024, 7, 5, 13, 30, tzinfo=UTC)
    at_equity(day, 80_000, friday - MINUTE)
    at_equity(day, 77_000, friday + MINUTE)
    assert losses() == 2


def test_without_a_figure_from_before_the_open_the_first_one_counts(fake: FakeBroker) -> None:
    at_equity(fake, 100_000, make.T0)
    at_equity(fake, 96_000, make.T0 + MINUTE)
    assert losses() == 1


@pytest.mark.django_db
def test_of_days_past_the_last_figure_is_kept() -> None:
    def add_snapshot(at: datetime, broker: str = "fake") -> None:
        money = dict.fromkeys(("equity", "cash", "buying_power"), 1)
        AccountSnapshot.objects.create(broker=broker, at=at, currency="USD", **money)

    of_another = datetime(2024, 6, 10, 12, 30, tzinfo=UTC)
    add_snapshot(of_another, "another")
    kept = [datetime(2024, 6, 10, 23, 59, tzinfo=UTC), make.T0 - timedelta(days=1), make.T0]
    for at in [*kept, datetime(2024, 6, 10, 12, tzinfo=UTC), datetime(2024, 6, 10, 23, 58, tzinfo=UTC)]:
        add_snapshot(at)
    assert execution.prune_snapshots(make.T0) == 2
    assert execution.prune_snapshots(make.T0) == 0
    assert sorted(AccountSnapshot.objects.values_list("at", flat=True)) == [of_another, *kept]
