import pytest
from django.test import Client

from tests import make


@pytest.fixture
def trader(db: None) -> Client:
    """A trader who is logged in."""
    client = Client()
    client.force_login(make.trader())
    return client
