from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

pytestmark = pytest.mark.django_db


def select(expression: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-09 14:30:00+00", datetime(2026, 3, 9, 14, 30, tzinfo=UTC)),
        ("2026-03-09 14:30:00.5+00", datetime(2026, 3, 9, 14, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-03-09 14:30:00.000001+00", datetime(2026, 3, 9, 14, 30, 0, 1, tzinfo=UTC)),
        ("2026-03-09 14:30:00.123450+05:45", datetime(2026, 3, 9, 8, 45, 0, 123_450, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_an_instant_comes_back_in_utc(text: str, instant: datetime) -> None:
    loaded = select(f"'{text}'::timestamptz")
    assert loaded == instant
    assert isinstance(loaded, datetime)
    assert loaded.tzinfo is UTC


def test_instants_in_an_array_and_none_come_back_too() -> None:
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert select("ARRAY['2026-03-09 12:00+00', NULL]::timestamptz[]") == [noon, None]
    assert select("NULL::timestamptz") is None


@pytest.mark.parametrize("text", ["infinity", "-infinity", "10000-01-01 00:00+00", "0044-03-15 BC"])
def test_an_instant_that_python_does_not_have_is_refused_in_words(text: str) -> None:
    with pytest.raises(DataError, match=r"timestamp too (large|small)"):
        select(f"'{text}'::timestamptz")


def test_an_instant_keeps_its_value_whatever_the_zone_of_the_session() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'Asia/Kolkata'")
    assert select("'2026-03-09 12:00+00'::timestamptz") == datetime(2026, 3, 9, 12, tzinfo=UTC)
