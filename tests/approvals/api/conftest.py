from datetime import datetime

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests import make
from tests.market.api.conftest import nobody, reader, stranger, with_token

__all__ = ["nobody", "reader", "stranger"]


@pytest.fixture
def trader(db: None) -> APIClient:
    """Somebody who decides."""
    return with_token(make.trader("ann"))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def desk(db: None, now: datetime) -> None:
    """AAPL, which trades round the clock, at 185.60 just now; a good feed, a good broker and an account."""
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(now)
    make.quote("AAPL", 185.60, now)
    make.ready(now)
