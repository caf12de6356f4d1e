"""A change of symbol while shares are held: exits go on, and a broker may keep the old name for a while."""

from datetime import date
from decimal import Decimal

import pytest

from approvals import positions
from approvals.brokers.base import Leg
from approvals.execution.brokerage import configured as paper
from approvals.models import BrokerPosition, Charge, Drift, Fill, PaperDividend
from market.ingestion import renames
from market.models import Candle, QuoteHistory
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.test_paper_book import MINUTE, aapl, barred, filled
from tests.approvals.execution.unfit_rows import rounds
from tests.make import T0

__all__ = ["aapl"]

SINCE = date(2024, 7, 3)


def rename() -> None:
    renames.follow("AAPL", "APPL", SINCE, "person", T0 + 3 * MINUTE)


def test_the_stop_of_a_position_on_paper_is_hit_under_the_new_name(aapl: None) -> None:
    filled()
    paper(T0 + 3 * MINUTE).executions(T0)
    rename()
    barred(T0 + 15 * MINUTE, 99.0, 99.5, 94.0, 94.5)
    Candle.objects.filter(symbol="AAPL").update(symbol="APPL")
    executions = paper(T0 + 40 * MINUTE).executions(T0)
    assert [(each.symbol, each.leg) for each in executions] == [("APPL", Leg.ENTRY), ("APPL", Leg.STOP)]
    assert paper(T0 + 40 * MINUTE).holdings() == {}


def test_what_is_held_on_paper_is_valued_at_quotes_of_the_new_name(aapl: None) -> None:
    filled()
    before = paper(T0 + 3 * MINUTE).account()
    rename()
    after = paper(T0 + 3 * MINUTE).account()
    assert (after.cash, after.equity) == (before.cash, before.equity)
    assert set(paper(T0 + 4 * MINUTE).holdings()) == {"APPL"}
    assert set(QuoteHistory.objects.values_list("symbol", flat=True)) == {"APPL"}


def test_a_dividend_that_was_paid_under_the_old_name_is_not_paid_again(aapl: None) -> None:
    filled()
    make.session("2024-07-10")
    make.action(ex_date="2024-07-05", amount="0.24")
    later = T0 + 60 * 24 * 2 * MINUTE
    before = paper(later).account().cash
    rename()
    assert paper(later + MINUTE).account().cash == before
    paid = PaperDividend.objects.get()
    assert (paid.symbol, paid.cash) == ("APPL", Decimal("24.00"))


@pytest.mark.django_db
def test_a_broker_that_keeps_the_old_name_holds_no_foreign_shares(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    rounds(1)
    held = positions.of("AAPL").quantity
    rename()
    rounds(2, 3)
    position = positions.of("APPL")
    assert (position.quantity, int(position.foreign)) == (held, 0)
    assert [row.symbol for row in BrokerPosition.objects.exclude(quantity=0)] == ["APPL"]
    assert set(Fill.objects.values_list("symbol", flat=True)) == {"APPL"}


@pytest.mark.django_db
def test_what_the_account_was_charged_and_drifts_are_filed_under_the_new_name() -> None:
    make.only("AAPL")
    figures = {"charge_id": "1", "amount": Decimal("-0.02"), "currency": "USD", "what": "fee"}
    Charge.objects.create(broker="alpaca", symbol="AAPL", at=T0, recorded_at=T0, **figures)
    make.drift("AAPL")
    rename()
    assert (Charge.objects.get().symbol, Drift.objects.get().symbol) == ("APPL", "APPL")
