"""REQUIRE_2FA: who may decide decides nothing without a second factor, on pages, by API, superusers too."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from signals.models import Signal
from tests import make
from tests.jaxsite.auth import codes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.REQUIRE_2FA = True


@pytest.fixture(params=["trader", "superuser"])
def user(request: pytest.FixtureRequest) -> User:
    return make.trader() if request.param == "trader" else User.objects.create_superuser("ann")


@pytest.fixture
def signal() -> Signal:
    return make.signal(expires_at=timezone.now() + timedelta(hours=1))


def api_of(user: User) -> APIClient:
    secret = make.token(user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def test_a_page_leads_to_where_one_is_set_up(client: Client, user: User, signal: Signal) -> None:
    client.force_login(user)
    refused = client.post(f"/signals/{signal.pk}/reject/", {"reason": "other"})
    assert refused.status_code == 403
    assert 'href="/account/factors/"' in refused.content.decode()
    page = client.get(f"/signals/{signal.pk}/").content.decode()
    assert 'href="/account/factors/"' in page
    assert 'id="decide"' not in page


def test_a_token_is_refused_and_told_why(user: User, signal: Signal) -> None:
    answer = api_of(user).post(f"/api/v1/signals/{signal.pk}/reject/", {"reason": "other"})
    assert answer.status_code == 403
    assert "a second factor" in answer.json()["detail"]


def test_reading_and_halting_stay_free(user: User) -> None:
    client = api_of(user)
    assert client.get("/api/v1/signals/").status_code == 200
    assert client.post("/api/v1/halts/", {"reason": "enough"}).status_code == 201


def test_with_a_factor_one_decides(client: Client, user: User, signal: Signal) -> None:
    codes.set_up(user)
    client.force_login(user)
    assert 'id="decide"' in client.get(f"/signals/{signal.pk}/").content.decode()
    answer = api_of(user).post(f"/api/v1/signals/{signal.pk}/reject/", {"reason": "other"})
    assert answer.status_code == 201


def test_recovery_codes_alone_are_no_factor(user: User, signal: Signal) -> None:
    codes.set_up(user)
    user.authenticator_set.filter(type="totp").delete()  # type: ignore[attr-defined]
    answer = api_of(user).post(f"/api/v1/signals/{signal.pk}/reject/", {"reason": "other"})
    assert answer.status_code == 403


def test_a_viewer_is_refused_as_ever(client: Client) -> None:
    viewer = User.objects.create_user("vera")
    viewer.groups.add(Group.objects.get(name="viewer"))
    client.force_login(viewer)
    refused = client.post(f"/signals/{uuid4()}/reject/", {"reason": "other"})
    assert "Your roles do not include it" in refused.content.decode()
