"""A process that does what a task would, one line of its input after the other: the work, when, and on what.

submit 2024-07-03T14:00:00+00:00 0d3e...
"""

import sys
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import django
from django.db import Error, close_old_connections

django.setup()

from approvals import execution  # noqa: E402  the models are there only after setup

WORK: dict[str, Callable[..., None]] = {
    "submit": execution.submit_order,
    "cancel": execution.cancel_order,
    "reconcile": execution.reconcile_orders,
}

for line in sys.stdin:
    work, at, *orders = line.split()
    try:
        WORK[work](*map(UUID, orders), datetime.fromisoformat(at))
        answer = "done"
    except Error as error:
        answer = type(error).__name__
    close_old_connections()
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()
