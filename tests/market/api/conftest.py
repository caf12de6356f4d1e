import pytest
from django.contrib.auth.models import Permission, User
from knox.models import AuthToken
from rest_framework.test import APIClient


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
def editor(db: None) -> APIClient:
    """Somebody who may add and change instruments."""
    user = User.objects.create_user("editor")
    names = ["add_instrument", "change_instrument"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return _client(user)
