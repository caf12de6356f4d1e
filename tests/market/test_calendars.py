"""What we know of exchanges without their library, held against it in a process of its own."""

import json
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest

from market.calendars import ZONES, zone

ASK_THE_LIBRARY = """
import json, sys, exchange_calendars
calendars = json.load(sys.stdin)
get = exchange_calendars.get_calendar
json.dump({name: str(get(name, start="2024-01-02", end="2024-02-01").tz) for name in calendars}, sys.stdout)
"""


def test_the_zones_are_those_of_the_library() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", ASK_THE_LIBRARY], input=json.dumps(list(ZONES)), text=True, capture_output=True
    )
    assert json.loads(completed.stdout) == ZONES


@pytest.mark.parametrize(
    ("calendar", "expected"), [("XNYS", ZoneInfo("America/New_York")), ("24/7", None), ("NOWHERE", None)]
)
def test_round_the_clock_and_strangers_have_no_zone(calendar: str, expected: ZoneInfo | None) -> None:
    assert zone(calendar) == expected
