"""The import wizard in Chromium: a file without a header becomes bars, with scripts and without."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect
from pytest_django import Settings

from market import tasks
from market.models import Candle, CandleImport
from tests import make
from tests.browser.conftest import Chromium, Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.long]

# A function: the page's policy forbids to read a text again when it does not fit at once.
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
QUIETLY = {"preload": False, "resultTypes": ["violations"]}
GRAVE = {"serious", "critical"}


@pytest.fixture(autouse=True)
def real(live_server: object, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session("2099-07-05")


def rows() -> Iterator[str]:
    """Yield the minutes of a session on New York's clocks: the low stands before the high."""
    for minute in range(390):
        at = datetime.fromisoformat("2024-07-02 09:30") + timedelta(minutes=minute)
        yield f"{at:%Y-%m-%d};{at:%H:%M};100,5;99,5;101,5;100,75;1200"


FILE: FilePayload = {"name": "export.txt", "mimeType": "text/plain", "buffer": "\n".join(rows()).encode()}


def check(page: Page) -> None:
    """Check that a step fits the screen, and that axe-core finds nothing serious."""
    page.wait_for_function(FITS)
    found = Axe().run(page, options=QUIETLY).response["violations"]
    assert [one["id"] + one["nodes"][0]["html"] for one in found if one["impact"] in GRAVE] == []


def work() -> None:
    for row in CandleImport.objects.filter(status="queued"):
        tasks.load_csv(row.pk)


@pytest.mark.parametrize(("scripts", "width"), [(True, 390), (False, 1280)])
def test_a_file_without_a_header_becomes_bars(
    visit: Visit, chromium: Chromium, scripts: bool, width: int
) -> None:
    def take(visitor: Visitor) -> None:
        look = check if scripts else (lambda page: None)  # axe-core is a script
        with visitor.page(scripts=scripts, width=width) as page:
            page.goto("/admin/market/candleimport/")
            page.get_by_role("link", name="Import a file").click()
            expect(page.get_by_label("File")).to_be_visible()
            look(page)
            page.get_by_label("File").set_input_files([FILE])
            page.get_by_role("button", name="Look at it").click()
            expect(page.get_by_text("was not recognized")).to_be_visible()
            look(page)
            page.get_by_label("Column 4").select_option("low")
            page.get_by_label("Column 5").select_option("high")
            page.get_by_label("Symbol").fill("aapl")
            page.get_by_label("Timeframe").select_option("1m")
            page.get_by_label("Time zone").select_option("UTC")
            page.get_by_role("button", name="Check it").click()
            expect(page.get_by_text("is the zone New York?")).to_be_visible()
            look(page)
            page.get_by_role("button", name="It is New York").click()
            expect(page.get_by_text("390 new")).to_be_visible()
            look(page)
            page.get_by_role("button", name="Load 1 symbol").click()
            expect(page.get_by_text("each symbol whole or not at all")).to_be_visible()
            chromium.aside(work)
            expect(page.get_by_text("export.txt is done.")).to_be_visible()
            look(page)

    assert visit(take).complaints == []
    assert Candle.objects.filter(timeframe="1m", high=101.5, low=99.5, close=100.75).count() == 390
