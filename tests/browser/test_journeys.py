"""A trader at work in Chromium: what happens while a page is open, halt and resume, closing a position."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from approvals import decisions
from approvals.models import Order, TradeApproval, TradingHalt
from market.models import IngestionRun
from signals.models import Signal
from tests import make
from tests.browser.conftest import BEAT, DOES_NOT_LOOK, Chromium, Visit, Visitor, log_in, on

pytestmark = [pytest.mark.slow, pytest.mark.long]

BUTTONS = "#decide button:enabled, #reject button:enabled"


def test_a_signal_that_expires_while_it_is_looked_at_cannot_be_decided(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        expect(page.locator("[data-approve]")).to_be_enabled()
        over = timezone.now() - timedelta(seconds=1)
        chromium.aside(lambda: Signal.objects.update(expires_at=over))
        page.evaluate(BEAT)
        expect(page.get_by_text("Nothing is left to decide: it is expired")).to_be_visible()
        expect(page.locator(BUTTONS)).to_have_count(0)

    on(visit, work)
    assert not TradeApproval.objects.exists()


def test_what_another_person_decides_meanwhile_is_told(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def reject() -> None:
        other = User.objects.create_user("ben")
        decisions.reject(signal.pk, by=other, reason=TradeApproval.Reason.NEWS, at=timezone.now())

    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        chromium.aside(reject)
        page.evaluate(BEAT)
        expect(page.get_by_text("Nothing is left to decide: it is rejected")).to_be_visible()
        expect(page.locator(BUTTONS)).to_have_count(0)
        page.get_by_text("Look at the new version").click()
        expect(page.get_by_text("Rejected by ben")).to_be_visible()

    on(visit, work)
    assert TradeApproval.objects.get().approved is False


def test_a_feed_that_dies_is_told_and_nothing_can_be_approved(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        expect(page.locator("#status-bar")).to_contain_text("live")
        expect(page.locator("[data-approve]")).to_be_enabled()
        chromium.aside(lambda: IngestionRun.objects.all().delete())
        page.evaluate(BEAT)
        expect(page.locator("#status-bar")).to_contain_text("The feed is away: no quotes arrive.")
        expect(page.locator("#status-bar")).to_contain_text("waits")
        expect(page.get_by_role("button", name="Cannot be approved now")).to_be_disabled()

    on(visit, work)


def test_a_halt_stops_approving_until_somebody_resumes(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto("/")
        page.get_by_role("link", name="Halt …").click()
        page.get_by_label("Why").fill("the feed looks odd")
        page.get_by_role("button", name="Halt trading").click()
        expect(page.locator("#status-bar")).to_contain_text("the feed looks odd")
        page.goto(f"/signals/{signal.pk}/")
        expect(page.get_by_role("button", name="Cannot be approved now")).to_be_disabled()
        page.get_by_role("link", name="Resume …").click()
        page.get_by_role("button", name="Resume trading").click()
        expect(page.get_by_text("Trading is on again.")).to_be_visible()
        page.goto(f"/signals/{signal.pk}/")
        expect(page.locator("[data-approve]")).to_be_enabled()

    on(visit, work)
    halt = TradingHalt.objects.get()
    assert (halt.reason, halt.ended_at is not None) == ("the feed looks odd", True)


@pytest.mark.parametrize(("width", "scripts"), [(1280, True), (390, True), (390, False)])
def test_a_position_is_closed_after_it_was_said_what_that_does(
    visit: Visit, signal: Signal, width: int, scripts: bool
) -> None:
    make.held("AAPL")

    def work(page: Page) -> None:
        page.goto("/positions/")
        page.get_by_role("link", name="Close …").click()
        expect(page.get_by_text("Sells all 10 AAPL at the market, now.")).to_be_visible()
        page.get_by_role("button", name="Close the position").click()
        expect(page.get_by_role("status").filter(has_text="SELL 10 AAPL")).to_be_visible()

    on(visit, work, width=width, scripts=scripts)
    assert Order.objects.get(kind=Order.Kind.CLOSE).quantity == 10


def test_a_position_that_changed_since_it_was_looked_at_is_not_closed(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    held = make.held("AAPL")

    def work(page: Page) -> None:
        page.add_init_script(DOES_NOT_LOOK)
        page.goto("/positions/AAPL/close/")
        chromium.aside(lambda: make.fill(held, 5))
        page.get_by_role("button", name="Close the position").click()
        expect(page.get_by_text("15 AAPL are held now, and the page said 10")).to_be_visible()
        expect(page.get_by_text("Sells all 15 AAPL")).to_be_visible()

    on(visit, work)
    assert not Order.objects.filter(kind=Order.Kind.CLOSE).exists()


def test_the_page_says_when_nothing_answers_any_more(visit: Visit, signal: Signal) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto("/")
            page.route("**/*", lambda route: route.abort())
            for _ in range(3):
                with page.expect_event("requestfailed"):
                    page.evaluate(BEAT)
            expect(page.get_by_text("Jax does not answer.")).to_be_visible()
            page.unroute("**/*")
            page.evaluate(BEAT)
            expect(page.get_by_text("Jax does not answer.")).to_have_count(0)

    complaints = visit(look).complaints
    assert complaints
    assert [
        complaint
        for complaint in complaints
        if "ERR_FAILED" not in complaint and not complaint.startswith("htmx:")
    ] == []


def test_a_stranger_logs_in_and_lands_where_he_wanted_to_go(visit: Visit, ann: User) -> None:
    def work(page: Page) -> None:
        page.context.clear_cookies()
        page.goto("/positions/")
        log_in(page, "wrong")
        expect(page.get_by_role("alert")).to_contain_text("This name and password do not belong together")
        log_in(page)
        expect(page.get_by_role("heading", name="Positions")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    on(visit, work)
