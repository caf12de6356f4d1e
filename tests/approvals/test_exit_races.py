"""Many want out at once: one closing, one cancel."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from approvals import exits
from approvals.models import AuditEvent, Order, OrderDecision
from tests import make
from tests.approvals.test_decision_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 12


def tried(act: Callable[[], object]) -> Callable[[], int]:
    """1 when it was done, 0 when it was refused."""

    def attempt() -> int:
        try:
            act()
        except exits.ExitRefused:
            return 0
        return 1

    return attempt


def test_of_many_that_close_a_position_one_does() -> None:
    trader, now = make.trader(), timezone.now()
    make.only("AAPL", calendar="24/7")
    make.held("AAPL", 10)
    close = tried(lambda: exits.close("AAPL", by=trader, at=now))
    assert Counter(at_once([close] * PEOPLE)) == {1: 1, 0: PEOPLE - 1}
    assert Order.objects.filter(kind="close").count() == OrmQ.objects.count() == 1


@pytest.mark.parametrize("status", ["held", "submitted"])
def test_of_many_that_cancel_or_drop_an_order_one_does(status: str) -> None:
    trader, now = make.trader(), timezone.now()
    order = make.order("AAPL", status=status)
    cancel = tried(lambda: exits.cancel(order, by=trader, at=now))
    drop = tried(lambda: exits.drop(order, by=trader, at=now))
    assert sum(at_once([cancel, drop] * (PEOPLE // 2))) == 1
    assert OrderDecision.objects.count() == AuditEvent.objects.count() == 1
