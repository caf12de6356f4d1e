"""What the account was worth, and what a day made of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals import positions
from approvals.models import AccountSnapshot
from market.models import Instrument
from tests import make
from tests.approvals.positions.rows import HOUR, snapshot, sold, split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


class TestAccount:
    def test_is_that_which_was_seen_last_or_last_at_one_broker(self) -> None:
        snapshot(make.T0 - HOUR, "500", broker="other")
        newest, other = positions.account(make.T0), positions.account(make.T0, "other")
        assert newest is not None
        assert other is not None
        assert (newest.snapshot.broker, newest.snapshot.equity) == ("paper", Decimal(100_000))
        assert (other.snapshot.broker, other.snapshot.equity) == ("other", Decimal(500))
        assert newest.day_began == datetime(2024, 7, 2, 20, tzinfo=UTC)

    def test_that_was_never_seen_is_none(self) -> None:
        assert positions.account(make.T0, "other") is None


class TestDay:
    def test_begins_at_the_last_close(self) -> None:
        assert positions.day_began(make.T0) == datetime(2024, 7, 2, 20, tzinfo=UTC)
        assert (
            positions.day_began(datetime(2024, 7, 4, 12, tzinfo=UTC)).isoformat()[:16] == "2024-07-03T17:00"
        )

    def test_is_that_of_the_exchange_even_when_most_trade_round_the_clock(self) -> None:
        make.only("BTC", "ETH", calendar="24/7")
        make.instrument("AAPL")
        make.round_the_clock()
        assert positions.day_began(make.T0) == datetime(2024, 7, 2, 20, tzinfo=UTC)

    def test_begins_at_midnight_when_nothing_closes_or_nothing_is_known(self) -> None:
        make.only("BTC", calendar="24/7")
        midnight = datetime(2024, 7, 3, tzinfo=UTC)
        assert positions.day_began(make.T0) == midnight
        make.only("SIE", calendar="XETR")
        assert positions.day_began(make.T0) == midnight

    def test_its_result_counts_from_the_last_snapshot_before_it_began(self) -> None:
        snapshot(datetime(2024, 7, 2, 19, 59, tzinfo=UTC), "101000")
        snapshot(datetime(2024, 7, 3, 13, 30, tzinfo=UTC), "99000")
        assert positions.exposure(make.T0).day_result == -1_000

    def test_its_result_counts_from_the_first_snapshot_when_there_is_none_before(self) -> None:
        snapshot(make.T0 - HOUR, "100500")
        snapshot(make.T0 - 50 * HOUR, "1", broker="other")
        assert positions.exposure(make.T0).day_result == -500

    def test_what_it_realised_leaves_out_what_was_made_before(self) -> None:
        yesterday = datetime(2024, 7, 2, 15, tzinfo=UTC)
        order = make.order("AAPL")
        make.fill(order, 10, "100", executed_at=yesterday, commission=Decimal(1))
        sold("AAPL", 5, "110", at=yesterday + HOUR)
        assert positions.realised_today(make.T0) == 0
        sold("AAPL", 5, "120", commission=Decimal(2))
        make.fill(make.order("MSFT"), 1, "400", executed_at=make.T0, commission=Decimal(1))
        assert positions.realised_today(make.T0 + HOUR) == 100 - 2 - 1

    def test_what_it_realised_is_in_the_shares_of_today(self) -> None:
        make.fill(make.order("AAPL"), 10, "100", executed_at=datetime(2024, 7, 2, 15, tzinfo=UTC))
        split("AAPL", "2024-07-03", 2)
        sold("AAPL", 20, "60", at=make.T0)
        assert positions.realised_today(make.T0) == 200

    def test_what_it_realised_counts_a_split_of_the_day_that_it_began_on_once(self) -> None:
        make.fill(make.order("AAPL"), 10, "100", executed_at=datetime(2024, 7, 1, 15, tzinfo=UTC))
        split("AAPL", "2024-07-02", 2)
        sold("AAPL", 20, "60", at=make.T0)
        assert positions.realised_today(make.T0) == 200

    def test_what_it_realised_in_another_currency_counts_at_the_stored_rate(self) -> None:
        make.fill(make.order("AAPL"), 10, "100", executed_at=datetime(2024, 7, 2, 15, tzinfo=UTC))
        sold("AAPL", 10, "110", at=make.T0)
        Instrument.objects.filter(pk="AAPL").update(currency="EUR")
        with pytest.raises(positions.Unknown, match="AAPL is held in EUR, the account is in USD"):
            positions.realised_today(make.T0, "USD")
        make.quote("EUR/USD", 1.1, make.T0)
        assert positions.realised_today(make.T0, "USD") == Decimal("110.0")

    def test_what_it_realised_takes_always_as_many_queries(self, django_assert_num_queries: Any) -> None:
        for symbol in ("AAPL", "MSFT", "TSLA"):
            order = make.held(symbol)
            make.fill(order, 5, executed_at=make.T0 - 30 * HOUR)
        with django_assert_num_queries(3):
            positions.realised_today(make.T0)


class TestCurve:
    def test_shows_what_was_seen(self) -> None:
        snapshot(make.T0 - HOUR, "99000")
        points = positions.equity_curve(make.T0 - 2 * HOUR, make.T0)
        assert points == [(make.T0 - HOUR, Decimal(99_000)), (make.T0, Decimal(100_000))]

    def test_is_thinned_to_the_last_of_each_part(self) -> None:
        start = make.T0 - timedelta(days=2)
        AccountSnapshot.objects.bulk_create(
            AccountSnapshot(
                broker="paper",
                at=start + timedelta(minutes=n),
                currency="USD",
                equity=n,
                cash=n,
                buying_power=n,
            )
            for n in range(2_880)
        )
        points = positions.equity_curve(start, make.T0)
        assert len(points) == 501
        assert points[0] == (start + timedelta(minutes=5), Decimal(5))
        assert points[-1] == (make.T0, Decimal(100_000))
