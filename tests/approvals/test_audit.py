"""The chain: without a hole when several append at once, and broken by any change."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from django.db import connection, transaction

from approvals import audit
from approvals.audit.chain import hash_of
from approvals.models import AuditEvent
from tests import make
from tests.approvals import audit_rows

pytestmark = pytest.mark.django_db


def test_an_event_holds_the_exact_text_that_was_hashed() -> None:
    event = audit_rows.event(quantity=10, limit=make.signal().entry_price)
    event.refresh_from_db()
    assert json.loads(event.text) == {
        "number": 1,
        "at": "2024-07-03T14:01:00+00:00",
        "kind": "order sent",
        "subject": "order 1",
        "actor": "tina",
        "log_entry": None,
        "facts": {"quantity": 10, "limit": "185.50"},
    }
    assert event.previous_hash == audit.START
    assert event.hash == hash_of(audit.START, event.text)


def test_events_follow_each_other() -> None:
    audit_rows.chain(3)
    first, second, third = AuditEvent.objects.order_by("number")
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert audit.verify() == audit.Chain(3, third.hash)


def test_an_empty_chain_holds() -> None:
    assert audit.verify() == audit.Chain(0, audit.START)


def test_an_instant_of_another_zone_is_the_same_instant_in_text_and_column() -> None:
    local = make.T0.astimezone(timezone(timedelta(hours=-4))).replace(microsecond=123_456)
    event = audit.append("gate opened", "gate", local)
    assert json.loads(event.text)["at"] == "2024-07-03T14:00:00.123456+00:00"
    assert audit.verify().count == 1


@pytest.mark.parametrize("written", ["a\x00b", "\ud83d", "\udcff\\", "é 😀", '"\n\u2028', "=1+1", 1e22, -0.0])
def test_whatever_somebody_writes_can_be_kept(written: object) -> None:
    event = audit_rows.event(notes=written)
    event.refresh_from_db()
    assert json.loads(event.text)["facts"]["notes"] == written
    assert audit.verify().count == 1


def test_what_is_rolled_back_leaves_no_hole() -> None:
    audit_rows.event(1)
    with transaction.atomic():
        audit_rows.event(2)
        transaction.set_rollback(True)
    audit_rows.event(3)
    assert audit.verify().count == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "order dropped"),
        ("actor", ""),
        ("subject", "order 7"),
        ("at", make.T0),
        ("log_entry", 7),
        ("text", "{}"),
        ("hash", "f" * 64),
        ("previous_hash", audit.START),
    ],
)
def test_the_first_event_with_a_changed_column_is_named(column: str, value: str | datetime | int) -> None:
    audit_rows.chain(4)
    audit_rows.tamper(3, column, value)
    audit_rows.tamper(4, "text", "{}")
    with pytest.raises(audit.Broken, match=r"broken at event 3 \(.*\): ") as broken:
        audit.verify()
    assert broken.value.number == 3


def test_one_changed_byte_is_found() -> None:
    audit_rows.chain(3)
    text = AuditEvent.objects.get(number=2).text
    audit_rows.tamper(2, "text", text.replace('"quantity": 20', '"quantity": 21'))
    with pytest.raises(audit.Broken, match="its text does not give its hash"):
        audit.verify()


def test_a_column_that_says_otherwise_than_the_text_is_named() -> None:
    audit_rows.chain(2)
    audit_rows.tamper(2, "actor", "somebody else")
    with pytest.raises(audit.Broken, match=r"event 2 .*: its text says otherwise than its actor\."):
        audit.verify()


@pytest.mark.parametrize("text", ["{}", "[]", "null", "no JSON", '{"at": 5}', '{"at": "yesterday"}'])
def test_a_last_event_that_is_written_anew_must_still_say_what_its_columns_say(text: str) -> None:
    audit_rows.event()
    audit_rows.tamper(1, "text", text)
    audit_rows.tamper(1, "hash", hash_of(audit.START, text))
    with pytest.raises(audit.Broken, match="its text says otherwise than its number and its at"):
        audit.verify()


def test_an_event_in_the_middle_that_is_written_anew_breaks_the_link_after_it() -> None:
    audit_rows.chain(3)
    event = AuditEvent.objects.get(number=2)
    text = event.text.replace('"quantity": 20', '"quantity": 21')
    audit_rows.tamper(2, "text", text)
    audit_rows.tamper(2, "hash", hash_of(event.previous_hash, text))
    with pytest.raises(audit.Broken, match=r"event 3 .*: it does not follow event 2: one of the two"):
        audit.verify()


@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_event_is_named(number: int) -> None:
    audit_rows.chain(3)
    audit_rows.cut_out(number)
    with pytest.raises(audit.Broken, match=f"broken at event {number}: it is missing"):
        audit.verify()


def test_verifying_from_a_number_on_reads_no_earlier_events() -> None:
    audit_rows.chain(4)
    audit_rows.tamper(2, "text", "{}")
    assert audit.verify(since=4).count == 4
    with pytest.raises(audit.Broken, match="event 8: it is missing"):
        audit.verify(since=9)


def test_a_chain_whose_end_was_cut_off_holds_but_does_not_reach_what_it_reached() -> None:
    audit_rows.chain(3)
    chain = audit.verify()
    audit_rows.cut_out(3)
    assert audit.verify().count == 2
    with pytest.raises(audit.Broken, match="event 3: it was there once, and is missing: the end"):
        audit.reaches(chain.count, chain.head)


def test_a_chain_that_was_written_anew_holds_but_is_another_one() -> None:
    audit_rows.chain(3)
    chain = audit.verify()
    for number in (3, 2, 1):
        audit_rows.cut_out(number)
    audit_rows.chain(5)
    audit_rows.event(6)
    audit.reaches(0, audit.START)
    with pytest.raises(audit.Broken, match=r"event 4: its hash was .* once"):
        audit.reaches(4, chain.head)


def append_in_a_thread(number: int) -> None:
    try:
        with transaction.atomic():
            audit.append("order sent", f"order {number}", make.T0)
            transaction.set_rollback(number % 5 == 4)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_four_writers_at_once_leave_no_hole() -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append_in_a_thread, range(100)))
    assert audit.verify().count == 80
