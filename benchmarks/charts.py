"""How long a chart takes from its data's arrival until it is on the screen, in Chromium.

The page is real; its bars are told to the browser here, more of them than a page asks for at once. The page's
own script measures, up to the second frame after it has drawn.
"""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test import Client, override_settings
from django.test.testcases import LiveServerThread
from django.utils import timezone
from playwright.sync_api import Browser, Route

from benchmarks.measure import Result
from market.models import TradingSession
from tests import make
from tests.browser.conftest import Chromium

ALLOWED_SECONDS = 0.300
ROUNDS, BARS = 7, 5_000


def drawing(size: int) -> list[Result]:
    """A chart of `size` bars; the median of seven pages, of one when there are few bars."""
    rounds = ROUNDS if size >= BARS else 1
    with _site() as (address, session):
        browser = Chromium()
        try:
            taken = browser.run(
                lambda: [_draw(browser.browser, address, session, size) for _ in range(rounds)]
            )
        finally:
            browser.close()
    return [Result("chart", statistics.median(taken), ALLOWED_SECONDS, 1.0, note=f"{size:,} bars")]


def _draw(browser: Browser, address: str, session: str, size: int) -> float:
    drawn = json.dumps({"bars": _bars(size), "gaps": [], "markers": [], "earlier": None})

    def tell(route: Route) -> None:
        route.fulfill(body=drawn, content_type="application/json")

    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    try:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
        page = context.new_page()
        page.route("**/bars/**", tell)
        page.goto("/instruments/AAPL/?timeframe=15m")
        measured = page.wait_for_selector("[data-milliseconds]")
        assert measured
        if measured.get_attribute("data-drawn") != str(size):
            raise AssertionError(f"{measured.get_attribute('data-drawn')} bars were drawn, not {size}")
        return float(measured.get_attribute("data-milliseconds") or "nan") / 1000
    finally:
        context.close()


def _bars(size: int) -> list[dict[str, Any]]:
    first = int(make.T0.timestamp()) - size * 900
    flags = {"source": "benchmark", "extended": False, "unfinished": False, "suspect": False, "revisions": 0}
    return [
        {
            "time": first + n * 900,
            "open": 100,
            "high": 101 + n % 5,
            "low": 99,
            "close": 99 + n % 3,
            "volume": n,
        }
        | flags
        for n in range(size)
    ]


@contextmanager
def _site() -> Iterator[tuple[str, str]]:
    """Where it answers, and the session of a user."""
    at = timezone.now()
    make.only("AAPL", calendar="24/7")
    TradingSession.objects.filter(calendar="24/7").delete()  # those of another benchmark
    make.round_the_clock(at)
    make.history("AAPL", make.turning(), until=at)
    user = User.objects.create_superuser("benchmark")
    client = Client()
    client.force_login(user)
    with override_settings(ALLOWED_HOSTS=["localhost"]):
        server = LiveServerThread("localhost", StaticFilesHandler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        try:
            yield f"http://localhost:{server.port}", client.cookies[settings.SESSION_COOKIE_NAME].value
        finally:
            server.terminate()
            connections.close_all()
            user.delete()
