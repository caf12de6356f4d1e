"""How rows of the queue are taken."""

import pytest
from django_q.models import OrmQ

from jaxsite.processes.queue import claims
from jaxsite.processes.queue.claims import Claim
from tests.make import T0

pytestmark = pytest.mark.django_db


def waiting(at: str = "2024-07-03T14:00Z", key: str = "jax") -> OrmQ:
    return OrmQ.objects.create(key=key, payload="a task", lock=at)


def claim(instance: int = 7, index: int = 1) -> Claim:
    return Claim.make(T0, instance, index)


def test_a_claim_tells_whose_it_is() -> None:
    row = waiting()
    claims.take("jax", claim(instance=8191, index=127))
    row.refresh_from_db()
    assert Claim.of(row) == claim(instance=8191, index=127)
    assert Claim.of(row).instance == 8191


def test_no_two_workers_have_the_same_claim() -> None:
    numbers = {claim(instance, index).number for instance in range(50) for index in range(128)}
    assert len(numbers) == 50 * 128


def test_the_oldest_row_is_taken_once() -> None:
    first, second = waiting(), waiting()
    assert claims.take("jax", claim(index=0)) == (first.pk, "a task")
    assert claims.take("jax", claim(index=1)) == (second.pk, "a task")
    assert claims.take("jax", claim(index=2)) is None


def test_rows_of_other_queues_are_left_alone() -> None:
    waiting(key="slow")
    assert claims.take("jax", claim()) is None


@pytest.mark.parametrize("hour", ["1999-12-31T00:00Z", "2399-01-01T00:00Z"])
def test_a_row_that_was_queued_while_a_clock_was_wrong_is_taken_all_the_same(hour: str) -> None:
    waiting(hour)
    assert claims.take("jax", claim()) is not None


def test_a_row_is_given_back_by_who_has_it_alone() -> None:
    row = waiting()
    claims.take("jax", claim())
    [taken] = claims.taken("jax")
    OrmQ.objects.filter(pk=row.pk).update(lock=claim(index=2).lock)
    claims.queue_again(taken, T0)
    assert claims.taken("jax").count() == 1
    [taken] = claims.taken("jax")
    claims.queue_again(taken, T0)
    assert not claims.taken("jax")
