"""Text that no person means, in every parameter and field that any page of the site asks for."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from signals.models import Signal
from tests import make
from tests.faults import asked

pytestmark = [pytest.mark.long, pytest.mark.django_db]
FORM = "application/x-www-form-urlencoded"
TEXTS = {
    "a NUL": "A\x00",
    "half a surrogate": "\ud800",
    "digits of another alphabet": "\u0661\u0662",
    "no UUID": "-" * 36,
    "a huge number": "9" * 400,
    "not a number": "NaN",
    "a negative number": "-9223372036854775809",
    "very long": "A" * 60_000,
}
PARTS = 3  # for as many workers
ENDS_THE_SESSION = re.compile("log-?out|sessions")


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.faults.asked.NoteNames"]
    entry = make.held("AAPL")
    make.instrument("AAPL")
    make.quote("AAPL")
    make.memory()
    make.run(entry.approval.signal if entry.approval else None)
    make.quarantined_row(entry)
    make.ready()
    return logged_in()


def logged_in() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get_or_create(username="root", is_superuser=True, is_staff=True)[0])
    return client


def addresses() -> Iterator[str]:
    """Yield one address of each page, filled with rows that are there."""
    for route in routes(get_resolver()):
        if not route.startswith("api/") and not ENDS_THE_SESSION.search(route):
            yield "/" + filled(route)


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


def filled(route: str) -> str:
    route = re.sub(r"<path:object_id>", lambda _: row_of(route), route)
    route = re.sub(r"<(?:\w+:)?symbol>", "AAPL", route)
    route = re.sub(r"<uuid:\w+>", lambda _: str(Signal.objects.values_list("pk", flat=True)[0]), route)
    route = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "1", route)
    return re.sub(r"[\^$]|\\Z|/\?", "", re.sub(r"<[^>]*>", "1", route))


def row_of(route: str) -> str:
    """Return the key of a row of an admin page's model; any where there is none."""
    for model in admin.site._registry:
        if route.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
            row = model._default_manager.first()
            return quote(str(row.pk), safe="") if row else "1"
    return "1"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_parameter_and_field_that_a_page_asks_for(client: Client, part: int) -> None:
    failures: dict[Any, int] = {}
    pages, tried = sorted({*addresses()}), 0
    for page in pages[part::PARTS]:
        for method in ("GET", "POST"):
            names = names_of(page, method)
            client = logged_in()
            for name, (kind, text) in product(names, TEXTS.items()):
                tried += 1
                status = answer(client, page, method, name, text)
                if status >= 500:
                    failures[page, method, name, kind] = status
    assert failures == {}
    assert len(pages) > 100
    assert tried > 1_000


def names_of(page: str, method: str) -> list[str]:
    """Return the names that the page asks for, of the address and of the body."""
    [*asked.names()]
    client = logged_in()
    client.get(page) if method == "GET" else client.post(page, "", content_type=FORM)
    return [*asked.names()]


def answer(client: Client, page: str, method: str, name: str, text: str) -> int:
    given = f"{quote(name)}={quote(text.encode('utf-8', 'surrogatepass'))}"
    if method == "GET":
        return client.get(f"{page}?{given}").status_code
    return client.post(page, given, content_type=FORM).status_code
