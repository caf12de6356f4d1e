from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from approvals import gate, halt
from approvals.models import AuditEvent, Gate, Notification, TradingHalt
from tests import make
from tests.approvals import execution_rows
from tests.approvals.execution_rows import MINUTE, SECOND

pytestmark = pytest.mark.django_db

PERSON, MISMATCH = TradingHalt.Cause.PERSON, TradingHalt.Cause.MISMATCH
LATER = make.T0 + timedelta(minutes=5)


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("olga")


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("number").values_list("kind", flat=True))


def test_a_halt_stops_everything_and_says_who_and_why(operator: User) -> None:
    halt.start(PERSON, "fire drill", make.T0, operator)
    assert gate.obstacle(make.T0) == "Trading is halted since 2024-07-03 14:00 UTC by olga: fire drill"
    assert kinds() == ["halt begun"]
    assert AuditEvent.objects.get().actor == "olga"
    assert Notification.objects.get().title == "Trading is halted by olga: fire drill"


def test_halting_twice_for_a_cause_is_the_same_as_once(operator: User) -> None:
    first = halt.start(PERSON, "fire drill", make.T0, operator)
    again = halt.start(PERSON, "another", LATER)
    assert again == first
    assert TradingHalt.objects.get().reason == "fire drill"
    assert kinds() == ["halt begun"]
    assert Notification.objects.count() == 1


def test_two_causes_are_two_halts_and_one_resume_ends_both(operator: User) -> None:
    halt.start(PERSON, "fire drill", make.T0, operator)
    halt.start(MISMATCH, "fills do not add up", make.T0)
    halt.end(LATER, operator, "looked into it")
    assert gate.state(make.T0).halted == ""
    assert set(TradingHalt.objects.values_list("ended_at", "ended_by", "ended_note")) == {
        (LATER, operator.pk, "looked into it")
    }
    assert kinds() == ["halt begun", "halt begun", "halt ended", "halt ended"]
    assert Notification.objects.count() == 4


def test_resuming_when_nothing_is_halted_does_nothing(operator: User) -> None:
    assert halt.end(make.T0, operator, "") == []
    assert kinds() == []


def test_a_halt_after_a_resume_is_a_new_one(operator: User) -> None:
    first = halt.start(PERSON, "fire drill", make.T0, operator)
    halt.end(LATER, None, "")
    assert halt.start(PERSON, "again", LATER) != first
    assert gate.state(make.T0).halted.endswith("by Jax: again")


def gate_events() -> list[str]:
    return list(AuditEvent.objects.filter(subject="gate").order_by("number").values_list("kind", flat=True))


def titles(kind: Notification.Kind) -> list[str]:
    return list(Notification.objects.filter(kind=kind).order_by("pk").values_list("title", flat=True))


def test_the_gate_closes_while_the_broker_is_away_and_opens_after_a_good_minute() -> None:
    execution_rows.open_gate(LATER)
    assert gate.check(make.T0, "").is_open
    assert not gate.check(make.T0 + MINUTE, "ConnectionError").is_open
    assert "The broker is away: ConnectionError" in gate.obstacle(make.T0 + MINUTE)
    assert not gate.check(make.T0 + 2 * MINUTE, "").is_open
    assert "has just come back" in gate.obstacle(make.T0 + 2 * MINUTE)
    assert gate.check(make.T0 + 3 * MINUTE, "").is_open
    assert gate.obstacle(make.T0 + 3 * MINUTE) == ""
    assert gate_events() == ["gate closed", "gate opened"]
    assert [title.split(".")[0] for title in titles(Notification.Kind.GATE)] == [
        "The gate is closed",
        "The gate is open again",
    ]


def test_checking_a_gate_that_stays_as_it_is_tells_nobody() -> None:
    execution_rows.open_gate(make.T0 + MINUTE)
    for second in range(5):
        gate.check(make.T0 + second * SECOND, "")
    assert Gate.objects.get().since == make.T0 - 59 * MINUTE
    assert (gate_events(), Notification.objects.count()) == ([], 0)


def test_the_gate_closes_while_the_feed_is_away_and_people_hear_of_both() -> None:
    execution_rows.open_gate()
    assert gate.check(make.T0, "").is_open
    assert not gate.check(make.T0 + 20 * MINUTE, "").is_open
    execution_rows.feed(make.T0 + 41 * MINUTE)
    assert not gate.check(make.T0 + 40 * MINUTE, "").is_open
    assert gate.check(make.T0 + 41 * MINUTE, "").is_open
    assert titles(Notification.Kind.FEED) == [
        "The feed is away: no quotes arrive. Nothing is approved or sent until they do.",
        "The feed is back.",
    ]
    assert gate_events() == ["gate closed", "gate opened"]


def test_a_broker_that_was_not_asked_for_a_while_has_just_come_back() -> None:
    execution_rows.open_gate()
    execution_rows.feed(make.T0 + 10 * MINUTE)
    checked = gate.check(make.T0 + 10 * MINUTE, "")
    assert checked.broker_good_since == make.T0 + 10 * MINUTE
    assert not checked.is_open


def test_a_gate_that_nobody_has_checked_is_closed() -> None:
    execution_rows.open_gate()
    Gate.objects.all().delete()
    assert "has not been asked yet" in gate.obstacle(make.T0)
    assert not gate.check(make.T0, "").is_open
    assert gate_events() == []


def test_its_times_are_those_of_whoever_reads_it(operator: User) -> None:
    halt.start(PERSON, "fire drill", make.T0, operator)
    with timezone.override("Europe/Berlin"):
        assert gate.obstacle(make.T0).startswith("Trading is halted since 2024-07-03 16:00 CEST")
