"""Deciding on a signal in Chromium: by mouse, by keyboard, without scripts, and when it changes meanwhile."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from approvals.models import Order, TradeApproval
from signals.models import Signal
from tests import make
from tests.browser.conftest import BEAT, Visit, on

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_on_a_phone_a_tap_approves_what_stands_there(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        button = page.locator("[data-approve]")
        expect(button).to_have_text("Approve: buy 107 AAPL")
        button.click()
        expect(page.get_by_text("Approved by operator")).to_be_visible()

    on(visit, work, width=390)
    assert Order.objects.get().quantity == 107


def test_without_scripts_size_is_changed_looked_at_and_approved(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        page.get_by_text("Change size or levels").click()
        page.get_by_label("Shares").fill("12")
        page.get_by_text("Show what this would do").click()
        expect(page.get_by_text("Buys 12 AAPL now")).to_be_visible()
        page.locator("[data-approve]").click()

    on(visit, work, scripts=False)
    assert Order.objects.get().quantity == 12


def test_by_keyboard_one_key_opens_and_enter_confirms(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto("/signals/")
        for key in ("j", "a"):
            page.keyboard.press(key)
        expect(page.locator("dialog [data-approve]")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Approved. What becomes of the order")).to_be_visible()
        assert page.url.endswith("/signals/")

    on(visit, work)
    assert Order.objects.count() == 1


def test_by_keyboard_a_reason_rejects(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto("/signals/")
        page.keyboard.press("?")
        keys = page.get_by_text("opens the reasons to reject")
        expect(keys).to_be_visible()
        page.keyboard.press("Escape")
        expect(keys).to_be_hidden()
        for key in ("j", "r"):
            page.keyboard.press(key)
        expect(page.get_by_role("button", name="price moved")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Rejected: price moved.")).to_be_visible()

    on(visit, work)
    assert TradeApproval.objects.get().reason == TradeApproval.Reason.PRICE_MOVED


def test_on_a_phone_a_dialog_can_be_closed_without_a_key(visit: Visit, signal: Signal) -> None:
    def work(page: Page) -> None:
        page.goto("/signals/")
        dialog, opens = page.locator("[data-deciding]"), page.get_by_text("Approve …")
        opens.click()
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_be_hidden()
        opens.click()
        expect(dialog.locator("[data-approve]")).to_be_focused()
        page.mouse.click(195, 5)
        expect(dialog).to_be_hidden()

    on(visit, work, width=390)
    assert not TradeApproval.objects.exists()


def test_what_is_typed_is_priced_and_what_changes_cannot_be_approved(
    visit: Visit, signal: Signal, chromium: Any
) -> None:
    def work(page: Page) -> None:
        page.goto(f"/signals/{signal.pk}/")
        page.get_by_text("Change size or levels").click()
        page.get_by_label("Shares").fill("12")
        expect(page.get_by_text("Buys 12 AAPL now")).to_be_visible()
        chromium.aside(lambda: Signal.objects.update(stop_loss=Decimal("181.25")))
        page.evaluate(BEAT)
        expect(page.get_by_text("180.50 → 181.25")).to_be_visible()
        expect(page.locator("#decide button:enabled, #reject button:enabled")).to_have_count(0)
        expect(page.get_by_label("Shares")).to_have_value("12")

    on(visit, work)
    assert not TradeApproval.objects.exists()


def test_a_list_announces_what_came_and_greys_what_ended_and_nothing_moves(
    visit: Visit, signal: Signal, at: datetime, chromium: Any
) -> None:
    def work(page: Page) -> None:
        page.goto("/signals/")
        row = page.locator(f"#signal-{signal.pk}")
        stood = row.bounding_box()
        chromium.aside(lambda: Signal.objects.update(status="rejected", ended_at=timezone.now()))
        page.evaluate(BEAT)
        expect(page.get_by_text("AAPL is rejected.")).to_be_visible()
        expect(row).to_have_class("over")
        assert row.bounding_box() == stood
        chromium.aside(lambda: make.signal("AAPL", created_at=timezone.now(), expires_at=at + make.DAY))
        page.evaluate(BEAT)
        expect(page.get_by_text("1 new signal.")).to_be_visible()

    on(visit, work)
