"""Scans in real processes that are killed, or that run at the same time."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT, environment, folder, manage

pytestmark = [pytest.mark.slow, pytest.mark.long]

FILL = """
from datetime import UTC, datetime
from market import store
from market.models import Instrument
from market.prices import Feed, Timeframe
from signals.models import StrategyConfig
from tests import make
from tests.signals.walks import walk
start = datetime(2024, 1, 1, tzinfo=UTC)
symbols = [f"S{n:03}" for n in range(400)]
Instrument.objects.update(watched=False)
Instrument.objects.bulk_create(Instrument(symbol=symbol, calendar="24/7") for symbol in symbols)
make.round_the_clock(start, days=1, ahead=300)
walks = {symbol: walk(250, seed, start=start) for seed, symbol in enumerate(symbols)}
store.write_candles(walks, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)
StrategyConfig.objects.exclude(timeframe="1d").update(enabled=False)
"""
SCAN = """
import sys
from datetime import UTC, datetime
from django.db.models.signals import post_save
from signals import scan
from signals.models import Scan
def tell(created, **unused):
    if created:
        sys.stdout.write("now\\n")
        sys.stdout.flush()
post_save.connect(tell, sender=Scan)
scan.run(datetime(2024, 9, 7, 0, 30, tzinfo=UTC))
"""
FOUND = """
import json
from signals.models import Scan, Signal
from signals.strategies import STRATEGIES
fields = ("symbol", "strategy_id", "bar_opened_at", "status", "confidence")
print(json.dumps({
    "signals": sorted(map(str, Signal.objects.values_list(*fields))),
    "outcomes": list(Scan.objects.order_by("pk").values_list("outcome", flat=True)),
}))
"""


class Site:
    """An installation of its own with 400 instruments to scan."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.shell(FILL)

    def shell(self, program: str) -> str:
        return manage(self.var, "shell", "--no-imports", "-c", program)

    def start(self) -> "subprocess.Popen[str]":
        """A process that scans."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", SCAN],
            cwd=ROOT,
            env=environment(self.var),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def scanning(self) -> "subprocess.Popen[str]":
        """A process whose scan is stored as running by now."""
        process = self.start()
        assert process.stdout
        assert process.stdout.readline() == "now\n"
        return process

    def stored(self) -> tuple[list[str], list[str]]:
        stored_rows = json.loads(self.shell(FOUND))
        return stored_rows["signals"], stored_rows["outcomes"]

    def forget(self) -> None:
        self.shell(
            "from signals.models import *; Signal.objects.all().delete(); Scan.objects.all().delete();"
            "ScanProgress.objects.all().delete(); StrategyConfig.objects.update(scanned_at=None)"
        )


@pytest.fixture(scope="module")
def site(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as path:
        install(path)
        yield Site(path)


@dataclass(frozen=True)
class Undisturbed:
    """The signals of one undisturbed scan, and how long it took."""

    signals: list[str]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> Undisturbed:
    process, begun = site.scanning(), time.monotonic()
    process.communicate(timeout=60)
    took = time.monotonic() - begun
    signals, outcomes = site.stored()
    assert outcomes == ["finished"]
    assert len(signals) > 20
    return Undisturbed(signals, took)


def test_a_scan_after_killed_ones_finds_the_same_as_if_nothing_had_happened(
    site: Site, undisturbed: Undisturbed
) -> None:
    site.forget()
    for share in (0, 0.3, 0.5):
        killed = site.scanning()
        time.sleep(share * undisturbed.seconds)
        killed.kill()
        killed.communicate()
    for _ in range(2):  # the first leaves out the strategy that the last one died in
        site.start().communicate(timeout=60)
    signals, outcomes = site.stored()
    assert signals == undisturbed.signals
    assert outcomes[0] == "broken"
    assert outcomes[-2:] == ["finished", "finished"]


def test_scans_at_once_raise_each_signal_once(site: Site, undisturbed: Undisturbed) -> None:
    site.forget()
    for process in [site.start() for _ in range(3)]:
        process.communicate(timeout=60)
    signals, outcomes = site.stored()
    assert signals == undisturbed.signals
    assert "finished" in outcomes
