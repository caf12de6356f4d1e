"""The stream under load: how old prices are, what it costs, and whether it stays the same size.

A vendor in a process of its own pushes ten messages a second for each of 500 symbols over a socket on
loopback, half of them trades and half of them quotes, while another process streams them into the database.
"""

import json
import subprocess
import sys
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.measure import Result
from benchmarks.tables import execute, instruments, sessions
from market.models import Instrument

SYMBOLS, A_SECOND = 500, 10
LAG = 1.0  # seconds that a price is old when it is written once a second
CORE = 1.0  # of a processor
SETTLED = 1 / 3  # of the time, until every buffer has its size

VENDOR = """
import json, sys, time
from datetime import datetime, UTC
from tests.vendors.streams import AlpacaStream
symbols, a_second, seconds = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
with AlpacaStream() as vendor:
    print(vendor.url, flush=True)
    while len(vendor.subscribed) < len(symbols):
        time.sleep(0.05)
    began, turn, pushed = time.monotonic(), 0, 0
    while time.monotonic() - began < seconds:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        price = round(100 + turn % 50 / 100, 2)
        trade = {"T": "t", "i": turn, "x": "V", "p": price, "s": 100, "t": at, "c": ["@"], "z": "C"}
        book = {"bp": price - 0.01, "bs": 1 + turn % 9, "ap": price + 0.01, "as": 2}
        quote = {"T": "q", "t": at, "c": ["R"], "z": "C", **book}
        for start in range(0, len(symbols), 100):
            part = symbols[start : start + 100]
            vendor.push(*({**(trade if turn % 2 else quote), "S": symbol} for symbol in part))
            pushed += len(part)
        turn += 1
        time.sleep(max(0.0, began + turn / a_second - time.monotonic()))
    print(pushed, flush=True)
    sys.stdin.readline()
"""

STREAMER = """
import asyncio, itertools, json, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from django.conf import settings
from django.db import connection
from django.utils import timezone
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
import psutil
from market.feeds import Source
from market.ingestion.streaming.service import Service
from market.models import Quote
from market.providers.streams import alpaca
values = {"ALPACA_API_KEY": "PKTEST", "ALPACA_API_SECRET": "alpaca-secret", "ALPACA_STREAM_URL": sys.argv[2]}
service = Service(Source("alpaca", "Alpaca", alpaca.build(values, timezone.now)), timezone.now)
# Counted by hundredths of a second: a list of them all would be what grows.
seconds, ages, sizes = float(sys.argv[3]), [0] * 10_000, []

def sample():
    at = timezone.now()
    for as_of in Quote.objects.values_list("as_of", flat=True):
        ages[min(max(int((at - as_of).total_seconds() * 100), 0), len(ages) - 1)] += 1

async def main():
    work = asyncio.ensure_future(service.run())
    while not service.latest.messages:
        await asyncio.sleep(0.05)
    await asyncio.sleep(2)
    cpu, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < seconds - 3:
        await asyncio.sleep(0.37)  # at all moments of a second
        await asyncio.to_thread(sample)
        sizes.append(psutil.Process().memory_info().rss / 2**20)
    cpu = (time.process_time() - cpu) / (time.monotonic() - began)
    await asyncio.sleep(3)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    below = list(itertools.accumulate(ages))
    age = next(number for number, count in enumerate(below) if count >= 0.95 * below[-1]) / 100
    print(json.dumps([age, cpu, sizes, service.latest.messages, dict(service.latest.problems)]))

asyncio.run(main())
"""


@dataclass(frozen=True)
class Run:
    """`age`: of a price, at the 95th percentile, at any moment. `sizes`: of the process, in MB."""

    age: float
    cpu: float
    sizes: list[float]
    came: int
    pushed: int


def load(seconds: int) -> list[Result]:
    """500 symbols at ten messages a second for that long."""
    symbols = instruments(SYMBOLS)
    sessions(timezone.now().replace(hour=0, minute=0, second=0, microsecond=0), days=2)
    Instrument.objects.filter(symbol__in=symbols).update(watched=True)
    try:
        run = _run(symbols, seconds)
    finally:
        Instrument.objects.filter(symbol__in=symbols).update(watched=False)
        execute("TRUNCATE quotes, quote_history, stream_status")
    note = f"{run.came / seconds:,.0f} messages/s"
    settled = run.sizes[int(len(run.sizes) * SETTLED)]
    return [
        Result("stream.load age p95", run.age, LAG, 2.5, note=note),
        Result("stream.load cpu", run.cpu, CORE, 0.6, "cores", note),
        Result("stream.load pushed", run.pushed, max(run.came, 1), 1.01, "", "of those that came"),
        Result("stream.load growth", run.sizes[-1], settled, 1.05, "MB", f"{seconds} s"),
    ]


def _run(symbols: list[str], seconds: int) -> Run:
    name = str(connection.settings_dict["NAME"])
    connection.close()
    command = [sys.executable, "-c", VENDOR, json.dumps(symbols), str(A_SECOND), str(seconds)]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as vendor:
        try:
            assert vendor.stdout is not None
            url = vendor.stdout.readline().strip()
            printed = subprocess.run(
                [sys.executable, "-c", STREAMER, name, url, str(seconds)],
                cwd=settings.BASE_DIR,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=True,
            ).stdout
            age, cpu, sizes, came, problems = json.loads(printed)
            if problems:
                raise AssertionError(f"Messages that made no sense: {problems}")
            return Run(age, cpu, sizes, came, int(vendor.stdout.readline()))
        finally:
            vendor.kill()
