"""kill -9 of the queue's processes at random, two hundred times: a dead one costs seconds and no task.

The limits are for the worst wait of all, not for the usual one.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.queue import Cluster, Site, cluster, here, is_called, site
from tests.jaxsite.processes import eventually, folder

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS = 25  # for each seed
# Until the next task starts; that of a full queue, too, whichever process was killed.
IDLE_SECONDS, MAIN_SECONDS, FULL_SECONDS = 1.0, 10.0, 10.0
TASKS, TASK_SECONDS = 25, 0.1  # what is queued at each kill of a busy cluster


@pytest.fixture
def queue(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as var:
        install(var)
        with site(var) as prepared:
            yield prepared


def kill_one(cluster: Cluster, choose: random.Random) -> str:
    """Kill a process of the cluster, the main one now and then, as a supervisor would see it; its kind."""
    eventually(cluster.is_whole)
    main, *children = cluster.everyone()
    victim = main if choose.random() < 0.12 else choose.choice(children)
    kind = "main" if victim is main else "clock" if is_called(victim, "clock") else "worker"
    victim.kill()
    if victim is main:
        cluster.restart()
    return kind


@pytest.mark.parametrize("seed", range(4))
def test_the_next_task_of_an_idle_queue_starts_at_once(queue: Site, seed: int) -> None:
    choose, waits = random.Random(seed), {"main": [0.0], "clock": [0.0], "worker": [0.0]}
    with cluster(queue) as running:
        for _ in range(KILLS):
            time.sleep(choose.random() / 5)  # at any moment of the beat
            kind = kill_one(running, choose)
            waits[kind].append(queue.seconds_to_begin(queue.queue()))
        eventually(queue.is_settled)
    assert max(waits["worker"] + waits["clock"]) < here(IDLE_SECONDS)
    assert max(waits["main"]) < here(MAIN_SECONDS)
    assert queue.begun_twice() == []


@pytest.mark.parametrize("seed", range(4))
def test_no_task_of_a_full_queue_is_lost_or_begun_twice(queue: Site, seed: int) -> None:
    choose, names, waits = random.Random(seed), set(), []
    with cluster(queue) as running:
        for _ in range(KILLS):
            names |= {queue.queue(TASK_SECONDS) for _ in range(TASKS)}
            time.sleep(choose.random() / 3)
            kill_one(running, choose)
            waits.append(queue.seconds_to_the_next())
        eventually(queue.is_settled)
    ended, failed = queue.ended(), queue.failed()
    assert max(waits) < here(FULL_SECONDS)
    assert queue.begun_twice() == []
    assert names - ended - failed == set()
    assert len(failed) <= 4 * KILLS  # three workers and the one that a task may be counted again in
    assert queue.count("django_q_ormq") == 0
