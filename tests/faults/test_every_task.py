"""A task of the queue either works on one thing, or its loops are tested with a poisoned member."""

import pytest

from jaxsite.processes import allowed_tasks
from tests.faults.loops import LOOPS

OTHERS = "tests/faults/test_one_symbol.py"
# By task: its loops in LOOPS, or why it has none.
TASKS: dict[str, list[str] | str] = {
    "approvals.tasks.cancel": "one order",
    "approvals.tasks.change_exits": "one order",
    "approvals.tasks.exchange_rates": ["exchange rates"],
    "approvals.tasks.outcomes": ["outcomes"],
    "approvals.tasks.prune": "two tables: test_other_members.py",
    "approvals.tasks.reconcile": [
        "reports of the broker",
        "held orders",
        "orders left behind",
        "orders that waited for the open",
        "closed trades",
    ],
    "approvals.tasks.remember": ["memories"],
    "approvals.tasks.seal": ["the chain"],
    "approvals.tasks.send_notifications": ["messages about signals"],
    "approvals.tasks.statement": "one statement, compared whole or not at all",
    "approvals.tasks.submit": "one order",
    "jaxsite.tasks.heartbeat": "one address",
    "jaxsite.tasks.prune": "two tables: test_other_members.py",
    "market.tasks.backfill": ["candles"],
    "market.tasks.candles": ["candles", "splits"],
    "market.tasks.corporate_actions": [
        "corporate actions",
        "earnings dates",
        "changes of symbol",
        "bars under an old symbol",
        "delistings",
    ],
    "market.tasks.cross_check": ["cross-check"],
    "market.tasks.give_up_imports": ["loaded files", "uploaded files"],
    "market.tasks.ingest": ["quotes"],
    "market.tasks.load_csv": "one file, whole or not at all",
    "market.tasks.prepare_upload": "one file: tests/market/admin/test_wizard.py",
    "market.tasks.prune": "five tables: test_other_members.py",
    "market.tasks.refetch": "bars of one symbol",
    "market.tasks.refresh_details": ["details"],
    "market.tasks.refresh_sessions": f"calendars: {OTHERS}",
    "opinions.tasks.hindsight": "fewer at a time, the oftener they fail: tests/opinions/test_hindsight.py",
    "opinions.tasks.start": ["opinions on signals"],
    "opinions.tasks.start_all": ["opinions on instruments"],
    "opinions.tasks.work": "halves of runs: tests/opinions/test_runs.py",
    "signals.tasks.backtest": "one backtest",
    "signals.tasks.prune": "one table",
    "signals.tasks.records": ["records", "backtests"],
    "signals.tasks.scan": ["scan", "signals that end"],
    "signals.tasks.sweep": ["signals that end"],
}


def test_none_is_forgotten() -> None:
    assert TASKS.keys() == allowed_tasks.ALLOWED


@pytest.mark.parametrize("task", TASKS)
def test_its_loops_are_tested(task: str) -> None:
    loops = TASKS[task]
    assert isinstance(loops, str) or set(loops) <= LOOPS.keys()


def test_every_loop_is_of_a_task() -> None:
    named = {loop for loops in TASKS.values() if not isinstance(loops, str) for loop in loops}
    assert named == LOOPS.keys()
