"""Cash of the account on paper in the admin."""

from decimal import Decimal

import pytest
from django.test import Client

from approvals.models import BorrowRate, PaperTransfer
from tests import make
from tests.approvals import audit_rows

LIST = "/admin/approvals/papertransfer/"
MOVE = f"{LIST}move/"

pytestmark = pytest.mark.django_db


def messages_after(client: Client, **content: str) -> list[str]:
    page = client.post(MOVE, content, follow=True)
    return [str(message) for message in page.context["messages"]]


def test_an_operator_pays_in(operator: Client) -> None:
    assert "Move cash on paper" in operator.get(LIST).content.decode()
    assert messages_after(operator, kind="deposit", amount="250", reason="more") == ["Deposit: +250.00."]
    transfer = PaperTransfer.objects.get()
    assert (transfer.cash, str(transfer.by), transfer.reason) == (Decimal(250), "operator", "more")


def test_what_cannot_be_moved_is_said(operator: Client) -> None:
    [message] = messages_after(operator, kind="withdrawal", amount="100000.01", reason="all")
    assert message.startswith("Nothing was moved. 100000.00 USD can be taken out")
    [message] = messages_after(operator, kind="deposit", amount="250", reason="")
    assert message == "Nothing was moved. reason: This field is required."
    assert not PaperTransfer.objects.exists()


def test_a_reader_and_a_stranger_move_nothing(reader: Client, stranger: Client) -> None:
    assert "Move cash on paper" not in reader.get(LIST).content.decode()
    content = {"kind": "deposit", "amount": "250", "reason": "more"}
    assert reader.post(MOVE, content).status_code == 403
    assert stranger.post(MOVE, content).status_code == 302
    assert not PaperTransfer.objects.exists()


def test_what_was_charged_is_listed(reader: Client) -> None:
    audit_rows.paper_charge()
    page = reader.get("/admin/approvals/papercharge/").content.decode()
    assert "borrow fee" in page
    assert "-0.01" in page


def test_an_operator_sets_the_borrow_rate_of_a_known_symbol(operator: Client) -> None:
    make.instrument("GME")
    address = "/admin/approvals/borrowrate/add/"
    page = operator.post(address, {"symbol": "NOPE", "rate": "0.3"})
    assert "NOPE is not known here" in page.content.decode()
    operator.post(address, {"symbol": "gme", "rate": "0.3"})
    rate = BorrowRate.objects.get()
    assert (rate.symbol, rate.rate) == ("GME", Decimal("0.3"))
