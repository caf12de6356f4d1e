"""Pages in Chromium whose session has ended: greyed, with a way back, and nothing is decided from them."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from approvals.models import TradeApproval
from jaxsite.models import Session
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make
from tests.browser.conftest import BEAT, DOES_NOT_LOOK, PASSWORD, Chromium, Visit, Visitor, log_in

pytestmark = [pytest.mark.slow, pytest.mark.long]

OLD = "[data-old]"
LOGGED_OUT = "You have been logged out."


def test_after_the_session_has_ended_one_logs_in_and_is_back(
    visit: Visit, signal: Signal, ann: User, chromium: Chromium
) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(width=390) as page:
            page.goto("/signals/?tab=approved&symbol=AA")
            chromium.aside(lambda: Session.objects.all().delete())
            page.evaluate(BEAT)
            expect(page.locator("[data-alarm=login]")).to_contain_text("You have been logged out.")
            expect(page.locator("[data-alarm]")).to_have_count(1)
            expect(page.locator(OLD)).to_have_count(1)
            expect(page.get_by_role("heading", name="Signals")).to_be_visible()
            page.get_by_role("link", name="Log in again").click()
            log_in(page)
            expect(page.get_by_role("heading", name="Signals")).to_be_visible()
            assert page.url.endswith("/signals/?tab=approved&symbol=AA")
            expect(page.locator(OLD)).to_have_count(0)

    visit(look)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_decision_without_a_session_is_not_made_and_its_page_says_so(
    visit: Visit, signal: Signal, ann: User, chromium: Chromium, scripts: bool
) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(scripts=scripts) as page:
            page.add_init_script(DOES_NOT_LOOK)
            page.goto(f"/signals/{signal.pk}/", wait_until="networkidle")
            chromium.aside(lambda: Session.objects.all().delete())
            page.locator("[data-approve]").click()
            log_in(page)
            expect(page.get_by_text("You had been logged out: the signal was not approved.")).to_be_visible()
            assert page.url.endswith(f"/signals/{signal.pk}/")
            assert not chromium.aside(TradeApproval.objects.exists)
            page.locator("[data-approve]").click()
            expect(page.get_by_text("Approved by ann")).to_be_visible()

    assert visit(look).complaints == []


def test_a_question_without_a_session_is_not_asked_and_the_page_says_so(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.add_init_script(DOES_NOT_LOOK)
            page.goto(f"/signals/{signal.pk}/", wait_until="networkidle")
            chromium.aside(Session.objects.all().delete)
            page.get_by_role("button", name="Ask the checklist").click()
            expect(page.locator("[data-alarm=login]")).to_contain_text(LOGGED_OUT)
            expect(page.locator("[data-alarm]")).to_have_count(1)

    visit(look)
    assert not OrchestrationRun.objects.exists()


def test_a_page_whose_user_logs_out_in_another_tab_is_greyed_and_comes_back(
    visit: Visit, signal: Signal, ann: User
) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.context.clear_cookies()
            page.goto("/positions/")
            log_in(page)
            expect(page.get_by_role("heading", name="Positions")).to_be_visible()
            other = page.context.new_page()
            other.goto("/")
            other.get_by_role("button", name="Log out").click()
            expect(other.get_by_role("heading", name="Log in")).to_be_visible()
            page.evaluate(BEAT)
            expect(page.locator("[data-alarm=login]")).to_contain_text(LOGGED_OUT)
            expect(page.locator(OLD)).to_have_count(1)
            log_in(other)
            expect(other.get_by_role("heading", name="Desk")).to_be_visible()
            expect(page.locator(OLD)).to_have_count(0)
            expect(page.get_by_role("heading", name="Positions")).to_be_visible()

    visit(look)


def test_a_page_is_greyed_when_somebody_else_logs_in_in_another_tab(
    visit: Visit, signal: Signal, ann: User
) -> None:
    """Else it would go on, with her name on top and what he may do."""
    ben = make.trader("ben")
    ben.set_password(PASSWORD)
    ben.save()

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.context.clear_cookies()
            page.goto(f"/signals/{signal.pk}/")
            log_in(page)
            expect(page.locator("[data-approve]")).to_be_enabled()
            other = page.context.new_page()
            other.goto("/")
            other.get_by_role("button", name="Log out").click()
            log_in(other, name="ben")
            expect(other.get_by_role("link", name="ben")).to_be_visible()
            page.evaluate(BEAT)
            expect(page.locator("[data-alarm=login]")).to_contain_text(LOGGED_OUT)
            page.locator("[data-approve]").click()
            expect(page.locator(OLD)).to_have_count(1)

    visit(look)
    assert not TradeApproval.objects.exists()
