import pytest
from django.contrib.auth.models import Group, Permission, User
from rest_framework.test import APIClient

from tests import make


def with_token(user: User, scope: str = "operate") -> APIClient:
    """A client that sends a token of this user's."""
    token = make.token(user, scope)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def reader(db: None) -> APIClient:
    """Somebody who may read everything."""
    user = User.objects.create_user("reader")
    user.groups.add(Group.objects.get(name="viewer"))
    return with_token(user)


@pytest.fixture
def nobody(db: None) -> APIClient:
    """Somebody with a token and no role."""
    return with_token(User.objects.create_user("nobody"))


@pytest.fixture
def editor(db: None) -> APIClient:
    """Somebody who may read, add and change instruments."""
    user = User.objects.create_user("editor")
    names = ["view_instrument", "add_instrument", "change_instrument"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return with_token(user)


@pytest.fixture
def olga(db: None) -> User:
    """An operator."""
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    return user


@pytest.fixture
def operator(olga: User) -> APIClient:
    return with_token(olga)
