"""Signs of life of the services: how they are stored."""

import socket
from datetime import timedelta

import pytest

from jaxsite.models import Beat
from jaxsite.processes.beats import write_beat
from tests.make import T0

pytestmark = pytest.mark.django_db


def test_a_service_has_one_row_for_each_host() -> None:
    write_beat("worker", T0, waiting=3)
    write_beat("worker", T0 + timedelta(seconds=10), waiting=2, busy=1, busy_since=T0)
    write_beat("slow", T0)
    beat = Beat.objects.get(service="worker", host=socket.gethostname())
    assert (beat.beat_at, beat.waiting, beat.busy) == (T0 + timedelta(seconds=10), 2, 1)
    assert beat.busy_since == T0
    assert Beat.objects.count() == 2


def test_a_restarted_service_does_not_forget_when_it_last_finished_work() -> None:
    write_beat("worker", T0, finished_at=T0)
    write_beat("worker", T0 + timedelta(minutes=1))
    assert Beat.objects.get().finished_at == T0


def test_it_is_fresh_until_it_is_silent_or_stops_in_order() -> None:
    write_beat("worker", T0)
    assert Beat.objects.get().is_fresh(T0 + timedelta(seconds=119))
    assert not Beat.objects.get().is_fresh(T0 + timedelta(seconds=121))
    assert not Beat.objects.get().is_fresh(T0 - timedelta(seconds=121))
    write_beat("worker", T0, stopped=True)
    assert not Beat.objects.get().is_fresh(T0)
