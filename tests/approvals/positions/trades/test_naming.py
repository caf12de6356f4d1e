"""The lots that people name when they close: stored, refused when sold, and taken by the tax export."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from approvals import exits
from approvals.models import Fill, NamedLot, Order
from approvals.positions.trades import naming
from approvals.positions.trades.export import tax_lots_csv
from approvals.positions.trades.lots import Method
from tests import make
from tests.approvals.positions.rows import split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _parts(settings: Settings) -> None:
    settings.BROKER = "alpaca"  # where a part can be closed beside the exits


@pytest.fixture
def ann() -> User:
    return make.trader()


def bought(price: str, at: datetime, quantity: int = 10) -> Fill:
    order = make.held("AAPL", quantity, price, at=at)
    return order.fills.get()


def filled(order: Order, price: str, at: datetime, quantity: int | None = None) -> None:
    leg = Fill.Leg.CLOSE
    make.fill(order, quantity, price, leg=leg, executed_at=at, recorded_at=at)
    Order.objects.filter(pk=order.pk).update(status="filled", submitted_at=at, ended_at=at)


def exported(method: Method = Method.FIFO, year: int | None = None) -> list[tuple[str, str, str, str]]:
    rows = csv.DictReader(tax_lots_csv(year, method, washes=True))
    return [(row["quantity"], row["basis"], row["adjustment"], row["opened_by"]) for row in rows]


class TestNaming:
    def test_the_named_lots_are_stored_and_taken_by_the_export(self, ann: User) -> None:
        first, second = bought("100", make.T0 - 3 * DAY), bought("190", make.T0 - 2 * DAY)
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=12, lots={second.pk: 10})
        filled(order, "180", make.T0 + DAY)
        assert [(row.opened, row.shares) for row in NamedLot.objects.filter(order=order)] == [(second, 10)]
        for method in Method:
            assert [(lot[0], lot[1], lot[3]) for lot in exported(method)] == [
                ("10", "1900.00", f"{second.pk}"),
                ("2", "200.00", f"{first.pk}"),
            ]
        (decision,) = order.decisions.all()
        assert (decision.decided_by, decision.shown["lots"]) == (ann, {f"{second.pk}": 10})

    def test_a_closing_that_fills_in_parts_takes_them_in_order(self, ann: User) -> None:
        first, second = bought("100", make.T0 - 3 * DAY), bought("190", make.T0 - 2 * DAY)
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=9, lots={second.pk: 6, first.pk: 3})
        filled(order, "180", make.T0 + DAY, 4)
        filled(order, "181", make.T0 + 2 * DAY, 5)
        assert [(lot[0], lot[3]) for lot in exported()] == [
            ("4", f"{second.pk}"),
            ("3", f"{first.pk}"),
            ("2", f"{second.pk}"),
        ]

    def test_of_a_closing_that_never_filled_nothing_is_taken(self, ann: User) -> None:
        first, second = bought("100", make.T0 - 3 * DAY), bought("190", make.T0 - 2 * DAY)
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=5, lots={second.pk: 5})
        Order.objects.filter(pk=order.pk).update(status="cancelled", ended_at=make.T0)
        assert [lot.fill for lot in naming.held_lots("AAPL", "paper")] == [first.pk, second.pk]

    def test_a_lot_that_is_sold_is_refused_by_name(self, ann: User) -> None:
        first, second = bought("100", make.T0 - 3 * DAY), bought("190", make.T0 - 2 * DAY)
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=10, lots={second.pk: 10})
        filled(order, "180", make.T0)
        with pytest.raises(exits.ExitRefused, match=f"Lot {second.pk} is sold already, on 2024-07-03"):
            exits.close("AAPL", by=ann, at=make.T0 + DAY, lots={second.pk: 1})
        assert NamedLot.objects.count() == 1
        exits.close("AAPL", by=ann, at=make.T0 + DAY, lots={first.pk: 10})

    def test_more_than_is_left_of_a_lot_is_refused(self, ann: User) -> None:
        first, _ = bought("100", make.T0 - 3 * DAY), bought("190", make.T0 - 2 * DAY)
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=4, lots={first.pk: 4})
        filled(order, "180", make.T0)
        with pytest.raises(exits.ExitRefused, match=f"Of lot {first.pk} 6 shares are held"):
            exits.close("AAPL", by=ann, at=make.T0 + DAY, quantity=8, lots={first.pk: 7})

    @pytest.mark.parametrize(
        ("lots", "why"),
        [({0: 1}, "There is no lot 0 of AAPL"), ({-1: 11}, "11 shares are named, and 10 are closed")],
    )
    def test_what_cannot_be_is_refused(self, ann: User, lots: dict[int, int], why: str) -> None:
        bought("100", make.T0 - DAY)
        with pytest.raises(exits.ExitRefused, match=why):
            exits.close("AAPL", by=ann, at=make.T0, lots=lots)
        assert not Order.objects.filter(kind="close").exists()

    def test_after_a_split_lots_are_named_in_new_shares(self, ann: User) -> None:
        first, second = bought("400", make.T0 - 9 * DAY), bought("100", make.T0 - DAY)
        split("AAPL", f"{make.T0 - 3 * DAY:%Y-%m-%d}", 4.0)
        lots = naming.held_lots("AAPL", "paper")
        assert [(lot.fill, lot.words, lot.price) for lot in lots] == [
            (first.pk, "40", Decimal(100)),
            (second.pk, "10", Decimal(100)),
        ]
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=40, lots={first.pk: 35})
        filled(order, "110", make.T0)
        assert exported()[0][:2] == ("35", "3500.00")


class TestWashSales:
    """A loss waits when shares are bought within 30 days before or after, whichever lots are named."""

    def sold(self, ann: User, lots: dict[int, int], at: datetime, price: str) -> None:
        order = exits.close("AAPL", by=ann, at=make.T0, quantity=10, lots=lots)
        filled(order, price, at)

    def test_the_loss_of_a_named_lot_goes_to_what_was_bought_before_it(self, ann: User) -> None:
        at = datetime(2024, 6, 20, 15, tzinfo=UTC)
        bought("100", at - 60 * DAY)
        dear = bought("190", at - 10 * DAY)
        self.sold(ann, {dear.pk: 10}, at, "150")
        # The older lot was bought 60 days before: it replaces nothing.
        assert exported() == [("10", "1900.00", "0.00", f"{dear.pk}")]

    @pytest.mark.parametrize(("days", "adjustment"), [(30, "500.00"), (31, "0.00")])
    def test_over_the_end_of_the_year(self, ann: User, days: int, adjustment: str) -> None:
        sale = datetime(2023, 12, 20, 15, tzinfo=UTC)
        old = bought("200", sale - 100 * DAY)
        kept = bought("100", sale - 90 * DAY)
        again = bought("140", sale + days * DAY)
        self.sold(ann, {old.pk: 10}, sale, "150")
        assert exported(year=2023) == [("10", "2000.00", adjustment, f"{old.pk}")]
        later = exits.close("AAPL", by=ann, at=make.T0, quantity=10, lots={again.pk: 10})
        filled(later, "160", datetime(2024, 12, 1, 15, tzinfo=UTC))
        basis = "1900.00" if days == 30 else "1400.00"
        assert exported(year=2024) == [("10", basis, "0.00", f"{again.pk}")]
        term = [row["term"] for row in csv.DictReader(tax_lots_csv(2024, Method.FIFO, washes=True))]
        assert term == ["long" if days == 30 else "short"]  # 2024-01-19 less the 100 days that were held
        assert kept.pk not in {int(lot[3]) for lot in exported()}
