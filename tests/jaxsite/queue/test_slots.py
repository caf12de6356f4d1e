"""The shared memory of a cluster's processes."""

import os

import pytest

from jaxsite.processes.queue.slots import AWAKE, Ending, Shared, Stage

NOW = 1_000.0


@pytest.fixture
def shared() -> Shared:
    """Three workers that have just shown life."""
    memory = Shared.create(3)
    for index in range(3):
        memory.slots[index].pid, memory.slots[index].beat = 100 + index, NOW
    return memory


def test_a_fork_writes_into_the_same_memory(shared: Shared) -> None:
    pid = os.fork()
    if pid == 0:
        shared.slots[2].claim = 42
        os._exit(0)
    os.waitpid(pid, 0)
    assert shared.slots[2].claim == 42


def test_one_of_those_that_wait_asks(shared: Shared) -> None:
    assert [shared.is_turn_of(index, NOW) for index in range(3)] == [True, False, False]


@pytest.mark.parametrize("stage", [Stage.TAKEN, Stage.BEGUN])
def test_the_next_asks_while_the_first_has_a_task(shared: Shared, stage: Stage) -> None:
    shared.slots[0].stage = stage
    assert shared.is_turn_of(1, NOW)
    assert not shared.is_turn_of(2, NOW)


def test_the_next_asks_when_the_first_has_died(shared: Shared) -> None:
    shared.slots[0].pid = 0
    assert shared.is_turn_of(1, NOW)


def test_the_next_asks_when_the_first_shows_no_life(shared: Shared) -> None:
    shared.slots[1].beat = NOW + AWAKE
    assert shared.is_turn_of(1, NOW + AWAKE)


def test_one_that_waits_is_silent_after_its_patience(shared: Shared) -> None:
    slot = shared.slots[0]
    slot.patience = 20
    assert not slot.is_silent(NOW + 20)
    assert slot.is_silent(NOW + 20.1)


def test_one_with_a_task_is_overdue_after_its_deadline_and_never_silent(shared: Shared) -> None:
    slot = shared.slots[0]
    slot.deadline = NOW + 300
    assert not slot.is_overdue(NOW + 299)
    assert not slot.is_silent(NOW + 299)
    assert slot.is_overdue(NOW + 301)


def test_a_slot_is_free_when_its_worker_is_gone_and_its_task_settled(shared: Shared) -> None:
    slot = shared.slots[0]
    slot.pid, slot.ending = 0, Ending.DIED
    assert not slot.is_free()
    slot.ending = Ending.NONE
    assert slot.is_free()
