"""Dividends on paper from the stored facts, in rows of their own and in the chain of events."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client
from pytest_django import Settings

from approvals import audit
from approvals.execution.account import halt_on_loss, write_snapshot
from approvals.execution.brokerage import configured as paper
from approvals.execution.paper import waiting
from approvals.models import (
    AuditEvent,
    PaperDividend,
    PaperFill,
    PaperOrder,
    TradingHalt,
    WaitingDividend,
)
from market.models import Fault, Quote
from tests import make
from tests.faults.loops import refuse_rows
from tests.make import T0

pytestmark = pytest.mark.django_db(transaction=True)

LATER = datetime(2024, 7, 9, 14, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def held() -> None:
    """100 shares at 99.00, bought on 3 July."""
    make.july_2024()
    make.instrument()
    order = PaperOrder.objects.create(
        client_id="00000000-0000-4000-8000-000000000001",
        symbol="AAPL",
        side="BUY",
        quantity=100,
        placed_at=T0,
        state="filled",
        filled=100,
        ended_at=T0,
    )
    PaperFill.objects.create(
        execution_id="e1",
        order=order,
        leg="entry",
        symbol="AAPL",
        side="BUY",
        quantity=100,
        price=Decimal(99),
        executed_at=T0,
        recorded_at=T0,
    )


def cash(at: datetime = LATER) -> Decimal:
    return paper(at).account().cash


def test_it_is_paid_on_the_pay_date() -> None:
    make.action(ex_date="2024-07-05", pay_date="2024-07-08", amount="0.24")
    assert cash(datetime(2024, 7, 8, 13, 0, tzinfo=UTC)) == Decimal("90100.00")
    assert cash(datetime(2024, 7, 8, 13, 31, tzinfo=UTC)) == Decimal("90124.00")
    assert cash() == cash(LATER + timedelta(minutes=1)) == Decimal("90124.00")
    row = PaperDividend.objects.get()
    assert (row.symbol, row.quantity, row.amount, row.cash) == (
        "AAPL",
        100,
        Decimal("0.24"),
        Decimal("24.00"),
    )


def test_between_ex_date_and_pay_date_it_is_a_part_of_the_equity_and_buys_nothing() -> None:
    make.action(ex_date="2024-07-05", pay_date="2024-07-09", amount="5")
    make.quote(price=99.0, as_of=T0)
    before = paper(datetime(2024, 7, 5, 13, 0, tzinfo=UTC)).account()
    Quote.objects.update(price=94.0, as_of=datetime(2024, 7, 5, 13, 31, tzinfo=UTC))
    on_ex_date = paper(datetime(2024, 7, 5, 13, 32, tzinfo=UTC)).account()
    paid = paper(LATER).account()
    assert (before.equity, on_ex_date.equity, paid.equity) == (Decimal(100_000),) * 3
    assert (on_ex_date.cash, paid.cash) == (Decimal("90100.00"), Decimal("90600.00"))
    assert (on_ex_date.buying_power, paid.buying_power) == (on_ex_date.cash, paid.cash)


def test_a_dividend_does_not_halt_for_the_loss_of_a_day(settings: Settings) -> None:
    settings.MAX_DAY_LOSS = Decimal("0.004")
    make.action(ex_date="2024-07-05", pay_date="2024-07-09", amount="5")
    make.quote(price=99.0, as_of=T0)
    evening, morning = datetime(2024, 7, 4, 1, tzinfo=UTC), datetime(2024, 7, 5, 13, 32, tzinfo=UTC)
    write_snapshot(paper(evening).account(), "paper", evening)
    Quote.objects.update(price=94.0, as_of=morning)
    write_snapshot(paper(morning).account(), "paper", morning)
    halt_on_loss("paper", morning)
    assert not TradingHalt.objects.exists()
    Quote.objects.update(price=89.0)
    later = morning + timedelta(minutes=1)
    write_snapshot(paper(later).account(), "paper", later)
    halt_on_loss("paper", later)
    assert TradingHalt.objects.get().cause == "day_loss"


def test_one_that_cannot_be_written_down_keeps_back_no_other() -> None:
    make.instrument("MSFT")
    fill = PaperFill.objects.get()
    PaperFill.objects.create(
        execution_id="e2",
        **{field: getattr(fill, field) for field in ("order", "leg", "side", "quantity", "price")},
        symbol="MSFT",
        executed_at=T0,
        recorded_at=T0,
    )
    for symbol in ("AAPL", "MSFT"):
        make.action(symbol, ex_date="2024-07-05", amount="0.24")
    with refuse_rows("paper_dividends", "NEW.symbol = 'AAPL'"):
        assert cash() == Decimal("80224.00")
        assert Fault.objects.get().subject == "AAPL"
    assert cash(LATER + timedelta(minutes=1)) == Decimal("80248.00")
    assert not Fault.objects.exists()


def test_without_a_pay_date_it_is_paid_on_the_ex_date() -> None:
    make.action(ex_date="2024-07-05", amount="0.24")
    assert cash(datetime(2024, 7, 5, 14, tzinfo=UTC)) == Decimal("90124.00")


def test_a_regular_and_a_special_one_come_together() -> None:
    make.action(ex_date="2024-07-05", amount="0.24")
    make.action(ex_date="2024-07-05", amount="1.50")
    assert cash() == Decimal("90274.00")


@pytest.mark.parametrize(
    "values",
    [
        {"ended_at": T0},
        {"kind": "merger", "amount": 5, "currency": "USD"},
        {"ex_date": "2024-07-03"},
        {"ex_date": "2024-06-28"},
    ],
)
def test_what_is_no_dividend_of_ours_pays_nothing(values: dict[str, str]) -> None:
    make.action(**{"ex_date": "2024-07-05", **values})
    assert cash() == Decimal("90100.00")


def test_a_correction_is_a_row_of_its_own_and_all_are_in_the_chain() -> None:
    wrong = make.action(ex_date="2024-07-05", amount="0.24")
    cash()
    type(wrong).objects.filter(pk=wrong.pk).update(ended_at=T0)
    make.action(ex_date="2024-07-05", amount="0.25")
    assert cash() == Decimal("90125.00")
    assert [row.cash for row in PaperDividend.objects.order_by("pk")] == [Decimal("24.00"), Decimal("1.00")]
    assert AuditEvent.objects.filter(kind="dividend paid").count() == 2
    assert audit.verify().count >= 2


def test_a_payment_is_a_record() -> None:
    make.action(ex_date="2024-07-05")
    cash()
    with pytest.raises(DatabaseError, match="its rows are a record"), transaction.atomic():
        PaperDividend.objects.update(cash=1)


def test_one_in_another_currency_is_paid_at_the_stored_rate_and_says_which() -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    make.quote("EUR/USD", 1.0834, LATER - timedelta(minutes=3), provider="polygon")
    assert cash() == Decimal("90126.00")
    row = PaperDividend.objects.get()
    assert (row.currency, row.value, row.rate) == ("EUR", Decimal("24.00"), Decimal("1.0834"))
    assert (row.rate_as_of, row.rate_source) == (LATER - timedelta(minutes=3), "polygon")
    text = AuditEvent.objects.get(kind="dividend paid").text
    assert '"rate":"1.0834000000"' in text.replace(" ", "")
    assert cash(LATER + timedelta(days=1)) == Decimal("90126.00")


@pytest.mark.parametrize(
    ("currency", "pair", "price", "paid"),
    [("GBX", "GBP/USD", 1.25, "0.30"), ("GBP", "GBP/USD", 1.25, "30.00"), ("JPY", "USD/JPY", 160.0, "0.15")],
)
def test_pence_are_no_pounds(currency: str, pair: str, price: float, paid: str) -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency=currency)
    make.quote(pair, price, LATER - timedelta(minutes=3))
    assert cash() == Decimal("90100.00") + Decimal(paid)


def test_without_a_rate_it_waits_and_is_told_until_one_comes() -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    assert cash() == cash() == Decimal("90100.00")
    row = WaitingDividend.objects.get()
    assert (f"{row}", row.since) == ("24.00 EUR of AAPL 2024-07-05", LATER)
    (finding,) = waiting.findings(LATER)
    assert finding.text.startswith(
        "1 wait for a rate: 24.00 EUR of AAPL 2024-07-05 since 2024-07-09: No rate"
    )
    make.quote("EUR/USD", 1.1, LATER)
    assert cash() == Decimal("90126.40")
    assert not WaitingDividend.objects.exists()
    assert list(waiting.findings(LATER)) == []


@pytest.mark.parametrize(
    "values",
    [
        {"as_of": LATER - timedelta(hours=1)},
        {"price": 110.0},
        {"doubt": "off_scale", "doubtful_price": 0.9, "doubtful_as_of": LATER},
    ],
    ids=["too old", "a hundredfold", "doubtful"],
)
def test_no_money_moves_at_a_rate_that_is_not_firm(values: dict[str, Any]) -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    given: dict[str, Any] = {"price": 1.1, "as_of": LATER} | values
    make.quote("EUR/USD", **given)
    assert cash() == Decimal("90100.00")
    assert WaitingDividend.objects.count() == 1


def test_one_that_is_withdrawn_waits_no_more() -> None:
    fact = make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    cash()
    type(fact).objects.update(ended_at=LATER)
    cash()
    assert not WaitingDividend.objects.exists()


def test_an_operator_gives_the_rate(client: Client) -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    cash()
    row = WaitingDividend.objects.get()
    url = f"/admin/approvals/waitingdividend/{row.pk}/change/"
    client.force_login(make.trader())
    assert "/login/" in client.post(url, {"rate": "1.05"})["Location"]
    client.force_login(User.objects.create_superuser("olga"))
    assert "24.00" in client.get("/admin/approvals/waitingdividend/").content.decode()
    client.post(url, {"rate": "0"})
    assert cash() == Decimal("90100.00")
    client.post(url, {"rate": "1.05"})
    assert cash() == Decimal("90125.20")
    assert PaperDividend.objects.get().rate_source == "olga"
    assert "at 1.05 of" in client.get("/admin/approvals/paperdividend/").content.decode()


def test_the_account_page_shows_what_waits(client: Client) -> None:
    make.action(ex_date="2024-07-05", amount="0.24", currency="EUR")
    cash()
    client.force_login(make.trader())
    page = client.get("/positions/").content.decode()
    assert (
        "Not in the account yet: 24.00 EUR, the dividend of AAPL of 2024-07-05. No rate of EUR in USD" in page
    )
    assert "Give a rate" not in page
