"""`manage.py ingest`: one cycle by hand, told in words."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from market.models import Candle, IngestionRun, Quote
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def simulated(settings: Settings) -> None:
    settings.CANDLE_BACKFILL = 20
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(timezone.now(), days=60, ahead=400)


def run() -> str:
    out = StringIO()
    call_command("ingest", stdout=out)
    return out.getvalue()


def test_a_cycle_is_run_and_told() -> None:
    quotes, simulator, candles, *_ = run().splitlines()
    assert quotes.startswith(
        "Quotes: 2 of 2 stored, 0 failed, 0 left for the next cycle; 2 rows new or changed"
    )
    assert simulator == "  simulator: 2 asked, 2 stored, 0 failed"
    assert candles.startswith("Candles: 4 of 4 stored")
    assert set(Quote.objects.values_list("symbol", flat=True)) == {"AAPL", "MSFT"}
    assert Candle.objects.filter(timeframe="1d").count() >= 38


def test_without_a_provider_it_says_so_and_fails(settings: Settings) -> None:
    settings.PROVIDERS = []
    with pytest.raises(CommandError, match="doctor"):
        run()
    assert IngestionRun.objects.filter(kind="quotes", failed=2).exists()


def test_a_cycle_that_is_at_work_is_not_disturbed() -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('ingest quotes', 0))")
        assert run().splitlines()[0] == "Skipped: another cycle is at work."
    other.close()
    assert not Quote.objects.exists()
