"""Borrow fees and cash in lieu of the stored account on paper, and what Jax takes up of them."""

from datetime import UTC, datetime
from decimal import Decimal

from approvals.execution import fills
from approvals.execution.brokerage import configured
from approvals.models import AuditEvent, BorrowRate, Charge, PaperCharge
from market.models import Split
from tests import make
from tests.approvals.execution.test_paper_book import MINUTE, aapl, barred, filled, quoted
from tests.approvals.paper_tape import short
from tests.make import T0

__all__ = ["aapl"]

LAST_BAR = datetime(2024, 7, 3, 16, 45, tzinfo=UTC)
CLOSED = T0 + 4 * 60 * MINUTE  # an hour after the early close of 3 July; the next session is on the 5th
FRIDAY = datetime(2024, 7, 5, 14, 0, tzinfo=UTC)


def taken_up(at: datetime) -> list[tuple[str, Decimal, bool]]:
    fills.record_charges(configured(at), at)
    return list(Charge.objects.order_by("pk").values_list("what", "amount", "is_transfer"))


def shorted() -> None:
    configured(T0).place(short())
    quoted(101.0, T0 + 1.5 * MINUTE)


def test_a_night_costs_the_rate_that_somebody_has_given(aapl: None) -> None:
    BorrowRate.objects.create(symbol="AAPL", rate=Decimal("0.36"))
    shorted()
    barred(LAST_BAR, 100.0, 100.0, 100.0, 100.0)
    before = configured(LAST_BAR).account()
    after = configured(CLOSED).account()
    row = PaperCharge.objects.get()
    assert (row.kind, row.nights, row.quantity, row.cash) == (
        "borrow fee",
        2,
        Decimal(-100),
        Decimal("-20.00"),
    )
    assert after.cash - before.cash == Decimal("-20.00")
    assert AuditEvent.objects.filter(kind="borrow fee charged").count() == 1


def test_a_split_pays_out_the_part_of_a_share(aapl: None) -> None:
    filled()
    configured(T0 + 3 * MINUTE).account()
    barred(LAST_BAR, 42.0, 42.0, 42.0, 42.0)  # on the basis of after the split, as history is kept
    Split.objects.create(symbol="AAPL", date=FRIDAY.date(), ratio=7 / 3, source="test", recorded_at=T0)
    worth = configured(FRIDAY).account()
    row = PaperCharge.objects.get()
    assert (row.kind, row.quantity) == ("cash in lieu", Decimal("0.333333"))
    assert row.cash == Decimal("14.00")
    assert worth.cash == Decimal(100_000) - Decimal("9904.00") + row.cash


def test_jax_takes_up_what_was_charged_once(aapl: None) -> None:
    BorrowRate.objects.create(symbol="AAPL", rate=Decimal("0.36"))
    shorted()
    barred(LAST_BAR, 100.0, 100.0, 100.0, 100.0)
    told = [("Borrow fee of 2024-07-03 for 100 AAPL, 2 nights at 36.00% a year", Decimal("-20.00"), False)]
    assert taken_up(CLOSED) == told
    assert taken_up(FRIDAY) == told


def test_a_dividend_on_paper_is_a_charge_too(aapl: None) -> None:
    filled()
    make.action(ex_date="2024-07-05", amount="0.24")
    assert taken_up(FRIDAY) == [("Dividend of AAPL, ex 2024-07-05", Decimal("24.00"), False)]
