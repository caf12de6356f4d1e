"""A trader keeps a watchlist in Chromium: search, add, note and order, with scripts or without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from market.imports.master import watchlists
from market.models import Instrument, Watchlist
from tests import make
from tests.browser.conftest import Visit, on
from tests.browser.test_pages import CUT_OFF, FITS, GRAVE, QUIETLY

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_search_add_note_and_order(visit: Visit, market: None, scripts: bool) -> None:
    def work(page: Page) -> None:
        page.goto("/watchlists/")
        page.get_by_label("Name").fill("Value")
        page.get_by_role("button", name="Make it").click()
        page.get_by_role("link", name="Add", exact=True).click()
        page.get_by_label("Symbol or name").fill("berkshire")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_text("Berkshire Hathaway Inc. Class B")).to_be_visible()
        # By key: a press of what has only just come is not taken.
        page.get_by_role("button", name="Add BRK.B").press("Enter")
        expect(page.get_by_text("Added: BRK.B.")).to_be_visible()
        page.get_by_role("link", name="Edit", exact=True).click()
        page.get_by_label("Note on BRK.B").fill("After the letter.")
        page.get_by_label("Group of BRK.B").fill("Insurers")
        page.get_by_role("button", name="Save BRK.B").click()
        expect(page.get_by_role("heading", name="Insurers")).to_be_visible()
        page.get_by_role("button", name="Move BRK.B up").click()
        page.get_by_role("link", name="Done").click()
        expect(page.get_by_text("After the letter.")).to_be_visible()

    on(visit, work, scripts=scripts)
    entries = Watchlist.objects.get(name="Value").entries
    assert [entry.instrument_id for entry in entries.all()] == ["BRK.B", "AAPL", "MSFT"]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_its_pages_are_sound(visit: Visit, market: None, width: int, dark: bool) -> None:
    listed = watchlists.create("Tech", by=make.trader(), at=timezone.now(), with_watched=True)
    listed.entries.filter(instrument="MSFT").update(group="Software", note="A long note, " * 20)
    root, admin = f"/watchlists/{listed.pk}/", "/admin/market/"
    parts = ["", "edit/", "add/?q=apple", "add/?q=ESZ4", "delete/"]
    others = [f"/?list={listed.pk}", f"/signals/?list={listed.pk}"]
    others += [f"{admin}watchlist/{listed.pk}/{part}" for part in ("change/", "add/?q=apple")]
    others += [f"{admin}instrument/add/?{query}" for query in ("q=apple", "pick=BRK.B")]

    def work(page: Page) -> None:
        for address in ["/watchlists/", *(root + part for part in parts), *others]:
            page.goto(address)
            assert page.evaluate(FITS), address
            assert page.evaluate(CUT_OFF) == [], address
            violations = Axe().run(page, options=QUIETLY).response["violations"]
            assert [row["id"] for row in violations if row["impact"] in GRAVE] == [], address

    on(visit, work, width=width, dark=dark)


def test_an_operator_edits_a_list_in_admin(visit: Visit, market: None) -> None:
    listed = watchlists.create("Tech", by=make.trader(), at=timezone.now(), with_watched=True)

    def work(page: Page) -> None:
        page.goto(f"/admin/market/watchlist/{listed.pk}/change/")
        page.get_by_label("Note of MSFT").fill("Cloud")
        page.get_by_label("Order of MSFT").fill("1")
        page.get_by_role("button", name="Add another instrument").press("Enter")
        page.get_by_label("Symbol", exact=True).locator("visible=true").fill("brk-b")
        page.get_by_role("button", name="Save and continue editing").press("Enter")
        expect(page.get_by_label("Note of BRK.B")).to_be_visible()

    on(visit, work)
    rows = listed.entries.values_list("instrument", "note")
    assert [*rows] == [("MSFT", "Cloud"), ("AAPL", ""), ("BRK.B", "")]


def test_an_instrument_is_chosen_from_a_search_by_keyboard(visit: Visit, market: None) -> None:
    def work(page: Page) -> None:
        page.goto("/admin/market/instrument/add/")
        page.get_by_label("Symbol or name").fill("berkshire")
        page.get_by_label("Symbol or name").press("Enter")
        expect(page.get_by_role("link", name="Choose").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Symbol:")).to_have_value("BRK.A")
        page.get_by_role("button", name="Save", exact=True).press("Enter")
        page.wait_for_url("**/admin/market/instrument/")

    on(visit, work)
    stored = Instrument.objects.get(pk="BRK.A")
    assert (stored.exchange, stored.details_from) == ("XNYS", "simulator")
