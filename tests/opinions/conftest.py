"""The same people and set-ups as in the tests of the signals."""

from tests.approvals.conftest import trader

__all__ = ["trader"]
