"""A page in Chromium whose site is killed and started again: greyed with one sentence, and back by itself."""

from contextlib import ExitStack

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import PASSWORD, Chromium, Visitor, log_in
from tests.web import running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.long]

OLD = "[data-old]"


def test_a_page_outlives_kill_9_of_its_site(chromium: Chromium) -> None:
    User.objects.create_superuser("ann", password=PASSWORD)
    make.only("AAPL")

    with running() as site, ExitStack() as again:

        def work(page: Page) -> None:
            page.goto("/positions/")
            log_in(page)
            expect(page.get_by_text("Nothing is held")).to_be_visible()
            chromium.aside(site.kill)
            lost = page.locator("[data-alarm=lost]")
            expect(lost).to_contain_text("Not updated since")
            expect(lost).to_contain_text("Jax does not answer.")
            expect(page.locator(OLD)).to_have_count(1)
            chromium.aside(lambda: make.held("AAPL"))
            chromium.aside(lambda: again.enter_context(running(site.port)))
            expect(page.locator("#held-AAPL")).to_be_visible()
            expect(page.locator(OLD)).to_have_count(0)
            expect(lost).to_have_count(0)

        def look() -> None:
            with Visitor(chromium.browser, site.url, session="none").page() as page:
                work(page)

        chromium.run(look)
