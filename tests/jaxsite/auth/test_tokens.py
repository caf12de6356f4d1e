import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from jaxsite.models import TokenAccess
from tests import make

pytestmark = pytest.mark.django_db
ADD = "/admin/knox/authtoken/add/"


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin")


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def make_token(browser: Client, user: User, scope: str = "read") -> str:
    sent = {"user": user.pk, "expiry_0": "2099-01-01", "expiry_1": "00:00", "scope": scope, "note": "a robot"}
    page = browser.post(ADD, sent)
    assert page.status_code == 200, "the token's own page, not a redirect"
    assert "no-store" in page["Cache-Control"]
    (token,) = re.findall(r'<pre id="token">(\w{64})</pre>', page.content.decode())
    return str(token)


def status(token: str) -> int:
    return APIClient().get("/api/v1/quotes/", HTTP_AUTHORIZATION=f"Token {token}").status_code


def test_a_token_made_in_admin_logs_in_until_it_is_revoked(browser: Client, admin: User) -> None:
    token = make_token(browser, admin)
    assert status(token) == 200
    stored = AuthToken.objects.get()
    browser.post(f"/admin/knox/authtoken/{stored.pk}/delete/", {"post": "yes"})
    assert status(token) == 401


def test_a_token_is_shown_once_and_stored_as_a_hash(browser: Client, admin: User) -> None:
    token = make_token(browser, admin)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t::text FROM knox_authtoken t UNION ALL SELECT l::text FROM django_admin_log l"
        )
        stored = str(cursor.fetchall())
    assert token not in stored + str(browser.cookies)
    assert token[:8] in browser.get("/admin/knox/authtoken/").content.decode()
    assert token not in browser.get("/admin/knox/authtoken/").content.decode()


def test_the_form_offers_a_year(browser: Client) -> None:
    offered = browser.get(ADD).context["adminform"].form.initial["expiry"]
    assert offered - timezone.now() == pytest.approx(timedelta(days=365), abs=timedelta(minutes=1))


def test_an_expired_token_is_refused(admin: User) -> None:
    token = make.token(admin, expiry=timedelta(seconds=-1))
    assert status(token) == 401


def test_the_token_of_a_disabled_user_is_refused(admin: User) -> None:
    token = make.token(admin)
    User.objects.update(is_active=False)
    assert status(token) == 401


def test_staff_make_and_see_tokens_only_for_themselves(client: Client, admin: User) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__regex="authtoken|view_quote"))
    client.force_login(clerk)
    sent = {"user": admin.pk, "expiry_0": "2099-01-01", "expiry_1": "00:00", "scope": "read"}
    refused = client.post(ADD, sent)
    assert "Select a valid choice" in refused.content.decode()
    assert not AuthToken.objects.exists()
    assert status(make_token(client, clerk)) == 200


def test_a_token_is_never_changed(browser: Client, admin: User) -> None:
    token, _ = AuthToken.objects.create(admin)
    browser.post(f"/admin/knox/authtoken/{token.pk}/change/", {"user": admin.pk})
    assert AuthToken.objects.get().expiry == token.expiry


def test_the_scope_is_chosen_and_shown_in_admin_and_read_unless_told(browser: Client, admin: User) -> None:
    assert browser.get(ADD).context["adminform"].form["scope"].initial == "read"
    make_token(browser, admin, "decide")
    stored = AuthToken.objects.get()
    assert stored.access.scope == "decide"
    for address in ("", f"{stored.pk}/change/"):
        page = browser.get(f"/admin/knox/authtoken/{address}").content.decode()
        assert "decide" in page
        assert "a robot" in page


def test_a_token_without_a_scope_is_refused_in_admin(browser: Client, admin: User) -> None:
    browser.post(ADD, {"user": admin.pk, "expiry_0": "2099-01-01", "expiry_1": "00:00"})
    assert not AuthToken.objects.exists()


def test_tokens_of_before_there_were_scopes_go_on_doing_what_they_did(admin: User) -> None:
    older, _ = AuthToken.objects.create(admin)
    newer, _ = AuthToken.objects.create(admin)
    TokenAccess.objects.create(token=newer, scope="read")
    import_module("jaxsite.migrations.0007_scopes_of_older_tokens").keep(apps, None)
    assert [TokenAccess.objects.get(token=token).scope for token in (older, newer)] == ["operate", "read"]
