"""How fast the web server answers while strangers hold its connections, beside a quiet moment."""

import shutil
import statistics

import requests

from benchmarks.measure import Result, seconds
from tests.strangers import (
    Habit,
    be_silent,
    read_nothing,
    send_without_end,
    strangers,
    trickle_a_body,
    trickle_a_header,
)
from tests.web import behind, running

HEALTH_SECONDS = 0.250
FEW = 10
REQUESTS = 40


PROXIES = ("nginx", "caddy")


def health(size: int) -> list[Result]:
    """Return p95 of /health while 10 of each kind trickle, and while `size` send nothing, or trickle.

    Directly, and through each documented proxy that is installed.
    """
    crowds: dict[str, tuple[Habit, int]] = {
        "headers": (trickle_a_header, FEW),
        "bodies": (trickle_a_body, FEW),
        "endless": (send_without_end, FEW),
        "readers": (read_nothing, FEW),
        "silent": (be_silent, size),
        "many headers": (trickle_a_header, size),
        "many bodies": (trickle_a_body, size),
    }
    results = []
    with running() as web:
        for name, (habit, count) in crowds.items():
            results.append(_beside_a_quiet_moment(web.port, f"strangers {name}", habit, count))
        for proxy in filter(shutil.which, PROXIES):
            with behind(proxy, web) as port:
                for name, (habit, count) in crowds.items():
                    results.append(_beside_a_quiet_moment(port, f"strangers {name}, {proxy}", habit, count))
    return results


def _beside_a_quiet_moment(port: int, name: str, habit: Habit, count: int) -> Result:
    quiet = _p95(port, "/health")
    with strangers(port, habit, count):
        held_up, page = _p95(port, "/health"), _p95(port, "/login/")
    note = f"{count:,}; quiet {quiet * 1000:.0f} ms, a page {page * 1000:.0f} ms"
    return Result(name, held_up, HEALTH_SECONDS, 1.0, note=note)


def _p95(port: int, path: str) -> float:
    """Each over a connection of its own, as a monitor's."""
    address = f"http://127.0.0.1:{port}{path}"
    taken = [seconds(lambda: requests.get(address, timeout=60)) for _ in range(REQUESTS)]
    return statistics.quantiles(taken, n=20)[-1]
