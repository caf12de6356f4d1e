"""What the admin and the API log becomes events: each entry once, in whatever order entries are committed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from approvals import audit
from approvals.audit import seals
from approvals.models import AuditEvent
from tests import make
from tests.approvals import audit_rows

pytestmark = pytest.mark.django_db

LATER = make.T0 + timedelta(minutes=1)


def sealed() -> list[int | None]:
    return list(AuditEvent.objects.order_by("number").values_list("log_entry", flat=True))


def test_an_entry_becomes_an_event_with_who_what_and_how() -> None:
    entry = audit_rows.log_entry(message='[{"changed": {"fields": ["Watched"]}}]')
    assert audit.seal(LATER) == 1
    event = AuditEvent.objects.get()
    assert (event.kind, event.subject, event.actor) == ("admin change", "instrument AAPL", "tina")
    assert (event.at, event.log_entry) == (make.T0, entry.pk)
    assert json.loads(event.text)["facts"] == {
        "action": "Change",
        "object": "AAPL",
        "object_id": "AAPL",
        "message": '[{"changed": {"fields": ["Watched"]}}]',
        "sealed_at": "2024-07-03 14:01:00+00:00",
    }


def test_sealing_twice_is_the_same_as_once() -> None:
    audit_rows.log_entry()
    assert audit.seal(LATER) == 1
    assert audit.seal(LATER) == 0
    assert AuditEvent.objects.count() == 1


def test_an_entry_that_is_committed_after_one_with_a_higher_id_is_sealed_too() -> None:
    audit_rows.log_entry(pk=9_002)
    audit.seal(LATER)
    audit_rows.log_entry(pk=9_001)
    audit_rows.log_entry(pk=9_003)
    audit.seal(LATER)
    assert sealed() == [9_002, 9_001, 9_003]


def test_many_entries_are_sealed_by_batches_oldest_first() -> None:
    entries = [audit_rows.log_entry().pk for _ in range(2 * seals.BATCH + 1)]
    assert audit.seal(LATER) == len(entries)
    assert sealed() == entries
    assert audit.verify().count == len(entries)


@pytest.mark.parametrize("message", ["[1]", "[", "Cancelled: =1+1", "é\n", ""])
def test_no_message_keeps_the_others_from_being_sealed(message: str) -> None:
    audit_rows.log_entry(message=message)
    audit_rows.log_entry()
    assert audit.seal(LATER) == 2


def test_an_entry_about_something_that_jax_does_not_know_any_more_is_sealed() -> None:
    entry = audit_rows.log_entry()
    LogEntry.objects.update(content_type=None, object_id="x" * 200)
    audit.seal(LATER)
    event = AuditEvent.objects.get(log_entry=entry.pk)
    assert event.subject == f"something {'x' * 70}"
    assert json.loads(event.text)["facts"]["object_id"] == "x" * 200


def test_a_new_user_a_role_and_a_token_are_sealed(admin_client: Client) -> None:
    passwords = {"password1": "kept in a vault", "password2": "kept in a vault", "usable_password": "true"}
    admin_client.post("/admin/auth/user/add/", {"username": "tina", "role": "trader", **passwords})
    admin_client.post("/admin/auth/group/add/", {"name": "night watch"})
    tina = User.objects.get(username="tina")
    admin_client.post("/admin/knox/authtoken/add/", {"user": tina.pk, "scope": "read"})
    assert audit.seal(LATER) == 3
    subjects = AuditEvent.objects.order_by("number").values_list("subject", flat=True)
    assert [subject.rsplit(" ", 1)[0] for subject in subjects] == ["user", "group", "auth token"]
    assert "vault" not in "".join(AuditEvent.objects.values_list("text", flat=True))


def test_looking_for_what_is_left_is_four_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    audit_rows.log_entry()
    audit.seal(LATER)
    with django_assert_num_queries(6):  # with the transaction's own two, as a savepoint here
        audit.seal(LATER)


def seal_in_a_thread(_: int) -> int:
    try:
        return audit.seal(LATER)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_workers_who_seal_at_once_seal_each_entry_once() -> None:
    entries = [audit_rows.log_entry().pk for _ in range(120)]
    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(seal_in_a_thread, range(4)))
    assert total == len(entries)
    assert sealed() == entries
    assert audit.verify().count == len(entries)
