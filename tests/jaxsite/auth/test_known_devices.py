"""A device on which a user has logged in: new once, told once, and not kept out by what strangers do."""

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Notification
from jaxsite import tasks
from jaxsite.auth import devices
from jaxsite.models import KnownDevice
from tests import clock
from tests.jaxsite.auth import codes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ann() -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


def titles() -> list[str]:
    return [notification.title for notification in Notification.objects.order_by("pk")]


def test_a_device_is_new_once(client: Client) -> None:
    for _ in range(3):
        codes.password(client)
        client.post("/logout/")
    assert titles() == ["ann logged in on a new device"]
    codes.password(Client())
    assert len(titles()) == 2


def test_it_is_known_when_the_second_factor_was_shown_and_not_before(client: Client, ann: User) -> None:
    codes.set_up(ann)
    codes.password(client)
    assert devices.COOKIE not in client.cookies
    client.post("/account/factors/authenticate/", {"code": codes.shown()})
    assert devices.COOKIE in client.cookies
    assert KnownDevice.objects.get().user == ann


def test_its_cookie_is_for_no_script_and_no_other_site(client: Client) -> None:
    codes.password(client)
    cookie = client.cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert cookie["max-age"] == devices.A_YEAR


def test_one_browser_is_known_for_several_users(client: Client) -> None:
    User.objects.create_user("ben", password=codes.PASSWORD)
    for name in ("ann", "ben", "ann", "ben"):
        codes.password(client, name)
        client.post("/logout/")
    assert titles() == ["ann logged in on a new device", "ben logged in on a new device"]


def test_a_cookie_that_jax_has_not_signed_is_none(client: Client) -> None:
    codes.password(client)
    forged = Client()
    forged.cookies[devices.COOKIE] = str(KnownDevice.objects.get().browser)
    codes.password(forged)
    assert KnownDevice.objects.count() == 2


def test_a_new_password_makes_it_a_new_one(client: Client, ann: User) -> None:
    codes.password(client)
    client.post("/logout/")
    ann.set_password(codes.PASSWORD)  # another salt, as an administrator sets it
    ann.save()
    for _ in range(5):
        Client().post("/login/", {"username": "ann", "password": "wrong"})
    assert not codes.password(client)


def test_one_unused_for_a_year_is_forgotten(client: Client) -> None:
    codes.password(client)
    with time_machine.travel(clock.NOW + 2 * tasks.KEEP_DEVICES, tick=False):
        tasks.prune()
    assert not KnownDevice.objects.exists()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/19.0 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.14.1", "curl/8.14.1"),
        ("", "a device that does not say what it is"),
        (200 * "x", 39 * "x" + "…"),
    ],
)
def test_a_device_is_named_in_words(agent: str, words: str) -> None:
    assert devices.describe(agent) == words
