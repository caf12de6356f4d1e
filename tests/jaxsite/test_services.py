"""The services' signs of life: in health, doctor and metrics."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from jaxsite.models import Beat
from jaxsite.monitoring import heartbeat, queues, services
from jaxsite.processes.beats import write_beat
from jaxsite.tasks import prune
from market import doctor
from tests import make
from tests.clock import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def both() -> None:
    make.beats(NOW)


def checks(client: Client, address: str = "/health") -> dict[str, Any]:
    checks: dict[str, Any] = client.get(address).json()["checks"]
    return checks


def silent_since(service: str, minutes: float) -> None:
    Beat.objects.filter(service=service).update(beat_at=NOW - timedelta(minutes=minutes))


def test_each_is_named_with_the_age_of_its_last_work(client: Client) -> None:
    assert checks(client)["process_slow"] == {
        "status": "healthy",
        "message": "It lives: 0 at work, 3 free. Its last task ended 20 s ago.",
    }


def test_the_web_server_tells_when_it_last_answered(client: Client) -> None:
    beat = Beat.objects.create(service="web", host="here", beat_at=NOW)
    assert checks(client)["process_web"]["message"] == "It lives."
    beat.finished_at = NOW - timedelta(seconds=4)
    beat.save()
    assert checks(client)["process_web"]["message"] == "It lives. It last finished work 4 s ago."


def test_a_long_task_is_work_and_not_silence(client: Client) -> None:
    Beat.objects.filter(service="slow").update(busy=1, waiting=2, busy_since=NOW - timedelta(hours=1))
    assert checks(client)["process_slow"] == {
        "status": "healthy",
        "message": "It lives: 1 at work, the longest since 3600 s, 2 free. Its last task ended 20 s ago.",
    }


def test_a_stopped_slow_worker_is_seen_after_two_minutes(client: Client) -> None:
    silent_since("slow", 1.9)
    assert checks(client)["process_slow"]["status"] == "healthy"
    silent_since("slow", 2.1)
    check = checks(client)["process_slow"]
    assert check["status"] == "degraded"
    assert "No sign of life since" in check["message"]
    assert "Q_CLUSTER_NAME=slow python manage.py qcluster" in check["message"]


def test_a_sign_of_life_from_the_future_counts_for_nothing(client: Client) -> None:
    silent_since("worker", -60)
    assert checks(client)["process_worker"]["status"] == "degraded"


def test_one_that_was_stopped_in_order_is_seen_at_once(client: Client) -> None:
    Beat.objects.filter(service="worker").update(stopped=True)
    assert "It was stopped at" in checks(client)["process_worker"]["message"]


def test_one_that_never_ran_is_missed(client: Client) -> None:
    Beat.objects.all().delete()
    assert "no sign of life yet" in checks(client)["process_worker"]["message"]


def test_another_host_s_silence_is_told_for_an_hour(client: Client) -> None:
    there = Beat.objects.create(service="slow", host="there", beat_at=NOW - timedelta(minutes=59))
    assert "On there no sign of life since" in checks(client)["process_slow"]["message"]
    Beat.objects.filter(pk=there.pk).update(beat_at=NOW - timedelta(minutes=61))
    assert checks(client)["process_slow"]["status"] == "healthy"


def test_a_host_that_was_stopped_in_order_is_no_reason_to_worry(client: Client) -> None:
    Beat.objects.create(service="slow", host="there", beat_at=NOW - timedelta(minutes=10), stopped=True)
    assert checks(client)["process_slow"]["status"] == "healthy"


@pytest.mark.parametrize("name", ["worker", "slow"])
def test_a_supervisor_gets_503_for_the_one_it_asks_for(client: Client, name: str) -> None:
    assert client.get(f"/health?for={name}").status_code == 200
    silent_since(name, 3)
    assert client.get(f"/health?for={name}").status_code == 503
    assert client.get("/health").status_code == 200
    other = {"worker": "slow", "slow": "worker"}[name]
    assert client.get(f"/health?for={other}").status_code == 200


def test_a_supervisor_behind_a_proxy_is_told_the_status_alone(client: Client) -> None:
    silent_since("worker", 3)
    answer = client.get("/health?for=worker", headers={"X-Forwarded-For": "192.0.2.1"})
    assert (answer.status_code, answer.json()) == (503, {"status": "unhealthy"})


@pytest.mark.parametrize("name", ["bridge", "worker\0", "x" * 10_000])
def test_a_service_that_there_is_not_is_refused(client: Client, name: str) -> None:
    assert client.get("/health", {"for": name}).status_code == 400


def test_the_doctor_says_what_to_start() -> None:
    silent_since("slow", 3)
    assert services.findings in doctor.MORE
    findings = {finding.about: finding for finding in services.findings(NOW)}
    assert findings["process worker"].advice == ""
    assert "qcluster" in findings["process slow"].advice


def test_metrics_name_them(client: Client) -> None:
    silent_since("slow", 3)
    text = client.get("/metrics", headers={"Accept": "text/plain"}).content.decode()
    assert 'jax_service_up{service="worker"} 1.0' in text
    assert 'jax_service_up{service="slow"} 0.0' in text
    assert 'jax_service_busy_workers{host="here",service="worker"} 0.0' in text
    assert client.get("/metrics").json()["slow_up"] is False


@pytest.mark.parametrize(("key", "service", "patience"), [("jax", "worker", 120), ("slow", "slow", 3600)])
def test_a_task_that_waits_for_long_is_told_by_the_name_of_its_queue(
    client: Client, key: str, service: str, patience: int
) -> None:
    assert checks(client)[f"queue_{service}"] == {"status": "healthy", "message": "Nothing waits."}
    for seconds, status in ((patience - 30, "healthy"), (patience + 30, "degraded")):
        OrmQ.objects.create(key=key, payload="", lock=NOW - timedelta(seconds=seconds))
        check = checks(client)[f"queue_{service}"]
        assert check["status"] == status
        assert check["message"].startswith(f"The oldest task that waits has done so for {seconds} s.")
    findings = {finding.about: bool(finding.advice) for finding in queues.findings(NOW)}
    assert findings == {"queue slow": service == "slow", "queue worker": service == "worker"}
    text = client.get("/metrics", headers={"Accept": "text/plain"}).content.decode()
    assert f'jax_queue_oldest_task_seconds{{service="{service}"}} {patience + 30}.0' in text


def test_a_task_that_is_worked_on_does_not_wait(client: Client) -> None:
    OrmQ.objects.create(key="slow", payload="", lock=NOW + timedelta(days=365_000))
    assert client.get("/metrics").json()["slow_oldest_task_seconds"] == 0


def test_a_queue_that_nobody_works_on_is_told_too(client: Client) -> None:
    OrmQ.objects.create(key="of-before", payload="", lock=NOW - timedelta(hours=2))
    assert checks(client)["queue_of-before"]["status"] == "degraded"


def test_the_beat_of_a_service_to_come_is_all_that_names_it(client: Client) -> None:
    write_beat("streams", NOW - timedelta(minutes=3))
    assert checks(client)["process_streams"]["status"] == "degraded"
    assert "process streams" in {finding.about for finding in services.findings(NOW) if finding.advice}
    text = client.get("/metrics", headers={"Accept": "text/plain"}).content.decode()
    assert 'jax_service_up{service="streams"} 0.0' in text
    assert not heartbeat.ping(NOW)


def test_hosts_that_are_gone_are_forgotten_after_a_month() -> None:
    Beat.objects.create(service="slow", host="there", beat_at=timezone.now() - timedelta(days=31))
    prune()
    assert not Beat.objects.filter(host="there").exists()
    assert len(services.read()) == 2
