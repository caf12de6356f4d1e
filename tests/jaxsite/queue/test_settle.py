"""What becomes of tasks whose worker is gone."""

import time

import pytest
from django.utils import timezone
from django_q.models import Failure, OrmQ
from django_q.signing import SignedPackage

from jaxsite.processes.queue import claims
from jaxsite.processes.queue.claims import Claim
from jaxsite.processes.queue.results import Queue
from jaxsite.processes.queue.settle import LATE, Strays, settle
from jaxsite.processes.queue.slots import Ending, Shared, Slot, Stage
from tests.make import T0

pytestmark = pytest.mark.django_db(transaction=True)  # django-q2 closes connections


def queued(name: str = "sweep") -> OrmQ:
    task = {"id": name, "name": name, "func": "signals.tasks.sweep", "args": (), "kwargs": {}}
    payload = SignedPackage.dumps(task | {"ack_failure": True, "started": timezone.now()})
    return OrmQ.objects.create(key="jax", payload=payload, lock=T0)


@pytest.fixture
def shared() -> Shared:
    return Shared.create(3)


def took(shared: Shared, ending: Ending, stage: Stage) -> Slot:
    """The slot of a worker that took a row and then ended."""
    slot = shared.slots[0]
    claim = Claim.make(T0, shared.instance, 0)
    claims.take("jax", claim)
    slot.claim, slot.stage, slot.ending, slot.ended = claim.number, stage, ending, time.monotonic()
    return slot


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(Ending.DIED, "Its worker died"), (Ending.OVERDUE, "It did not end within its limit")],
)
def test_a_task_that_had_begun_is_a_failure(shared: Shared, ending: Ending, reason: str) -> None:
    queued()
    slot = took(shared, ending, Stage.BEGUN)
    settle(slot, T0, Queue("jax"))
    assert Failure.objects.get(name="sweep").result.startswith(reason)
    assert not OrmQ.objects.exists()
    assert slot.is_free()


@pytest.mark.parametrize(
    ("ending", "stage"), [(Ending.DIED, Stage.TAKEN), (Ending.CUT, Stage.BEGUN), (Ending.DIED, Stage.WAITING)]
)
def test_a_task_that_had_not_begun_or_was_cut_by_a_stop_is_queued_again(
    shared: Shared, ending: Ending, stage: Stage
) -> None:
    row = queued()
    slot = took(shared, ending, stage)
    settle(slot, T0, Queue("jax"))
    row.refresh_from_db()
    assert row.lock == T0
    assert not Failure.objects.exists()
    assert slot.is_free()


def test_a_claim_without_a_row_is_kept_until_the_server_must_have_answered(shared: Shared) -> None:
    slot = took(shared, Ending.DIED, Stage.WAITING)
    settle(slot, T0, Queue("jax"))
    assert not slot.is_free()
    slot.ended -= LATE
    settle(slot, T0, Queue("jax"))
    assert slot.is_free()


def test_a_task_that_cannot_be_read_is_dropped(shared: Shared) -> None:
    OrmQ.objects.create(key="jax", payload="of another release", lock=T0)
    settle(took(shared, Ending.DIED, Stage.BEGUN), T0, Queue("jax"))
    assert not OrmQ.objects.exists()


def test_a_task_whose_hook_is_forged_fails_without_it(shared: Shared) -> None:
    row = queued()
    row.payload = SignedPackage.dumps(row.task | {"hook": "os.mkdir", "ack_failure": True})
    row.save()
    settle(took(shared, Ending.DIED, Stage.BEGUN), T0, Queue("jax"))
    assert Failure.objects.get(name="sweep").hook is None


def look_twice(shared: Shared) -> None:
    strays = Strays()
    strays.settle(shared, T0, Queue("jax"))
    strays.settle(shared, T0, Queue("jax"))


def test_what_a_killed_cluster_left_is_a_failure(shared: Shared) -> None:
    queued()
    claims.take("jax", Claim.make(T0, shared.instance ^ 1, 0))
    look_twice(shared)
    assert Failure.objects.get(name="sweep").result == "The cluster was killed while it ran."
    assert not OrmQ.objects.exists()


def test_what_was_taken_after_its_worker_had_died_is_queued_again(shared: Shared) -> None:
    queued()
    claims.take("jax", Claim.make(T0, shared.instance, 5))
    look_twice(shared)
    assert not claims.taken("jax").exists()
    assert not Failure.objects.exists()


def test_what_a_worker_has_is_left_alone(shared: Shared) -> None:
    queued()
    took(shared, Ending.NONE, Stage.BEGUN)
    look_twice(shared)
    assert claims.taken("jax").exists()


def test_one_look_settles_nothing(shared: Shared) -> None:
    queued()
    claims.take("jax", Claim.make(T0, shared.instance ^ 1, 0))
    Strays().settle(shared, T0, Queue("jax"))
    assert claims.taken("jax").exists()
