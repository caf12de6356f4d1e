import pytest
from django.utils import timezone
from django_q.models import OrmQ

from opinions import queue, tasks
from opinions.models import OrchestrationRun
from tests import make

Status, Trigger = OrchestrationRun.Status, OrchestrationRun.Trigger


@pytest.mark.django_db(transaction=True)
def test_the_task_tells_the_analyst_what_is_held() -> None:
    make.ready()
    make.held("AAPL", 42)
    run, _ = queue.request("AAPL", timezone.now(), trigger=Trigger.MANUAL, analyst="rules")
    tasks.work()
    run.refresh_from_db()
    assert run.status == Status.COMPLETED
    assert run.inputs is not None
    assert run.inputs["positions"] == [{"symbol": "AAPL", "quantity": 42, "average_price": 185.5}]


@pytest.mark.django_db
def test_asking_about_every_instrument_queues_the_task_that_works_on_it() -> None:
    make.only("AAPL", "MSFT")
    tasks.start_all()
    assert set(OrchestrationRun.objects.values_list("symbol", flat=True)) == {"AAPL", "MSFT"}
    assert [row.func() for row in OrmQ.objects.all()] == [f"{tasks.__name__}.{tasks.work.__name__}"]
