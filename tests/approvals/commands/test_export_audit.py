"""`manage.py export_audit`: what a spreadsheet opens, and what anybody can check without Jax."""

import csv
import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from approvals import audit
from approvals.models import AuditEvent
from tests import make
from tests.approvals import audit_rows

pytestmark = pytest.mark.django_db


def exported(*options: str) -> list[str]:
    out = StringIO()
    call_command("export_audit", *options, stdout=out)
    return out.getvalue().splitlines()


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(json.loads(line)["text"])["number"] for line in lines]


def test_a_line_holds_the_exact_text_and_both_hashes() -> None:
    audit_rows.chain(2)
    event = AuditEvent.objects.get(number=2)
    assert json.loads(exported()[1]) == {
        "previous_hash": event.previous_hash,
        "hash": event.hash,
        "text": event.text,
    }


def checked(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the lines of docs/audit.md, as they are written there, beside an export."""
    page = (settings.BASE_DIR / "docs" / "audit.md").read_text()
    [lines] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return subprocess.run([sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True)


def test_the_lines_of_the_manual_check_an_export(tmp_path: Path) -> None:
    audit_rows.chain(2)
    audit_rows.event(3, notes='é 😀 \x00 \ud83d "\n\u2028')
    call_command("export_audit", "--output", str(tmp_path / "audit.jsonl"))
    result = checked(tmp_path)
    assert result.stderr == ""
    assert result.stdout == f"--count 3 --head {audit.verify().head}\n"


def test_the_lines_of_the_manual_find_a_change(tmp_path: Path) -> None:
    audit_rows.chain(3)
    lines = exported()
    lines[1] = lines[1].replace("tina", "nina")
    (tmp_path / "audit.jsonl").write_text("\n".join(lines))
    assert "changed: the event after 1" in checked(tmp_path).stderr


def test_the_lines_of_the_manual_find_a_missing_event(tmp_path: Path) -> None:
    audit_rows.chain(3)
    (tmp_path / "audit.jsonl").write_text("\n".join(exported()[::2]))
    assert "missing or rewritten: what follows 1" in checked(tmp_path).stderr


def test_a_sheet_has_headings_and_a_row_for_each_event() -> None:
    audit_rows.chain(2)
    headings, first, _ = csv.reader(exported("--format", "csv"))
    row = dict(zip(headings, first, strict=True))
    assert (row["number"], row["at"], row["actor"]) == ("1", "2024-07-03T14:01:00+00:00", "tina")
    assert row["log_entry"] == ""
    assert json.loads(row["text"])["facts"] == {"quantity": 10}


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"])
def test_a_sheet_holds_no_formula(name: str) -> None:
    audit.append("order sent", "\t=1+1", make.T0, by=User.objects.create_user(name), note=name)
    _, cells = csv.reader(exported("--format", "csv"))
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")] == []
    assert f"'{name}" in cells


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [1, 2, 3, 4]),
        (["--since", "2024-07-03T14:02:00Z"], [2, 3, 4]),
        (["--until", "2024-07-03T14:02:00Z"], [1]),
        (["--since", "2024-07-03T10:02:00-04:00", "--until", "2024-07-03T14:04:00Z"], [2, 3]),
        (["--since", "2024-07-04"], []),
    ],
)
def test_a_time_may_be_chosen(options: list[str], expected: list[int]) -> None:
    audit_rows.chain(4)
    assert numbers(exported(*options)) == expected


def test_an_event_of_another_time_in_between_is_no_hole() -> None:
    audit_rows.event(2)
    audit_rows.event(1)
    audit_rows.event(3)
    assert numbers(exported("--since", "2024-07-03T14:02:00Z")) == [1, 2, 3]


def test_an_export_is_written_to_a_new_file_only(tmp_path: Path) -> None:
    audit_rows.chain(1)
    file = tmp_path / "audit.csv"
    call_command("export_audit", "--format", "csv", "--output", str(file))
    assert len(file.read_text().splitlines()) == 2
    with pytest.raises(CommandError, match=r"File exists: .* Name a new file"):
        call_command("export_audit", "--output", str(file))


def test_an_instant_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="'yesterday' is no instant"):
        exported("--since", "yesterday")
