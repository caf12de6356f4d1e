"""Three roles, made by a migration; who has none gets nothing."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from rest_framework.test import APIClient

from approvals import roles
from jaxsite.urls import router
from tests.market.api.conftest import nobody, reader, stranger, with_token

__all__ = ["nobody", "reader", "stranger"]

pytestmark = pytest.mark.django_db

make_roles = import_module("approvals.migrations.0003_roles").make_roles
LISTS = {prefix for prefix, view, _ in router.registry if hasattr(view, "list")}
ADDRESSES = [f"/api/v1/{prefix}/" for prefix in sorted(LISTS)]


def permissions(role: str) -> set[str]:
    granted = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in granted}


WATCHLISTS = {"market.add_watchlist", "market.change_watchlist", "market.delete_watchlist"}


@pytest.mark.parametrize("role", [roles.VIEWER, roles.TRADER, roles.OPERATOR])
def test_every_role_may_read_everything(role: str) -> None:
    """A migration that makes a model must grant its view permission: `roles.grant` in one of its own."""
    assert set(roles.views(apps)) <= permissions(role)


def test_a_viewer_writes_nothing() -> None:
    assert permissions(roles.VIEWER) == set(roles.views(apps))


def test_a_trader_decides_and_configures_nothing_but_watchlists() -> None:
    assert permissions(roles.TRADER) - permissions(roles.VIEWER) == {
        *WATCHLISTS,
        "approvals.add_tradeapproval",
        "approvals.reject_signal",
        "approvals.change_order",
        "approvals.change_drift",
        "approvals.change_statementdifference",
        "approvals.add_brokerstatement",
        "approvals.add_tradinghalt",
        "signals.change_signal",
        "signals.add_scan",
        "signals.add_backtest",
        "opinions.add_orchestrationrun",
        "opinions.change_orchestrationrun",
    }


def test_an_operator_configures_and_halts_and_decides_nothing() -> None:
    assert permissions(roles.OPERATOR) - permissions(roles.VIEWER) == {
        *WATCHLISTS,
        "market.add_instrument",
        "market.change_instrument",
        "market.add_tradingsession",
        "market.change_tradingsession",
        "market.change_reviewitem",
        "market.change_unexplainedmove",
        "market.add_corporateaction",
        "market.change_corporateaction",
        "market.add_earningsdate",
        "market.change_earningsdate",
        "signals.add_strategyconfig",
        "signals.change_strategyconfig",
        "signals.add_scan",
        "signals.add_backtest",
        "opinions.add_orchestrationrun",
        "opinions.change_orchestrationrun",
        "approvals.add_tradinghalt",
        "approvals.change_tradinghalt",
        "approvals.change_waitingdividend",
        "approvals.add_papertransfer",
        *[f"approvals.{verb}_borrowrate" for verb in ("add", "change", "delete")],
    }


def test_making_the_roles_again_keeps_people_and_what_an_operator_added() -> None:
    viewer, ann = Group.objects.get(name=roles.VIEWER), User.objects.create_user("ann")
    viewer.user_set.add(ann)
    viewer.permissions.add(Permission.objects.get(codename="view_logentry"))
    make_roles(apps, None)
    assert "admin.view_logentry" in permissions(roles.VIEWER)
    assert list(viewer.user_set.all()) == [ann]
    assert Group.objects.count() == 3


def test_a_role_that_an_operator_deleted_is_made_again_by_a_grant() -> None:
    Group.objects.all().delete()
    roles.grant(apps, roles.TRADER, ["approvals.add_tradeapproval"])
    assert permissions(roles.TRADER) == {"approvals.add_tradeapproval"}


def test_what_was_one_permission_goes_to_whoever_had_it() -> None:
    approve, reject = (
        Permission.objects.get(codename=name) for name in ("add_tradeapproval", "reject_signal")
    )
    group, ann = Group.objects.create(name="night watch"), User.objects.create_user("ann")
    group.permissions.add(approve)
    ann.user_permissions.add(approve)
    other = User.objects.create_user("ben")
    roles.grant_alike(apps, "approvals.reject_signal", like="approvals.add_tradeapproval")
    assert reject in group.permissions.all()
    assert [reject in user.user_permissions.all() for user in (ann, other)] == [True, False]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "head", "options", "post"])
def test_no_address_of_the_api_answers_who_has_no_role(
    stranger: APIClient, nobody: APIClient, address: str, method: str
) -> None:
    assert getattr(stranger, method)(address).status_code == 401
    assert getattr(nobody, method)(address).status_code in (403, 405)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_viewer_reads_every_address(reader: APIClient, address: str) -> None:
    assert reader.get(address).status_code in (200, 400)  # candles want a symbol


def test_who_has_no_role_is_told_whom_to_ask(nobody: APIClient) -> None:
    answer = nobody.get("/api/v1/signals/").json()
    assert answer["detail"].startswith("Your user may not do this. Ask whoever runs this site for a role:")


def test_a_viewer_of_the_staff_reads_the_admin_and_adds_nothing(client: Client) -> None:
    ann = User.objects.create_user("ann", is_staff=True)
    ann.groups.add(Group.objects.get(name=roles.VIEWER))
    client.force_login(ann)
    assert client.get("/admin/market/instrument/").status_code == 200
    assert client.get("/admin/market/instrument/add/").status_code == 403


def test_a_role_ends_with_the_membership() -> None:
    ann = User.objects.create_user("ann")
    ann.groups.add(Group.objects.get(name=roles.VIEWER))
    client = with_token(ann)
    assert client.get("/api/v1/signals/").status_code == 200
    ann.groups.clear()
    assert client.get("/api/v1/signals/").status_code == 403
