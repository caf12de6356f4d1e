from datetime import timedelta
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from signals.models import Signal
from tests import make


class Pending(Protocol):
    def __call__(self, symbol: str = "AAPL", **values: Any) -> Signal: ...


def _client(user: User) -> APIClient:
    _, token = AuthToken.objects.create(user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def reader(db: None) -> APIClient:
    """Somebody with a token and no permissions."""
    return _client(User.objects.create_user("reader"))


@pytest.fixture
def trader(db: None) -> APIClient:
    """Somebody who may cancel signals and ask for scans and backtests."""
    user = User.objects.create_user("trader")
    names = ["change_signal", "add_scan", "add_backtest"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return _client(user)


@pytest.fixture
def pending(db: None) -> Pending:
    """Makes a BUY that a person may still decide on for an hour."""

    def made(symbol: str = "AAPL", **values: Any) -> Signal:
        return make.signal(symbol, **{"expires_at": timezone.now() + timedelta(hours=1)} | values)

    return made
