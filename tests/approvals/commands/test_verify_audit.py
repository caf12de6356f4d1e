"""`manage.py verify_audit`: its words, its exit code, and what an earlier run proves."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.models import AuditEvent
from tests.approvals import audit_rows

pytestmark = pytest.mark.django_db


def verified(*options: str) -> list[str]:
    out = StringIO()
    call_command("verify_audit", *options, stdout=out)
    return out.getvalue().splitlines()


def test_it_prints_the_count_and_the_hash_of_the_last_event() -> None:
    audit_rows.chain(3)
    head = AuditEvent.objects.get(number=3).hash
    assert verified() == ["Unbroken. Events: 3", f"--count 3 --head {head}"]


def test_it_names_the_first_event_that_was_changed() -> None:
    audit_rows.chain(3)
    audit_rows.tamper(2, "kind", "order dropped")
    with pytest.raises(
        CommandError, match=r"event 2 \(order dropped, order 2\): its text says otherwise"
    ) as end:
        verified()
    assert end.value.returncode == 1


def test_the_last_line_of_an_earlier_run_is_what_a_later_one_checks() -> None:
    audit_rows.chain(3)
    count_and_head = verified()[-1].split()
    audit_rows.event(4)
    assert verified(*count_and_head)[0] == "Unbroken. Events: 4"


def test_the_first_run_on_an_empty_chain_can_be_checked_later() -> None:
    count_and_head = verified()[-1].split()
    audit_rows.chain(1)
    assert verified(*count_and_head)[0] == "Unbroken. Events: 1"


def test_an_end_that_was_cut_off_is_found_by_what_an_earlier_run_printed() -> None:
    audit_rows.chain(3)
    count_and_head = verified()[-1].split()
    audit_rows.cut_out(3)
    with pytest.raises(CommandError, match="event 3: it was there once, and is missing: the end"):
        verified(*count_and_head)


@pytest.mark.parametrize("options", [["--count", "3"], ["--head", "0" * 64]])
def test_half_of_what_an_earlier_run_printed_is_refused(options: list[str]) -> None:
    with pytest.raises(CommandError, match="Give --count and --head together"):
        verified(*options)


@pytest.mark.parametrize("count", ["-1", "three"])
def test_a_count_that_cannot_be_is_refused(count: str) -> None:
    with pytest.raises(CommandError, match="count"):
        verified("--count", count, "--head", "0" * 64)
