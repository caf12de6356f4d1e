"""Members that no row of SQL can poison: parts of the doctor and of monitoring, tables, addresses."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from approvals import notify
from approvals import tasks as approvals_tasks
from approvals.models import Delivery, Notification
from jaxsite import tasks as site_tasks
from jaxsite.models import Beat
from jaxsite.monitoring import health
from jaxsite.monitoring.metrics import collector
from market import doctor, faults
from market import tasks as market_tasks
from market.doctor import Finding
from market.models import Fault, IngestionRun, Instrument
from signals.models import StrategyConfig
from tests import make
from tests.approvals.listener import Listener
from tests.clock import NOW
from tests.faults.loops import refuse_rows

pytestmark = pytest.mark.django_db
ERRORS = [
    ValueError("no number"),
    KeyError("close"),
    ZeroDivisionError("by zero"),
    RecursionError("too deep"),
]


@pytest.fixture(params=ERRORS, ids=lambda error: type(error).__name__)
def error(request: pytest.FixtureRequest) -> Exception:
    chosen: Exception = request.param
    return chosen


def test_a_part_of_the_doctor_that_breaks_hides_no_other(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(at: datetime) -> Iterator[Finding]:
        raise error

    monkeypatch.setattr(doctor, "MORE", [broken, *doctor.MORE])
    findings = list(doctor.examine(make.T0))
    assert [finding.about for finding in findings if "cannot be examined" in finding.text] == [__name__]
    assert {"strategies", "refused rows", "gaps"} <= {finding.about for finding in findings}


def test_a_run_that_the_doctor_cannot_read_hides_no_other_finding() -> None:
    IngestionRun.objects.create(kind="quotes", outcome="finished", started_at=make.T0, rejected={"odd": 3})
    findings = {finding.about: finding for finding in doctor.examine(make.T0)}
    assert "cannot be examined" in findings["refused rows"].text
    assert "strategies" in findings


def test_a_topic_of_metrics_that_breaks_hides_no_other(
    client: Client, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(at: datetime) -> collector.Topic:
        raise error

    monkeypatch.setitem(collector.TOPICS, "odd", broken)
    page = client.get("/metrics", headers={"accept": "text/plain"}).content.decode()
    assert 'jax_metrics_unreadable{topic="odd"} 1.0' in page
    assert 'jax_metrics_unreadable{topic="market"} 0.0' in page
    assert "jax_market_symbols" in page


def test_a_check_that_breaks_hides_no_other(settings: Settings) -> None:
    settings.STALE_QUOTE_SECONDS = "soon"
    checks = {check.name: check for check in health.run_checks(make.T0)}
    assert checks["quotes"].status == health.Status.DEGRADED
    assert "cannot be checked" in checks["quotes"].message
    assert {"symbols", "strategies", "trading", "bars"} <= checks.keys()


def test_a_part_of_the_status_page_that_breaks_hides_no_other(client: Client) -> None:
    for asked in (3, "many"):
        figures = {"alpaca": {"asked": asked}}
        IngestionRun.objects.create(kind="quotes", outcome="finished", started_at=NOW, providers=figures)
    client.force_login(make.trader())
    page = client.get("/status/").content.decode()
    assert "Cannot be shown: providers." in page
    assert "Last cycles" in page


@pytest.mark.parametrize(
    ("prune", "poisoned", "other"),
    [
        (market_tasks.prune, "quote_history", IngestionRun),
        (site_tasks.prune, "django_q_task", Beat),
        (approvals_tasks.prune, "account_snapshots", Notification),
    ],
)
def test_a_table_that_cannot_be_pruned_keeps_no_other(prune: object, poisoned: str, other: type) -> None:
    old = NOW.replace(year=NOW.year - 5)
    IngestionRun.objects.create(kind="quotes", outcome="finished", started_at=old)
    Beat.objects.create(service="worker", host="gone", beat_at=old, waiting=0)
    notify.put(Notification.Kind.GATE, "old", "The gate is open again.", old)
    with connection.cursor() as cursor:
        cursor.execute(REFUSE.format(table=poisoned))
    assert callable(prune)
    prune()
    assert not other.objects.exists()  # type: ignore[attr-defined]  # a model
    assert Fault.objects.get().work == Fault.Work.PRUNE


REFUSE = """
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not to be deleted' USING ERRCODE = '23001'; END $$;
CREATE TRIGGER keeps BEFORE DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION keep()
"""


def test_a_step_of_the_nightly_task_that_breaks_keeps_no_other() -> None:
    make.instrument("FB")
    make.candle("FB", "2024-06-28", 100.0)
    make.action("FB", kind="symbol change", new_symbol="META")
    make.instrument("TWTR")
    make.action("TWTR", kind="delisting")
    with refuse_rows("provider_status"):
        market_tasks.corporate_actions()
    assert set(Fault.objects.values_list("work", "subject")) == {
        ("step", "corporate actions"),
        ("step", "earnings dates"),
    }
    assert {"META", "TWTR"} <= set(Instrument.objects.values_list("pk", flat=True))
    assert Instrument.objects.get(pk="TWTR").delisting_followed


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_address_whose_plug_in_raises_keeps_no_other(place: int, settings: Settings) -> None:
    from apprise import NotifyBase
    from apprise.manager_plugins import NotificationManager

    class Broken(NotifyBase):  # type: ignore[no-untyped-call]  # Apprise's
        @staticmethod
        def parse_url(url: str, *_: Any, **__: Any) -> Any:
            raise KeyError(url)

    manager: Any = NotificationManager()  # type: ignore[no-untyped-call]  # Apprise's
    manager.add(Broken, schemas="broken", force=True)
    try:
        with Listener() as listener:
            urls = [listener.url("/a"), listener.url("/b")]
            urls.insert(place, "broken://secret")
            settings.NOTIFY_URLS = urls
            notify.put(Notification.Kind.GATE, "gate", "The gate is open again.", make.T0)
            notify.send(make.T0)
            assert sorted(listener.paths) == ["/a", "/b"]
    finally:
        manager.remove("broken")
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["sent", "sent", "waiting"]


def test_one_kind_of_messages_that_breaks_keeps_no_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications ADD CONSTRAINT odd CHECK (kind <> 'strategy_failed')")
    StrategyConfig.objects.update(failing_since=NOW, failures=1, failure="KeyError: 'close'")
    calendar = {Fault.Work.SESSIONS: "XTKS"}
    faults.record({faults.key(work, name): "no" for work, name in calendar.items()}, NOW)
    Fault.objects.update(failures=Fault.PATIENCE)
    approvals_tasks.send_notifications()
    assert Notification.objects.get().kind == Notification.Kind.SYMBOL_FAILED
    assert Fault.objects.filter(work="message", subject="messages about strategies").exists()
