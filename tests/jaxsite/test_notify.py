import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxsite.processes.notify import ALIVE, READY, notify


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        address = str(Path(folder) / "notify")  # short: such an address has at most 107 bytes
        ours.bind(address)
        ours.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield ours


def test_messages_reach_the_supervisor_in_order(supervisor: socket.socket) -> None:
    notify(READY)
    notify(ALIVE)
    assert [supervisor.recv(100), supervisor.recv(100)] == [READY, ALIVE]


def test_an_address_without_a_file_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"jax-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(f"\0{name}")
        ours.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify(READY)
        assert ours.recv(100) == READY


def test_a_supervisor_that_does_not_listen_holds_nobody_up(supervisor: socket.socket) -> None:
    for _ in range(10_000):  # more than a socket holds
        notify(ALIVE)


def test_without_a_supervisor_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)


def test_a_supervisor_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify(READY)
