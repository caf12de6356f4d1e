"""Of many members of any work one is poisoned, at any place: the others are done, once, and it is named."""

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from market.models import Fault
from tests.faults.loops import AT, LOOPS, MINUTE, REFUSALS, poisoned, undone

pytestmark = pytest.mark.django_db
FEW = hypothesis_settings(
    max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def simulated(settings: Settings) -> None:
    settings.CANDLE_TIMEFRAMES, settings.CANDLE_BACKFILL = ["15m"], 10


def is_recorded(name: str) -> bool:
    return Fault.objects.filter(Q(subject__contains=name) | Q(name__contains=name)).exists()


@pytest.mark.parametrize("work", LOOPS)
@FEW
@given(size=st.integers(2, 6), place=st.integers(0, 5), code=st.sampled_from(REFUSALS))
def test_the_others_are_done_once_and_it_is_recorded(work: str, size: int, place: int, code: str) -> None:
    with undone():
        loop = LOOPS[work]
        *names, newcomer = loop.names(size + 1)
        victim = names[place % size]
        others = sorted(set(names) - {victim})
        loop.fill(names)
        with poisoned(loop, victim, code):
            loop.run(AT)
            assert sorted(loop.done()) == others
            assert is_recorded(victim)
            loop.fill([newcomer])
            loop.run(AT + MINUTE)
            assert sorted(loop.done()) == sorted([*others, newcomer])
        loop.run(AT + 6 * MINUTE)
        assert sorted(loop.done()) == sorted([*names, newcomer])
        assert not Fault.objects.exists()
