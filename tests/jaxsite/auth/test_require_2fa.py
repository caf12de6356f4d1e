"""REQUIRE_2FA: nobody takes risk without a second factor, superusers neither; exits stay open."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from approvals import halt
from approvals.models import Order, TradingHalt
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


@pytest.fixture
def held() -> Order:
    return make.order(status=Order.Status.HELD, status_reason="the price has moved")


class TestRisk:
    """To approve, to release and to resume needs a factor."""

    @pytest.fixture(params=["approve", "release", "resume"])
    def act(self, request: pytest.FixtureRequest, user: User, held: Order) -> str:
        user.user_permissions.add(Permission.objects.get(codename="change_tradinghalt"))
        halt.start(TradingHalt.Cause.PERSON, "Fed day", timezone.now(), by=None)
        return str(request.param)

    def test_a_page_leads_to_where_one_is_set_up(
        self, client: Client, user: User, signal: Signal, held: Order, act: str
    ) -> None:
        client.force_login(user)
        pages = {
            "approve": f"/signals/{signal.pk}/approve/",
            "release": f"/orders/{held.pk}/release/",
            "resume": "/resume/",
        }
        refused = client.post(pages[act])
        assert refused.status_code == 403
        assert 'href="/account/factors/"' in refused.content.decode()
        assert TradingHalt.objects.get().ended_at is None

    def test_a_token_is_refused_and_told_why(self, user: User, signal: Signal, held: Order, act: str) -> None:
        addresses = {
            "approve": f"/api/v1/signals/{signal.pk}/approve/",
            "release": f"/api/v1/orders/{held.pk}/release/",
            "resume": "/api/v1/halts/resume/",
        }
        answer = api_of(user).post(addresses[act], {})
        assert answer.status_code == 403
        assert "a second factor" in answer.json()["detail"]

    def test_the_page_of_a_signal_offers_to_reject_it_and_says_why_no_more(
        self, client: Client, user: User, signal: Signal
    ) -> None:
        client.force_login(user)
        page = client.get(f"/signals/{signal.pk}/").content.decode()
        assert 'href="/account/factors/"' in page
        assert ('id="decide"' in page, 'id="reject"' in page) == (False, True)


class TestExits:
    """What takes risk away is always possible."""

    def test_on_pages(self, client: Client, user: User, signal: Signal, held: Order) -> None:
        client.force_login(user)
        waiting = make.order("MSFT", status=Order.Status.WAITING_OPEN)
        make.held("NVDA")
        client.post(f"/signals/{signal.pk}/reject/", {"reason": "other"})
        client.post(f"/orders/{held.pk}/drop/")
        client.post(f"/orders/{waiting.pk}/cancel/")
        client.post("/positions/NVDA/close/", {"shares": 10})
        client.post("/halt/", {"reason": "enough"})
        self.assert_done(signal, held, waiting)

    def test_by_the_api(self, user: User, signal: Signal, held: Order) -> None:
        client = api_of(user)
        waiting = make.order("MSFT", status=Order.Status.WAITING_OPEN)
        make.held("NVDA")
        answers = [
            client.post(f"/api/v1/signals/{signal.pk}/reject/", {"reason": "other"}),
            client.post(f"/api/v1/orders/{held.pk}/drop/"),
            client.post(f"/api/v1/orders/{waiting.pk}/cancel/"),
            client.post("/api/v1/positions/NVDA/close/"),
            client.post("/api/v1/halts/", {"reason": "enough"}),
        ]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 202, 201]
        self.assert_done(signal, held, waiting)

    def test_in_admin(self, client: Client, held: Order) -> None:
        client.force_login(User.objects.create_superuser("root"))
        client.post(f"/admin/approvals/order/{held.pk}/drop/")
        held.refresh_from_db()
        assert held.status == Order.Status.CANCELLED

    def assert_done(self, signal: Signal, held: Order, waiting: Order) -> None:
        for row in (signal, held, waiting):
            row.refresh_from_db()
        assert signal.status == Signal.Status.REJECTED
        assert (held.status, waiting.status) == (Order.Status.CANCELLED, Order.Status.CANCELLED)
        assert Order.objects.filter(kind=Order.Kind.CLOSE, symbol="NVDA").exists()
        assert TradingHalt.objects.filter(ended_at=None).exists()

    def test_reading_stays_free(self, user: User) -> None:
        assert api_of(user).get("/api/v1/signals/").status_code == 200


def approves(user: User, signal: Signal) -> bool:
    """Whether it is looked at what would be approved, which needs a version."""
    return api_of(user).post(f"/api/v1/signals/{signal.pk}/approve/", {}).status_code == 428


def test_with_a_factor_one_decides(client: Client, user: User, signal: Signal) -> None:
    codes.set_up(user)
    client.force_login(user)
    assert 'id="decide"' in client.get(f"/signals/{signal.pk}/").content.decode()
    assert approves(user, signal)


def test_recovery_codes_alone_are_no_factor(user: User, signal: Signal) -> None:
    codes.set_up(user)
    user.authenticator_set.filter(type="totp").delete()  # type: ignore[attr-defined]
    assert not approves(user, signal)


def test_a_viewer_is_refused_as_ever(client: Client) -> None:
    viewer = User.objects.create_user("vera")
    viewer.groups.add(Group.objects.get(name="viewer"))
    client.force_login(viewer)
    refused = client.post(f"/signals/{uuid4()}/reject/", {"reason": "other"})
    assert "Your roles do not include it" in refused.content.decode()
