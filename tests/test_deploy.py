"""What is shipped to run Jax elsewhere: container, compose file, units, monitoring."""

import configparser
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import environ
import pytest
import yaml
from compose_spec import PyOptions
from compose_spec.models import ComposeSpecification
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from market.ingestion import cycle
from signals.models import Scan
from tests import make

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def compose(text: str = COMPOSE) -> ComposeSpecification:
    read = PyOptions(apply_merge=True).from_yaml(text)
    read.validate()
    return read.to_spec()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    defined = json.loads(compose().model_dump_json(exclude_none=True))["services"]
    assert isinstance(defined, dict)
    return defined


def test_the_compose_file_fits_its_schema() -> None:
    assert compose().services


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("init: true", "inti: true"),
        ("condition: service_healthy", "condition: healthy"),
        ("interval: 5s", "interval: five"),
    ],
)
def test_the_schema_sees_a_slip(right: str, wrong: str) -> None:
    assert right in COMPOSE
    with pytest.raises(ValueError, match=r"inti|healthy|five"):
        compose(COMPOSE.replace(right, wrong))


def test_services_start_after_what_they_need(services: dict[str, Any]) -> None:
    waits = {
        name: {on: how["condition"] for on, how in s.get("depends_on", {}).items()}
        for name, s in services.items()
    }
    migrated = {"migrate": "service_completed_successfully"}
    assert waits == {
        "secrets": {},
        "postgres": {"secrets": "service_completed_successfully"},
        "migrate": {"postgres": "service_healthy"},
        "web": migrated,
        "worker": migrated,
        "slow": migrated,
    }


def test_only_the_web_server_is_reached_from_outside_and_only_from_this_machine(
    services: dict[str, Any],
) -> None:
    assert {name: s["ports"] for name, s in services.items() if "ports" in s} == {
        "web": ["127.0.0.1:8095:8095"]
    }


def test_all_of_the_site_shares_one_secret_key_and_database(services: dict[str, Any]) -> None:
    site = {name: s for name, s in services.items() if name not in ("postgres", "secrets")}
    assert {s["environment"]["ENV_FILE"] for s in site.values()} == {"/var/lib/jax/env"}
    assert {tuple(s["volumes"]) for s in site.values()} == {("secrets:/var/lib/jax:ro",)}
    assert {s["restart"] for name, s in site.items() if name != "migrate"} == {"unless-stopped"}


def test_every_named_volume_is_declared(services: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for s in services.values() for volume in s.get("volumes", [])}
    assert used == set(yaml.safe_load(COMPOSE)["volumes"])


def test_secrets_are_made_once_and_read_by_the_settings(tmp_path: Path) -> None:
    make = [sys.executable, str(ROOT / "deploy" / "make_secrets.py"), str(tmp_path)]
    subprocess.run(make, check=True)
    first = (tmp_path / "env").read_text()
    subprocess.run(make, check=True)
    assert (tmp_path / "env").read_text() == first
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600

    class InFile(environ.Env):  # type: ignore[misc]  # django-environ has no types
        ENVIRON: dict[str, Any] = {}

    InFile.read_env(tmp_path / "env")
    database = InFile().db("DATABASE_URL")
    assert len(InFile().str("SECRET_KEY")) > 50
    assert (database["HOST"], database["PASSWORD"]) == (
        "postgres",
        (tmp_path / "postgres_password").read_text(),
    )


@pytest.fixture
def site() -> Iterator[tuple[HTTPServer, list[str]]]:
    """A web server that answers /health with the status in its first line of notes."""
    hosts: list[str] = []

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(200 if self.headers["Host"] == "jax.example" else 503)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server, hosts
        server.shutdown()


@pytest.mark.parametrize(("allowed", "code"), [(".jax.example, localhost", 0), ("sick.example", 1)])
def test_the_health_check_asks_under_a_name_that_the_site_answers_to(
    site: tuple[HTTPServer, list[str]], allowed: str, code: int
) -> None:
    server, hosts = site
    environment = {"ALLOWED_HOSTS": allowed, "PORT": str(server.server_port)}
    check = [sys.executable, str(ROOT / "deploy" / "healthcheck.py")]
    done = subprocess.run(check, env=environment, capture_output=True, check=False, timeout=20)
    assert (done.returncode, hosts) == (code, [allowed.split(",")[0].lstrip(".")])


def test_the_image_runs_as_nobody_in_particular_and_is_asked_for_its_health() -> None:
    stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER jax$", stage, re.MULTILINE)
    assert stage.index("USER jax") < stage.index("CMD [")
    assert "HEALTHCHECK --interval=30s" in stage


def test_only_what_runs_the_site_goes_into_the_image() -> None:
    first, *kept = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    names = {line.removeprefix("!") for line in kept if line.startswith("!")}
    assert first == "*"
    assert not names & {".env", ".git", "var", "tests"}
    assert [name for name in sorted(names) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_lets_its_main_process_stop_the_others(unit: Path) -> None:
    read = configparser.ConfigParser(strict=True)
    read.optionxform = str  # type: ignore[assignment, method-assign]  # names in units are case-sensitive
    read.read(unit)
    assert read["Service"]["KillMode"] == "mixed"
    assert read["Service"]["User"] == "jax"
    assert read["Install"]["WantedBy"] == "jax.target"


@pytest.mark.parametrize("name", ["worker", "slow"])
def test_systemd_notices_a_worker_that_hangs(name: str) -> None:
    unit = (ROOT / "deploy" / "systemd" / f"jax-{name}.service").read_text()
    assert "Type=notify\n" in unit
    assert "WatchdogSec=60\n" in unit


@pytest.mark.parametrize("name", ["web", "worker", "slow"])
def test_the_same_programs_run_everywhere(services: dict[str, Any], name: str) -> None:
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    unit = (ROOT / "deploy" / "systemd" / f"jax-{name}.service").read_text()
    program = procfile[name].split()[-1]
    container = str(services[name].get("command", DOCKERFILE[DOCKERFILE.index("\nCMD ") :]))
    assert program in ("jaxsite.web", "qcluster")
    assert re.search(rf"^ExecStart=/srv/jax/.venv/bin/.* {program}$", unit, re.MULTILINE)
    assert program in container
    slow = "Q_CLUSTER_NAME" in procfile[name]
    assert slow == ("Q_CLUSTER_NAME=slow" in unit) == ("Q_CLUSTER_NAME" in services[name]["environment"])


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_alerts_and_dashboard_ask_for_figures_that_there_are(
    client: Client, settings: Settings, name: str
) -> None:
    settings.CANDLE_BACKFILL = 5
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(timezone.now(), days=60, ahead=400)
    cycle.ingest_quotes(timezone.now())
    Scan.objects.create(outcome="finished", started_at=timezone.now(), finished_at=timezone.now())
    exposition = client.get("/metrics", headers={"accept": "text/plain"}).content.decode()
    names = set(re.findall(r"jax_\w+", (ROOT / "deploy" / name).read_text()))
    assert len(names) >= 10
    assert names <= set(re.findall(r"^# TYPE (jax_\w+)", exposition, re.MULTILINE))


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_alerts_and_dashboard_have_every_figure_of_the_services(name: str) -> None:
    asked = (ROOT / "deploy" / name).read_text()
    for figure in ("service_up", "service_last_work_timestamp_seconds", "queue_oldest_task_seconds"):
        assert f"jax_{figure}" in asked


def test_every_alert_says_what_to_do() -> None:
    [group] = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"]
    assert all({"summary", "action"} <= rule["annotations"].keys() for rule in group["rules"])
