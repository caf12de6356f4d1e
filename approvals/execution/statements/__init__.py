"""Statements of the broker: fetched each night or uploaded, compared with our book, differences kept."""

from approvals.execution.statements.answers import LONGEST_WHY, DifferenceRefused, answer
from approvals.execution.statements.loading import load
from approvals.execution.statements.nightly import fetch, findings
from approvals.execution.statements.record import record

__all__ = ["LONGEST_WHY", "DifferenceRefused", "answer", "fetch", "findings", "load", "record"]
