"""What users may do, by themselves and as members of groups."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db
MAY_VIEW, MAY_HALT = "signals.view_signal", "approvals.add_tradinghalt"


def permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


@pytest.fixture
def user() -> User:
    """May see signals by himself, and halt as one of a group."""
    account = User.objects.create_user("vera", password="plain enough 1")
    account.user_permissions.add(permission(MAY_VIEW))
    group = Group.objects.create(name="guards")
    group.permissions.add(permission(MAY_HALT), permission(MAY_VIEW))
    account.groups.add(group)
    return account


def loaded(user: User) -> User:
    loaded_user = ModelBackend().get_user(user.pk)
    assert loaded_user
    return loaded_user


def test_own_permissions_and_those_of_groups_are_read_once(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        loaded_user = loaded(user)
        assert loaded_user.get_all_permissions() == {MAY_VIEW, MAY_HALT}
        assert loaded_user.has_perm(MAY_HALT)
        assert not loaded_user.has_perm("approvals.change_tradinghalt")


def test_a_user_read_elsewhere_has_the_same(user: User) -> None:
    assert User.objects.get(pk=user.pk).get_all_permissions() == {MAY_VIEW, MAY_HALT}


def test_a_permission_of_one_object_is_none_of_all(user: User) -> None:
    assert not loaded(user).has_perm(MAY_VIEW, user)


def test_whoever_was_shut_out_is_nobody(user: User, client: Client) -> None:
    client.force_login(user)
    loaded_user = loaded(user)
    User.objects.update(is_active=False)
    assert ModelBackend().get_user(user.pk) is None
    assert client.get("/").status_code == 302
    loaded_user.is_active = False
    assert not loaded_user.has_perm(MAY_VIEW)


def test_a_superuser_may_all(user: User) -> None:
    User.objects.update(is_superuser=True)
    assert loaded(user).has_perm("approvals.change_tradinghalt")
    assert "approvals.change_tradinghalt" in loaded(user).get_all_permissions()


def test_a_password_is_asked_for_as_ever(user: User) -> None:
    assert authenticate(username="vera", password="plain enough 1") == user
    assert authenticate(username="vera", password="wrong") is None
