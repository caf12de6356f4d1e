"""Ingestion with real processes that are killed, databases that vanish and disks that fill up."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.jaxsite.processes import ROOT, environment, eventually, folder, kill_everything, servers
from tests.vendors import IBBridge

pytestmark = [pytest.mark.slow, pytest.mark.long]

# The pace goes by the real clock and would not ask IB the same again within seconds.
A_MINUTE_LATER = """
from django.core.management import call_command
from market.models import ProviderPace
ProviderPace.objects.all().delete()
call_command("ingest")
"""
COUNTS = """
import json
from django.db import connection
from market.models import *
print(json.dumps({
    "quotes": Quote.objects.count(),
    "history": QuoteHistory.objects.count(),
    "outcomes": list(IngestionRun.objects.order_by("started_at").values_list("kind", "outcome")),
    "bars": sorted(
        Candle.objects.filter(symbol=s, timeframe="15m", is_final=True).count()
        for s in Instrument.objects.values_list("symbol", flat=True)
    ),
}))
"""


class Site:
    """An installation with its own database under `var`, on a loopback IB Bridge."""

    def __init__(self, var: Path, bridge: IBBridge) -> None:
        self.var, self.bridge = var, bridge
        self.environment = environment(var) | {
            "IB_BRIDGE_URL": bridge.url,
            "DATA": "real",
            "DJANGO_SETTINGS_MODULE": "jaxsite.settings",  # those of the tests would drop the bridge
            "CANDLE_BACKFILL": "50",
            "CANDLE_TIMEFRAMES": "15m",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 0, printed
        return printed

    def counts(self, after: str = "") -> dict[str, Any]:
        printed = self.run("shell", "--no-imports", "-c", after + COUNTS)
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return result

    def ingest_until(self, path: str) -> "subprocess.Popen[str]":
        """A cycle that is in the middle of asking for `path`."""
        self.bridge.latency = 0.5
        before = len(self.bridge.visits_to(path))
        process = self.start("ingest")
        eventually(lambda: len(self.bridge.visits_to(path)) > before + 2)
        return process


@contextmanager
def site_in(var: Path, install: Callable[[Path], None]) -> Iterator[Site]:
    install(var)
    with IBBridge() as bridge:
        yield Site(var, bridge)


@pytest.fixture
def site(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as path, site_in(path, install) as started:
        yield started


def is_whole(counts: dict[str, Any]) -> bool:
    """Every symbol has its quote and as many bars as the others, none twice (the key sees to that)."""
    return counts["quotes"] == 10 and len(set(counts["bars"])) == 1 and counts["bars"][0] > 0


def test_a_worker_killed_in_the_middle_of_a_cycle_leaves_nothing_half_done(site: Site) -> None:
    process = site.ingest_until("/candles/*")
    process.kill()
    process.communicate()
    site.bridge.latency = 0
    counts = site.counts(after=A_MINUTE_LATER)
    assert is_whole(counts)
    assert ["candles", "broken"] in counts["outcomes"]
    assert ["candles", "finished"] in counts["outcomes"]


def test_a_database_killed_in_the_middle_of_a_cycle_is_started_again_and_the_next_cycle_heals(
    site: Site,
) -> None:
    process = site.ingest_until("/candles/*")
    for server in servers(site.var):
        for child in [*server.children(), server]:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    site.bridge.latency = 0
    assert is_whole(site.counts(after=A_MINUTE_LATER))


def test_of_two_cycles_at_once_one_is_skipped(site: Site) -> None:
    site.bridge.latency = 4.0
    cycles = [site.start("ingest") for _ in range(2)]
    eventually(lambda: site.bridge.visits_to("/candles/*"))  # by the one that has skipped the quotes
    site.bridge.latency = 0
    for cycle in cycles:
        cycle.communicate(timeout=60)
    counts = site.counts()
    assert ["quotes", "skipped"] in counts["outcomes"]
    assert (counts["quotes"], counts["history"]) == (10, 10)


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can mount a small disk")
def test_a_full_disk_stops_the_cycle_and_nothing_else(install: Callable[[Path], None]) -> None:
    with folder() as path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0711", "tmpfs", path], check=True)
        try:
            with site_in(path, install) as site:
                site.run("ingest")
                before = site.counts()
                fill(path / "ballast")
                site.environment["CANDLE_BACKFILL"] = "900"
                for _ in range(3):
                    site.start("ingest").communicate(timeout=120)
                (path / "ballast").unlink()
                site.run("ingest")
                after = site.counts()
            assert is_whole(after)
            assert after["history"] > before["history"]
        finally:
            kill_everything(path)
            subprocess.run(["umount", path], check=True)


def fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)
