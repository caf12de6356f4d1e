"""Every page of the site, by its address: it refreshes itself or says why not, whoever wrote its view."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from desk import ended_session
from desk.refresh import NOW, SEEN
from tests import make

OTHERS = {"admin", "api", "health", "metrics"}  # pages of their own kind, and no pages
NO_FORM = 405


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield all that have a page, each with its address."""
    for entry in resolver.url_patterns:
        where = f"{before}{entry.pattern}"
        if where.split("/")[0] in OTHERS:
            continue
        if isinstance(entry, URLResolver):
            yield from patterns(entry, where)
        elif "<" not in where:
            yield where, entry


ADDRESSES = sorted({f"/{where}" for where, _ in patterns(get_resolver())})
# Of the account. django-allauth's forms are asked for again by its own pages.
FORMS = [name for name, form in ended_session.FORMS.items() if form.page == "account"]


@pytest.fixture
def eve(db: None) -> Client:
    """A user with every permission."""
    make.only("AAPL")
    client = Client()
    client.force_login(User.objects.create_superuser("eve"))
    return client


def test_all_of_them_are_looked_at() -> None:
    assert {"/", "/positions/", "/status/", "/account/", "/account/password/", "/login/"} <= {*ADDRESSES}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", ["eve", "a stranger"])
def test_it_refreshes_itself_or_says_why_not(eve: Client, address: str, who: str) -> None:
    answer = (eve if who == "eve" else Client()).get(address)
    if not any(template.name == "base.html" for template in answer.templates):
        return  # a part, a redirect, the target of a form
    html = answer.content.decode()
    assert re.search(r'<div id="live" data-(refresh|still)="[^"]+', html), "it says neither"
    assert ('id="as-of"' in html) == ("data-refresh=" in html) or address == "/signals/"


@pytest.mark.parametrize("name", [None, "ann"])
def test_the_account_page_is_refreshed_for_users_with_a_role_and_without(db: None, name: str | None) -> None:
    client = Client()
    client.force_login(make.trader(name) if name else User.objects.create_user("bob"))
    html = client.get("/account/").content.decode()
    assert ('id="status-bar"' in html) == (name is not None)
    seen = re.search(r'data-refresh="/account/" data-seen="([^"]+)"', html)
    assert seen is not None
    answer = client.get("/account/", headers={SEEN: seen[1], "HX-Request": "true"})
    assert (answer.status_code, NOW in answer.headers) == (204, True)
    assert Client().get("/account/", headers={SEEN: seen[1], "HX-Request": "true"}).status_code == 401


def test_every_form_of_the_account_is_named_for_the_log_in_that_comes_between(eve: Client) -> None:
    answers = {
        entry.name: eve.post(f"/{where}").status_code
        for where, entry in patterns(get_resolver())
        if where.startswith("account/") and not where.startswith(("account/again", "account/factors"))
    }
    assert {name for name, status in answers.items() if status != NO_FORM} == {*FORMS}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_the_account_without_a_session_is_not_done_and_its_page_says_so(
    client: Client, db: None, name: str
) -> None:
    answer = client.post(reverse(name))
    back = answer.headers["Location"].removeprefix("/login/?next=")
    client.force_login(User.objects.create_user("bob"))
    page = client.get(back)
    assert page.status_code == 200
    assert ended_session.FORMS[name].not_done in page.content.decode()
