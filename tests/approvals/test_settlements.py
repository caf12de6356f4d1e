"""A delisted share is closed at a price that a person gives, on paper and where the broker never told."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ

from approvals import exits, positions
from approvals.execution import reports
from approvals.models import AuditEvent, Order
from approvals.positions.delisted import ByHand
from market.ingestion import delistings
from market.models import Quote
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

FAKE = "tests.approvals.broker.client:SPEC"
HALF = ByHand(Decimal("0.5"))


def delisted(quantity: int = 10) -> Order:
    held = make.held("AAPL", quantity, "185.00")
    make.action(ex_date="2024-07-03", kind="delisting")
    delistings.follow_due(make.T0)
    return held


def close(
    by: User, by_hand: ByHand | None = HALF, notes: str = "the trustee said so", **values: Any
) -> Order:
    return exits.close("AAPL", by=by, at=make.T0, notes=notes, by_hand=by_hand, **values)


def test_the_price_and_what_it_makes_are_in_the_chain(trader: User) -> None:
    delisted()
    order = close(trader)
    facts = json.loads(AuditEvent.objects.get(kind="order made").text)["facts"]
    assert (order.settlement_price, facts["notes"]) == (Decimal("0.5"), "the trustee said so")
    assert (facts["shown"]["settled_at"], facts["shown"]["result"]) == ("0.500000", "-1845.00")
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize(
    ("by_hand", "notes", "reason"),
    [
        (HALF, " ", "Say in the note why"),
        (ByHand(Decimal("-1")), "why", "0 or above"),
        (ByHand(Decimal("0.0000001")), "why", "six decimals"),
        (ByHand(Decimal(1), date(2024, 7, 3)), "why", "leave the day out"),
    ],
)
def test_what_cannot_be_is_refused(trader: User, by_hand: ByHand, notes: str, reason: str) -> None:
    delisted()
    with pytest.raises(exits.ExitRefused, match=reason):
        close(trader, by_hand, notes)
    assert not Order.objects.filter(kind="close").exists()


def test_a_share_that_trades_is_closed_at_the_market(trader: User) -> None:
    make.held("AAPL", 10)
    with pytest.raises(exits.ExitRefused, match="AAPL trades"):
        close(trader)


def test_without_a_known_price_one_is_asked_for(trader: User) -> None:
    delisted()
    Quote.objects.all().delete()
    with pytest.raises(exits.ExitRefused, match="No price of AAPL is known"):
        close(trader, None)
    assert close(trader).settlement_price == Decimal("0.5")


class TestOfABrokerThatSettlesByItself:
    @pytest.fixture(autouse=True)
    def _broker(self, settings: Any) -> None:
        settings.BROKER = FAKE

    def test_a_settlement_is_recorded_with_its_day(self, trader: User) -> None:
        delisted(-10)
        order = close(trader, ByHand(Decimal("0.5"), date(2024, 7, 3)))
        fill = order.fills.get()
        assert (order.status, order.broker, order.side) == ("filled", "fake", "BUY")
        assert (fill.price, fill.leg, fill.executed_at.date()) == (Decimal("0.5"), "close", date(2024, 7, 3))
        assert "recorded by a person, not told by the broker" in order.status_reason
        assert positions.of("AAPL").quantity == 0
        assert not OrmQ.objects.exists()
        assert reports.differences(make.T0) == []
        assert AuditEvent.objects.filter(kind="settlement recorded", actor="ann").count() == 1

    def test_what_works_there_is_cancelled(self, trader: User) -> None:
        held = delisted()
        close(trader, ByHand(Decimal(0), date(2024, 7, 3)))
        held.refresh_from_db()
        assert (held.cancel_exits, held.cancel_requested_at) == (True, make.T0)

    @pytest.mark.parametrize(
        ("on", "reason"),
        [(make.T0.date() + timedelta(days=1), "still to come"), (date(2023, 7, 3), "was bought on")],
    )
    def test_a_day_that_cannot_be_is_refused(self, trader: User, on: date, reason: str) -> None:
        delisted()
        with pytest.raises(exits.ExitRefused, match=reason):
            close(trader, ByHand(Decimal("0.5"), on))

    def test_it_is_recorded_once(self, trader: User) -> None:
        delisted()
        close(trader)
        with pytest.raises(exits.ExitRefused, match="Nothing of AAPL is held"):
            close(trader)

    def test_without_a_price_the_broker_is_asked(self, trader: User) -> None:
        delisted()
        assert close(trader, None).status == "pending_submit"
        assert not Order.objects.filter(kind="close", status="filled").exists()
