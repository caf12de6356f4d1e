"""The table of legal transitions is what the code does, and what docs/concepts/order.md draws."""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest

from approvals.brokers.base import Instrument, Report, Side, State
from approvals.execution import reports, transitions
from approvals.models import Order
from tests import make
from tests.jaxsite.processes import ROOT

Status = Order.Status
PAGE = (ROOT / "docs" / "concepts" / "order.md").read_text()
FILES = list((ROOT / "approvals").rglob("*.py"))
ILLEGAL = [
    (start, end)
    for start, end in product(Status, Status)
    if start != end and (start, end) not in transitions.LEGAL
]


def test_no_transition_stands_there_twice() -> None:
    assert len(transitions.LEGAL) == len(transitions.TRANSITIONS)


def test_the_diagrams_of_the_docs_are_the_table() -> None:
    usual, late = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)
    assert [line.strip() for line in usual.splitlines()] == list(transitions.arrows())
    assert [line.strip() for line in late.splitlines()] == list(transitions.arrows(late=True))


@pytest.mark.parametrize(("start", "end"), ILLEGAL)
def test_what_the_table_does_not_have_is_refused(start: Order.Status, end: Order.Status) -> None:
    order = Order(pk=uuid4(), status=start)
    with pytest.raises(transitions.IllegalTransition, match="An order never goes from"):
        transitions.change(order, [start], end)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a method, by its name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node


def test_no_other_code_updates_the_status_of_an_order() -> None:
    """Messages and the paper broker's own orders have statuses of their own."""
    others = ("notify", "execution/paper", "migrations")
    files = [
        path for path in (ROOT / "approvals").rglob("*.py") if not any(part in str(path) for part in others)
    ]
    updating = {
        path.name
        for path in files
        for method, call in calls(path)
        if method == "update" and any(keyword.arg == "status" for keyword in call.keywords)
    }
    assert updating == {"transitions.py"}


def statuses(*nodes: ast.expr) -> list[Order.Status]:
    """Return those that are written as Status.NAME."""
    names = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    members = Order.Status.__members__
    return [members[name] for name in names if name in members]


def test_every_transition_that_the_code_names_is_in_the_table() -> None:
    named = set()
    for path in FILES:
        for method, call in calls(path):
            if method in ("move", "change") and len(call.args) > 2:
                starts = call.args[1].elts if isinstance(call.args[1], ast.List) else []
                named |= set(product(statuses(*starts), statuses(call.args[2])))
    assert len(named) > 5
    assert named <= transitions.LEGAL


def reported(order: Order, state: State, filled: int) -> Order.Status:
    report = Report(order.pk, "B1", Instrument("AAPL"), Side.BUY, state, order.quantity, filled)
    changes = reports._changes(order, report, make.T0)
    return Status(changes.get("status", order.status))


def test_reports_cause_all_late_transitions_and_none_that_the_table_does_not_have() -> None:
    """Only a broker rejects: a rejected order has its answer."""
    caused = set()
    answers = dict.fromkeys(Status, (None, make.T0)) | {Status.REJECTED: (make.T0,)}
    cases = ((start, answered_at) for start in Status for answered_at in answers[start])
    for (start, answered_at), state, filled in product(cases, State, (0, 4, 10)):
        before = 10 if start == Status.FILLED else 4 if start == Status.PARTIALLY_FILLED else 0
        order = Order(status=start, quantity=10, filled_quantity=before, acknowledged_at=answered_at)
        caused.add((start, reported(order, state, filled)))
    caused = {(start, end) for start, end in caused if start != end}
    assert caused <= transitions.LEGAL
    assert {
        (transition.start, transition.end) for transition in transitions.TRANSITIONS if transition.is_late
    } <= caused
