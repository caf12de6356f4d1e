"""Providers on loopback that the settings name, and cycles that ask them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from market.ingestion import cycle
from market.models import IngestionRun, ProviderPace
from tests import make
from tests.vendors import Alpaca, IBBridge, Polygon

AT = datetime(2024, 7, 2, 15, 7, 20, tzinfo=UTC)


def watch(settings: Settings, *symbols: str) -> None:
    """Watch these symbols, with real data and 20 bars of a quarter of an hour."""
    settings.DATA_KIND, settings.CANDLE_BACKFILL, settings.CANDLE_TIMEFRAMES = "real", 20, ["15m"]
    make.july_2024()
    make.session("2025-06-30")
    make.only(*symbols)


@pytest.fixture
def bridge(settings: Settings) -> Iterator[IBBridge]:
    with IBBridge(now=AT) as vendor:
        settings.IB_BRIDGE_URL = vendor.url
        yield vendor


@pytest.fixture
def alpaca(settings: Settings) -> Iterator[Alpaca]:
    with Alpaca(now=AT) as vendor:
        settings.ALPACA_BASE_URL = settings.ALPACA_TRADING_URL = vendor.url
        settings.ALPACA_API_KEY, settings.ALPACA_API_SECRET = vendor.key, vendor.secret
        yield vendor


@pytest.fixture
def polygon(settings: Settings) -> Iterator[Polygon]:
    with Polygon(now=AT) as vendor:
        settings.POLYGON_BASE_URL, settings.POLYGON_API_KEY = vendor.url, vendor.key
        yield vendor


def quotes(at: datetime = AT) -> IngestionRun:
    """Run a cycle of quotes that no pace holds up: that counts by the database's clock, not by `at`."""
    ProviderPace.objects.all().delete()
    run = cycle.ingest_quotes(at)
    assert run is not None
    return run


def candles(at: datetime = AT) -> IngestionRun:
    """Run a cycle of candles that no pace holds up."""
    ProviderPace.objects.all().delete()
    run = cycle.ingest_candles(at)
    assert run is not None
    return run
