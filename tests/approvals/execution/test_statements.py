"""The nightly comparison with the paper account's own statement, which is on by default."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from pytest_django import Settings

from approvals import audit
from approvals.execution import statements
from approvals.models import (
    AuditEvent,
    BrokerStatement,
    Charge,
    Fill,
    Notification,
    PaperAccount,
    PaperDividend,
    PaperFill,
    PaperOrder,
    StatementBase,
    StatementDifference,
    StatementFetch,
)
from market.models import Split
from tests import make
from tests.make import T0
from tests.vendors import AlpacaTrading

pytestmark = pytest.mark.django_db(transaction=True)

CLOSE = datetime(2024, 7, 3, 17, 0, tzinfo=UTC)  # an early one
NIGHT = CLOSE + timedelta(minutes=40)
A_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def account() -> None:
    """10 AAPL at 185.50, in both books."""
    make.only("AAPL")
    make.july_2024()
    PaperAccount.objects.create(pk=1, start_equity=100_000, opened_at=T0 - timedelta(days=3))
    order = make.held()
    paper_order = PaperOrder.objects.create(
        client_id=order.pk,
        symbol="AAPL",
        side="BUY",
        quantity=10,
        placed_at=T0,
        state="filled",
        filled=10,
        ended_at=T0,
    )
    fill = Fill.objects.get()
    PaperFill.objects.create(
        execution_id=fill.execution_id,
        order=paper_order,
        leg="entry",
        symbol="AAPL",
        side="BUY",
        quantity=10,
        price=fill.price,
        executed_at=fill.executed_at,
        recorded_at=T0,
    )


def open_kinds() -> list[tuple[str, str]]:
    return [(row.kind, row.name) for row in StatementDifference.objects.open().order_by("kind", "name")]


def trade(name: str, quantity: int, price: str = "190") -> PaperFill:
    """Shares that only the broker's book has."""
    return PaperFill.objects.create(
        execution_id=name,
        order=PaperOrder.objects.get(),
        leg="target",
        symbol="AAPL",
        side="SELL",
        quantity=quantity,
        price=Decimal(price),
        executed_at=T0 + timedelta(minutes=30),
        recorded_at=T0,
    )


def test_it_is_compared_once_a_night_and_agrees() -> None:
    assert statements.fetch(T0) is not None  # that of the day before
    assert statements.fetch(CLOSE + timedelta(minutes=10)) is None
    row = statements.fetch(NIGHT)
    assert row is not None
    assert (row.agreed, row.differing, row.not_compared) == (3, 0, "")
    assert (row.holdings, row.cash) == ({"AAPL": "10"}, {"USD": "98145.000000"})
    assert statements.fetch(NIGHT + timedelta(minutes=10)) is None
    assert statements.fetch(NIGHT + 2 * A_DAY + timedelta(hours=4)) is not None
    audit.verify()


def test_a_fill_that_we_lack_shows_in_trades_position_and_cash_and_ends_when_it_is_there() -> None:
    sold = trade("lost", 4)
    statements.fetch(NIGHT)
    assert open_kinds() == [("cash", "USD"), ("holding", "AAPL"), ("not here", "lost")]
    difference = StatementDifference.objects.get(kind="holding")
    assert (difference.ours, difference.stated) == ("10", "6")
    assert Notification.objects.filter(title__startswith="3 things differ").count() == 1
    make.fill(
        Fill.objects.get().order or make.order(),
        4,
        "190",
        execution_id=sold.execution_id,
        side="SELL",
        leg="target",
        executed_at=sold.executed_at,
    )
    statements.fetch(NIGHT + timedelta(hours=1), now=True)
    assert open_kinds() == []


def test_a_fill_that_the_broker_lacks_is_told_once() -> None:
    make.fill(make.order(), 5, "186", execution_id="invented")
    statements.fetch(NIGHT)
    statements.fetch(NIGHT + timedelta(hours=1), now=True)
    assert ("not there", "invented") in open_kinds()
    assert StatementDifference.objects.count() == 3
    assert Notification.objects.count() == 1


