from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from approvals import execution, gate, halt
from approvals.execution.account import pause_on_losses
from approvals.models import AccountSnapshot, TradingHalt
from approvals.positions import trades
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE
from tests.approvals.positions.trades import rows

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


def test_the_weeks_loss_limit_halts_trading_once_a_week(day: FakeBroker, settings: Settings) -> None:
    settings.MAX_DAY_LOSS = Decimal(1)
    halts = TradingHalt.objects.filter(cause=TradingHalt.Cause.WEEK_LOSS)
    at_equity(day, 94_001, make.T0)
    assert not halts.exists()
    friday = datetime(2024, 7, 5, 14, tzinfo=UTC)
    at_equity(day, 94_000, friday)
    assert halts.get().reason == (
        "The account lost 6000.00 USD since 2024-06-28 20:00 UTC; 6000.00 are allowed a week."
    )
    halt.end(friday, execution_rows.trader(), "seen")
    at_equity(day, 90_000, friday + MINUTE)
    assert halts.count() == 1
    monday = datetime(2024, 7, 8, 14, tzinfo=UTC)
    at_equity(day, 89_000, monday)
    assert halts.count() == 1
    at_equity(day, 80_000, monday + MINUTE)
    assert halts.count() == 2


class TestLossesInARow:
    @pytest.fixture(autouse=True)
    def _pause(self, settings: Settings) -> None:
        settings.PAUSE_AFTER_LOSSES, settings.PAUSE_HOURS = 3, 24

    @staticmethod
    def lose(prices: str, at: datetime = make.T0) -> None:
        """Close a trade at each of these prices, one after the other, that was entered at 186."""
        for number, price in enumerate(prices.split()):
            entered_at = at - timedelta(hours=1) + 2 * number * MINUTE
            rows.leave(rows.entry(at=entered_at), price, entered_at + MINUTE)
        trades.refresh(at)

    @pytest.mark.parametrize("prices", ["", "180 180", "180 180 180 190", "180 190 180 180", "180 186 180"])
    def test_fewer_do_not_pause(self, db: None, prices: str) -> None:
        self.lose(prices)
        pause_on_losses(make.T0)
        assert not TradingHalt.objects.exists()

    def test_so_many_pause_until_then(self, db: None) -> None:
        make.ready()
        self.lose("190 180 181 182")
        pause_on_losses(make.T0)
        pause_on_losses(make.T0 + MINUTE)
        assert gate.state(make.T0).halted == (
            "Trading is paused until 2024-07-04 14:00 UTC, or until a person resumes: The last 3 trades lost"
            " money (AAPL -40.00 USD, AAPL -50.00 USD, AAPL -60.00 USD): look at what they have in common."
        )
        later = make.T0 + timedelta(hours=24)
        assert gate.state(later - MINUTE).halted
        assert gate.state(later).halted == ""
        halt.end_pauses(later - MINUTE)
        assert TradingHalt.objects.get().ended_at is None
        halt.end_pauses(later)
        ended = TradingHalt.objects.get()
        assert (ended.ended_at, ended.ended_by, ended.ended_note) == (later, None, "Its time is over.")

    def test_a_person_ends_it_before_and_the_next_counts_from_there(self, db: None) -> None:
        self.lose("180 181 182")
        pause_on_losses(make.T0)
        halt.end(make.T0 + MINUTE, execution_rows.trader(), "seen")
        self.lose("180 181", make.T0 + timedelta(hours=3))
        pause_on_losses(make.T0 + timedelta(hours=3))
        assert TradingHalt.objects.filter(ended_at=None).count() == 0
        self.lose("182", make.T0 + timedelta(hours=6))
        pause_on_losses(make.T0 + timedelta(hours=6))
        assert TradingHalt.objects.filter(ended_at=None).count() == 1

    def test_it_does_not_hide_a_halt_that_only_a_person_ends(self, db: None) -> None:
        self.lose("180 181 182")
        pause_on_losses(make.T0)
        halt.start(TradingHalt.Cause.PERSON, "News.", make.T0 + MINUTE)
        assert gate.state(make.T0 + MINUTE).halted.endswith("News.")

    def test_it_is_off_unless_set(self, db: None, settings: Settings) -> None:
        settings.PAUSE_AFTER_LOSSES = 0
        self.lose("180 181 182 180")
        pause_on_losses(make.T0)
        assert not TradingHalt.objects.exists()


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
