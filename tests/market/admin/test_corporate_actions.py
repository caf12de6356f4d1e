"""Corporate actions in the admin: recorded, loaded from a file, withdrawn; each with who and why."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from market.models import CorporateAction, Instrument
from tests import make

URL = "/admin/market/corporateaction/"
DIVIDEND = {
    "symbol": "aapl",
    "kind": "dividend",
    "ex_date": "2024-08-12",
    "amount": "0.25",
    "currency": "usd",
    "pay_date": "2024-08-15",
    "why": "the company's notice",
}


@pytest.fixture(autouse=True)
def instrument(db: None) -> None:
    make.instrument()


def csv(text: str) -> dict[str, object]:
    return {"file": SimpleUploadedFile("d.csv", text.encode()), "symbol": "", "currency": "USD", "why": "w"}


def test_the_list_shows_what_stands_and_what_it_brings(reader: Client) -> None:
    make.action(ex_date="2024-08-12", amount="0.25")
    make.action(ex_date="2020-08-31", kind="split", ratio=4)
    page = reader.get(URL).content.decode()
    assert "0.25 USD" in page
    assert "4:1" in page


def test_a_person_records_a_dividend_in_place_of_a_providers(operator: Client) -> None:
    wrong = make.action(ex_date="2024-08-12", amount="0.26")
    operator.post(f"{URL}add/", DIVIDEND)
    fact = CorporateAction.objects.current().get()
    assert (fact.symbol, fact.amount, fact.currency, fact.source) == (
        "AAPL",
        Decimal("0.25"),
        "USD",
        "person",
    )
    assert str(fact.recorded_by) == "operator"
    wrong.refresh_from_db()
    assert wrong.ended_at is not None
    assert "the company's notice" in LogEntry.objects.get().change_message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": ""}, "amount above zero"),
        ({"currency": ""}, "without a currency"),
        ({"why": ""}, "required"),
        ({"kind": "split", "amount": "", "ratio": "x"}, "Write 4, 3/2 or 1/10"),
        ({"kind": "symbol change", "amount": ""}, "without a new symbol"),
    ],
)
def test_what_is_no_fact_is_refused(operator: Client, change: dict[str, str], says: str) -> None:
    page = operator.post(f"{URL}add/", DIVIDEND | change).content.decode()
    assert says in page
    assert not CorporateAction.objects.exists()


def test_an_unknown_symbol_is_refused(operator: Client) -> None:
    page = operator.post(f"{URL}add/", DIVIDEND | {"symbol": "NOPE"}, follow=True).content.decode()
    assert "no such instrument" in page
    assert not CorporateAction.objects.exists()


def test_a_wrong_one_is_withdrawn_and_stays_readable(operator: Client) -> None:
    fact = make.action()
    operator.post(f"{URL}{fact.pk}/change/", {"why": "never declared"})
    fact.refresh_from_db()
    assert str(fact.ended_by) == "operator"
    page = operator.get(f"{URL}{fact.pk}/change/").content.decode()
    assert "withdrawn" in page
    assert 'name="why"' not in page


def test_a_delisting_is_followed_at_once_and_undone_when_withdrawn(operator: Client) -> None:
    delisting = {"symbol": "AAPL", "kind": "delisting", "ex_date": "2024-07-01", "why": "its notice"}
    operator.post(f"{URL}add/", delisting)
    assert Instrument.objects.get(pk="AAPL").is_gone
    operator.post(f"{URL}{CorporateAction.objects.get().pk}/change/", {"why": "another company's"})
    assert Instrument.objects.get(pk="AAPL").watched


def test_a_file_is_loaded_whole_or_not_at_all(operator: Client) -> None:
    page = operator.post(f"{URL}load/", csv("symbol,date,amount\nAAPL,2024-08-12,0.25\nAAPL,soon,1\n"))
    assert "line 3" in page.content.decode()
    assert not CorporateAction.objects.exists()
    operator.post(f"{URL}load/", csv("symbol,date,amount\nAAPL,2024-08-12,0.25\n"))
    assert CorporateAction.objects.get().source == "file"


def test_who_may_only_look_changes_nothing(reader: Client) -> None:
    fact = make.action()
    assert reader.post(f"{URL}add/", DIVIDEND).status_code == 403
    assert reader.post(f"{URL}{fact.pk}/change/", {"why": "w"}).status_code == 403
    assert reader.post(f"{URL}load/", csv("x")).status_code == 403
    assert CorporateAction.objects.current().count() == 1


def test_what_asks_is_dealt_with_by_who_may_change_it(operator: Client, reader: Client) -> None:
    make.only("AAPL")
    fact = make.action(ex_date="2024-07-03", kind="spin-off", ratio="0.25", recorded_at=timezone.now())
    CorporateAction.objects.update(ex_date=timezone.now().date())
    assert "Deal with it" in operator.get(f"{URL}{fact.pk}/change/").content.decode()
    assert "spin-off" in operator.get(f"{URL}?state=asks").content.decode()
    address = f"{URL}{fact.pk}/answer/"
    assert reader.post(address, {"text": "sold"}).status_code == 403
    operator.post(address, {"text": "NEW was sold"})
    fact.refresh_from_db()
    assert (str(fact.answered_by), fact.answer) == ("operator", "NEW was sold")
