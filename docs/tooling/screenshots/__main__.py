"""Pictures of every page into docs/images: python -m docs.tooling.screenshots [page...]

In a database of its own, with some days on the simulated market in it. Chromium is Debian's.
"""

import base64
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
logging.disable(logging.WARNING)

from django.conf import settings  # noqa: E402  Django must be set up first
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from docs.tooling.screenshots import analysts, days  # noqa: E402
from docs.tooling.screenshots.pages import PAGES, waiting  # noqa: E402
from jaxsite.demonstration import scratch_database, server  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
IMAGES = settings.BASE_DIR / "docs" / "images"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DAYS = 6
QUALITY = 72


def main(names: list[str]) -> int:
    if strangers := [name for name in names if name not in PAGES]:
        print(f"No such page: {', '.join(strangers)}. There are: {', '.join(PAGES)}", file=sys.stderr)
        return 2
    with scratch_database(), analysts.at_hand() as model:
        print(f"Playing {DAYS} days on the simulated market")
        days.play(timezone.now(), DAYS)
        analysts.ask(model, waiting(), days.people()[0], timezone.now())
        addresses = {name: PAGES[name]() for name in names or PAGES}
        client = Client()
        client.force_login(days.people()[0])
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        with server() as site, ThreadPoolExecutor(max_workers=1) as browser:
            days.tick(timezone.now())
            for line in browser.submit(lambda: list(_shoot(site, session, addresses))).result():
                print(line)
    return 0


def _shoot(site: str, session: str, addresses: dict[str, str]) -> Iterator[str]:
    """One picture of each page in both sizes and themes; what was written."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for size, (width, height) in SIZES.items():
            for theme in THEMES:
                context = browser.new_context(
                    base_url=site,
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    timezone_id="Europe/Berlin",
                )
                cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}
                zone = {"name": "zone", "value": "Europe/Berlin", "url": site}
                context.add_cookies([cookie, zone])  # type: ignore[list-item]  # plain dictionaries do
                page = context.new_page()
                for name, address in addresses.items():
                    page.goto(address, wait_until="networkidle")
                    yield _write(page, IMAGES / f"{name}-{size}-{theme}.webp")
                context.close()
        browser.close()


def _write(page: Page, path: Path) -> str:
    devtools = page.context.new_cdp_session(page)
    answer = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(answer["data"]))
    return f"{path.name}: {path.stat().st_size / 1000:.0f} kB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
