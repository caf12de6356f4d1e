"""Log-ins that fail often have to wait: on the pages and in the admin, for a name and for an address."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from jaxsite.auth import throttle
from jaxsite.models import FailedLogin
from tests import make

PASSWORD = "correct horse battery"
MINUTE = timedelta(minutes=1)
PAGE = "/login/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[mock.Mock]:
    with mock.patch.object(timezone, "now", return_value=make.T0) as now:
        yield now


@pytest.fixture(autouse=True)
def ann(db: None) -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)


def log_in(password: str, page: str = PAGE, name: str = "ann", address: str = "192.0.2.1") -> str:
    """What the page says; empty when a user is logged in."""
    sent = {"username": name, "password": password}
    answer = Client().post(page, sent, REMOTE_ADDR=address)
    if answer.status_code == 302:
        return ""
    notice = re.search(r'class="(?:notice bad|errornote)"[^>]*>(.*?)</', answer.content.decode(), re.DOTALL)
    return notice[1].strip() if notice else "nothing"


def fail(times: int, page: str = PAGE, name: str = "ann", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert "Too many" not in log_in("wrong", page, name, address)


REFUSED = (
    "Too many log-ins have failed. Try again in 5 minutes: "
    "until then no password is looked at, not even the right one."
)


def test_after_five_failures_the_right_password_is_refused_too_twice() -> None:
    fail(5)
    assert log_in(PASSWORD) == REFUSED
    assert log_in(PASSWORD) == REFUSED
    assert FailedLogin.objects.count() == 5, "what is refused is not counted"


def test_the_admin_has_no_log_in_of_its_own() -> None:
    for answer in (Client().get("/admin/login/?next=/admin/"), Client().post("/admin/login/?next=/admin/")):
        assert answer.headers["Location"] == "/login/?next=%2Fadmin%2F"


def test_it_says_how_long_and_then_lets_in(clock: mock.Mock) -> None:
    fail(5)
    clock.return_value = make.T0 + 4 * MINUTE
    assert "Try again in 1 minute:" in log_in(PASSWORD)
    clock.return_value = make.T0 + 5 * MINUTE
    assert log_in(PASSWORD) == ""


def test_success_makes_a_fresh_start() -> None:
    fail(4)
    assert log_in(PASSWORD) == ""
    fail(5)


def test_success_forgets_no_failures_under_other_names() -> None:
    fail(1, name="ben")
    assert log_in(PASSWORD) == ""
    assert FailedLogin.objects.count() == 1


def test_trying_on_makes_the_wait_no_longer(clock: mock.Mock) -> None:
    fail(5)
    for minute in range(5):
        clock.return_value = make.T0 + minute * MINUTE
        assert "Too many" in log_in("wrong")
    clock.return_value = make.T0 + 5 * MINUTE
    assert log_in(PASSWORD) == ""


def test_a_clock_that_was_set_back_locks_out_nobody(clock: mock.Mock) -> None:
    fail(5)
    clock.return_value = make.T0 - 6 * MINUTE
    assert log_in(PASSWORD) == ""


def test_a_name_that_nobody_has_is_treated_alike() -> None:
    answers = [(log_in("wrong", name=name), log_in("wrong", name=name)) for name in ("ann", "nobody")]
    assert answers[0] == answers[1]
    fail(3)
    fail(3, name="nobody")
    assert log_in(PASSWORD) == log_in(PASSWORD, name="nobody") == REFUSED


def test_the_name_counts_from_every_address_and_in_any_case() -> None:
    for number in range(5):
        fail(1, name="aNn", address=f"192.0.2.{number}")
    assert log_in(PASSWORD, address="198.51.100.1") == REFUSED
    assert log_in("wrong", name="ben", address="198.51.100.1") != REFUSED


def test_an_address_may_not_try_name_after_name() -> None:
    for number in range(throttle.FROM_ONE_ADDRESS):
        fail(1, name=f"n{number}")
    assert log_in(PASSWORD) == REFUSED
    assert log_in(PASSWORD, address="198.51.100.1") == ""


def wait(name: str, address: str, minutes: int) -> timedelta:
    with pytest.raises(throttle.TooMany) as refused:
        throttle.begin(name, address, make.T0 + minutes * MINUTE)
    return refused.value.wait


def test_twenty_attempts_from_one_address_are_looked_at_and_no_more() -> None:
    for number in range(20):
        throttle.begin(f"n{number}", "192.0.2.1", make.T0)
    assert wait("ann", "192.0.2.1", 0) == 5 * MINUTE
    assert len(set(FailedLogin.objects.values_list("name", flat=True))) == 20


def test_the_next_is_looked_at_when_the_first_of_five_is_five_minutes_old() -> None:
    for minute in range(5):
        throttle.begin("ann", "192.0.2.1", make.T0 + minute * MINUTE)
    assert wait("ann", "192.0.2.1", 4) == MINUTE


def test_the_longer_of_two_waits_counts() -> None:
    for number in range(15):
        throttle.begin(f"n{number}", "192.0.2.1", make.T0)
    for _ in range(5):
        throttle.begin("ann", "192.0.2.1", make.T0 + 2 * MINUTE)
    assert wait("ben", "192.0.2.1", 3) == 2 * MINUTE
    assert wait("ann", "192.0.2.1", 3) == 4 * MINUTE


@pytest.mark.parametrize(("seconds", "wait"), [(1, "1 minute:"), (60, "1 minute:"), (61, "2 minutes:")])
def test_it_says_the_wait_in_minutes_that_are_enough(seconds: int, wait: str) -> None:
    assert f"Try again in {wait}" in str(throttle.TooMany(timedelta(seconds=seconds)))


def test_neither_name_nor_password_is_kept() -> None:
    log_in("wrong", name="my-password")
    (row,) = FailedLogin.objects.values()
    assert not {"my-password", "wrong"} & set(row.values())


def test_old_failures_are_forgotten(clock: mock.Mock) -> None:
    fail(3)
    clock.return_value = make.T0 + 6 * MINUTE
    fail(1)
    assert FailedLogin.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_no_more_than_one_after_the_other() -> None:
    def attempt(_: int) -> bool:
        try:
            throttle.begin("ann", "192.0.2.1", make.T0)
        except throttle.TooMany:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(max_workers=12) as crowd:
        assert sum(crowd.map(attempt, range(12))) == throttle.OF_ONE_NAME


@pytest.mark.parametrize(
    ("production", "direct", "forwarded", "address"),
    [
        (False, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        (True, "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (True, "127.0.0.1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (True, "192.0.2.1", None, "192.0.2.1"),
        (False, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (False, "::ffff:192.0.2.1", None, "192.0.2.1"),
        (False, "", None, ""),
        (False, 70 * "x", None, 64 * "x"),
    ],
)
def test_where_an_attempt_comes_from(
    settings: Settings, production: bool, direct: str, forwarded: str | None, address: str
) -> None:
    settings.PRODUCTION = production
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().post(PAGE, headers=headers, REMOTE_ADDR=direct)
    assert throttle.address_of(request) == address


def test_the_wait_is_never_longer_than_the_window() -> None:
    at: datetime = make.T0
    for _ in range(5):
        throttle.begin("ann", "192.0.2.1", at + 4 * MINUTE)
    with pytest.raises(throttle.TooMany) as refused:
        throttle.begin("ann", "192.0.2.1", at)
    assert refused.value.wait == throttle.WINDOW
