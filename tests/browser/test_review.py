"""Data to review in Chromium: from Status to a bar beside its neighbours, accepted, and in the chain."""

import pytest
from playwright.sync_api import expect

from approvals.audit import seals
from approvals.models import AuditEvent
from market.models import Candle
from tests import make
from tests.browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.long]

# A function: the page's policy forbids to read a text again when it does not fit at once.
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture(autouse=True)
def stored(live_server: object) -> None:
    """Thirty daily bars, of which one has a wick that nothing supports."""
    make.only("AAPL")
    make.july_2024()
    for day in range(1, 31):
        make.candle("AAPL", f"2024-06-{day:02}", 180.0 + day % 7)
    Candle.objects.filter(opened_at__day=20).update(low=18.0, suspect=True)


def test_a_suspect_bar_is_accepted_with_a_reason_that_the_chain_holds(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto("/status/")
            page.get_by_role("link", name="data to review").click()
            page.locator("#result_list").get_by_role("link", name="suspect bar").click()
            expect(page.get_by_role("row", name="2024-06-20")).to_contain_text("suspect")
            expect(page.get_by_role("rowheader", name="2024-06-21")).to_be_visible()
            expect(page.locator("[data-chart]")).to_have_attribute("data-drawn", "30")
            page.get_by_label("Why").first.fill("a real print, says the exchange")
            page.get_by_role("button", name="Accept").click()
            expect(page.get_by_text("believed by operator")).to_be_visible()

    assert visit(look).complaints == []
    assert not Candle.objects.filter(suspect=True).exists()
    seals.seal(make.T0)
    assert "a real print, says the exchange" in AuditEvent.objects.latest("number").text


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_the_pages_fit_their_screen(visit: Visit, width: int, dark: bool) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(width=width, dark=dark) as page:
            for address in ("/admin/market/reviewitem/", "/admin/market/candlerow/?q=AAPL"):
                page.goto(address)
                expect(page.locator("#content h1"), address).to_be_visible()
                page.wait_for_function(FITS)
            page.goto("/admin/market/reviewitem/")
            page.locator("#result_list").get_by_role("link", name="suspect bar").click()
            page.wait_for_function(FITS)

    assert visit(look).complaints == []


def test_several_are_chosen_and_dropped_without_scripts(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(scripts=False) as page:
            page.goto("/admin/market/reviewitem/")
            page.locator(".action-select").first.check()
            page.locator("select[name=action]").select_option(label="Drop bars")
            page.get_by_role("button", name="Go").click()
            page.get_by_label("Why").fill("no such trade")
            page.get_by_role("button", name="Drop bars").click()
            expect(page.get_by_text("1 of 1 done")).to_be_visible()

    assert visit(look).complaints == []
    assert not Candle.objects.filter(opened_at__day=20).exists()
