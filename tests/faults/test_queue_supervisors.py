"""Main processes that are stopped, under `manage.py serve` and under systemd: the work goes on meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from jaxsite.processes.notify import ALIVE, EVERY, READY
from jaxsite.processes.runner.runner import SILENT
from tests.faults.queue import Site, cluster, here, site
from tests.jaxsite.processes import ROOT, eventually, folder, free_port

pytestmark = [pytest.mark.slow, pytest.mark.long]

REPLACED_SECONDS = 60.0  # until a main process that was stopped is replaced, and its queue's next task starts
IDLE_SECONDS, MAIN_SECONDS = 1.0, 10.0  # until the next task starts
STOP_SECONDS = 20.0
KEYS = ("jax", "slow")  # of the queues of the services


@pytest.fixture
def queue(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as var:
        install(var)
        with site(var) as prepared:
            yield prepared


class Served:
    """`manage.py serve`: the runner with the web server and both clusters."""

    def __init__(self, queue: Site) -> None:
        self.queue = queue
        self.port = free_port()
        environment = {name: value for name, value in queue.environment.items() if name != "Q_CLUSTER_NAME"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment | {"PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.runner = psutil.Process(self.process.pid)

    def services(self) -> dict[str, psutil.Process]:
        """The main processes by their names in the Procfile."""
        with suppress(psutil.NoSuchProcess):
            return {name_of(child): child for child in self.runner.children()}
        return {}

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/health", timeout=30).ok
        return False

    def runs(self) -> bool:
        """Whether the web server answers and both clusters take tasks."""
        names = [self.queue.queue(key=key) for key in KEYS]
        eventually(lambda: all(self.queue.has_begun(name) for name in names))
        eventually(self.answers)
        return True


def name_of(service: psutil.Process) -> str:
    if "jaxsite.web" in service.cmdline():
        return "web"
    if "stream" in service.cmdline():
        return "stream"
    return service.environ().get("Q_CLUSTER_NAME", "worker") if "qcluster" in service.cmdline() else "starts"


@pytest.fixture
def served(queue: Site) -> Iterator[Served]:
    started = Served(queue)
    try:
        assert started.runs()
        yield started
    finally:
        left = (
            [started.runner, *started.runner.children(recursive=True)] if started.runner.is_running() else []
        )
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        started.process.wait()


def test_stopped_main_processes_are_replaced_and_their_work_goes_on(queue: Site, served: Served) -> None:
    stopped = served.services()
    assert stopped.keys() == {"web", "worker", "slow", "stream"}
    for process in stopped.values():
        process.suspend()
    began = time.monotonic()
    for key in KEYS:
        assert queue.seconds_to_begin(queue.queue(key=key)) < here(MAIN_SECONDS)
    assert served.answers()
    eventually(lambda: not any(process.is_running() for process in stopped.values()), seconds=180)
    assert served.runs()
    assert time.monotonic() - began < here(REPLACED_SECONDS)
    assert queue.begun_twice() == []


def test_a_killed_stream_is_started_again_and_prices_are_seconds_old(queue: Site, served: Served) -> None:
    def streams_again() -> bool:
        fresh = "stored_at > clock_timestamp() - '5 s'::interval"
        return bool(queue.count(f"stream_status WHERE state = 'live' AND since > %s AND {fresh}", killed_at))

    ((killed_at,),) = queue.rows("SELECT clock_timestamp() - '1 hour'::interval")
    eventually(streams_again)
    before = served.services()
    ((killed_at,),) = queue.rows("SELECT clock_timestamp()")
    before["stream"].kill()
    eventually(streams_again)
    after = served.services()
    assert after["stream"] != before["stream"]
    assert {name: after[name] for name in ("web", "worker", "slow")} == {
        name: before[name] for name in ("web", "worker", "slow")
    }
    assert queue.count("beats WHERE service = 'stream' AND beat_at > %s", killed_at)


def test_a_runner_that_was_stopped_blames_nobody_for_its_own_silence(queue: Site, served: Served) -> None:
    before = served.services()
    served.runner.suspend()
    time.sleep(SILENT + EVERY)
    assert served.runs()
    served.runner.resume()
    before["slow"].kill()
    eventually(lambda: served.services().get("slow", before["slow"]) != before["slow"])
    assert {name: served.services()[name] for name in ("web", "worker")} == {
        name: before[name] for name in ("web", "worker")
    }


def test_a_stop_with_long_tasks_in_both_queues_ends_in_time_and_leaves_nothing(
    queue: Site, served: Served
) -> None:
    names = {queue.queue(60, limit=100, key=key) for key in KEYS}
    eventually(lambda: all(queue.has_begun(name) for name in names))
    everything = [served.runner, *served.runner.children(recursive=True)]
    began = time.monotonic()
    served.process.terminate()
    assert served.process.wait(timeout=180) == 0
    assert time.monotonic() - began < here(STOP_SECONDS)
    assert not [process for process in everything if process.is_running()]
    waiting = queue.count("django_q_ormq WHERE lock <= clock_timestamp() AND key = ANY(%s)", list(KEYS))
    assert waiting >= len(names)
    assert not names & (queue.failed() | queue.ended())


@pytest.fixture
def systemd() -> Iterator[socket.socket]:
    """The socket of a unit with Type=notify. Its address is short: it may have at most 107 bytes."""
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(f"{place}/notify")
        yield ours


def test_systemd_hears_nothing_from_a_stopped_main_process_and_restarts_it(
    queue: Site, systemd: socket.socket
) -> None:
    queue.environment["NOTIFY_SOCKET"] = systemd.getsockname()
    with cluster(queue) as running:
        systemd.settimeout(here(2 * EVERY))
        assert [systemd.recv(100) for _ in range(3)] == [READY, ALIVE, ALIVE]
        running.main.suspend()
        heard: list[bytes] = []
        with suppress(TimeoutError):
            while len(heard) < 3:
                heard.append(systemd.recv(100))
        assert len(heard) < 3  # what was on its way, and then nothing
        assert queue.seconds_to_begin(queue.queue()) < here(IDLE_SECONDS)
        for number in (signal.SIGABRT, signal.SIGCONT):  # as systemd does when WatchdogSec has passed
            os.kill(running.main.pid, number)
        running.restart()
        assert queue.seconds_to_begin(queue.queue()) < here(MAIN_SECONDS)
        assert systemd.recv(100) == READY
    assert queue.begun_twice() == []
