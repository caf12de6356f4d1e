from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from approvals import switches
from approvals.models import AuditEvent, Notification, TradingHalt
from tests import make

pytestmark = pytest.mark.django_db

PERSON, MISMATCH = TradingHalt.Cause.PERSON, TradingHalt.Cause.MISMATCH
LATER = make.T0 + timedelta(minutes=5)


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("olga")


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("number").values_list("kind", flat=True))


def test_a_halt_stops_everything_and_says_who_and_why(operator: User) -> None:
    switches.halt(PERSON, "fire drill", make.T0, operator)
    assert switches.obstacle(make.T0) == "Trading is halted since 2024-07-03 14:00 UTC by olga: fire drill"
    assert kinds() == ["halt begun"]
    assert AuditEvent.objects.get().actor == "olga"
    assert Notification.objects.get().title == "Trading is halted by olga: fire drill"


def test_halting_twice_for_a_cause_is_the_same_as_once(operator: User) -> None:
    first = switches.halt(PERSON, "fire drill", make.T0, operator)
    again = switches.halt(PERSON, "another", LATER)
    assert again == first
    assert TradingHalt.objects.get().reason == "fire drill"
    assert kinds() == ["halt begun"]
    assert Notification.objects.count() == 1


def test_two_causes_are_two_halts_and_one_resume_ends_both(operator: User) -> None:
    switches.halt(PERSON, "fire drill", make.T0, operator)
    switches.halt(MISMATCH, "fills do not add up", make.T0)
    switches.resume(LATER, operator, "looked into it")
    assert switches.halted() == ""
    assert set(TradingHalt.objects.values_list("ended_at", "ended_by", "ended_note")) == {
        (LATER, operator.pk, "looked into it")
    }
    assert kinds() == ["halt begun", "halt begun", "halt ended", "halt ended"]
    assert Notification.objects.count() == 4


def test_resuming_when_nothing_is_halted_does_nothing(operator: User) -> None:
    assert switches.resume(make.T0, operator, "") == []
    assert kinds() == []


def test_a_halt_after_a_resume_is_a_new_one(operator: User) -> None:
    first = switches.halt(PERSON, "fire drill", make.T0, operator)
    switches.resume(LATER, None, "")
    assert switches.halt(PERSON, "again", LATER) != first
    assert switches.halted().endswith("by Jax: again")
