"""Cash that people pay in to the account on paper, take out, and set back."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from approvals import positions
from approvals.execution import account, fills
from approvals.execution.brokerage import configured
from approvals.execution.paper import transfers
from approvals.execution.paper.transfers import Kind, NotMoved
from approvals.models import AuditEvent, Charge, PaperFill, PaperTransfer, TradingHalt
from tests.approvals.audit_rows import user
from tests.approvals.execution.test_paper_book import MINUTE, aapl, filled, placed, quoted
from tests.approvals.paper_tape import closing
from tests.make import T0

__all__ = ["aapl"]


@pytest.fixture
def tina(aapl: None) -> User:
    return user()


def cash(minute: int) -> Decimal:
    return configured(T0 + minute * MINUTE).account().cash


def moved(kind: Kind, amount: str, by: User, minute: int = 1) -> Decimal:
    return transfers.move(kind, Decimal(amount), by, "to see", T0 + minute * MINUTE).cash


def test_who_why_and_how_much_are_a_row_and_an_event(tina: User) -> None:
    assert moved(Kind.DEPOSIT, "2500.50", tina) == Decimal("2500.50")
    assert moved(Kind.WITHDRAWAL, "500", tina, 2) == Decimal(-500)
    assert cash(3) == Decimal("102000.50")
    rows = list(PaperTransfer.objects.order_by("pk").values_list("kind", "cash", "by__username", "reason"))
    assert rows[0] == ("deposit", Decimal("2500.50"), "tina", "to see")
    events = AuditEvent.objects.order_by("number")
    assert list(events.values_list("kind", flat=True)) == ["paper deposit", "paper withdrawal"]


def test_no_more_is_taken_out_than_nothing_needs(tina: User) -> None:
    placed()  # 100 at 100 at the most, and 1.00 of commission
    with pytest.raises(NotMoved, match=r"89999\.00 USD can be taken out"):
        moved(Kind.WITHDRAWAL, "89999.01", tina)
    assert moved(Kind.WITHDRAWAL, "89999.00", tina) == Decimal(-89_999)
    assert configured(T0 + 2 * MINUTE).account().buying_power == 0


def test_a_reset_is_refused_while_something_works_or_is_held(tina: User) -> None:
    filled()
    for minute in (1, 3):
        with pytest.raises(NotMoved, match=r"AAPL.*a reset closes nothing"):
            moved(Kind.RESET, "100000", tina, minute)
    assert not PaperTransfer.objects.exists()


def test_a_reset_leaves_the_history(tina: User) -> None:
    client_id = filled()
    configured(T0 + 3 * MINUTE).cancel(client_id, exits=True)
    configured(T0 + 3 * MINUTE).close(closing())
    quoted(98.0, T0 + 4 * MINUTE)
    before = cash(5)
    assert moved(Kind.RESET, "50000", tina, 6) == Decimal(50_000) - before
    assert (cash(7), PaperFill.objects.count()) == (Decimal(50_000), 2)
    with pytest.raises(NotMoved, match="has just that"):
        moved(Kind.RESET, "50000", tina, 8)


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "1000000000001"])
def test_an_amount_that_is_none_is_refused(tina: User, amount: str) -> None:
    with pytest.raises(NotMoved, match="above 0"):
        moved(Kind.DEPOSIT, amount, tina)


def test_without_a_reason_nothing_moves(tina: User) -> None:
    with pytest.raises(NotMoved, match="Say why"):
        transfers.move(Kind.DEPOSIT, Decimal(1), tina, " ", T0)


def test_with_another_broker_nothing_moves(tina: User, settings: Settings) -> None:
    settings.BROKER = "alpaca"
    with pytest.raises(NotMoved, match="BROKER is alpaca"):
        moved(Kind.DEPOSIT, "1", tina)


def test_what_is_taken_out_is_no_loss_of_the_day(tina: User) -> None:
    for minute in (1, 3):
        at = T0 + minute * MINUTE
        broker = configured(at)
        account.write_snapshot(broker.account(), broker.name, at)
        fills.record_charges(broker, at)
        if minute == 1:
            moved(Kind.WITHDRAWAL, "60000", tina, 2)
    assert Charge.objects.get().is_transfer
    seen = positions.account(T0 + 4 * MINUTE)
    assert seen is not None
    assert (seen.snapshot.equity, seen.day_result, seen.week_result) == (
        Decimal(40_000),
        Decimal(0),
        Decimal(0),
    )
    account.halt_on_loss("paper", T0 + 4 * MINUTE)
    assert not TradingHalt.objects.exists()
