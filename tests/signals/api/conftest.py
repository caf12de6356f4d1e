from datetime import timedelta
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from signals.models import Signal
from tests import make
from tests.market.api.conftest import reader, stranger, with_token

__all__ = ["reader", "stranger"]


class Pending(Protocol):
    def __call__(self, symbol: str = "AAPL", **values: Any) -> Signal: ...


@pytest.fixture
def trader(db: None) -> APIClient:
    """Somebody who may read, cancel signals and ask for scans and backtests."""
    user = User.objects.create_user("trader")
    names = ["change_signal", "add_scan", "add_backtest"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    user.groups.add(Group.objects.get(name="viewer"))
    return with_token(user)


@pytest.fixture
def pending(db: None) -> Pending:
    """Makes a BUY that a person may still decide on for an hour."""

    def create(symbol: str = "AAPL", **values: Any) -> Signal:
        return make.signal(symbol, **{"expires_at": timezone.now() + timedelta(hours=1)} | values)

    return create
