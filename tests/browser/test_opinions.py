"""Second opinions in Chromium: asked for, worked on, shown while the page is open, and told apart."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from approvals.models import TradeApproval
from approvals.positions import held_for_analysts
from opinions import queue, runs
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make, vendors
from tests.browser.conftest import BEAT, Chromium, Visit, Visitor, on

pytestmark = [pytest.mark.slow, pytest.mark.long]

REPAINTED = "document.querySelector('#opinions article').dataset.kept = 'yes'"


@pytest.fixture
def model(settings: Any) -> Iterator[vendors.OpenAI]:
    with vendors.OpenAI() as server:
        settings.LLM_BASE_URL, settings.LLM_MODEL = f"{server.url}/v1", "honest"
        yield server


def worker() -> None:
    runs.work(timezone.now(), held_for_analysts)


def test_asked_by_a_button_it_comes_while_the_page_is_open_and_nothing_typed_is_lost(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        page.get_by_label("Note").fill("watch the open")
        page.get_by_label("What should be considered").fill("Earnings are on Thursday.")
        page.get_by_role("button", name="Ask the checklist").click()
        panel = page.locator("#opinions")
        expect(panel).to_contain_text("waits for its turn")
        expect(panel.get_by_role("button")).to_have_count(0)
        page.evaluate(REPAINTED)
        with page.expect_response(lambda response: "/opinions/?known=" in response.url) as response_info:
            pass
        assert response_info.value.status == 204
        expect(panel.locator("article")).to_have_attribute("data-kept", "yes")
        chromium.aside(worker)
        expect(panel).to_contain_text("rule-based")
        expect(panel.locator(".opinion-summary strong")).to_be_visible()
        assert panel.get_attribute("hx-get") is None, "it has stopped asking"
        expect(page.get_by_label("Note")).to_have_value("watch the open")
        page.evaluate(BEAT)
        watch = page.locator("#watch")
        expect(watch).to_contain_text("the second opinion changed")
        expect(page.locator("[data-approve]:enabled, #reject button:enabled")).to_have_count(0)
        page.get_by_role("link", name="Look at the new version").click()
        expect(page.locator("[data-approve]")).to_be_enabled()
        expect(page.locator(".reason")).to_contain_text("Second opinion:")

    on(visit, work)
    run = OrchestrationRun.objects.get()
    assert (run.status, run.context) == ("completed", "Earnings are on Thursday.")


def test_the_version_before_the_opinion_is_not_approved(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    """A user who is faster than the page's look is refused by the server."""

    def comes() -> None:
        make.opinion(signal, agent_suggestion="PASS", queued_at=timezone.now())

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.route("**/watch/?*", lambda route: route.fulfill(status=204))  # it has not looked yet
            page.goto(f"/signals/{signal.pk}/", wait_until="networkidle")
            chromium.aside(comes)
            with page.expect_response("**/approve/") as answer:
                page.locator("[data-approve]").click()
            assert answer.value.status == 412
            expect(page.get_by_role("alert").first).to_contain_text("the second opinion")
            expect(page.locator("#opinions")).to_contain_text("disagrees")

    complaints = visit(look).complaints
    assert [complaint for complaint in complaints if "412" not in complaint] == []
    assert not TradeApproval.objects.exists()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_an_honest_and_an_inventive_one_stand_beside_each_other(
    visit: Visit, signal: Signal, model: vendors.OpenAI, at: datetime, width: int, dark: bool
) -> None:
    for minutes, behaviour in ((9, "inventive"), (4, "honest")):
        model.script = [behaviour]
        asked_at = at - timedelta(minutes=minutes)
        queue.ask_about(signal, by=make.trader(), at=asked_at, analyst="llm")
        runs.work(asked_at, held_for_analysts)

    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        honest, inventive = page.locator("#opinions article").all()
        expect(honest.locator(".opinion-summary")).to_contain_text("agrees")
        expect(honest.locator("s")).to_have_count(0)
        expect(inventive.locator(".opinion-summary")).to_contain_text("agrees on grounds that do not hold")
        struck = inventive.locator("s")
        expect(struck.first).to_have_text("37.9 %")
        drawn = [
            element.evaluate("one => getComputedStyle(one).textDecorationLine") for element in struck.all()
        ]
        assert {*drawn} == {"line-through"}, "seen without colour, too"
        inventive.get_by_role("link", name="What it was given").click()
        expect(page.get_by_role("heading", name="Second opinion on BUY AAPL")).to_be_visible()
        page.get_by_text("What was sent").click()
        expect(page.locator("pre").first).to_contain_text("<data>")

    on(visit, work, width=width, dark=dark)


def test_without_scripts_it_is_asked_for_and_read(visit: Visit, signal: Signal, chromium: Chromium) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        page.get_by_role("button", name="Ask the checklist").click()
        expect(page.locator("#opinions")).to_contain_text("waits for its turn")
        assert page.url.endswith("#opinions")
        chromium.aside(worker)
        page.reload()
        expect(page.locator("#opinions .opinion-summary strong")).to_be_visible()
        page.goto("/instruments/AAPL/?timeframe=15m")
        page.get_by_role("button", name="Ask the checklist").click()
        expect(page.locator("#opinions")).to_contain_text("waits for its turn")
        page.get_by_role("link", name="The run, and taking it back").click()
        page.get_by_role("button", name="Take it back").click()
        expect(page.locator(".opinion-summary")).to_contain_text("taken back")

    on(visit, work, scripts=False, width=390)


def test_by_keyboard_it_is_asked_for_and_an_older_one_unfolded(
    visit: Visit, signal: Signal, at: datetime
) -> None:
    for minutes in (3, 2, 1):
        make.run(signal, queued_at=at - timedelta(minutes=minutes), reasoning=f"Asked {minutes} minutes ago.")

    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        expect(page.get_by_text("Asked 3 minutes ago.")).to_be_hidden()
        page.locator("#opinions summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Asked 3 minutes ago.")).to_be_visible()
        for key in ("Tab", "Tab"):  # the link to the run, the field
            page.keyboard.press(key)
        page.keyboard.type("a and r are letters here")
        page.keyboard.press("Enter")
        expect(page.locator("#opinions")).to_contain_text("waits for its turn")

    on(visit, work)
    assert OrchestrationRun.objects.filter(context="a and r are letters here").count() == 1


def test_the_page_of_a_run_becomes_that_of_its_answer(
    visit: Visit, signal: Signal, chromium: Chromium
) -> None:
    run, _ = queue.ask_about(signal, by=make.trader(), at=timezone.now())

    def work(page: Page) -> None:
        page.clock.install(time=timezone.now())
        page.goto(f"/opinions/{run.pk}/", wait_until="networkidle")
        page.clock.pause_at(timezone.now() + timedelta(minutes=1))
        expect(page.locator(".opinion-summary")).to_contain_text("waits for its turn")
        chromium.aside(worker)
        page.clock.run_for(3_000)
        expect(page.locator(".opinion-summary strong")).to_be_visible()
        expect(page.locator("#content [hx-get]")).to_have_count(0)
        expect(page.get_by_role("heading", name="Second opinion on")).to_have_count(1)

    on(visit, work)
