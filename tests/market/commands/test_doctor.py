"""`manage.py doctor`: its words and its exit code."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from market import ingest
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def simulated(settings: Settings) -> None:
    settings.CANDLE_BACKFILL = 20
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(timezone.now(), days=60, ahead=400)


def test_it_says_that_nothing_needs_attention() -> None:
    ingest.ingest_quotes(timezone.now())
    ingest.ingest_candles(timezone.now())
    out = StringIO()
    call_command("doctor", stdout=out, no_color=True)
    first, *_, last = out.getvalue().splitlines()
    assert first.startswith("ok database: PostgreSQL")
    assert last == "Nothing needs attention."


def test_it_fails_when_something_does_and_says_what_to_do() -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="things need attention"):
        call_command("doctor", stdout=out, no_color=True)
    assert "!! worker: no cycle has finished yet.\n   Start it: make run" in out.getvalue()
