"""The clock that a test sees: it stands at NOW, whatever the hour. With a live server it goes on from there.

Only tests that start processes (marked slow) keep the machine's clock, because their processes do; those in a
browser set its clock to theirs. With `JAX_TEST_CLOCK=2028-02-29T23:57` NOW is another instant (UTC), and for
tests with processes it was then when pytest started.
"""

import os
import runpy
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

# A Wednesday at 10:00 in New York, in session.
NOW = datetime.fromisoformat(os.environ.get("JAX_TEST_CLOCK", "2026-07-01T14:00")).replace(tzinfo=UTC)
ELSEWHEN = Path(__file__).parent / "elsewhen"


def of(item: pytest.Item) -> AbstractContextManager[object]:
    """Return the clock of a test, to run it by."""
    fixtures = getattr(item, "fixturenames", ())
    if item.get_closest_marker("slow") and "chromium" not in fixtures:
        return nullcontext()
    return time_machine.travel(NOW, tick="live_server" in fixtures)


def begin() -> None:
    """Set the clocks of this process and of those it starts to JAX_TEST_CLOCK."""
    if "JAX_TEST_CLOCK" in os.environ:
        os.environ["JAX_TEST_CLOCK_OFF_BY"] = str((NOW - timezone.now()).total_seconds())
        others = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = f"{ELSEWHEN}:{others}" if others else str(ELSEWHEN)
        runpy.run_path(str(ELSEWHEN / "sitecustomize.py"))
