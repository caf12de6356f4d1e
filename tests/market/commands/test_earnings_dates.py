from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from market.models import EarningsDate
from tests import make
from tests.loopback import polygon, watch
from tests.vendors import Polygon

__all__ = ["polygon"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "calendar.csv"
    path.write_text("Symbol,Earnings Date,Time\nAAPL,2024-08-01,AMC\nAAPL,2024-10-31,\n")
    return path


def earnings_dates(*args: str) -> str:
    out = StringIO()
    call_command("earnings_dates", *args, stdout=out)
    return out.getvalue()


def test_a_file_is_loaded_once_however_often(file: Path) -> None:
    make.instrument()
    User.objects.create_superuser("olga")
    load = ("--load", str(file), "--by", "olga", "--why", "from the broker")
    assert "2 new of 2" in earnings_dates(*load)
    again = earnings_dates(*load)
    assert "0 new of 2" in again
    assert "2024-08-01 AAPL after the close, estimated (file)" in again


def test_who_may_not_is_refused(file: Path) -> None:
    make.instrument()
    User.objects.create_user("ann")
    with pytest.raises(CommandError, match="may not record earnings dates"):
        earnings_dates("--load", str(file), "--by", "ann", "--why", "w")
    assert not EarningsDate.objects.exists()


def test_a_plan_that_has_none_is_said(settings: Settings, polygon: Polygon) -> None:
    watch(settings, "AAPL")
    assert "Polygon's plan has no earnings dates" in earnings_dates("--fetch")
