"""Strangers who try passwords under a name make it wait, but not on a device that knows the way in.

What fails is counted in the database, so it is the same whichever process answers.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from approvals.models import AuditEvent, Notification
from tests.jaxsite.auth import codes
from tests.web import Web, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


@pytest.fixture
def known() -> Client:
    """A browser on which ann has logged in before, and out."""
    client = Client()
    codes.password(client)
    client.post("/logout/")
    return client


def strangers_fail(times: int = 30) -> None:
    for number in range(times):
        sent = {"username": "ann", "password": "wrong"}
        Client().post("/login/", sent, REMOTE_ADDR=f"198.51.100.{number}")


def fail(client: Client, times: int, name: str = "ann") -> None:
    for _ in range(times):
        client.post("/login/", {"username": name, "password": "wrong"})


def gets_in(client: Client, name: str = "ann") -> bool:
    return codes.password(client, name) == "/account/"


def test_a_known_device_enters_while_the_name_is_locked(known: Client) -> None:
    strangers_fail()
    assert not gets_in(Client())
    assert gets_in(known)


def test_its_success_does_not_let_strangers_try_again(known: Client) -> None:
    strangers_fail()
    assert gets_in(known)
    assert not gets_in(Client())


def test_strangers_at_its_address_do_not_lock_it_either(known: Client) -> None:
    for number in range(30):
        fail(Client(), 1, f"n{number}")
    assert not gets_in(Client())
    assert gets_in(known)


def test_its_own_failures_are_counted_and_lock_nobody_else(known: Client) -> None:
    fail(known, 5)
    assert not gets_in(known)
    assert gets_in(Client())


def test_it_is_known_for_its_own_user_only(known: Client) -> None:
    User.objects.create_user("ben", password=codes.PASSWORD)
    for _ in range(5):
        fail(Client(), 1, "ben")
    assert not gets_in(known, "ben")


def test_a_device_that_was_logged_out_by_all_others_is_a_stranger(known: Client) -> None:
    other = Client()
    codes.password(other)
    other.post("/account/sessions/end-others/")
    strangers_fail()
    assert not gets_in(known)


@pytest.mark.django_db(transaction=True)
def test_many_strangers_at_once_are_two_events_and_one_message() -> None:
    def try_once(number: int) -> None:
        try:
            fail(Client(REMOTE_ADDR=f"198.51.100.{number}"), 3)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as strangers:
        list(strangers.map(try_once, range(8)))
    kinds = AuditEvent.objects.values_list("kind", flat=True)
    assert sorted(kinds) == ["log-in failed", "log-in refused"]
    assert Notification.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_is_so_across_processes(known: Client) -> None:
    strangers_fail()
    with running() as web:
        assert "Too many log-ins have failed" in log_in(web, {})
        cookies = {name: morsel.value for name, morsel in known.cookies.items()}
        assert "Too many" not in log_in(web, cookies)


def log_in(web: Web, cookies: dict[str, str]) -> str:
    """Return the page that a log-in in another process ends on."""
    session = requests.Session()
    session.cookies.update(cookies)
    form = session.get(f"{web.url}/login/", timeout=30).text
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[:1]
    sent = {
        "username": "ann",
        "password": codes.PASSWORD,
        "next": "/account/",
        "csrfmiddlewaretoken": token,
    }
    return session.post(f"{web.url}/login/", sent, timeout=30).text
