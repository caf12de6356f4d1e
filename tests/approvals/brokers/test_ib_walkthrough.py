"""The walk through the gateway's settings: of each step what is seen and what to click."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from approvals.brokers.ib.walkthrough import Setup, State, Step, steps
from approvals.execution import ib_setup as installation
from market import doctor
from tests import make
from tests.ib_bridge import running
from tests.ib_bridge.running import Asked, eventually
from tests.jaxsite.processes import free_port
from tests.vendors.ib_gateway.gateway import IBGateway

NOTHING = Setup(gateway=None, bridge_url="", client_id=81, live_account="", broker="paper")
SET = replace(NOTHING, gateway=("127.0.0.1", 4002), bridge_url="http://127.0.0.1:8092")
WELL = {
    "state": "connected",
    "connected": True,
    "synced": True,
    "account_id": "DU123456",
    "paper_trading": True,
    "server_version": 176,
    "market_data_mode": "live",
    "gateway": "127.0.0.1:4002",
    "ib_client_id": 81,
    "live_trading": "",
    "message": "Connected to IB.",
    "advice": "",
    "notices": [],
}


def first_to_do(setup: Setup, health: Any, trouble: str = "") -> Step:
    return next(step for step in steps(setup, health, trouble) if step.state is State.TODO)


def test_without_ib_it_says_what_to_set_first_and_everything_else_is_later() -> None:
    step = first_to_do(NOTHING, None)
    assert "IB_GATEWAY=127.0.0.1:4002" in step.click
    assert {each.state for each in steps(NOTHING, None)} == {State.TODO, State.LATER, State.UNSEEN}
    assert sum(each.state is State.TODO for each in steps(NOTHING, None)) == 1


def test_when_all_is_well_what_is_left_is_to_send_orders_there() -> None:
    assert "BROKER=ib" in first_to_do(SET, WELL).click
    done = steps(replace(SET, broker="ib"), WELL)
    assert {step.state for step in done} == {State.DONE, State.UNSEEN}


@pytest.mark.parametrize(
    ("changes", "seen", "click"),
    [
        (
            {"state": "not_reachable", "connected": False, "message": "Nothing answers."},
            "Nothing answers",
            "tried",
        ),
        ({"state": "no_answer", "connected": False, "message": "Mute."}, "Mute", "Trusted IPs"),
        (
            {"state": "live_refused", "connected": False, "message": "Real money."},
            "Real money",
            "Paper Trading",
        ),
        (
            {"state": "client_id_taken", "connected": False, "message": "326", "advice": "End it."},
            "326",
            "End it",
        ),
        ({"state": "read_only", "synced": False}, "321", "untick Read-Only API"),
        ({"notices": [{"code": 321}]}, "321", "untick Read-Only API"),
        ({"notices": [{"code": 10197}]}, "10197", "second user"),
        ({"market_data_mode": "delayed"}, "15 minutes late", "Market Data Subscriptions"),
        ({"gateway": "127.0.0.1:4001"}, "answers", "IB_GATEWAY 127.0.0.1:4001 instead of 127.0.0.1:4002"),
        ({"live_trading": "U7654321"}, "answers", "LIVE_TRADING U7654321 instead of not set"),
    ],
)
def test_what_is_wrong_is_seen_and_what_to_click_is_said(
    changes: dict[str, Any], seen: str, click: str
) -> None:
    step = first_to_do(SET, WELL | changes)
    assert seen in step.seen
    assert click in step.click


def test_a_bridge_that_does_not_answer_is_told_with_why() -> None:
    step = first_to_do(SET, None, "HTTP 401: IB_BRIDGE_TOKEN is missing or wrong.")
    assert "401" in step.seen


def test_the_port_of_real_money_is_pointed_at() -> None:
    first = steps(replace(SET, gateway=("127.0.0.1", 4001)), None)[0]
    assert "4002 that of paper" in first.seen


def test_another_bridge_than_ours_is_asked_nothing_more() -> None:
    states = [step.state for step in steps(SET, {"connected": True})]
    assert states[:3] == [State.DONE, State.DONE, State.LATER]


@pytest.mark.parametrize("notices", [None, "x", [None, 5, {"code": None}]])
def test_what_a_bridge_says_may_be_odd(notices: object) -> None:
    assert len(steps(SET, WELL | {"notices": notices, "market_data_mode": None})) == 12


# --- the page and the doctor, with a gateway and our bridge -----------------------------------------------


@pytest.fixture
def gateway() -> Iterator[IBGateway]:
    with IBGateway() as gateway:
        gateway.is_read_only = True
        yield gateway


@pytest.fixture
def bridge(gateway: IBGateway, tmp_path: Path, settings: Settings) -> Iterator[Asked]:
    with running.in_thread(gateway.port, tmp_path) as bridge:
        settings.IB_GATEWAY, settings.IB_BRIDGE_URL = ("127.0.0.1", gateway.port), bridge.url
        yield bridge


def page(client: Client) -> str:
    answer = client.get("/status/ib-gateway/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def trader(db: None) -> Client:
    make.only("AAPL")
    client = Client()
    client.force_login(make.trader())
    return client


def test_the_page_works_without_ib_and_status_does_not_name_it(trader: Client) -> None:
    assert "IB_GATEWAY=127.0.0.1:4002" in page(trader)
    assert "/status/ib-gateway/" not in trader.get("/status/").content.decode()


def test_the_page_says_what_is_seen_and_what_to_click_next(
    trader: Client, gateway: IBGateway, bridge: Asked
) -> None:
    html = page(trader)
    assert "Next: Read-Only API is off, for orders." in html
    assert "untick Read-Only API" in html
    assert "Account DU123456: paper." in html
    assert "/status/ib-gateway/" in trader.get("/status/").content.decode()


def test_a_stranger_sees_nothing(db: None) -> None:
    assert Client().get("/status/ib-gateway/").status_code == 302


def test_a_bridge_that_is_away_costs_the_page_little(trader: Client, settings: Settings) -> None:
    port = free_port()
    settings.IB_GATEWAY, settings.IB_BRIDGE_URL = ("127.0.0.1", 4002), f"http://127.0.0.1:{port}"
    assert f"Nothing answers at http://127.0.0.1:{port}" in page(trader)


@pytest.mark.usefixtures("db")
def test_the_doctor_repeats_what_is_to_do(gateway: IBGateway, bridge: Asked) -> None:
    found = {finding.about: finding for finding in installation.findings(make.T0)}
    assert "untick Read-Only API" in found["IB: Read-Only API is off, for orders"].advice
    assert found["IB: Paper first"].advice == ""
    assert installation.findings in doctor.MORE


def test_the_doctor_says_nothing_of_ib_where_it_is_not_used() -> None:
    assert list(installation.findings(make.T0)) == []


def test_the_page_follows_what_was_clicked(
    trader: Client,
    gateway: IBGateway,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ib_bridge.gateway.link.WATCH", 0.05)
    with running.in_thread(gateway.port, tmp_path) as bridge:
        settings.IB_GATEWAY, settings.IB_BRIDGE_URL = ("127.0.0.1", gateway.port), bridge.url
        assert "Next: Read-Only API is off" in page(trader)
        gateway.is_read_only = False
        eventually(lambda: bridge.get("/health")["synced"])
        assert "Next: Orders go there." in page(trader)
