"""Senders in real processes: two at once, and one that is killed between marking and sending."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.approvals.listener import Listener
from tests.jaxsite.processes import ROOT, environment, eventually, folder

pytestmark = [pytest.mark.slow, pytest.mark.long]

PUT = """
from approvals import notify
from approvals.models import Notification
from tests import make
for number in range({count}):
    notify.put(Notification.Kind.ORDER_FILLED, f"{name} {{number}}", f"{name} {{number}}", make.T0)
"""
SEND = """
from datetime import timedelta
from approvals import notify
from tests import make
print([dict(notify.send(make.T0 + timedelta(minutes=minutes))) for minutes in {minutes}])
"""


class Site:
    """An installation of its own that tells a slow listener."""

    def __init__(self, var: Path, listener: Listener) -> None:
        self.var, self.listener = var, listener
        self.environment = environment(var) | {"NOTIFY_URLS": listener.url()}

    def put(self, name: str, count: int) -> None:
        self._start(PUT.format(name=name, count=count)).communicate(timeout=60)

    def start_sending(self, *minutes: int) -> "subprocess.Popen[str]":
        return self._start(SEND.format(minutes=minutes))

    def send(self, *minutes: int) -> str:
        """Return what is sent so many minutes later, one time after the other."""
        return self.start_sending(*minutes).communicate(timeout=60)[0].strip()

    def _start(self, program: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def site(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as var, Listener() as listener:
        install(var)
        yield Site(var, listener)


def test_two_senders_at_once_send_each_message_once(site: Site) -> None:
    site.listener.latency = 0.3
    site.put("a", 3)
    senders = [site.start_sending(0) for _ in range(2)]
    for sender in senders:
        sender.communicate(timeout=60)
    assert sorted(site.listener.titles) == ["a 0", "a 1", "a 2"]


def test_a_sender_that_is_killed_leaves_a_message_that_is_not_sent_again(site: Site) -> None:
    site.listener.taken.clear()
    site.listener.latency = 3
    site.put("b", 2)
    before = len(site.listener.paths)
    sender = site.start_sending(0)
    eventually(lambda: len(site.listener.paths) > before)
    sender.kill()
    sender.communicate()
    site.listener.latency = 0
    assert site.send(1, 10, 11) == "[{'sent': 1}, {'unknown': 1}, {}]"
    assert len(site.listener.paths) == before + 2
