"""The table of an opinion run's legal transitions: the code makes no others, and the page draws them."""

import re
from datetime import timedelta
from typing import Any

import pytest

from opinions import queue, store
from opinions.models import Cause, OrchestrationRun
from opinions.models.runs import TRANSITIONS, RunStatus, arrows, end_of, starts_of
from signals.models import Signal
from tests import make
from tests.jaxsite.processes import ROOT

APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
CAUSES = [cause for cause in Cause if cause != Cause.ASKED]


def run_in(status: str) -> OrchestrationRun:
    given: dict[str, Any] = {"status": status}
    if status == "running":
        given |= {"deadline_at": make.T0 + timedelta(minutes=3), "inputs": {}}
    if status in ("failed", "cancelled"):
        given |= {"finished_at": make.T0, "error": "It is away." if status == "failed" else ""}
    return make.run(make.signal(), **given)


def columns_of(status: str) -> dict[str, Any]:
    """Return what the constraints want of a run that has come to a status."""
    given: dict[str, Any] = {"finished_at": None if status == "running" else make.T0}
    if status == "running":
        given |= {"started_at": make.T0, "deadline_at": make.T0}
    if status == "failed":
        given |= {"error": "It is away."}
    if status == "completed":
        given |= {"agent_suggestion": "BUY", "confidence": 0.5, "inputs": {}}
    return given


@pytest.mark.django_db
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("status", [*RunStatus])
def test_a_status_changes_as_the_table_says_and_in_no_other_way(status: str, cause: Cause) -> None:
    run, end = run_in(status), end_of(cause)
    is_legal = (status, cause) in TRANSITIONS
    changed = OrchestrationRun.objects.change_status(cause, **columns_of(end) if is_legal else {})
    run.refresh_from_db()
    assert (changed, run.status) == ((1, end) if is_legal else (0, status))


@pytest.mark.django_db
@pytest.mark.parametrize("status", [*RunStatus])
def test_a_result_is_written_to_a_run_at_work_and_to_no_other(status: str) -> None:
    run = run_in(status)
    failed = {"id": run.pk, "status": end_of(Cause.FAILED), "error": "It is away.", "finished_at": make.T0}
    assert store.write([failed]) == ({run.pk} if status == "running" else set())
    assert starts_of(Cause.ANSWERED) == starts_of(Cause.FAILED)


@pytest.mark.django_db
def test_a_new_run_begins_as_the_table_says() -> None:
    run, _ = queue.request("AAPL", make.T0, trigger=OrchestrationRun.Trigger.MANUAL, signal=make.signal())
    assert run.status == TRANSITIONS[None, Cause.ASKED]


def test_every_cause_is_used_by_the_code() -> None:
    files = list((ROOT / "opinions").glob("*.py"))
    used = {Cause[name] for file in files for name in re.findall(r"\bCause\.([A-Z_]+)", file.read_text())}
    assert used == set(CAUSES)  # ASKED is the default of a new row


def test_no_other_code_sets_the_status_of_a_run() -> None:
    """Every status in an UPDATE of the app comes from the table."""
    literal = re.compile(r"(?:update\(|\"status\": |status=)\(?(?:Run)?Status\.|SET status = '")
    places = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in (ROOT / "opinions").rglob("*.py")
        if "migrations" not in file.parts
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if literal.search(line) and "filter(" not in line
    ]
    assert places == []
    others = [app for app in APPS if app != "opinions"]
    writes = re.compile(
        r"OrchestrationRun\.objects[^\n]*\.(?:update|create|bulk_create)\(|UPDATE orchestration_runs"
    )
    writers = [
        file for app in others for file in (ROOT / app).rglob("*.py") if writes.search(file.read_text())
    ]
    assert writers == []


def test_the_page_draws_the_table() -> None:
    page = (ROOT / "docs" / "concepts" / "opinion-run.md").read_text()
    drawn = [line.strip() for line in page.splitlines() if "-->" in line]
    assert sorted(drawn) == sorted(arrows())


@pytest.mark.django_db
def test_a_signal_knows_no_run() -> None:
    assert "opinion" not in {field.name for field in Signal._meta.fields}
