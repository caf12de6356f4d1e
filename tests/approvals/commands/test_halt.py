"""`manage.py halt` and `manage.py resume`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals import gate
from approvals.models import TradingHalt
from tests import make
from tests.approvals import audit_rows

pytestmark = pytest.mark.django_db


def output(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_a_halt_says_since_when_and_how_it_ends() -> None:
    answer = output("halt", "the feed looks wrong")
    assert "Trading is halted since" in answer
    assert "the feed looks wrong" in answer
    assert "manage.py resume" in answer
    assert TradingHalt.objects.get().cause == TradingHalt.Cause.PERSON


def test_halting_twice_is_the_same_as_once() -> None:
    first = output("halt", "the feed looks wrong")
    assert output("halt", "another reason") == first
    assert TradingHalt.objects.get().reason == "the feed looks wrong"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_halt_needs_a_reason(reason: str) -> None:
    with pytest.raises(CommandError, match="Say why"):
        output("halt", reason)
    assert not gate.state(make.T0).halted


def test_a_reason_that_is_no_text_still_halts() -> None:
    output("halt", "stop \udcff")
    assert TradingHalt.objects.get().reason == "stop ?"


def test_resume_ends_every_halt_and_names_them() -> None:
    audit_rows.halt()
    audit_rows.halt(cause=TradingHalt.Cause.MISMATCH, reason="fills do not add up")
    answer = output("resume", "looked into it")
    assert "fire drill" in answer
    assert "fills do not add up" in answer
    assert set(TradingHalt.objects.values_list("ended_note", flat=True)) == {"looked into it"}
    assert not gate.state(make.T0).halted


def test_resuming_what_is_not_halted_says_so() -> None:
    assert output("resume") == "Trading is not halted: there is nothing to resume.\n"
