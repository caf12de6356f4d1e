"""What the bridge does when the gateway goes, comes back, or is not the one it should be."""

import socket
from pathlib import Path

import pytest
import requests

from tests.ib_bridge import running
from tests.ib_bridge.running import BRACKET, Asked, eventually, reconnected
from tests.jaxsite.processes import free_port
from tests.vendors.ib_gateway.faults import Break
from tests.vendors.ib_gateway.gateway import IBGateway

EVER = "/v1/executions?since=2020-01-01T00:00:00Z"


def sent(gateway: IBGateway) -> int:
    return sum(name == "placeOrder" for _, name, _ in gateway.heard)


def test_it_says_how_it_stands(bridge: Asked) -> None:
    health = bridge.get("/health")
    assert health["connected"]
    assert health["synced"]
    assert (health["status"], health["state"], health["account_id"], health["paper_trading"]) == (
        "healthy",
        "connected",
        "DU123456",
        True,
    )


def test_without_a_gateway_it_waits_and_says_what_to_do(tmp_path: Path) -> None:
    with running.in_thread(free_port(), tmp_path, connected=False) as bridge:
        eventually(lambda: bridge.get("/health")["state"] == "not_reachable")
        health = bridge.get("/health")
        assert not health["connected"]
        assert "Start IB Gateway" in health["advice"]
        for path in ("/quotes/AAPL", "/v1/orders", "/account", "/quotes?symbols=AAPL"):
            answer = bridge.ask("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (503, "away")


def test_it_connects_once_the_gateway_is_there(tmp_path: Path) -> None:
    port = free_port()
    with running.in_thread(port, tmp_path, connected=False) as bridge:
        eventually(lambda: not bridge.get("/health")["connected"])
        with IBGateway(port=port):
            eventually(lambda: bridge.get("/health")["connected"])


def test_something_that_does_not_answer_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ib_bridge.gateway.link.HAND_SHAKE", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        running.in_thread(mute.getsockname()[1], tmp_path, connected=False) as bridge,
    ):
        eventually(lambda: bridge.get("/health")["state"] == "no_answer")


def test_a_client_id_that_is_taken_is_told(gateway: IBGateway, bridge: Asked, tmp_path: Path) -> None:
    with running.in_thread(gateway.port, tmp_path / "second", connected=False) as second:
        eventually(lambda: second.get("/health")["state"] == "client_id_taken")
        assert "IB_CLIENT_ID" in second.get("/health")["advice"]
    assert bridge.get("/health")["connected"]


def test_real_money_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    with IBGateway(account="U7654321") as gateway:
        with running.in_thread(gateway.port, tmp_path / "a", connected=False) as bridge:
            eventually(lambda: bridge.get("/health")["state"] == "live_refused")
            assert bridge.ask("PUT", f"/v1/orders/{'1' * 32}", BRACKET).status_code == 503
        with running.in_thread(
            gateway.port, tmp_path / "b", connected=False, live_account="U1111111"
        ) as bridge:
            eventually(lambda: bridge.get("/health")["state"] == "live_refused")
        with running.in_thread(gateway.port, tmp_path / "c", live_account="U7654321") as bridge:
            health = bridge.get("/health")
            assert (health["account_id"], health["paper_trading"]) == ("U7654321", False)


def test_a_gateway_that_comes_back_with_real_money_is_refused_and_what_was_on_paper_stays(
    tmp_path: Path, order: str
) -> None:
    """Somebody has logged in with the other user: the paper account's orders are not gone for that."""
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        bridge.place(order)
        paper = gateway.account.name
        with reconnected(bridge):
            gateway.stop()
            gateway.account.name = "U7654321"
            gateway.start()
            eventually(lambda: bridge.get("/health")["state"] == "live_refused")
            refused = bridge.ask("POST", f"/v1/orders/{order}/cancel", {"legs": ["stop"]})
            assert refused.status_code == 503
            assert (
                bridge.ask("POST", "/orders", {"symbol": "AAPL", "action": "BUY", "quantity": 1}).status_code
                == 503
            )
            gateway.stop()
            gateway.account.name = paper
            gateway.start()
        assert bridge.order(order)["state"] == "working"
        assert sent(gateway) == 3


