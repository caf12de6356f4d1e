"""What the bridge is told, and what it refuses to start with."""

from pathlib import Path

import pytest

from ib_bridge import configuration
from ib_bridge.configuration import Misconfigured

GATEWAY = {"IB_GATEWAY": "127.0.0.1:4002"}


def test_one_setting_is_enough() -> None:
    read = configuration.read(GATEWAY)
    assert (read.gateway, read.listen, read.live_account) == (("127.0.0.1", 4002), ("127.0.0.1", 8092), "")


def test_its_journal_is_under_var(tmp_path: Path) -> None:
    read = configuration.read(GATEWAY | {"VAR_DIR": str(tmp_path)})
    assert read.journal == tmp_path / "ib_bridge" / "journal.sqlite3"


@pytest.mark.parametrize("listen", ["0.0.0.0:8092", "192.168.1.5:8092", "bridge.example:8092", "[::]:8092"])
def test_another_host_than_this_machines_own_needs_a_token(listen: str) -> None:
    with pytest.raises(Misconfigured, match="IB_BRIDGE_TOKEN"):
        configuration.read(GATEWAY | {"IB_BRIDGE_LISTEN": listen})
    assert (
        configuration.read(GATEWAY | {"IB_BRIDGE_LISTEN": listen, "IB_BRIDGE_TOKEN": "secret"}).token
        == "secret"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("IB_GATEWAY", "4002"),
        ("IB_GATEWAY", "http://127.0.0.1:4002"),
        ("IB_GATEWAY", "127.0.0.1:0"),
        ("IB_CLIENT_ID", "-1"),
        ("LIVE_TRADING", "U1234567 # mine"),
        ("IB_BRIDGE_LISTEN", "8092"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        configuration.read(GATEWAY | {name: text})


def test_without_a_gateway_it_says_what_to_set() -> None:
    with pytest.raises(Misconfigured, match="IB_GATEWAY is not set"):
        configuration.read({})
