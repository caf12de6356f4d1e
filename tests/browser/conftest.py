"""A real browser against a real server. Chromium comes from the system's packages, never from a download.

What its tests share: the operator's visit, an open market with a signal that waits, and how a page is used.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Playwright, Request, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from market.models import Quote
from signals.models import Signal
from tests import make

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync"],
]
# The browser is a process of its own: its clock is set to that of the test, its timers stay.
SHIFT = """
globalThis.Date = class extends Date {{
  constructor(...given) {{ given.length ? super(...given) : super(Date.now()) }}
  static now() {{ return super.now() + {ours} - {theirs} }}
}}
"""
# Generous, like `eventually`: on a busy machine everything takes longer, and when all is well nothing waits.
PATIENCE = 90.0
expect.set_options(timeout=1000 * PATIENCE)
T = TypeVar("T")
BEAT = "document.body.dispatchEvent(new Event('beat'))"
DOES_NOT_LOOK = "setInterval = () => 0"  # a script for a page that has not noticed yet what happened
PASSWORD = "correct horse battery"
WORKING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


@dataclass
class Visitor:
    """A user who is logged in and looks at pages. What the browser complains about is kept."""

    browser: Browser
    address: str
    session: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def page(
        self,
        *,
        width: int = 1280,
        dark: bool = False,
        scripts: bool = True,
        touch: bool = False,
        zone: str = "UTC",
    ) -> Iterator[Page]:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        context = self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            has_touch=touch,
            is_mobile=touch,
            timezone_id=zone,
        )
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": self.session, "url": self.address}]
        )
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        context.add_init_script(
            SHIFT.format(ours=timezone.now().timestamp() * 1000, theirs=page.evaluate("Date.now()"))
        )
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self._complain("error", str(error)))
        page.on("requestfailed", self._failed)
        try:
            yield page
        finally:  # an open page goes on asking the server
            context.close()

    def _failed(self, request: Request) -> None:
        # A request that is under way when the visitor leaves is aborted, and that is no complaint.
        if request.failure != "net::ERR_ABORTED":
            self._complain("error", f"{request.failure}: {request.url}")

    def _complain(self, kind: str, text: str) -> None:
        # Chromium reports what the content security policy forbids as an error on the console.
        if kind == "error":
            self.complaints.append(text)


Visit = Callable[[Callable[[Visitor], Any]], Visitor]


class Chromium:
    """The browser in a thread of its own: Playwright's event loop and Django's ORM bear no common one."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.playwright: Playwright = self.run(lambda: sync_playwright().start())
        self.browser: Browser = self.run(
            lambda: self.playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        )

    def run(self, work: Callable[[], T]) -> T:
        done: Future[T] = self.thread.submit(work)
        return done.result(timeout=10 * PATIENCE)

    def aside(self, work: Callable[[], T]) -> T:
        """What happens elsewhere while a page is open: in a thread that may use the ORM."""
        with ThreadPoolExecutor(max_workers=1) as other:
            return other.submit(_and_disconnect, work).result(timeout=PATIENCE)

    def close(self) -> None:
        self.run(self.browser.close)
        self.run(self.playwright.stop)
        self.thread.shutdown()


def _and_disconnect(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is missing: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium: Chromium, live_server: LiveServer) -> Visit:
    """Run a visit of the operator in the browser's thread; returns the visitor with its complaints."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def run(work: Callable[[Visitor], Any]) -> Visitor:
        visitor = Visitor(chromium.browser, live_server.url, session)
        chromium.run(lambda: work(visitor))
        wait_for_requests()
        return visitor

    return run


def wait_for_requests(seconds: float = PATIENCE) -> None:
    """Wait until the server has done what closed pages asked: emptying the tables could deadlock with it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(WORKING)
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.02)


@pytest.fixture
def at() -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def market(live_server: LiveServer, at: datetime) -> None:
    """Two instruments that trade round the clock, with bars and quotes of now."""
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(at)
    make.ready(at)
    for symbol, price in (("AAPL", 185.6), ("MSFT", 400.5)):
        make.history(symbol, make.turning(), until=at)
        make.quote(symbol, price, at)


@pytest.fixture
def signal(market: None, at: datetime) -> Signal:
    """One that waits for a day."""
    return make.signal("AAPL", **times(at))


def times(at: datetime) -> dict[str, datetime]:
    """Return those of a signal that was raised an hour ago and can be decided on for a day."""
    raised_at = at - timedelta(hours=1)
    return {
        "bar_opened_at": at - make.DAY,
        "generated_at": raised_at,
        "created_at": raised_at,
        "expires_at": at + make.DAY,
    }


def set_price(symbol: str, price: float) -> None:
    now = timezone.now()
    Quote.objects.filter(pk=symbol).update(price=price, as_of=now, received_at=now)


@pytest.fixture
def ann(live_server: LiveServer) -> User:
    """A trader who can log in."""
    user = make.trader()
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(page: Page, password: str = PASSWORD, name: str = "ann") -> None:
    """Fill in the log-in that is shown."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def on(visit: Visit, work: Callable[[Page], None], **context: Any) -> None:
    """Have the operator use one page, about which the browser complains of nothing."""

    def look(visitor: Visitor) -> None:
        with visitor.page(**context) as page:
            work(page)

    assert visit(look).complaints == []