def test_orders_of_the_paper_account_are_not_called_gone_by_the_real_one(tmp_path: Path, order: str) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        bridge.place(order)
    with (
        IBGateway(account="U7654321") as other,
        running.in_thread(other.port, tmp_path, live_account="U7654321") as bridge,
    ):
        assert bridge.get("/v1/orders")["orders"] == []
        assert bridge.legs(order) == {"entry": "working", "stop": "held", "target": "held"}


@pytest.mark.parametrize("named", ["", "U1111111", "u7654321", "U7654321,DU123456", "U"])
def test_of_several_accounts_the_paper_one_is_used_unless_the_real_one_is_named(
    tmp_path: Path, order: str, named: str
) -> None:
    with IBGateway(account="U7654321,DU123456") as gateway:
        with running.in_thread(gateway.port, tmp_path, live_account=named) as bridge:
            assert bridge.get("/health")["account_id"] == "DU123456"
            bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
        placed = [fields for _, name, fields in gateway.heard if name == "placeOrder"]
        assert all("DU123456" in fields and "U7654321" not in fields for fields in placed)
        assert placed


def test_a_read_only_gateway_is_told_with_what_to_click(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    gateway.is_read_only = True
    answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    (notice,) = bridge.get("/health")["notices"]
    assert notice["code"] == 321
    assert "Read-Only" in notice["advice"]
    assert "read-only" in bridge.get("/account")["blocked"]


def test_with_a_read_only_gateway_prices_come_and_orders_are_refused(
    gateway: IBGateway, tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is when it was just installed: it does not even tell its orders."""
    monkeypatch.setattr("ib_bridge.gateway.link.WATCH", 0.05)
    gateway.is_read_only = True
    with running.in_thread(gateway.port, tmp_path) as bridge:
        health = bridge.get("/health")
        assert (health["state"], health["connected"], health["synced"]) == ("read_only", True, False)
        assert "Untick Read-Only API" in health["advice"]
        assert health["knows_since"] is None
        assert bridge.get("/quotes/AAPL")["price"] == 195
        assert "read-only" in bridge.get("/account")["blocked"]
        for method, path in (("PUT", f"/v1/orders/{order}"), ("GET", "/v1/orders")):
            refused = bridge.ask(method, path, BRACKET if method == "PUT" else None)
            assert (refused.status_code, refused.json()["code"]) == (503, "away")
            assert "Read-Only API" in refused.json()["detail"]
        gateway.is_read_only = False
        eventually(lambda: bridge.get("/health")["synced"])
        assert bridge.get("/account")["blocked"] == ""
        assert bridge.place(order)["state"] == "working"


def test_another_request_that_makes_no_sense_is_not_taken_for_read_only(
    gateway: IBGateway, bridge: Asked
) -> None:
    gateway.say(321, "Error validating request.-'bJ' : cause - The account code is required.")
    gateway.say(2103, "Market data farm connection is broken:usfarm")
    eventually(lambda: bridge.get("/health")["notices"])
    assert bridge.get("/health")["state"] == "connected"
    assert [notice["code"] for notice in bridge.get("/health")["notices"]] == [2103]


def test_while_ib_is_away_nothing_is_sent_and_then_everything_is_read_again(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.lose_ib()
    eventually(lambda: bridge.get("/health")["state"] == "server_lost")
    assert bridge.ask("PUT", f"/v1/orders/{'2' * 32}", BRACKET).status_code == 503
    gateway.fill(f"{order}/entry", 10, 190)  # not told while away
    gateway.regain_ib(lost_data=True)
    eventually(lambda: bridge.get("/health")["connected"])
    assert bridge.order(order)["filled"] == 10
    assert len(bridge.get(EVER)["executions"]) == 1
    assert sent(gateway) == 3


@pytest.mark.parametrize("next_id", [None, 1])
def test_after_a_restart_orders_are_known_and_ids_are_not_used_again(
    gateway: IBGateway, bridge: Asked, order: str, next_id: int | None
) -> None:
    bridge.place(order)
    with reconnected(bridge):
        gateway.restart(next_id)
        gateway.fill(f"{order}/entry", 10, 190)
    assert bridge.legs(order) == {"entry": "filled", "stop": "working", "target": "working"}
    bridge.place("2" * 32)
    ids = [(fields[1]) for _, name, fields in gateway.heard if name == "placeOrder"]
    assert len(set(ids)) == 6


def test_a_stop_can_be_moved_and_cancelled_after_a_restart(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    with reconnected(bridge):
        gateway.restart()
    change = {"leg": "stop", "level": "186", "change_id": "3" * 32}
    bridge.post(f"/v1/orders/{order}/replace", change)
    bridge.post(f"/v1/orders/{order}/cancel", {"legs": ["stop", "target"]})
    assert gateway.open_orders() == []
    assert not bridge.order(order)["exits_working"]


def test_an_order_that_never_reached_ib_may_be_placed_again(
    gateway: IBGateway, bridge: Asked, order: str
) -> None:
    legs = [f"{order}/{leg}" for leg in ("entry", "stop", "target")]
    gateway.faults.arm("placeOrder", Break.BEFORE)
    with reconnected(bridge):
        answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    assert (answer.status_code, answer.json()["code"]) == (504, "answer_lost")
    assert bridge.ask("GET", f"/v1/orders/{order}").json()["code"] == "never_received"
    assert bridge.place(order)["state"] == "working"
    assert [o.terms.ref for o in gateway.open_orders()] == legs


@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER, Break.WITHIN])
def test_a_connection_that_breaks_at_any_step_of_placing_doubles_and_loses_nothing(
    gateway: IBGateway, bridge: Asked, order: str, how: Break, skip: int
) -> None:
    gateway.faults.arm("placeOrder", how, skip=skip)
    with reconnected(bridge):
        answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    assert answer.status_code in (200, 504)
    eventually(lambda: bridge.ask("PUT", f"/v1/orders/{order}", BRACKET).ok)
    living = [o.terms.ref for o in gateway.open_orders() if o.is_transmitted]
    assert sorted(living) == sorted(f"{order}/{leg}" for leg in ("entry", "stop", "target"))


def test_a_gateway_that_does_not_answer_an_order_loses_the_answer(
    gateway: IBGateway, bridge: Asked, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ib_bridge.orders.placing.ANSWER", 0.2)
    gateway.faults.arm("placeOrder", Break.SILENCE, times=3)
    answer = bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    assert (answer.status_code, answer.json()["code"]) == (504, "answer_lost")
    assert bridge.ask("GET", f"/v1/orders/{order}").json()["code"] == "answer_lost"


def test_a_forgotten_night_leaves_what_was_told_before(gateway: IBGateway, bridge: Asked, order: str) -> None:
    bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    eventually(lambda: bridge.order(order)["filled"] == 10)
    gateway.pass_midnight()
    with reconnected(bridge):
        gateway.restart()
    assert bridge.order(order)["filled"] == 10
    assert len(bridge.get(EVER)["executions"]) == 1
    assert bridge.legs(order)["stop"] == "working"


def test_an_order_that_vanished_over_a_night_is_not_called_cancelled(
    gateway: IBGateway, tmp_path: Path, order: str
) -> None:
    """It was filled while nobody listened, and IB has forgotten the execution."""
    day = 24 * 3600
    moment = [running.clock().timestamp()]
    with running.in_thread(gateway.port, tmp_path, at=moment) as bridge:
        bridge.place(order)
    gateway.fill(f"{order}/entry", 10, 190)
    gateway.fill(f"{order}/stop", 10, 180)
    gateway.pass_midnight()
    moment[0] += day
    with running.in_thread(gateway.port, tmp_path, at=moment) as bridge:
        answer = bridge.ask("GET", f"/v1/orders/{order}")
        assert (answer.status_code, answer.json()["code"]) == (404, "too_long_ago")
        assert bridge.ask("PUT", f"/v1/orders/{order}", BRACKET).json()["code"] == "too_long_ago"
    assert sent(gateway) == 3


def test_the_journal_is_its_owners_alone(bridge: Asked, tmp_path: Path, order: str) -> None:
    bridge.place(order)
    files = list((tmp_path / "ib_bridge").iterdir())
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert oct((tmp_path / "ib_bridge").stat().st_mode & 0o777) == "0o700"


def test_only_who_has_the_token_is_answered(gateway: IBGateway, tmp_path: Path) -> None:
    with running.in_thread(gateway.port, tmp_path, token="a-secret") as bridge:
        assert bridge.get("/health")["connected"]
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "a-secret"}):
            answer = requests.get(f"{bridge.url}/health", headers=headers, timeout=5)
            assert (answer.status_code, answer.json()["code"]) == (401, "no_token")


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}]
)
def test_a_web_page_is_not_answered(bridge: Asked, headers: dict[str, str]) -> None:
    answer = bridge.ask("POST", "/connect", {}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "browser")
