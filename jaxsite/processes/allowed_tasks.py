"""The functions that the queue may call: Jax's own tasks, whichever user queued or scheduled them.

The queue's tables hold names of functions as text. Who can write a row there could otherwise run any
function of Python as the site.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django_q.models import Schedule

ALLOWED = frozenset(
    {
        "approvals.tasks.cancel",
        "approvals.tasks.change_exits",
        "approvals.tasks.exchange_rates",
        "approvals.tasks.outcomes",
        "approvals.tasks.prune",
        "approvals.tasks.reconcile",
        "approvals.tasks.remember",
        "approvals.tasks.seal",
        "approvals.tasks.send_notifications",
        "approvals.tasks.statement",
        "approvals.tasks.submit",
        "jaxsite.tasks.heartbeat",
        "jaxsite.tasks.prune",
        "market.tasks.backfill",
        "market.tasks.candles",
        "market.tasks.corporate_actions",
        "market.tasks.cross_check",
        "market.tasks.give_up_imports",
        "market.tasks.ingest",
        "market.tasks.load_csv",
        "market.tasks.prepare_upload",
        "market.tasks.prune",
        "market.tasks.refetch",
        "market.tasks.refresh_details",
        "market.tasks.refresh_sessions",
        "opinions.tasks.hindsight",
        "opinions.tasks.start",
        "opinions.tasks.start_all",
        "opinions.tasks.work",
        "signals.tasks.backtest",
        "signals.tasks.prune",
        "signals.tasks.records",
        "signals.tasks.scan",
        "signals.tasks.sweep",
    }
)
# What django-q2 does beyond one call: hand the result to another function, queue more tasks, gather results.
FORBIDDEN_OPTIONS = frozenset({"hook", "chain", "sync", "cached", "iter_count", "iter_cached"})


class TaskRefused(Exception):
    """The queue was asked for what is no task of Jax."""


def is_allowed(func_path: object) -> bool:
    """Whether the queue may call this function. It is named by its path: a callable is refused."""
    return isinstance(func_path, str) and func_path in ALLOWED.union(settings.TASKS_OF_TESTS)


def refusal(task: Mapping[str, Any]) -> str:
    """Return why a task that was taken from the queue may not run; empty when it may."""
    if not is_allowed(task.get("func")):
        return f"{task.get('func')!r:.200} is no task of Jax: the queue does not call it."
    if options := sorted(option for option in FORBIDDEN_OPTIONS if task.get(option)):
        return f"Tasks of Jax have no {' and no '.join(options)}: the queue does not run this one."
    return ""


def checked(task: dict[str, Any]) -> dict[str, Any]:
    """Return the task; in place of one that may not run, one that fails and says why."""
    if reason := refusal(task):
        kept = {name: value for name, value in task.items() if name not in FORBIDDEN_OPTIONS}
        return kept | {"func": f"{__name__}.refuse", "args": (reason,), "kwargs": {}}
    return task


def refuse(reason: str) -> None:
    """Fail. `pydoc.locate`, which a worker finds functions with, would import what a row names."""
    raise TaskRefused(reason)


def is_schedule_allowed(schedule: Schedule) -> bool:
    """Whether a schedule calls one of our functions and no more. What is scheduled takes no arguments."""
    more = (schedule.hook, schedule.args, schedule.kwargs, schedule.intended_date_kwarg)
    return is_allowed(schedule.func) and not any(more)


class CheckedQueue:
    """The queue that django-q2's worker reads: what it may not run fails instead."""

    def __init__(self, tasks: Any) -> None:
        self.tasks = tasks

    def get(self) -> Any:
        task = self.tasks.get()
        return checked(task) if isinstance(task, dict) else task


def checking(worker: Callable[..., None]) -> Callable[..., None]:
    """Return django-q2's worker; it runs only what is allowed."""

    def work(tasks: Any, *args: Any, **kwargs: Any) -> None:
        worker(CheckedQueue(tasks), *args, **kwargs)

    return work
