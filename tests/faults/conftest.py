"""Fixtures of other folders that these tests share."""

from tests.approvals.execution.conftest import fake, process
from tests.loopback import alpaca, bridge, polygon
from tests.signals.conftest import macd

__all__ = ["alpaca", "bridge", "fake", "macd", "polygon", "process"]
