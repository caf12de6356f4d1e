"""The statement of the account on paper: what its own book says, apart from ours. Pure."""

import importlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from approvals.brokers.statements import Statement


def read(values: Mapping[str, Any], since: datetime, until: datetime) -> Statement:
    """Return all of the paper account: its executions since it was opened, dividends, shares and cash."""
    # By name: these rows need Django, the spec does not.
    statement: Statement = importlib.import_module("approvals.execution.paper.statement").read(until)
    return statement
