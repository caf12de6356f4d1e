"""An instrument is looked for at the providers, chosen, and added with what they say of it."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from market.models import Instrument
from market.providers.listings import Status
from tests import make
from tests.loopback import alpaca, bridge
from tests.vendors import Alpaca, IBBridge, faults

__all__ = ["alpaca", "bridge"]
ADD = "/admin/market/instrument/add/"


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")


def form_of(client: Client, query: str) -> dict[str, Any]:
    """What the page's form would send if nothing was changed in it."""
    form = client.get(f"{ADD}?{query}").context["adminform"].form
    values = {bound.html_name: bound.value() for bound in form}
    return {name: str(value) for name, value in values.items() if value not in (None, False, "")}


def test_a_search_finds_by_name_and_offers_a_choice(operator: Client, alpaca: Alpaca) -> None:
    page = operator.get(f"{ADD}?q=berkshire").content.decode()
    assert "BERKSHIRE HATHAWAY Class B" in page
    assert 'href="?pick=BRK.B"' in page


def test_what_is_chosen_is_filled_in_and_stored_with_its_source(operator: Client, alpaca: Alpaca) -> None:
    fields = form_of(operator, "pick=BRK.B")
    assert (fields["exchange"], fields["kind"], fields["currency"]) == ("XNYS", "share", "USD")
    operator.post(ADD, fields | {"name": "Berkshire"})
    stored = Instrument.objects.get(pk="BRK.B")
    assert (stored.name, stored.exchange, stored.status) == ("Berkshire", "XNYS", Status.ACTIVE)
    assert (stored.details_from, stored.borrowable) == ("alpaca", True)


def test_a_symbol_typed_alone_is_filled_in_all_the_same(operator: Client, alpaca: Alpaca) -> None:
    operator.post(ADD, form_of(operator, "") | {"symbol": "brk-b"})
    stored = Instrument.objects.get(pk="BRK.B")
    assert (stored.exchange, stored.kind, stored.watched) == ("XNYS", "share", True)
    assert stored.name == "BERKSHIRE HATHAWAY Class B"


def test_what_a_person_corrects_stands(operator: Client, alpaca: Alpaca) -> None:
    operator.post(ADD, form_of(operator, "pick=BRK.B") | {"calendar": "24/7", "exchange": "XNAS"})
    assert Instrument.objects.get(pk="BRK.B").calendar == "24/7"


def test_a_delisted_one_is_added_for_its_history(operator: Client, alpaca: Alpaca) -> None:
    page = operator.post(ADD, form_of(operator, "") | {"symbol": "TWTR"}, follow=True)
    stored = Instrument.objects.get(pk="TWTR")
    assert (stored.watched, stored.status) == (False, Status.DELISTED)
    assert "delisted: added for its history only" in page.content.decode()


def test_a_slip_is_refused_with_what_it_looks_like_until_a_person_insists(
    operator: Client, alpaca: Alpaca
) -> None:
    fields = form_of(operator, "") | {"symbol": "APPL"}
    page = operator.post(ADD, fields).content.decode()
    assert ("It looks like AAPL." in page, 'type="checkbox" name="unlisted"' in page) == (True, True)
    assert "BRKB is BRK.B" in operator.post(ADD, fields | {"symbol": "BRKB"}).content.decode()
    operator.post(ADD, fields | {"unlisted": "on"})
    assert Instrument.objects.filter(pk="APPL").exists()


def test_without_a_search_the_page_says_so_and_a_person_fills_it_in(
    operator: Client, bridge: IBBridge
) -> None:
    page = operator.get(f"{ADD}?q=apple").content.decode()
    assert "IB Bridge cannot be asked which instruments there are: there is no search." in page
    added = operator.post(ADD, form_of(operator, "") | {"symbol": "IBM", "name": "IBM"}, follow=True)
    assert "IB Bridge cannot be asked" in added.content.decode()
    assert Instrument.objects.get(pk="IBM").details_from == ""


def test_a_provider_that_fails_is_told_of_and_nothing_is_lost(operator: Client, alpaca: Alpaca) -> None:
    alpaca.fail(faults.status(503))
    page = operator.get(f"{ADD}?q=apple").content.decode()
    assert ("It is not known whether there is" in page, "503" in page) == (True, True)
    operator.post(ADD, form_of(operator, "pick=IBM") | {"name": "IBM"})
    assert Instrument.objects.get(pk="IBM").name == "IBM"


@pytest.mark.parametrize("pick", ["<b>", "", "X" * 40])
def test_what_is_no_symbol_fills_in_nothing(operator: Client, alpaca: Alpaca, pick: str) -> None:
    assert "symbol" not in form_of(operator, f"pick={pick}")


def test_who_may_not_add_may_not_search(reader: Client) -> None:
    assert reader.get(f"{ADD}?q=apple").status_code == 403
