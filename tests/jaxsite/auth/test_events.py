"""What happens at the log-in is in the audit chain and in messages, and strangers cannot flood either."""

import json

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from approvals import audit
from approvals.models import AuditEvent, Notification
from jaxsite.auth import events
from tests import clock
from tests.jaxsite.auth import codes

pytestmark = pytest.mark.django_db
FACTOR = "/account/factors/authenticate/"


@pytest.fixture(autouse=True)
def ann() -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


def kinds() -> list[str]:
    return [event.kind for event in AuditEvent.objects.order_by("number")]


def facts(kind: str) -> dict[str, object]:
    read: dict[str, object] = json.loads(AuditEvent.objects.filter(kind=kind).latest("number").text)["facts"]
    return read


def fail(name: str = "ann", address: str = "192.0.2.1") -> None:
    Client().post("/login/", {"username": name, "password": "hunter2"}, REMOTE_ADDR=address)


def test_a_log_in_says_from_where_and_with_what(client: Client, ann: User) -> None:
    codes.set_up(ann)
    codes.log_in(client, codes.shown())
    assert kinds() == ["user logged in"]
    assert facts("user logged in") == {
        "address": "127.0.0.1",
        "device": "a device that does not say what it is",
        "factors": ["totp"],
        "new_device": True,
    }
    assert AuditEvent.objects.get().actor == "ann"


def test_the_first_failure_of_an_hour_and_the_lock_out_are_events_and_no_more() -> None:
    for _ in range(30):
        fail()
    assert kinds() == ["log-in failed", "log-in refused"]
    with time_machine.travel(clock.NOW + 2 * events.HOUR, tick=False):
        for _ in range(30):
            fail()
    assert kinds() == 2 * ["log-in failed", "log-in refused"]
    assert "hunter2" not in "".join(AuditEvent.objects.values_list("text", flat=True))


def test_a_lock_out_is_told_and_a_failure_is_not() -> None:
    fail()
    assert not Notification.objects.exists()
    for _ in range(30):
        fail()
    message = Notification.objects.get()
    assert (message.kind, message.title) == (
        "log_ins_failed",
        "Log-ins as ann are refused: many have failed",
    )


def test_names_that_nobody_has_are_one_event_together_and_are_not_kept() -> None:
    for number in range(100):
        fail(f"my-password-{number}", f"192.0.2.{number}")
    assert kinds() == ["log-in failed"]
    assert "my-password" not in AuditEvent.objects.get().text
    for number in range(100):
        fail(f"my-password-{number}")
    assert kinds() == ["log-in failed", "log-in refused"]
    assert not Notification.objects.exists()


def test_a_wrong_code_after_a_right_password_is_an_event(client: Client, ann: User) -> None:
    codes.set_up(ann)
    codes.password(client)
    for number in range(7):
        client.post(FACTOR, {"code": f"{number:06}"})
    assert [(kind, facts(kind)["step"]) for kind in kinds()] == [
        ("log-in failed", "code"),
        ("log-in refused", "code"),
    ]
    assert Notification.objects.get().kind == "log_ins_failed"


def test_an_app_its_removal_and_new_codes_are_events_and_messages(
    client: Client, ann: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    codes.set_up(ann)
    codes.log_in(client, codes.shown(-1))
    client.post("/account/factors/reauthenticate/", {"code": codes.shown()})
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/factors/recovery-codes/generate/")
        client.post("/account/factors/totp/deactivate/")
    assert kinds() == ["user logged in", "second factor removed", "recovery codes made"]
    assert [message.title for message in Notification.objects.order_by("pk")][1:] == [
        "ann: second factor removed",
        "ann: recovery codes made",
    ]


def test_an_app_that_is_set_up_is_one_with_its_recovery_codes(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    codes.password(client)
    client.post("/account/again/", {"password": codes.PASSWORD})
    html = client.get("/account/factors/totp/activate/").content.decode()
    secret = html.partition('id="secret"')[2].partition(">")[2].partition("<")[0]
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/factors/totp/activate/", {"code": codes.shown(secret=secret)})
    assert sorted(kinds()) == ["recovery codes made", "second factor added", "user logged in"]


def test_a_new_password_is_an_event_and_a_message(client: Client) -> None:
    codes.password(client)
    new = "staple of another kind"
    client.post(
        "/account/password/", {"old_password": codes.PASSWORD, "new_password1": new, "new_password2": new}
    )
    assert kinds() == ["user logged in", "password changed"]
    assert Notification.objects.latest("pk").title == "The password of ann was changed"


def test_the_chain_stays_unbroken(client: Client) -> None:
    fail()
    codes.password(client)
    client.post("/logout/")
    assert audit.verify().count == 3
