"""How fast the web server answers while strangers hold its connections, beside a quiet moment."""

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
from tests.web import Web, running

HEALTH_SECONDS = 0.250
FEW = 10
REQUESTS = 40


def health(size: int) -> list[Result]:
    """Return p95 of /health while 10 of each kind trickle, and while `size` send nothing, or trickle."""
    crowds: dict[str, tuple[Habit, int]] = {
        "headers": (trickle_a_header, FEW),
        "bodies": (trickle_a_body, FEW),
        "endless": (send_without_end, FEW),
        "readers": (read_nothing, FEW),
        "silent": (be_silent, size),
        "many headers": (trickle_a_header, size),
        "many bodies": (trickle_a_body, size),
    }
    with running() as web:
        return [_beside_a_quiet_moment(web, name, habit, count) for name, (habit, count) in crowds.items()]


def _beside_a_quiet_moment(web: Web, name: str, habit: Habit, count: int) -> Result:
    quiet = _p95(web)
    with strangers(web.port, habit, count):
        held_up = _p95(web)
    return Result(
        f"strangers {name}", held_up, HEALTH_SECONDS, 1.0, note=f"{count:,}; quiet {quiet * 1000:.0f} ms"
    )


def _p95(web: Web) -> float:
    """Each over a connection of its own, as a monitor's."""
    taken = [seconds(lambda: requests.get(f"{web.url}/health", timeout=60)) for _ in range(REQUESTS)]
    return statistics.quantiles(taken, n=20)[-1]
