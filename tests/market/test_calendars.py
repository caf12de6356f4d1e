"""What we know of exchanges without their library, held against it in a process of its own."""

import json
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest

from market.calendars import ALIASES, NAMES, ZONES, is_known, unknown, zone

ASK_THE_LIBRARY = """
import json, sys, exchange_calendars
calendars = json.load(sys.stdin)
get = exchange_calendars.get_calendar
zones = {name: str(get(name, start="2024-01-02", end="2024-02-01").tz) for name in calendars}
json.dump({"zones": zones, "names": exchange_calendars.get_calendar_names(include_aliases=True)}, sys.stdout)
"""


def test_the_names_and_zones_are_those_of_the_library() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", ASK_THE_LIBRARY], input=json.dumps(list(ZONES)), text=True, capture_output=True
    )
    answer = json.loads(completed.stdout)
    assert answer["zones"] == ZONES
    assert set(answer["names"]) == NAMES
    assert set(ALIASES.values()) <= NAMES
    assert not ALIASES.keys() & NAMES


@pytest.mark.parametrize(
    ("name", "hint"), [("NYS", "NYSE"), ("xnys", "XNYS"), ("XLONN", "XLON"), ("NOWHERE-AT-ALL", "")]
)
def test_a_name_that_is_not_known_says_what_it_looks_like(name: str, hint: str) -> None:
    assert not is_known(name)
    assert hint in unknown(name)
    assert ("?" in unknown(name)) is bool(hint)


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("XNYS", ZoneInfo("America/New_York")),
        ("TSE", ZoneInfo("Asia/Tokyo")),
        ("24/7", None),
        ("NOWHERE", None),
    ],
)
def test_round_the_clock_and_strangers_have_no_zone(calendar: str, expected: ZoneInfo | None) -> None:
    assert zone(calendar) == expected
