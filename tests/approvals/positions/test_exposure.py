"""What the account is exposed to."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals import positions
from approvals.models import AccountSnapshot, Order
from market.models import Instrument
from tests import make
from tests.approvals.positions.rows import HOUR, ZERO, report, sold, split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


class TestExposure:
    def test_an_account_that_holds_nothing_is_not_exposed(self) -> None:
        exposure = positions.exposure(make.T0)
        assert (exposure.capital, exposure.buying_power) == (Decimal(100_000), Decimal(100_000))
        assert (exposure.gross, exposure.open_risk, exposure.positions, exposure.day_result) == (
            ZERO,
            ZERO,
            0,
            ZERO,
        )

    def test_a_position_counts_at_its_price_and_down_to_its_stop(self) -> None:
        make.held("AAPL", 10, "185.00")
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.positions) == (Decimal(1_856), 1)
        assert exposure.open_risk == 10 * (Decimal("185.60") - Decimal("180.50"))
        assert exposure.values == {"AAPL": Decimal(1_856)}

    def test_a_stop_beyond_the_price_risks_nothing_more(self) -> None:
        make.quote("MSFT", 170.0)
        make.held("MSFT", 10)
        assert positions.exposure(make.T0).open_risk == 0

    def test_a_short_counts_up_to_its_stop(self) -> None:
        make.held("AAPL", -10)
        assert positions.exposure(make.T0).open_risk == 10 * (Decimal("190.50") - Decimal("185.60"))

    def test_what_has_no_stop_counts_in_full(self) -> None:
        make.held("AAPL", 10)
        Order.objects.update(exits_working=False)
        assert positions.exposure(make.T0).open_risk == Decimal(1_856)

    def test_a_part_without_a_stop_counts_in_full(self) -> None:
        covered, bare = make.held("AAPL", 10), make.held("AAPL", 4)
        Order.objects.filter(pk=bare.pk).update(exits_working=False)
        assert positions.exposure(make.T0).open_risk == 10 * Decimal("5.10") + 4 * Decimal("185.60")
        assert covered.exits_working

    def test_of_several_stops_the_farthest_count_first(self) -> None:
        make.held("AAPL", 10)
        make.held("AAPL", 10)
        Order.objects.filter(pk=Order.objects.all()[:1].get().pk).update(stop_loss=Decimal("175.60"))
        sold("AAPL", 10, "185.50")
        assert positions.exposure(make.T0).open_risk == 10 * Decimal(10)

    @pytest.mark.parametrize(
        ("status", "filled"),
        [("pending_submit", 0), ("waiting_open", 0), ("submitted", 0), ("unknown", 0)],
    )
    def test_an_entry_that_may_still_fill_counts(self, status: str, filled: int) -> None:
        make.order("AAPL", status=status, submitted_at=make.T0, filled_quantity=filled)
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.open_risk, exposure.positions) == (Decimal(1_855), Decimal(50), 1)

    def test_a_partly_filled_entry_counts_once(self) -> None:
        order = make.order("AAPL", status="partially_filled", filled_quantity=4, exits_working=True)
        make.fill(order, 4)
        exposure = positions.exposure(make.T0)
        assert exposure.gross == 4 * Decimal("185.60") + 6 * Decimal("185.50")
        assert (exposure.open_risk, exposure.positions) == (4 * Decimal("5.10") + 6 * Decimal(5), 1)

    def test_what_is_filled_but_not_among_the_fills_yet_counts_still(self) -> None:
        make.order("AAPL", status="filled", filled_quantity=10, exits_working=True)
        assert positions.exposure(make.T0).gross == Decimal(1_855)

    @pytest.mark.parametrize("status", ["held", "cancelled", "rejected"])
    def test_an_entry_that_cannot_fill_does_not_count(self, status: str) -> None:
        make.order("AAPL", status=status)
        assert positions.exposure(make.T0).gross == 0

    def test_what_was_sold_counts_no_longer_even_while_its_exits_seem_to_work(self) -> None:
        make.held("AAPL", 10)
        sold("AAPL", 10, "186.00")
        assert positions.exposure(make.T0).positions == 0

    def test_of_an_entry_that_ended_early_what_was_filled_counts(self) -> None:
        make.order("AAPL", status="cancelled", filled_quantity=4, exits_working=True)
        assert positions.exposure(make.T0).gross == 4 * Decimal("185.50")

    def test_an_entry_sent_at_the_instant_of_the_snapshot_takes_buying_power(self) -> None:
        make.order("AAPL", status="submitted", submitted_at=make.T0)
        make.order("MSFT", status="submitted", submitted_at=make.T0 - timedelta(seconds=1))
        assert positions.exposure(make.T0).buying_power == Decimal(100_000 - 1_855)

    def test_what_was_bought_since_the_snapshot_takes_buying_power(self) -> None:
        at = make.T0 + timedelta(seconds=1)
        order = make.order("AAPL", status="filled", filled_quantity=10, submitted_at=at)
        make.fill(order, recorded_at=at)
        assert positions.exposure(at).buying_power == Decimal(100_000 - 1_855)

    def test_a_fill_takes_nothing_again_that_the_broker_had_kept_back(self) -> None:
        at = make.T0 + timedelta(seconds=1)
        order = make.order("AAPL", status="submitted", submitted_at=make.T0 - HOUR)
        assert positions.exposure(at).buying_power == Decimal(100_000)
        make.fill(order, recorded_at=at)
        Order.objects.update(status="filled", filled_quantity=10, ended_at=at)
        assert positions.exposure(at).buying_power == Decimal(100_000)

    def test_a_fill_that_was_recorded_with_the_snapshot_is_in_it(self) -> None:
        order = make.order("AAPL", status="filled", filled_quantity=10)
        make.fill(order, recorded_at=make.T0)
        assert positions.exposure(make.T0).buying_power == Decimal(100_000)

    def test_a_closing_takes_no_room(self) -> None:
        make.order("AAPL", kind="close", side="SELL")
        assert positions.exposure(make.T0).positions == 0

    def test_shares_of_others_count_in_the_values_but_not_in_the_risk(self) -> None:
        report("AAPL", -10)
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.open_risk, exposure.positions) == (Decimal(1_856), ZERO, 1)

    def test_an_entry_that_the_broker_did_not_have_yet_takes_buying_power(self) -> None:
        make.order("AAPL")
        make.order("MSFT", status="submitted", submitted_at=make.T0 - HOUR)
        assert positions.exposure(make.T0).buying_power == Decimal(100_000 - 1_855)

    def test_the_capital_may_be_set(self, settings: Any) -> None:
        settings.TRADING_CAPITAL = Decimal(5_000)
        assert positions.exposure(make.T0).capital == 5_000

    def test_an_account_that_was_not_seen_is_unknown(self) -> None:
        positions.exposure(make.T0 + timedelta(minutes=3))
        with pytest.raises(positions.Unknown, match="not seen for three minutes"):
            positions.exposure(make.T0 + timedelta(minutes=3, seconds=1))
        AccountSnapshot.objects.all().delete()
        with pytest.raises(positions.Unknown):
            positions.exposure(make.T0)

    def test_what_is_held_in_another_currency_counts_at_the_stored_rate(self) -> None:
        make.held("AAPL", 10)
        make.held("MSFT", 1)
        alone = positions.exposure(make.T0)
        Instrument.objects.filter(pk="AAPL").update(currency="GBX")
        make.quote("GBP/USD", 1.25, make.T0)
        now = positions.exposure(make.T0)
        assert now.values["AAPL"] == alone.values["AAPL"] * Decimal("0.0125")
        assert now.gross == sum(now.values.values())
        assert now.values["MSFT"] == alone.values["MSFT"]
        assert now.open_risk < alone.open_risk

    @pytest.mark.parametrize(
        "rate",
        [
            None,
            {"as_of": make.T0 - timedelta(hours=1)},
            {"doubt": "off_scale", "doubtful_price": 0.9, "doubtful_as_of": make.T0 + HOUR},
        ],
        ids=["none", "too old", "doubtful"],
    )
    def test_without_a_firm_rate_it_is_unknown(self, rate: dict[str, Any] | None) -> None:
        make.held("AAPL", 10)
        Instrument.objects.filter(pk="AAPL").update(currency="EUR")
        if rate is not None:
            given: dict[str, Any] = {"price": 1.1, "as_of": make.T0} | rate
            make.quote("EUR/USD", **given)
        with pytest.raises(positions.Unknown, match="AAPL is held in EUR, the account is in USD: nothing"):
            positions.exposure(make.T0)

    def test_what_is_held_and_not_known_makes_it_unknown(self) -> None:
        report("ODD", 5)
        with pytest.raises(positions.Unknown, match="holds ODD, which Jax does not know"):
            positions.exposure(make.T0)

    def test_takes_as_many_queries_for_many_as_for_one(self, django_assert_num_queries: Any) -> None:
        make.held("AAPL")
        with django_assert_num_queries(3):
            positions.exposure(make.T0)
        for n in range(5):
            make.instrument(f"S{n}")
            make.held(f"S{n}", 10)
            split(f"S{n}", "2024-07-05", 2)
            report(f"S{n}", 20, 20)
            make.order(f"S{n}")
        with django_assert_num_queries(3 + 2):  # the splits since, of what is held and of the exits
            assert positions.exposure(make.T0).positions == 6

    def test_may_be_given_the_book(self, django_assert_num_queries: Any) -> None:
        make.held("AAPL")
        book = positions.Book.load(make.T0)
        with django_assert_num_queries(0):
            given = positions.exposure(make.T0, book)
        assert given == positions.exposure(make.T0)
