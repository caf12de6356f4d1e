"""Stops and targets over the API: If-Match, scopes, refusals in words."""

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from approvals.models import ExitChange, Order, TrailingStop
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _broker(settings: Any) -> None:
    settings.BROKER = "tests.approvals.broker.client:SPEC"  # nothing is sent here: a task does that


@pytest.fixture
def held(desk: None, now: datetime) -> Order:
    order = make.held("AAPL", 10, at=now)
    order.refresh_from_db()
    return order


def post(client: APIClient, order: Order, act: str, body: dict[str, Any], etag: str = "") -> Any:
    headers = {"If-Match": f'"{etag or order.fingerprint()}"'}
    return client.post(f"/api/v1/orders/{order.pk}/{act}/", body, headers=headers)


def test_a_trader_moves_the_stop_as_it_was_seen(trader: APIClient, held: Order) -> None:
    shown = trader.get(f"/api/v1/orders/{held.pk}/exits/")
    assert (shown.json()["stop"], shown.json()["waiting"]) == ("180.500000", [])
    answer = post(trader, held, "move", {"stop_loss": "182.00"}, shown.headers["ETag"].strip('"'))
    assert answer.status_code == 202
    (waiting,) = answer.json()["waiting"]
    assert (waiting["leg"], waiting["level"], waiting["requested_by"]) == ("stop", "182.000000", "ann")


def test_without_the_version_or_with_another_nothing_moves(trader: APIClient, held: Order) -> None:
    assert trader.post(f"/api/v1/orders/{held.pk}/move/", {"stop_loss": "182"}).status_code == 428
    answer = post(trader, held, "move", {"stop_loss": "182"}, "another")
    assert (answer.status_code, answer.json()["etag"]) == (412, held.fingerprint())
    assert not ExitChange.objects.exists()


def test_more_risk_is_refused_until_it_is_confirmed(trader: APIClient, held: Order) -> None:
    answer = post(trader, held, "move", {"stop_loss": "178"})
    assert answer.status_code == 409
    assert "Confirm that this is meant." in answer.json()["detail"]
    assert post(trader, held, "move", {"stop_loss": "178", "confirm": True}).status_code == 202


@pytest.mark.parametrize("body", [{}, {"break_even": True, "stop_loss": "182"}, {"level": "182"}])
def test_a_body_that_says_nothing_or_two_things_is_no_move(
    trader: APIClient, held: Order, body: dict[str, Any]
) -> None:
    assert post(trader, held, "move", body).status_code == 400


def test_a_stop_trails_and_is_left(trader: APIClient, held: Order) -> None:
    answer = post(trader, held, "trail", {"kind": "percent", "distance": "2"})
    assert answer.status_code == 202
    assert answer.json()["trailing"]["words"] == "trails 2 % behind the best price"
    assert post(trader, held, "untrail", {}).json()["trailing"] is None
    assert post(trader, held, "untrail", {}).status_code == 409
    assert TrailingStop.objects.get().ended_by is not None


def test_a_viewer_looks_and_changes_nothing(reader: APIClient, held: Order) -> None:
    assert reader.get(f"/api/v1/orders/{held.pk}/exits/").status_code == 200
    for act in ("move", "trail", "untrail"):
        assert post(reader, held, act, {}).status_code == 403
