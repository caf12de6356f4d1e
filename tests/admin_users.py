"""Browsers of the people who open the admin, for the conftest of each folder that tests it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def reader(db: None) -> Client:
    """Staff who may look at everything and change nothing."""
    user = User.objects.create_user("reader", is_staff=True)
    may = Permission.objects.filter(codename__startswith="view_")
    user.user_permissions.add(*may.values_list("pk", flat=True))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def clerk(db: None) -> Client:
    """Staff without any permission."""
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    return client


@pytest.fixture
def stranger(db: None) -> Client:
    return Client()