def test_dividends_are_taken_over_and_count_as_cash() -> None:
    PaperDividend.objects.create(
        symbol="AAPL",
        ex_date=CLOSE.date(),
        number=1,
        quantity=10,
        amount=Decimal("0.25"),
        cash=Decimal("2.50"),
        recorded_at=CLOSE,
    )
    for hours in (0, 1):
        row = statements.fetch(NIGHT + timedelta(hours=hours), now=True)
        assert row is not None
        assert row.differing == 0
    assert Charge.objects.get().amount == Decimal("2.5")


def test_shares_are_compared_in_those_of_the_day() -> None:
    day = datetime(2024, 7, 5, tzinfo=UTC)
    Split.objects.create(symbol="AAPL", date=day.date(), ratio=4, source="test", recorded_at=day)
    row = statements.fetch(day + timedelta(hours=21))
    assert row is not None
    assert (row.holdings, row.differing) == ({"AAPL": "40"}, 0)


def test_an_answer_with_a_reason_lasts(trader: User) -> None:
    trade("lost", 4)
    statements.fetch(NIGHT)
    for difference in StatementDifference.objects.open():
        statements.answer(difference, by=trader, at=NIGHT, why="A test of the broker's.")
    row = statements.fetch(NIGHT + timedelta(hours=1), now=True)
    assert row is not None
    assert row.differing == 0
    assert open_kinds() == []
    assert AuditEvent.objects.filter(kind="statement difference answered").count() == 3
    audit.verify()


def test_an_answer_needs_a_reason_and_is_final(trader: User) -> None:
    trade("lost", 4)
    statements.fetch(NIGHT)
    difference = StatementDifference.objects.get(kind="cash")
    with pytest.raises(statements.DifferenceRefused, match="why"):
        statements.answer(difference, by=trader, at=NIGHT, why="  ")
    statements.answer(difference, by=trader, at=NIGHT, why="so")
    with pytest.raises(statements.DifferenceRefused, match="over since"):
        statements.answer(difference, by=trader, at=NIGHT, why="so")


def test_what_cannot_be_fetched_is_tried_again_with_growing_pauses_and_told(settings: Settings) -> None:
    settings.BROKER, settings.ALPACA_API_KEY, settings.ALPACA_API_SECRET = "alpaca", "PKTEST", "alpaca-secret"
    settings.ALPACA_TRADING_URL = "http://127.0.0.1:1"
    late = CLOSE + timedelta(hours=10)
    for minute in (0, 5, 11, 20, 32):
        statements.fetch(late + timedelta(minutes=minute))
    state = StatementFetch.objects.get()
    assert (state.failures, state.failing_since) == (3, late)
    assert state.next_at == late + timedelta(minutes=32 + 40)
    assert Notification.objects.filter(title__contains="is not compared").count() == 1
    assert [finding.text[:28] for finding in statements.findings(late)] == ["not compared so far: Alpaca "]
    with AlpacaTrading(now=late) as vendor:
        settings.ALPACA_TRADING_URL = vendor.url
        assert statements.fetch(late + timedelta(hours=3)) is not None
    state.refresh_from_db()
    assert (state.failures, state.reason, state.failing_since) == (0, "", None)


def test_the_record_is_not_changed() -> None:
    statements.fetch(NIGHT)
    assert StatementBase.objects.get().cash == {"USD": "100000.00"}
    with pytest.raises(DatabaseError), transaction.atomic():
        BrokerStatement.objects.update(agreed=9)
    with pytest.raises(DatabaseError), transaction.atomic():
        BrokerStatement.objects.all().delete()


def test_the_doctor_says_what_differs() -> None:
    trade("lost", 4)
    statements.fetch(NIGHT)
    texts = [finding.text for finding in statements.findings(NIGHT)]
    assert "a position: AAPL: Jax has 10, it has 6" in texts
