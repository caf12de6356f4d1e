"""A press in Chromium that lands while the page changes under it: nothing is sent, and the page says so.

The page's clock stands still, so that half a second after an update is no matter of how busy the machine is.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from approvals.halt import start as start_halt
from approvals.models import Order, TradeApproval, TradingHalt
from signals.models import Signal
from tests import make
from tests.browser.conftest import BEAT, DOES_NOT_LOOK, Chromium, Visit, on, set_price, times

pytestmark = [pytest.mark.slow, pytest.mark.long]

REASON = "Trading was halted."


def stand_still(page: Page, address: str) -> None:
    page.clock.install(time=timezone.now())
    page.goto(address)
    page.clock.pause_at(timezone.now() + timedelta(minutes=1))
    page.wait_for_load_state("networkidle")


def press(button: Locator) -> None:
    """Press where it stands, as a finger does that is under way already."""
    box = button.bounding_box()
    assert box is not None
    button.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def expect_refusal(page: Page) -> None:
    expect(page.locator("[data-alarm=press]")).to_contain_text(
        "The page changed as you pressed: nothing was sent."
    )


def wait_half_a_second(page: Page) -> None:
    """Wait for what is on its way, which would be one more update, and then that long."""
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.clock.run_for(500)


def hold(symbol: str, minutes: int) -> Order:
    """Return an order that has needed a new look since so many minutes."""
    at = timezone.now()
    bar = {"bar_opened_at": at - minutes * make.DAY}
    approval = make.approval(make.signal(symbol, status=Signal.Status.APPROVED, **times(at) | bar))
    held = {
        "status": Order.Status.HELD,
        "status_reason": REASON,
        "created_at": at - timedelta(minutes=minutes),
    }
    return make.order(symbol, approval=approval, **held)


def halt() -> None:
    """One more line in the status bar, which moves all that is below it."""
    start_halt(TradingHalt.Cause.PERSON, "The feed looks odd.", timezone.now())


def test_an_order_that_another_one_has_moved_is_not_released(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    later = hold("AAPL", minutes=1)

    def work(page: Page) -> None:
        stand_still(page, "/positions/")
        release = page.locator(f"#held-{later.pk}").get_by_role("button", name="Release")
        earlier = chromium.aside(lambda: hold("MSFT", minutes=5))
        page.evaluate(BEAT)
        expect(page.locator(f"#held-{earlier.pk}")).to_be_visible()
        press(release)
        expect_refusal(page)
        assert chromium.aside(Order.objects.filter(status=Order.Status.HELD).count) == 2
        wait_half_a_second(page)
        press(release)
        expect(page.get_by_text("goes out.")).to_be_visible()

    on(visit, work)
    assert Order.objects.get(status=Order.Status.HELD).symbol == "MSFT"


def test_a_closing_that_the_status_bar_has_moved_is_not_sent(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    make.held("AAPL")

    def work(page: Page) -> None:
        stand_still(page, "/positions/AAPL/close/")
        close = page.get_by_role("button", name="Close the position")
        chromium.aside(halt)
        page.evaluate(BEAT)
        expect(page.locator("#status-bar")).to_contain_text("The feed looks odd.")
        press(close)
        expect_refusal(page)
        wait_half_a_second(page)
        press(close)
        expect(page.get_by_role("heading", name="Positions")).to_be_visible()

    on(visit, work)
    assert Order.objects.get(kind=Order.Kind.CLOSE).quantity == 10


def test_a_rejection_that_the_status_bar_has_moved_is_not_sent(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        stand_still(page, f"/signals/{signal.pk}/")
        reject = page.get_by_role("button", name="price moved")
        reject.evaluate("(button) => button.scrollIntoView({block: 'center'})")  # room for the bar to push it
        chromium.aside(halt)
        page.evaluate(BEAT)
        expect(page.locator("#status-bar")).to_contain_text("The feed looks odd.")
        press(reject)
        expect_refusal(page)
        assert not chromium.aside(TradeApproval.objects.exists)
        wait_half_a_second(page)
        press(reject)
        expect(page.get_by_text("Rejected: price moved.")).to_be_visible()

    on(visit, work)


def test_an_approval_that_has_just_opened_is_not_sent(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    """The second press of a double click would hit it."""

    def work(page: Page) -> None:
        stand_still(page, "/signals/")
        page.get_by_role("link", name="Approve …").click()
        approve = page.locator("dialog [data-approve]")
        expect(approve).to_be_visible()
        press(approve)
        expect_refusal(page)
        assert not chromium.aside(TradeApproval.objects.exists)
        wait_half_a_second(page)
        press(approve)
        expect(page.get_by_text("Approved. What becomes of the order")).to_be_visible()

    on(visit, work)


def test_what_stays_where_it_was_is_pressed_at_once(visit: Visit, signal: Signal, chromium: Chromium) -> None:
    make.held("AAPL")

    def work(page: Page) -> None:
        stand_still(page, "/positions/AAPL/close/")
        chromium.aside(lambda: set_price("AAPL", 186.25))
        page.evaluate(BEAT)
        expect(page.get_by_text("At the newest price of 186.25")).to_be_visible()
        press(page.get_by_role("button", name="Close the position"))
        expect(page.get_by_role("heading", name="Positions")).to_be_visible()

    on(visit, work)
    assert Order.objects.filter(kind=Order.Kind.CLOSE).exists()


def test_an_order_that_has_changed_is_not_repainted_and_cannot_be_released(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    order = hold("AAPL", minutes=1)

    def work(page: Page) -> None:
        page.goto("/positions/")
        held = page.locator(f"#held-{order.pk}")
        chromium.aside(lambda: Order.objects.update(status_reason="Its limit is too far away."))
        page.evaluate(BEAT)
        expect(held.get_by_role("alert")).to_contain_text("This has changed since you looked.")
        expect(held).to_contain_text(REASON)
        expect(held.get_by_role("button", disabled=True)).to_have_count(2)
        held.get_by_role("link", name="Look at it as it is now").click()
        expect(held).to_contain_text("Its limit is too far away.")
        expect(held.get_by_role("button", name="Release")).to_be_enabled()

    on(visit, work)


def test_an_order_that_changed_before_the_page_knew_is_refused_in_words(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    order = hold("AAPL", minutes=1)

    def work(page: Page) -> None:
        page.add_init_script(DOES_NOT_LOOK)
        page.goto("/positions/")
        chromium.aside(lambda: Order.objects.update(stop_loss=Decimal("181.25")))
        page.get_by_role("button", name="Release").click()
        expect(page.get_by_text("It was not released. It has changed since you looked")).to_be_visible()

    on(visit, work)
    order.refresh_from_db()
    assert order.status == Order.Status.HELD
