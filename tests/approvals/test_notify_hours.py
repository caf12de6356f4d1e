from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from approvals.notify import QuietHours

NEW_YORK = ZoneInfo("America/New_York")


def end(hours: str, at: str, zone: ZoneInfo = NEW_YORK) -> str | None:
    quiet = QuietHours.parse(hours, zone)
    assert quiet
    ends_at = quiet.end(datetime.fromisoformat(at).replace(tzinfo=UTC))
    return f"{ends_at:%d %H:%M}" if ends_at else None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2024-07-03T01:59", None),  # 21:59 in New York
        ("2024-07-03T02:00", "03 11:00"),  # 22:00
        ("2024-07-03T10:59", "03 11:00"),
        ("2024-07-03T11:00", None),
        ("2024-03-10T05:00", "10 11:00"),  # clocks go forward in that night: seven hours later, not eight
        ("2024-11-03T05:00", "03 12:00"),
    ],
)
def test_hours_across_midnight_follow_the_clock_on_the_wall(at: str, expected: str | None) -> None:
    assert end("22:00-07:00", at) == expected


def test_hours_within_a_day() -> None:
    assert end("12:00-13:30", "2024-07-03T12:00", ZoneInfo("UTC")) == "03 13:30"
    assert end("12:00-13:30", "2024-07-03T13:30", ZoneInfo("UTC")) is None


def test_no_hours_are_none() -> None:
    assert QuietHours.parse("", NEW_YORK) is None


@pytest.mark.parametrize("text", ["22-7", "22:00", "25:00-07:00", "07:00-07:00", "22:00-07:00 Mon"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write two|hour must"):
        QuietHours.parse(text, NEW_YORK)
