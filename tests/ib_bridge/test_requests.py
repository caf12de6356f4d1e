"""What the order side reads from JSON, and what it refuses before anything is done."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ib_bridge import references
from ib_bridge.orders import building, requests
from ib_bridge.orders.requests import Malformed
from tests.ib_bridge.told import ORDER

BODY = {
    "instrument": {"symbol": "AAPL"},
    "side": "BUY",
    "quantity": 10,
    "limit_price": "190.25",
    "stop_loss": "180",
    "take_profit": "210",
    "good_until": "2026-12-01T21:00:00+01:00",
}


CLOSES = references.CLOSES
MANY = [(letter, 1) for letter in "abcdefghijkl"]


def bracket(**changes: Any) -> requests.Bracket:
    return requests.bracket(ORDER, BODY | changes)


def test_a_bracket_is_read_exactly() -> None:
    asked = bracket()
    assert (asked.limit_price, asked.quantity) == (Decimal("190.25"), 10)
    assert asked.good_until == datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"side": "buy"},
        {"side": None},
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": "1.5"},
        {"quantity": "many"},
        {"quantity": 1e12},
        {"quantity": True, "side": "?"},
        {"limit_price": "-1"},
        {"limit_price": "NaN"},
        {"limit_price": "1e999"},
        {"stop_loss": "191"},
        {"take_profit": "189"},
        {"side": "SELL"},
        {"good_until": "2026-12-01T20:00:00"},
        {"good_until": "soon"},
        {"instrument": None},
        {"instrument": {}},
        {"instrument": {"symbol": "AAPL", "broker_id": "x"}},
    ],
)
def test_what_makes_no_sense_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        bracket(**changes)


@pytest.mark.parametrize("client_id", ["", "x", "11111111-1111-4111-8111-11111111111g"])
def test_an_id_is_a_uuid(client_id: str) -> None:
    with pytest.raises(Malformed):
        requests.bracket(client_id, BODY)


def test_a_bracket_is_transmitted_by_its_last_leg_alone() -> None:
    orders = building.of_bracket(
        bracket(flat_at="2026-12-01T20:55:00+00:00"), "DU1", iter(range(7, 99)).__next__
    )
    assert [(o.orderId, o.parentId, o.transmit, o.orderType, o.tif) for o in orders] == [
        (7, 0, False, "LMT", "GTD"),
        (8, 7, False, "STP", "GTC"),
        (9, 7, False, "LMT", "GTC"),
        (10, 7, True, "MKT", "GTC"),
    ]
    assert {(o.ocaGroup, o.ocaType) for o in orders[1:]} == {(f"jax-{ORDER}", 3)}
    assert [o.orderRef for o in orders] == [f"{ORDER}/{leg}" for leg in ("entry", "stop", "target", "flat")]
    assert (orders[0].goodTillDate, orders[3].goodAfterTime) == ("20261201-20:00:00", "20261201-20:55:00")


def test_a_closing_joins_the_group_of_what_guards_the_shares() -> None:
    asked = requests.closing(
        ORDER, {"instrument": {"symbol": "AAPL"}, "side": "SELL", "quantity": 4, "guards": []}
    )
    (order,) = building.of_closing(asked, "DU1", iter([5]).__next__, [("jax-other", 10)])
    assert (order.ocaGroup, order.ocaType, order.orderType, order.transmit) == ("jax-other", 3, "MKT", True)


@pytest.mark.parametrize(
    ("groups", "orders"),
    [
        ([], [("close", "", 14)]),
        ([("a", 20)], [("close", "a", 14)]),
        ([("a", 10)], [("close", "a", 10), ("close-2", "", 4)]),
        ([("a", 10), ("b", 10)], [("close", "a", 10), ("close-2", "b", 4)]),
        ([("a", 14), ("b", 10)], [("close", "a", 14)]),
        (MANY, [*zip(CLOSES, "abcdefgh", [1] * 8, strict=False), ("close-9", "", 6)]),
    ],
)
def test_a_closing_is_an_order_in_each_group(
    groups: list[tuple[str, int]], orders: list[tuple[str, str, int]]
) -> None:
    asked = requests.closing(
        ORDER, {"instrument": {"symbol": "AAPL"}, "side": "SELL", "quantity": 14, "guards": []}
    )
    placed = building.of_closing(asked, "DU1", iter(range(20)).__next__, groups)
    assert [(references.read(o.orderRef)[1], o.ocaGroup, o.totalQuantity) for o in placed] == orders


def test_a_change_keeps_everything_else() -> None:
    standing = {"action": "SELL", "totalQuantity": 10.0, "orderType": "STP", "auxPrice": 180.0, "parentId": 7}
    change = requests.change({"leg": "stop", "level": "185.5", "change_id": ORDER})
    order = building.changed(standing, 8, "DU1", change)
    assert (order.orderId, order.auxPrice, order.totalQuantity, order.parentId) == (8, 185.5, 10.0, 7)


@pytest.mark.parametrize("body", [{"leg": "stop"}, {"leg": "x", "level": 1}, {"leg": "stop", "level": 0}])
def test_a_change_says_what_changes(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        requests.change({"change_id": ORDER} | body)
