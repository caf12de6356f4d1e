"""A token's scope: what a program may do at most, on every address of the API, superusers' too."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient

from approvals import gate
from approvals.models import SignalView
from jaxsite.auth.people import person_of
from jaxsite.models import TokenAccess
from jaxsite.rest import schema
from jaxsite.scopes import PERMISSIONS, Scope
from jaxsite.urls import router
from tests import make
from tests.clock import NOW
from tests.market.api.conftest import with_token

pytestmark = pytest.mark.django_db

IDS = [str(uuid4()), "1", "AAPL", "rsi_momentum_v1", "gap:1"]
METHODS = ["get", "head", "options", "post", "put", "patch", "delete"]
SCOPES = list(Scope)
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE)")


class Operation(NamedTuple):
    """A method at an address of the API, by the names of the router."""

    name: str
    method: str
    address: str


@cache
def addresses() -> list[tuple[str, str, Any]]:
    """Return the name, an address and the view of every pattern below /api/v1/."""
    patterns: list[Any] = router.urls
    return [
        (pattern.name, reverse(pattern.name, kwargs=dict(_arguments(pattern))), pattern.callback)
        for pattern in patterns
    ]


def _arguments(pattern: Any) -> Iterator[tuple[str, str]]:
    for name, allowed in re.findall(r"\(\?P<(\w+)>((?:[^()]|\([^()]*\))+)\)", str(pattern.pattern)):
        yield name, next(text for text in IDS if re.fullmatch(allowed, text))


def operations() -> list[Operation]:
    return [
        Operation(name, method, address)
        for name, address, view in addresses()
        for method in getattr(view, "actions", None) or {"get": "root"}
    ]


# What a program needs to write. A new operation must be given its place here.
NEEDED = {
    "scan-list": Scope.PROPOSE,
    "backtest-list": Scope.PROPOSE,
    "orchestrationrun-list": Scope.PROPOSE,
    "orchestrationrun-cancel": Scope.PROPOSE,
    "analysis-analyze": Scope.PROPOSE,
    "signal-cancel": Scope.DECIDE,
    "decision-approve": Scope.DECIDE,
    "decision-reject": Scope.DECIDE,
    "order-decision-release": Scope.DECIDE,
    "order-cancel": Scope.DECIDE,
    "order-exits-move": Scope.DECIDE,
    "order-exits-trail": Scope.DECIDE,
    "order-exits-untrail": Scope.DECIDE,
    "order-drop": Scope.DECIDE,
    "position-close": Scope.DECIDE,
    "position-protect": Scope.DECIDE,
    "drift-answer": Scope.DECIDE,
    "tradinghalt-list": Scope.DECIDE,
    "tradinghalt-resume": Scope.OPERATE,
    "instrument-list": Scope.OPERATE,
    "instrument-detail": Scope.OPERATE,
    "reviewitem-decide": Scope.OPERATE,
    "watchlist-list": Scope.OPERATE,
    "watchlist-detail": Scope.OPERATE,
    "watchlist-import": Scope.OPERATE,
    "watchlistentry-list": Scope.OPERATE,
    "watchlistentry-detail": Scope.OPERATE,
    "unexplainedmove-answer": Scope.OPERATE,
    "corporateaction-list": Scope.OPERATE,
    "corporateaction-withdraw": Scope.OPERATE,
    "corporateaction-answer": Scope.OPERATE,
    "earningsdate-list": Scope.OPERATE,
    "earningsdate-withdraw": Scope.OPERATE,
}


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin")


def narrowest(clients: dict[Scope, APIClient], operation: Operation) -> Scope:
    return next(
        scope
        for scope, client in clients.items()
        if getattr(client, operation.method)(operation.address).status_code != 403
    )


def test_every_operation_of_the_api_takes_the_scope_that_it_should(admin: User) -> None:
    clients = {scope: with_token(admin, scope) for scope in SCOPES}
    takes = {(each.name, each.method): narrowest(clients, each) for each in operations()}
    writing = {name for name, method in takes if method not in ("get", "head", "options")}
    assert writing == set(NEEDED), "a new operation that writes needs a line above"
    for (name, method), scope in takes.items():
        assert scope == (NEEDED[name] if method not in ("get", "head", "options") else Scope.READ), name


@pytest.mark.parametrize("method", METHODS)
def test_with_the_scope_read_a_superuser_writes_nothing_anywhere(admin: User, method: str) -> None:
    client = with_token(admin, "read")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        statuses = {name: getattr(client, method)(address).status_code for name, address, _ in addresses()}
    assert [query["sql"] for query in queries if WRITES.match(query["sql"])] == []
    if method in ("post", "put", "patch", "delete"):
        assert set(statuses.values()) <= {403, 405}


def test_the_description_says_of_each_operation_what_it_takes(admin: User) -> None:
    described = [
        (method, operation["x-token-scope"], operation["description"])
        for operations in schema.described()["paths"].values()
        for method, operation in operations.items()
    ]
    assert all(f"needs the scope `{scope}`" in text for _, scope, text in described)
    assert {scope for method, scope, _ in described if method == "get"} == {"read"}
    needed = [NEEDED[each.name] for each in operations() if each.method in ("post", "patch", "delete")]
    assert sorted(scope for method, scope, _ in described if method != "get") == sorted(needed)


def test_a_refusal_names_the_scope_that_it_takes(admin: User) -> None:
    answer = with_token(admin, "propose").post("/api/v1/halts/", {"reason": "enough"})
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert answer.json()["needed_scope"] == "decide"
    assert answer.json()["detail"].startswith("The token has the scope propose, and this needs decide.")
    assert not gate.state(make.T0).halted


def test_a_scope_gives_nothing_that_the_user_has_not() -> None:
    answer = with_token(make.trader(), "operate").post("/api/v1/halts/resume/", {})
    assert answer.status_code == 403
    assert "needed_scope" not in answer.json()


def test_a_look_with_a_token_that_may_not_decide_is_not_written_down(admin: User) -> None:
    signal = make.signal(expires_at=NOW + timedelta(hours=1))
    address = f"/api/v1/signals/{signal.pk}/proposal/"
    assert with_token(admin, "propose").get(address).status_code == 200
    assert not SignalView.objects.exists()
    assert with_token(admin, "decide").get(address).status_code == 200
    assert SignalView.objects.exists()


def test_a_token_without_a_scope_reads(admin: User) -> None:
    _, secret = AuthToken.objects.create(admin)
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    assert client.get("/api/v1/quotes/").status_code == 200
    assert client.post("/api/v1/scans/").status_code == 403


class TestNarrowedUser:
    """Whoever asks the user of a call, and however, is told the same."""

    @pytest.mark.parametrize("scope", [Scope.READ, Scope.PROPOSE, Scope.DECIDE])
    def test_a_superuser_is_none(self, admin: User, scope: Scope) -> None:
        user = person_of(admin, scope)
        assert (user.is_superuser, user.is_staff) == (False, False)
        assert user == admin
        assert (admin.is_superuser, admin.is_staff) == (True, True)

    def test_lists_of_permissions_are_cut_too(self, admin: User) -> None:
        user = person_of(admin, Scope.PROPOSE)
        every = user.get_all_permissions()
        assert "signals.add_scan" in every
        assert not {"approvals.add_tradeapproval", "auth.add_user"} & every
        assert user.has_perms(["signals.add_scan", "signals.view_scan"])
        assert not user.has_perms(["signals.add_scan", "approvals.change_order"])
        assert user.has_module_perms("signals")
        assert user.has_module_perms("auth")  # to read
        assert not person_of(User.objects.create_user("nobody"), Scope.READ).has_module_perms("auth")

    def test_with_the_widest_all_is_as_it_was(self, admin: User) -> None:
        user = person_of(admin, Scope.OPERATE)
        assert (user.is_superuser, user.is_staff) == (True, True)
        assert user.has_perm("auth.add_user")

    def test_it_is_never_stored(self, admin: User) -> None:
        with pytest.raises(TypeError, match="not stored"):
            person_of(admin, Scope.READ).save()
        admin.refresh_from_db()
        assert admin.is_superuser

    @pytest.mark.parametrize("permission", [*PERMISSIONS, "approvals.view_order", "auth.add_user"])
    def test_each_scope_has_those_before_it(self, permission: str) -> None:
        allowed = [scope.allows(permission) for scope in SCOPES]
        assert allowed == sorted(allowed)
        assert allowed[-1]


class TestLastUse:
    def test_it_is_noted_once_in_five_minutes(self, admin: User) -> None:
        client = with_token(admin, "read")
        TokenAccess.objects.update(last_used_at=None)
        for minutes, noted in [(0, 0), (4, 0), (5, 5), (7, 5)]:
            with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
                client.get("/api/v1/")
            assert TokenAccess.objects.get().last_used_at == NOW + timedelta(minutes=noted)

    def test_a_clock_that_was_ahead_does_not_stop_it(self, admin: User) -> None:
        client = with_token(admin, "read")
        TokenAccess.objects.update(last_used_at=NOW + timedelta(days=400))
        with time_machine.travel(NOW, tick=False):
            client.get("/api/v1/")
        assert TokenAccess.objects.get().last_used_at == NOW
