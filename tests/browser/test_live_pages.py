"""Pages that stay open in Chromium: up to date, honest about their age, greyed when the server is away."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from approvals.models import Order
from market.models import Quote
from signals.models import Signal
from tests import make
from tests.browser.conftest import BEAT, Chromium, Visit, Visitor, on, set_price
from tests.browser.line import Line

pytestmark = [pytest.mark.slow, pytest.mark.long]

HIDDEN = """Object.defineProperty(document, "hidden", { configurable: true, get: () => %s });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));"""
OLD = "[data-old]"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_position_that_is_opened_meanwhile_appears(
    visit: Visit, signal: Signal, chromium: Chromium, width: int
) -> None:
    def work(page: Page) -> None:
        page.goto("/positions/")
        expect(page.get_by_text("Nothing is held")).to_be_visible()
        chromium.aside(lambda: make.held("AAPL"))
        page.evaluate(BEAT)
        expect(page.locator("#held-AAPL")).to_contain_text("10")
        expect(page.get_by_text("Nothing is held")).to_have_count(0)

    on(visit, work, width=width)


@pytest.mark.parametrize(
    "address", ["/", "/away/", "/instruments/AAPL/", "/signals/?tab=approved", "/scorecard/", "/opinions/"]
)
def test_every_page_asks_for_itself_and_says_of_when_it_is(
    visit: Visit, signal: Signal, chromium: Chromium, address: str, at: datetime
) -> None:
    def work(page: Page) -> None:
        page.goto(address)
        expect(page.locator("#as-of")).to_contain_text("UTC")
        live = page.locator("#live")
        shown = str(live.get_attribute("data-seen"))
        chromium.aside(lambda: Quote.objects.update(received_at=at + timedelta(hours=1)))
        page.evaluate(BEAT)
        expect(live).not_to_have_attribute("data-seen", shown)

    on(visit, work)


def test_the_price_of_an_instrument_follows_and_its_chart_stays(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.goto("/instruments/AAPL/")
        expect(page.locator("[data-chart] canvas").first).to_be_visible()
        chromium.aside(lambda: set_price("AAPL", 186.75))
        page.evaluate(BEAT)
        expect(page.locator(".figure").first).to_have_text("186.75")
        expect(page.locator("[data-chart] canvas").first).to_be_visible()

    on(visit, work)


def test_what_a_person_has_in_hand_stays(visit: Visit, signal: Signal, chromium: Chromium) -> None:
    order = make.held("MSFT")

    def work(page: Page) -> None:
        page.goto("/positions/")
        opened = page.locator(f"#order-{order.pk}")
        opened.locator("summary").click()
        expect(opened.get_by_text("Acknowledged")).to_be_visible()
        chromium.aside(lambda: make.held("AAPL"))
        page.evaluate(BEAT)
        expect(page.locator("#held-AAPL")).to_be_visible()
        expect(opened.get_by_text("Acknowledged")).to_be_visible()
        expect(opened.locator("summary")).to_be_focused()
        page.goto("/positions/MSFT/close/")
        page.get_by_label("Note").fill("before the earnings")
        chromium.aside(lambda: set_price("MSFT", 410.25))
        page.evaluate(BEAT)
        expect(page.get_by_text("At the newest price of 410.25")).to_be_visible()
        expect(page.get_by_label("Note")).to_have_value("before the earnings")
        expect(page.get_by_label("Note")).to_be_focused()

    on(visit, work)


def test_selected_text_is_not_repainted_until_it_is_let_go(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.goto("/positions/")
        page.get_by_role("heading", name="Held now").select_text()
        chromium.aside(lambda: make.held("AAPL"))
        with page.expect_response("**/strip/"):
            page.evaluate(BEAT)
        expect(page.get_by_text("Nothing is held")).to_be_visible()
        page.evaluate("getSelection().removeAllRanges()")
        page.evaluate(BEAT)
        expect(page.locator("#held-AAPL")).to_be_visible()

    on(visit, work)


def test_a_closing_whose_shares_have_changed_cannot_be_sent(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    held = make.held("MSFT")

    def work(page: Page) -> None:
        page.goto("/positions/MSFT/close/")
        chromium.aside(lambda: make.fill(held, 5))
        page.evaluate(BEAT)
        expect(page.get_by_role("alert")).to_contain_text("This has changed since you looked.")
        expect(page.get_by_text("Sells all 10 MSFT")).to_be_visible()
        expect(page.get_by_role("button", name="Close the position")).to_be_disabled()
        page.get_by_role("link", name="Look at it as it is now").click()
        expect(page.get_by_text("Sells all 15 MSFT")).to_be_visible()
        expect(page.get_by_role("button", name="Close the position")).to_be_enabled()

    on(visit, work)


def test_a_hidden_page_asks_rarely_and_catches_up_at_once(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.goto("/positions/")
        page.evaluate(HIDDEN % "true")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.resource_type))
        page.clock.run_for(55_000)
        assert not {"xhr", "fetch"} & {*asked}  # the browser may fetch the page's icon late
        chromium.aside(lambda: make.held("AAPL"))
        page.clock.run_for(10_000)
        expect(page.locator("#held-AAPL")).to_have_count(1)
        chromium.aside(lambda: make.held("MSFT"))
        page.evaluate(HIDDEN % "false")
        expect(page.locator("#held-MSFT")).to_be_visible()

    on(visit, work)


def test_without_its_server_the_page_is_greyed_says_since_when_and_recovers(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    make.held("MSFT")

    def look(visitor: Visitor) -> None:
        with (
            Line(visitor.address) as line,
            Visitor(visitor.browser, line.url, visitor.session).page() as page,
        ):
            page.goto("/positions/MSFT/close/")
            line.cut()
            for _ in range(3):
                with page.expect_event("requestfailed"):
                    page.evaluate(BEAT)
            lost = page.locator("[data-alarm=lost]")
            expect(lost).to_contain_text("Not updated since")
            expect(lost).to_contain_text("Jax does not answer.")
            expect(page.locator(OLD)).to_have_count(1)
            assert float(page.locator("#live").evaluate("one => getComputedStyle(one).opacity")) < 1
            page.get_by_role("button", name="Close the position").click()
            expect(page.get_by_role("heading", name="Close the position in MSFT")).to_be_visible()
            chromium.aside(lambda: set_price("MSFT", 410.25))
            line.mend()
            page.evaluate(BEAT)
            expect(page.get_by_text("At the newest price of 410.25")).to_be_visible()
            expect(page.locator(OLD)).to_have_count(0)
            expect(lost).to_have_count(0)

    visit(look)
    assert not Order.objects.filter(kind=Order.Kind.CLOSE).exists()


def test_a_page_whose_server_answers_with_errors_is_greyed(visit: Visit, signal: Signal) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto("/scorecard/")
            page.route("**/scorecard/", lambda route: route.fulfill(status=500))
            page.evaluate(BEAT)
            expect(page.locator("[data-alarm=lost]")).to_contain_text("Jax answers with an error.")
            expect(page.locator(OLD)).to_have_count(1)

    visit(look)


def test_an_age_is_that_of_the_server_where_the_clock_is_off(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.add_init_script("{ const now = Date.now; Date.now = () => now() + 3_600_000 }")
        page.goto("/positions/")
        expect(page.locator("[data-alarm=clock]")).to_contain_text("60 min ahead of the server's")
        expect(page.locator("#as-of [data-since]")).to_have_text(re.compile(r"\d s"))

    on(visit, work)


def test_a_page_that_wakes_is_greyed_until_it_is_up_to_date(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    """The computer slept for three hours: no timer ran, and the page was seen all the while."""

    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.clock.pause_at(timezone.now() + timedelta(minutes=1))
        page.goto("/positions/")
        bar, as_of = page.locator("#status-bar"), page.locator("#as-of time")
        bar_at, page_at = str(bar.get_attribute("data-now")), str(as_of.get_attribute("datetime"))
        page.clock.run_for(5_000)  # one beat, whose answers come but are not settled: that takes time
        expect(bar).not_to_have_attribute("data-now", bar_at)
        expect(as_of).not_to_have_attribute("datetime", page_at)
        expect(page.locator(OLD)).to_have_count(0)
        page.route("**/*", lambda route: held_back.append(route))
        chromium.aside(lambda: make.held("AAPL"))
        page.clock.fast_forward("03:30:00")
        page.clock.run_for(1_000)
        expect(page.locator(OLD)).to_have_count(1)
        lost = page.locator("[data-alarm=lost]")
        expect(lost).to_contain_text("Not updated since")
        expect(lost).to_contain_text("this page was asleep.")
        expect(page.locator("#as-of [data-since]")).to_have_text("3 h")
        expect(page.get_by_text("Nothing is held")).to_be_visible()
        for route in held_back:
            route.continue_()
        page.unroute("**/*")
        expect(page.locator("#held-AAPL")).to_be_visible()
        expect(page.locator(OLD)).to_have_count(0)
        expect(lost).to_have_count(0)

    held_back: list[Route] = []
    on(visit, work)


def test_an_answer_that_waited_while_the_computer_slept_confirms_nothing(
    visit: Visit, signal: Signal
) -> None:
    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.clock.pause_at(timezone.now() + timedelta(minutes=1))
        page.goto("/positions/")
        bar = page.locator("#status-bar")
        shown = str(bar.get_attribute("data-now"))
        page.route("**/*", lambda route: held_back.append(route))
        with page.expect_request("**/strip/"):
            page.clock.run_for(5_000)
        expect(page.locator(OLD)).to_have_count(0)
        strip = next(route for route in held_back if route.request.url.endswith("/strip/"))
        answer = strip.fetch()
        page.clock.fast_forward("03:30:00")
        strip.fulfill(response=answer)
        expect(bar).not_to_have_attribute("data-now", shown)
        page.clock.run_for(1_000)
        expect(page.locator("#as-of [data-since]")).to_have_text("3 h")
        expect(page.locator(OLD)).to_have_count(1)

    held_back: list[Route] = []
    on(visit, work)


def test_a_clock_that_is_set_back_keeps_no_page_from_asking(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.goto("/positions/", wait_until="networkidle")
        chromium.aside(lambda: make.held("AAPL"))
        page.clock.set_system_time(timezone.now() - timedelta(hours=2))
        page.clock.run_for(2_000)
        expect(page.locator("#held-AAPL")).to_be_visible()

    on(visit, work)


def test_a_selection_keeps_a_page_as_it_is_for_a_minute_at_most(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.goto("/positions/")
        page.get_by_role("heading", name="Held now").select_text()
        chromium.aside(lambda: make.held("AAPL"))
        page.clock.run_for(30_000)
        expect(page.get_by_text("Nothing is held")).to_be_visible()
        page.clock.run_for(45_000)
        expect(page.locator("#held-AAPL")).to_be_visible()

    on(visit, work)


def test_without_scripts_the_page_says_as_of_when_it_is(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto("/positions/")
        expect(page.locator("#as-of")).to_be_visible()
        expect(page.locator("#as-of [data-since]")).to_be_hidden()

    on(visit, work, scripts=False)
