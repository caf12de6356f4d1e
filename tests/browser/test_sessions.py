"""Two browsers of one user: each sees the other, one ends it, and it comes back where it was."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from jaxsite.models import Session
from tests import make
from tests.browser.conftest import Chromium, Visitor
from tests.jaxsite.auth import codes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.long]

Visit = Callable[[Callable[[Visitor], Any]], Visitor]
BEAT = "document.body.dispatchEvent(new Event('beat'))"


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


def log_in(page: Page) -> None:
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(codes.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_one_browser_ends_the_other_which_comes_back_where_it_was(visit: Visit, ann: User) -> None:
    make.instrument()

    def work(visitor: Visitor) -> None:
        visitor.session = "none"
        with visitor.page() as here, visitor.page(width=390, dark=True) as there:
            for page, address in ((here, "/account/"), (there, "/instruments/AAPL/")):
                page.goto(f"/login/?next={address}")
                log_in(page)
            here.reload()
            rows = here.locator("[aria-labelledby=sessions] tbody tr")
            expect(rows).to_have_count(2)
            expect(rows.first).to_contain_text("this one")
            expect(rows.last).to_contain_text("Chrome on Linux")
            here.get_by_role("button", name="Log out Chrome").click()
            expect(here.get_by_text("That device is logged out")).to_be_visible()
            expect(rows).to_have_count(1)

            there.evaluate(BEAT)
            expect(there.locator("[data-alarm=login]")).to_contain_text("You have been logged out.")
            there.get_by_role("link", name="Log in again").click()
            log_in(there)
            expect(there.get_by_role("heading", name="AAPL").first).to_be_visible()
            assert there.url.endswith("/instruments/AAPL/")
            here.reload()
            expect(rows).to_have_count(2)

    visitor = visit(work)
    assert all("401" in complaint for complaint in visitor.complaints)


@pytest.mark.parametrize("address", ["/", "/instruments/AAPL/", "/status/", "/signals/"])
def test_an_open_page_is_no_use_and_a_person_is(
    visit: Visit, ann: User, chromium: Chromium, address: str
) -> None:
    make.instrument()
    long_ago = timezone.now() - timedelta(hours=5)

    def used_at() -> datetime:
        return Session.objects.get(user__username="ann").used_at

    def work(visitor: Visitor) -> None:
        visitor.session = "none"
        with visitor.page() as page:
            page.goto(f"/login/?next={address}")
            log_in(page)
            page.wait_for_load_state("networkidle")
            chromium.aside(lambda: Session.objects.update(used_at=long_ago))
            with page.expect_response(lambda answer: "jax-beat" in answer.request.headers):
                page.evaluate(BEAT)
            page.wait_for_load_state("networkidle")
            assert chromium.aside(used_at) == long_ago
            page.reload()
            assert chromium.aside(used_at) > long_ago

    visit(work)
