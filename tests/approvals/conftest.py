import pytest
from django.contrib.auth.models import User

from tests import make


@pytest.fixture
def trader(db: None) -> User:
    return make.trader()


@pytest.fixture
def desk(db: None) -> None:
    """AAPL in session on 3 July 2024 at 185.60, a good feed and broker, and an account of 100,000."""
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.quote("AAPL", 185.60, make.T0)
    make.ready()
