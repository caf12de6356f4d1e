"""`manage.py broker` shows the connection."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from approvals.models import BrokerStream
from tests import make
from tests.vendors import AlpacaTrading

pytestmark = pytest.mark.django_db


def shown() -> list[str]:
    out = StringIO()
    call_command("broker", stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def vendor(settings: Settings) -> Iterator[AlpacaTrading]:
    with AlpacaTrading(now=timezone.now()) as vendor:
        settings.BROKER = "alpaca"
        for name, value in vendor.settings.items():
            setattr(settings, name, value)
        yield vendor


def test_it_shows_account_positions_orders_and_stream(vendor: AlpacaTrading) -> None:
    vendor.trade_by_hand("AAPL", "2.5", 100)
    assert shown() == [
        "Alpaca, account PA3TEST00001 (paper)",
        "Takes orders: yes",
        "It is worth, in USD: equity 100,000.00, cash 99,750.00, buying power 199,500.00",
        "Held: 2.5 AAPL at 100",
        "Orders that work, exits included: 0",
        "Changes are seen at the comparison of each minute: the process that listens does not run. "
        "Start it: make run, your supervisor, or python manage.py stream",
    ]


def test_it_says_why_no_orders_are_taken_and_that_the_stream_lives(vendor: AlpacaTrading) -> None:
    vendor.account.flags["trade_suspended_by_user"] = True
    now = timezone.now()
    BrokerStream.objects.create(broker="alpaca", state="live", since=now, updated_at=now)
    lines = shown()
    assert lines[1].startswith("Takes orders: no. New orders are switched off on Alpaca's page")
    assert lines[-1].startswith("Changes are heard of at once")


def test_wrong_keys_say_what_to_check(vendor: AlpacaTrading, settings: Settings) -> None:
    settings.ALPACA_API_SECRET = "other"
    with pytest.raises(CommandError, match="keys of a paper account begin with PK"):
        shown()


def test_an_account_with_real_money_is_not_asked(settings: Settings) -> None:
    settings.BROKER, settings.ALPACA_TRADING_URL = "alpaca", "https://api.alpaca.markets"
    settings.ALPACA_API_KEY = settings.ALPACA_API_SECRET = "given"
    with pytest.raises(CommandError, match="LIVE_TRADING"):
        shown()


def test_the_paper_account_is_shown_too() -> None:
    make.july_2024()
    assert shown()[0].endswith("(paper)")
