"""The gateway as a process of its own, which a test can kill."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from ib_async import LimitOrder

from tests.ib_gateway.client import Client
from tests.vendors.ib_gateway import command

pytestmark = pytest.mark.slow


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """Yield the process, its port and the port that controls it."""
    arguments = [sys.executable, "-m", "tests.vendors.ib_gateway", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR) as process:
        assert process.stdout is not None
        _, port, _, control = process.stdout.readline().split()
        yield process, int(port), int(control)
        process.kill()


def test_orders_outlive_a_killed_gateway(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    state = ("--state", str(tmp_path / "account"))
    with running(*state) as (process, port, control), Client(port, loop) as client:
        client.connect().place(LimitOrder("BUY", 10, 190, orderRef="7/entry"))
        command(control, "fill", which="7/entry", quantity=4, price="190")
        process.kill()
        client.until(lambda: not client.ib.isConnected())
    with running(*state) as (_, port, control), Client(port, loop) as client:
        assert client.connect().open_orders() == {"7/entry": "Submitted"}
        assert command(control, "order", which="7/entry")["filled"] == "4"
        command(control, "set", **{"book.commissions": "never"})
        with pytest.raises(RuntimeError, match="none of"):
            command(control, "shout")
