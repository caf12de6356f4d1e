"""The order side, over HTTP, ib_async and the wire protocol to a gateway on loopback."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest

from tests.ib_bridge.running import BRACKET, EXIT, Asked, eventually
from tests.vendors.ib_gateway.gateway import IBGateway
from tests.vendors.ib_gateway.screening import Notice

SENT = "placeOrder"


def works(bridge: Asked, order: str, leg: str) -> bool:
    return bridge.legs(order)[leg] == "working"


def sent(gateway: IBGateway) -> int:
    return sum(name == SENT for _, name, _ in gateway.heard)


def test_a_bracket_is_placed_with_its_exits(gateway: IBGateway, bridge: Asked, order: str) -> None:
    report = bridge.place(order)
    assert (report["state"], report["quantity"], report["filled"], report["exits_working"]) == (
        "working",
        10,
        0,
        True,
    )
    assert [(leg["leg"], leg["state"], leg["level"]) for leg in report["legs"]] == [
        ("entry", "working", "190"),
        ("stop", "held", "180"),
        ("target", "held", "210"),
    ]
    assert report["instrument"]["symbol"] == "AAPL"
    assert [o.terms.ref for o in gateway.open_orders()] == [
        f"{order}/{leg}" for leg in ("entry", "stop", "target")
    ]


def test_placing_twice_is_the_same_as_once(gateway: IBGateway, bridge: Asked, order: str) -> None:
    first = bridge.place(order)
    assert bridge.place(order, quantity=99) == first
    assert sent(gateway) == 3


def test_a_fill_is_told_with_its_commission_and_frees_the_exits(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 4, 190, commission="1.25")
    gateway.fill(f"{order}/entry", 6, 190, commission="-0.35")
    eventually(lambda: bridge.order(order)["filled"] == 10)
    assert bridge.legs(order) == {"entry": "filled", "stop": "working", "target": "working"}
    told = bridge.get("/v1/executions?since=2020-01-01T00:00:00Z")["executions"]
    assert [(e["client_id"], e["leg"], e["quantity"], e["price"], e["commission"]) for e in told] == [
        (order, "entry", "4", "190", "1.25"),
        (order, "entry", "6", "190", "-0.35"),
    ]
    assert bridge.get("/v1/holdings")["holdings"][0]["quantity"] == "10"


def test_a_refused_entry_is_refused_and_leaves_nothing(gateway: IBGateway, bridge: Asked, order: str) -> None:
    gateway.refuse_next(text="Order rejected - reason:Not enough money")
    answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "Not enough money" in answer.json()["detail"]
    assert gateway.open_orders() == []
    assert bridge.order(order)["state"] == "rejected"


@pytest.mark.parametrize("level", ["limit_price", "stop_loss", "take_profit"])
def test_a_level_off_the_tick_refuses_the_whole_bracket(
    gateway: IBGateway, bridge: Asked, order: str, level: str
) -> None:
    answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET | {level: f"{BRACKET[level]}1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "minimum price variation" in answer.json()["detail"]
    eventually(lambda: gateway.open_orders() == [])


def test_an_unknown_symbol_is_refused_before_anything_is_sent(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET | {"instrument": {"symbol": "NOPE"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert bridge.ask("GET", f"/v1/orders/{order}").json()["code"] == "never_received"
    assert sent(gateway) == 0


def test_remarks_of_a_preset_and_of_a_closed_market_end_nothing(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    gateway.book.screening.preset_tif, gateway.book.screening.opens_at = "DAY", "tomorrow"
    assert bridge.place(order)["state"] == "working"
    assert bridge.place(order)["legs"][0]["state"] == "working"


def test_cancelling_the_entry_ends_a_bracket_that_has_not_filled(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    report = bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["entry"]})
    assert report["state"] == "cancelled"
    eventually(lambda: gateway.open_orders() == [])
    assert bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["entry"]})["state"] == "cancelled"


def test_what_a_cancelled_entry_has_filled_stays_guarded(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 4, 190)
    report = bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["entry"]})
    assert (report["state"], report["filled"], report["exits_working"]) == ("cancelled", 4, True)
    assert {leg["leg"]: leg["quantity"] for leg in bridge.order(order)["legs"]}["stop"] == 4


def test_a_cancel_that_stays_pending_is_told_and_ends_later(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.book.holds_cancels = True
    assert bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["stop"]})["exits_working"]
    assert bridge.legs(order)["stop"] == "pending_cancel"
    gateway.cancel(f"{order}/stop")
    eventually(lambda: bridge.legs(order)["stop"] == "cancelled")


def test_a_late_fill_of_a_cancelled_entry_counts(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["entry"]})
    gateway.fill(f"{order}/entry", 3, 190)
    eventually(lambda: bridge.order(order)["filled"] == 3)


def test_a_stop_is_moved_where_it_stands(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    eventually(lambda: bridge.legs(order)["stop"] == "working")
    change = {"leg": "stop", "level": "185.50", "change_id": str(uuid4())}
    report = bridge.post(f"/v1/orders/{order}/replace", change)
    assert {leg["leg"]: leg["level"] for leg in report["legs"]}["stop"] == "185.5"
    before = sent(gateway)
    bridge.post(f"/v1/orders/{order}/replace", change)
    assert sent(gateway) == before
    assert len(gateway.open_orders()) == 2


def test_a_refused_change_leaves_the_stop(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    change = {"leg": "stop", "level": "185.501", "change_id": str(uuid4())}
    answer = bridge.ask("POST", f"/v1/orders/{order}/replace", change)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert {leg["leg"]: (leg["level"], leg["state"]) for leg in bridge.order(order)["legs"]}["stop"] == (
        "180",
        "held",
    )


def test_an_older_change_does_not_undo_a_newer_one(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    first, second = ({"leg": "stop", "level": level, "change_id": str(uuid4())} for level in ("181", "182"))
    for change in (first, second, first):
        report = bridge.post(f"/v1/orders/{order}/replace", change)
    assert {leg["leg"]: leg["level"] for leg in report["legs"]}["stop"] == "182"


def test_a_closing_keeps_the_exits_until_it_has_filled_and_takes_them_along(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    closing = str(uuid4())
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    eventually(lambda: bridge.legs(order)["stop"] == "working")
    assert bridge.put(f"/v1/closings/{closing}", EXIT | {"guards": [order]})["state"] == "working"
    assert bridge.order(order)["exits_working"]
    gateway.fill(f"{closing}/close", 4, 191)
    eventually(lambda: {leg["leg"]: leg["quantity"] for leg in bridge.order(order)["legs"]}["stop"] == 6)
    gateway.fill(f"{closing}/close", 6, 191)
    eventually(lambda: not bridge.order(order)["exits_working"])
    assert bridge.order(closing)["state"] == "filled"
    assert gateway.open_orders() == []


def test_a_closing_of_two_orders_takes_from_the_exits_of_both(gateway: IBGateway, bridge: Asked) -> None:
    first, second, closing = str(uuid4()), str(uuid4()), str(uuid4())
    for order in (first, second):
        bridge.place(order)
        gateway.fill(f"{order}/entry", price=190)
        eventually(partial(works, bridge, order, "stop"))
    told = bridge.put(f"/v1/closings/{closing}", EXIT | {"quantity": 14, "guards": [first, second]})
    assert (told["quantity"], [leg["leg"] for leg in told["legs"]]) == (14, ["close"])
    parts = [o for o in gateway.open_orders() if o.terms.ref.startswith(closing)]
    assert [(o.group, int(o.remaining)) for o in parts] == [(f"jax-{first}", 10), (f"jax-{second}", 4)]
    for part in parts:
        gateway.fill(part, price=200)
    eventually(lambda: bridge.order(closing)["state"] == "filled")
    assert [gateway.order(f"{order}/stop").remaining for order in (first, second)] == [0, 6]
    executions = bridge.get("/v1/executions?since=2020-01-01T00:00:00Z")["executions"]
    assert {e["leg"] for e in executions if e["client_id"] == closing} == {"close"}


def test_a_cancelled_closing_ends_in_all_its_parts(gateway: IBGateway, bridge: Asked, order: str) -> None:
    closing = str(uuid4())
    bridge.place(order)
    gateway.fill(f"{order}/entry", price=190)
    eventually(lambda: bridge.legs(order)["stop"] == "working")
    bridge.put(f"/v1/closings/{closing}", EXIT | {"quantity": 12, "guards": [order]})
    told = bridge.post(f"/v1/orders/{closing}/cancel", {"legs": ["close"]})
    assert (told["state"], told["quantity"], told["filled"]) == ("cancelled", 12, 0)
    assert bridge.legs(order)["stop"] == "working"


def test_a_cancel_that_is_refused_says_why_and_leaves_the_order(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.book.screening.cancel_refusals.append(Notice(161, "Cancel attempted when order is being filled"))
    response = bridge.ask("POST", f"/v1/orders/{order}/cancel", {"legs": ["entry"]})
    assert (response.status_code, response.json()["code"]) == (409, "refused")
    assert "being filled" in response.json()["detail"]
    assert bridge.order(order)["state"] == "working"
    assert bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["entry"]})["state"] == "cancelled"


def test_a_refused_closing_leaves_the_exits(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    gateway.refuse_next()
    answer = bridge.ask("PUT", f"/v1/closings/{uuid4()}", EXIT | {"guards": [order]})
    assert answer.status_code == 409
    eventually(lambda: bridge.legs(order) == {"entry": "filled", "stop": "working", "target": "working"})


def test_a_protection_replaces_the_exits_of_an_order(gateway: IBGateway, bridge: Asked, order: str) -> None:
    protection = str(uuid4())
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    eventually(lambda: bridge.legs(order)["stop"] == "working")
    levels = {"stop_loss": "186", "take_profit": "200", "cancels": order}
    assert bridge.put(f"/v1/protections/{protection}", EXIT | levels)["exits_working"]
    eventually(lambda: not bridge.order(order)["exits_working"])
    assert bridge.legs(protection) == {"stop": "working", "target": "working"}
    gateway.fill(f"{protection}/target", 10, 200)
    eventually(lambda: bridge.legs(protection) == {"stop": "cancelled", "target": "filled"})


def test_a_correction_names_what_it_replaces_and_changes_the_sum(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    first = gateway.fill(f"{order}/entry", 10, 190)
    gateway.correct(first.exec_id, 8, 189)
    eventually(lambda: bridge.order(order)["filled"] == 8)
    told = bridge.get("/v1/executions?since=2020-01-01T00:00:00Z")["executions"]
    assert [(e["corrects"], e["quantity"], e["price"]) for e in told] == [
        ("", "10", "190"),
        (first.exec_id, "8", "189"),
    ]


@pytest.mark.parametrize("when", ["before", "after", "never"])
def test_commissions_count_whenever_they_come(
    gateway: IBGateway, bridge: Asked, order: str, when: str
) -> None:
    gateway.book.commissions = when
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190, commission="1.5")
    eventually(lambda: bridge.order(order)["filled"] == 10)
    (told,) = bridge.get("/v1/executions?since=2020-01-01T00:00:00Z")["executions"]
    assert told["commission"] == (None if when == "never" else "1.5")


def test_orders_of_others_are_told_as_theirs(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    gateway.place_by_hand("MSFT", "BUY", 5, order_type="LMT", limit=Decimal(100))
    told = bridge.get("/v1/orders")["orders"]
    assert [(o["client_id"], o["instrument"]["symbol"], o["quantity"]) for o in told] == [
        (order, "AAPL", 10),
        (None, "MSFT", 5),
    ]


def test_fills_of_orders_by_hand_are_told_as_theirs(gateway: IBGateway, bridge: Asked) -> None:
    by_hand = gateway.place_by_hand("MSFT", "BUY", 5, order_type="LMT", limit=Decimal(100))
    gateway.fill(by_hand, 5, 100)
    (told,) = bridge.get("/v1/executions?since=2020-01-01T00:00:00Z")["executions"]
    assert (told["client_id"], told["instrument"]["symbol"], told["quantity"]) == (None, "MSFT", "5")


def test_what_an_order_would_do_is_told_without_placing_it(gateway: IBGateway, bridge: Asked) -> None:
    told = bridge.post("/v1/whatif", BRACKET)
    assert told["currency"] == "USD"
    assert float(told["initial_margin"]) > 0
    assert gateway.open_orders() == []


def test_a_change_is_told_at_once_to_who_waits_for_one(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    revision = bridge.get("/v1/changes?after=0")["revision"]
    assert bridge.get(f"/v1/changes?after={revision}&wait=0")["revision"] == revision
    gateway.fill(f"{order}/entry", 10, 190)
    assert bridge.get(f"/v1/changes?after={revision}&wait=30")["revision"] > revision
