"""The clock that a test sees: it begins at NOW, whatever the hour, and goes on from there.

Only tests that start processes (marked slow) keep the machine's clock, because their processes do; those in a
browser set its clock to theirs. `make test-clocks` shows all of them at other instants.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import pytest
import time_machine

# A Wednesday at 10:00 in New York, in session.
NOW = datetime.fromisoformat(os.environ.get("JAX_TEST_CLOCK", "2026-07-01T14:00")).replace(tzinfo=UTC)


def of(item: pytest.Item) -> AbstractContextManager[object]:
    """Return the clock of a test, to run it by."""
    has_processes = item.get_closest_marker("slow") and "chromium" not in getattr(item, "fixturenames", ())
    return nullcontext() if has_processes else time_machine.travel(NOW, tick=True)
