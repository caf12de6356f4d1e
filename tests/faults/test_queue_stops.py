"""Processes of the queue that are stopped, stuck or cut short."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jaxsite.processes.queue.pool import GRACE
from tests.faults.queue import Cluster, Site, cluster, here, site
from tests.faults.queue_settings import TIMEOUT, WORKERS
from tests.jaxsite.processes import eventually, folder

pytestmark = [pytest.mark.slow, pytest.mark.long]

STOPPED_SECONDS = 30.0
STOP_SECONDS = 20.0
IDLE_TRANSACTIONS = 12  # a second
TRANSACTIONS = "SELECT sum(xact_commit + xact_rollback)::float FROM pg_stat_database"


@pytest.fixture(scope="module")
def var(install: Callable[[Path], None]) -> Iterator[Path]:
    with folder() as path:
        install(path)
        yield path


@pytest.fixture
def queue(var: Path) -> Iterator[Site]:
    with site(var) as prepared:
        prepared.rows("TRUNCATE django_q_ormq, django_q_task, begun, ended")
        yield prepared


@pytest.fixture
def running(queue: Site) -> Iterator[Cluster]:
    with cluster(queue) as started:
        yield started


def test_workers_that_are_stopped_while_they_wait_are_replaced(queue: Site, running: Cluster) -> None:
    workers = running.workers()
    for worker in workers:
        worker.suspend()
    assert queue.seconds_to_begin(queue.queue()) < here(STOPPED_SECONDS)
    eventually(lambda: not any(worker.is_running() for worker in workers))
    eventually(running.is_whole)


def test_a_worker_that_is_stopped_while_it_is_its_turn_is_passed_over(queue: Site, running: Cluster) -> None:
    running.workers()[0].suspend()
    assert queue.seconds_to_begin(queue.queue()) < here(STOPPED_SECONDS / 5)


@pytest.mark.parametrize("count", [1, WORKERS])
def test_workers_that_are_stopped_over_a_task_are_ended_at_its_limit(
    queue: Site, running: Cluster, count: int
) -> None:
    names = {queue.queue(func="tests.faults.queue_tasks.stop_its_worker") for _ in range(count)}
    eventually(lambda: all(queue.has_begun(name) for name in names))
    assert queue.seconds_to_begin(queue.queue()) < here(STOPPED_SECONDS)
    eventually(lambda: queue.failed() == names)
    eventually(running.is_whole)
    assert queue.begun_twice() == []


def test_a_clock_that_is_stopped_is_replaced(queue: Site, running: Cluster) -> None:
    clock = running.clock()
    clock.suspend()
    assert queue.seconds_to_begin(queue.queue()) < here(STOPPED_SECONDS / 5)
    eventually(lambda: not clock.is_running())
    eventually(running.is_whole)


def test_a_task_that_outlasts_its_limit_is_killed_and_told(queue: Site, running: Cluster) -> None:
    name = queue.queue(func="tests.faults.queue_tasks.hang")
    assert queue.seconds_to_begin(queue.queue()) < here(10)
    eventually(lambda: name in queue.failed())
    ((result,),) = queue.rows("SELECT result FROM django_q_task WHERE name = %s", name)
    assert result
    eventually(queue.is_settled)


def test_a_task_that_heeds_its_limit_fails_with_it(queue: Site, running: Cluster) -> None:
    name = queue.queue(TIMEOUT + 60)
    eventually(lambda: name in queue.failed())
    eventually(running.is_whole)
    assert name not in queue.ended()


def test_a_stop_queues_a_long_task_again_and_leaves_no_process(queue: Site, running: Cluster) -> None:
    name = queue.queue(60, limit=100)
    eventually(lambda: queue.has_begun(name))
    everyone = running.everyone()
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=60) == 0
    assert GRACE <= time.monotonic() - began < here(STOP_SECONDS)
    assert not [process for process in everyone if process.is_running()]
    assert queue.count("django_q_ormq WHERE lock <= now()") == 1  # it waits
    assert queue.failed() == set()


def test_a_stop_waits_for_a_short_task(queue: Site, running: Cluster) -> None:
    name = queue.queue(2)
    eventually(lambda: queue.has_begun(name))
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=60) == 0
    assert name in queue.ended()
    assert queue.is_settled()


def test_what_a_killed_cluster_ran_is_told_by_the_next_and_not_run_again(
    queue: Site, running: Cluster
) -> None:
    names = {queue.queue(60, limit=100) for _ in range(WORKERS)}
    eventually(lambda: all(queue.has_begun(name) for name in names))
    running.main.kill()
    running.restart()
    eventually(lambda: queue.failed() == names)
    eventually(queue.is_settled)  # a failure is stored before its row goes
    assert queue.begun_twice() == []


def test_what_another_cluster_runs_is_left_to_it(queue: Site, running: Cluster) -> None:
    name = queue.queue(15, limit=100)
    eventually(lambda: queue.has_begun(name))
    running.clock().kill()
    with cluster(queue):
        eventually(lambda: name in queue.ended())
    assert queue.failed() == set()
    assert queue.begun_twice() == []


def test_a_database_that_was_away_costs_no_task(queue: Site, running: Cluster) -> None:
    name = queue.queue(2)
    eventually(lambda: queue.has_begun(name))
    queue.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert queue.seconds_to_begin(queue.queue()) < here(10)
    eventually(queue.is_settled)
    assert queue.begun_twice() == []


def test_an_idle_queue_leaves_the_database_in_peace(queue: Site, running: Cluster) -> None:
    before, began = queue.rows(TRANSACTIONS)[0][0], time.monotonic()
    time.sleep(15)
    rate = (queue.rows(TRANSACTIONS)[0][0] - before) / (time.monotonic() - began)
    assert rate <= IDLE_TRANSACTIONS


def test_the_clock_tells_that_a_task_runs_and_since_when(queue: Site, running: Cluster) -> None:
    name = queue.queue(30, limit=100)
    eventually(lambda: queue.has_begun(name))
    eventually(lambda: queue.count("beats WHERE service = 'faults' AND busy = 1 AND waiting = 2"))
    ((age,),) = queue.rows(
        "SELECT extract(epoch FROM begun.at - busy_since) FROM beats, begun WHERE name = %s", name
    )
    assert abs(age) < here(1)


def test_nothing_survives_the_supervisor(queue: Site, running: Cluster) -> None:
    children = running.children()
    running.main.kill()
    eventually(lambda: not any(is_alive(child) for child in children))


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_sigterm_to_every_process_ends_all_in_order(queue: Site, running: Cluster) -> None:
    name = queue.queue(2)
    eventually(lambda: queue.has_begun(name))
    pids = [str(process.pid) for process in running.everyone()]
    subprocess.run(["kill", *pids], check=False)  # the first may have ended the others
    assert running.process.wait(timeout=60) == 0
    assert name in queue.ended()
