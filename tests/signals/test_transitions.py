"""The table of a signal's legal transitions: the code makes these and no others, and the page draws them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from signals import lifecycle
from signals.lifecycle import TRANSITIONS, Cause
from signals.models import Signal
from tests import make
from tests.jaxsite.processes import ROOT

APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
HOME = ROOT / "signals" / "lifecycle.py"
LEGAL = [(cause, end) for (start, cause), end in TRANSITIONS.items() if start]


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


@pytest.mark.django_db
@pytest.mark.parametrize(("cause", "end"), LEGAL)
def test_a_pending_signal_ends_as_the_table_says(cause: Cause, end: Signal.Status) -> None:
    signal = make.signal()
    assert lifecycle.end(Signal.objects.all(), cause, make.T0) == 1
    signal.refresh_from_db()
    assert (signal.status, signal.ended_at, signal.ended_reason) == (end, make.T0, cause)


@pytest.mark.django_db
@pytest.mark.parametrize("cause", [cause for cause, _ in LEGAL])
@pytest.mark.parametrize("status", [status for status in Signal.Status if status != "pending"])
def test_a_signal_that_has_ended_stays_as_it_is(status: Signal.Status, cause: Cause) -> None:
    signal = make.signal(status=status, ended_reason="before")
    assert lifecycle.end(Signal.objects.all(), cause, make.T0) == 0
    signal.refresh_from_db()
    assert (signal.status, signal.ended_reason) == (status, "before")


def test_what_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        lifecycle.ended(Cause.RAISED, make.T0)
    with pytest.raises(KeyError):
        lifecycle.ended(Cause.APPROVED, make.T0, start=None)


def test_every_cause_is_used_by_the_code() -> None:
    text = "".join(path.read_text() for path in (ROOT / "signals").rglob("*.py"))
    outside_of_the_table = re.sub(r"^TRANSITIONS.+?^}", "", text, flags=re.MULTILINE | re.DOTALL)
    used = {Cause[name] for name in re.findall(r"\bCause\.([A-Z_]+)", outside_of_the_table)}
    by_a_status = {Cause.APPROVED, Cause.REJECTED, Cause.RAISED}  # `decide` is given two, one is the default
    assert used | by_a_status == set(Cause)


def test_no_other_code_sets_the_status_of_a_signal() -> None:
    """A status is set by keyword, attribute, key or SQL; each of them is looked for."""
    writes = [f"{path.relative_to(ROOT)}:{line}" for path in sources() for line in status_writes(path)]
    assert writes == []


def status_writes(path: Path) -> Iterator[int]:
    """Yield the lines that give a row a status of signals, outside the table's module."""
    if path == HOME:
        return
    text = path.read_text()
    if match := re.search(r"UPDATE strategy_signals\b(?:(?!FROM|WHERE)[^;])*?\bstatus\s*=", text):
        yield text[: match.start()].count("\n") + 1
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"update", "create", "Signal"}:
            values = [keyword.value for keyword in node.keywords if keyword.arg == "status"]
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute) and target.attr == "status" for target in node.targets
        ):
            values = [node.value]
        else:
            continue
        names = r"\bStatus\." if "\nStatus = Signal.Status\n" in text else r"\bSignal\.Status\."
        if any(re.search(names, ast.unparse(value)) for value in values):
            yield node.lineno


def test_the_page_draws_the_table() -> None:
    page = (ROOT / "docs" / "concepts" / "signal.md").read_text()
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.+?)```", page, re.DOTALL)
    assert diagram
    assert [line.strip() for line in diagram[1].splitlines()] == list(lifecycle.arrows())
