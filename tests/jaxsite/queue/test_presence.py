"""What tells a cluster from others of its name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from jaxsite.processes.queue import claims
from jaxsite.processes.queue.claims import Claim
from jaxsite.processes.queue.presence import Presence, free_instance, lives

pytestmark = pytest.mark.django_db(transaction=True)


def _close() -> None:
    """Close the connection of the thread that calls it."""
    connection.close()


@pytest.fixture
def cluster_7() -> Iterator[None]:
    """Another cluster that lives: a thread has a connection of its own."""
    with ThreadPoolExecutor(1) as other:
        other.submit(Presence("jax", 7).show).result()
        yield
        other.submit(_close).result()


def test_a_cluster_lives_while_it_is_connected(cluster_7: None) -> None:
    assert lives("jax", 7)
    assert not lives("jax", 8)
    assert not lives("slow", 7)


def test_a_new_cluster_is_told_from_the_living_and_from_what_a_dead_one_left(cluster_7: None) -> None:
    """Else it would take the dead one's tasks for its own, and begin them a second time."""
    OrmQ.objects.create(key="jax", payload="a task that had begun", lock=timezone.now())
    assert claims.take("jax", Claim.make(timezone.now(), 5, 0))
    drawn = iter([7, 5, 9])
    assert free_instance("jax", lambda end: next(drawn)) == 9
