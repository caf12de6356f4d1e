"""`manage.py doctor`: its words and its exit code."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from market.ingestion import cycle
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def simulated(settings: Settings) -> None:
    settings.CANDLE_BACKFILL = 20
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(timezone.now(), days=60, ahead=400)
    make.beats(timezone.now())


def test_it_says_that_nothing_needs_attention() -> None:
    cycle.ingest_quotes(timezone.now())
    cycle.ingest_candles(timezone.now())
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


def test_it_speaks_without_a_database() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--no-color"],
        cwd=site.BASE_DIR,
        env=os.environ | {"DATABASE_URL": "postgres://jax@127.0.0.1:1/jax"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    finding, advice = done.stdout.splitlines()
    assert finding.startswith("!! database: it does not answer: connection failed")
    assert advice.strip() == "Check that PostgreSQL runs and that DATABASE_URL is right."
    assert (done.returncode, done.stderr) == (1, "CommandError: 1 thing needs attention.\n")
