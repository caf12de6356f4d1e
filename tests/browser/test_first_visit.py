"""The first minutes after `make run`: the password from the terminal, prices without an account or a key."""

import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Chromium, Visitor
from tests.jaxsite.conftest import folder
from tests.jaxsite.processes import eventually, processes_of
from tests.jaxsite.test_make_run import Installation

pytestmark = pytest.mark.slow
A_MINUTE = 60_000


def test_the_first_visit_shows_labelled_prices_within_a_minute(chromium: Chromium) -> None:
    with folder() as path:
        installation = Installation(path)
        site = installation.run()
        try:
            eventually(lambda: "Jax is on http" in installation.said())
            printed = re.search(r"user (\S+), password (\S+)", installation.said())
            assert printed
            name, password = printed.groups()
            visitor = Visitor(chromium.browser, f"http://127.0.0.1:{installation.port}", "none")

            def look() -> None:
                with visitor.page() as page:
                    page.goto("/")
                    expect(page.get_by_text("First time here?")).to_be_visible()
                    page.get_by_label("Username").fill(name)
                    page.get_by_label("Password").fill(password)
                    page.keyboard.press("Enter")
                    expect(page.get_by_role("heading", name="Desk")).to_be_visible()
                    expect(page.get_by_text("no price here is real")).to_be_visible()
                    quotes: Any = page.locator("#desk tr[id^=row-]")
                    expect(quotes.first).to_be_visible()
                    expect(page.get_by_text("no quote yet")).to_have_count(0, timeout=A_MINUTE)
                    expect(page.locator("#strip")).to_contain_text("alive", timeout=A_MINUTE)

            chromium.thread.submit(look).result(timeout=180)
            assert visitor.complaints == []
        finally:
            os.killpg(site.pid, signal.SIGINT)
            site.wait(timeout=60)
            eventually(lambda: not processes_of(path))
        assert "Traceback" not in installation.said()
