"""Brackets that came to IB in part only: ended after every reading, never unprotected unseen."""

import pytest

from ib_bridge import references
from ib_bridge.journal.standing import standings
from ib_bridge.orders.halves import legs_to_end
from tests.ib_bridge.running import BRACKET, EXIT, Asked, reconnected
from tests.ib_bridge.told import error, executed, gone, opened, placed
from tests.vendors.ib_gateway.faults import Break
from tests.vendors.ib_gateway.gateway import IBGateway


def send_half(gateway: IBGateway, bridge: Asked, order: str, legs: int) -> None:
    """Lose the connection once so many legs have come; the last of a bracket transmits them all."""
    gateway.faults.arm("placeOrder", Break.AFTER, skip=legs - 1)
    with reconnected(bridge):
        bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)


@pytest.mark.parametrize("legs", [1, 2])
@pytest.mark.parametrize("is_told", [True, False])
def test_an_entry_that_waits_at_the_gateway_without_all_its_exits_is_cancelled(
    gateway: IBGateway, bridge: Asked, order: str, legs: int, *, is_told: bool
) -> None:
    gateway.book.tells_untransmitted = is_told
    send_half(gateway, bridge, order, legs)
    assert not any(o.is_alive for o in gateway.book.orders.values())


@pytest.mark.parametrize("is_told", [True, False])
def test_a_person_who_transmits_what_waits_finds_nothing_any_more(
    gateway: IBGateway, bridge: Asked, order: str, *, is_told: bool
) -> None:
    gateway.book.tells_untransmitted = is_told
    send_half(gateway, bridge, order, 1)
    answer = bridge.ask("GET", f"/v1/orders/{order}").json()
    assert answer.get("state") == "cancelled" or answer.get("code") == "never_received"
    assert gateway.open_orders() == []


def test_an_entry_that_works_at_ib_without_exits_is_cancelled(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    """It was transmitted by hand before the bridge was back."""
    gateway.faults.arm("placeOrder", Break.AFTER)
    with reconnected(bridge):
        assert bridge.ask("PUT", f"/v1/orders/{order}", BRACKET).json()["code"] == "answer_lost"
        gateway.transmit(f"{order}/entry")
    assert bridge.order(order)["state"] == "cancelled"
    assert gateway.open_orders() == []


def test_of_an_entry_that_filled_without_exits_the_rest_is_cancelled_and_the_fill_told(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    gateway.faults.arm("placeOrder", Break.AFTER)
    with reconnected(bridge):
        bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
        gateway.transmit(f"{order}/entry")
        gateway.fill(f"{order}/entry", 4, 190)
    report = bridge.order(order)
    assert (report["state"], report["filled"], report["exits_working"]) == ("cancelled", 4, False)
    assert gateway.open_orders() == []


def test_what_has_filled_of_a_half_bracket_is_kept_and_seen_to_be_unprotected() -> None:
    filled = [placed(), opened(), executed("e.1.01.01", 4), placed(leg="stop"), gone(leg="stop")]
    assert legs_to_end(standings(filled)) == [references.ENTRY]


def test_a_refused_exit_ends_its_entry() -> None:
    refused = [placed(), opened(), placed(leg="stop"), error(110, leg="stop"), gone(leg="stop")]
    assert legs_to_end(standings(refused)) == references.LEGS


def test_a_whole_bracket_and_an_entry_that_is_over_are_left_alone() -> None:
    whole = [placed(), opened(), placed(leg="stop"), opened(leg="stop")]
    over = [placed(), opened("Cancelled"), placed(leg="stop"), gone(leg="stop")]
    waits = [placed(), opened(), placed(leg="stop")]
    assert [legs_to_end(standings(told)) for told in (whole, over, waits)] == [(), (), ()]


def test_a_closing_of_which_a_part_never_came_works_as_far_as_it_came(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    first, second = "4" * 8 + order[8:], "5" * 8 + order[8:]
    for guard in (first, second):
        bridge.place(guard)
        gateway.fill(f"{guard}/entry", 10, 190)
    gateway.faults.arm("placeOrder", Break.AFTER)
    closing = EXIT | {"quantity": 20, "guards": [first, second]}
    with reconnected(bridge):
        bridge.ask("PUT", f"/v1/closings/{order}", closing)
    report = bridge.put(f"/v1/closings/{order}", closing)
    assert (report["state"], report["quantity"]) == ("working", 20)
    gateway.fill(f"{order}/close", 10, 191)
    report = bridge.order(order)
    assert (report["state"], report["filled"]) == ("cancelled", 10)
    assert gateway.book.made.count(f"{order}/close") == 1
