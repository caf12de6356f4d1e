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

from jaxsite.processes.notify import EVERY
from market.ingestion import cycle
from market.models import StreamStatus
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
        "stream": migrated,
        "ib-bridge": {"secrets": "service_completed_successfully"},
    }


def test_only_the_web_server_is_reached_from_outside_and_only_from_this_machine(
    services: dict[str, Any],
) -> None:
    assert {name: s["ports"] for name, s in services.items() if "ports" in s} == {
        "web": ["127.0.0.1:8095:8095"]
    }


def test_only_migrate_is_the_owner_of_the_database(services: dict[str, Any]) -> None:
    site = {name: s for name, s in services.items() if name not in ("postgres", "secrets")}
    given = {name: (s["environment"]["ENV_FILE"], *sorted(s["volumes"])) for name, s in site.items()}
    as_site = ("/var/lib/jax/env", "secrets:/var/lib/jax:ro")
    as_owner = ("/var/lib/jax-owner/env", "owner:/var/lib/jax-owner:ro")
    assert given == {
        "migrate": as_owner,
        "web": as_site,
        "worker": as_site,
        "slow": as_site,
        "stream": as_site,
        "ib-bridge": ("/var/lib/jax/env", "bridge:/var/lib/jax-bridge", "secrets:/var/lib/jax:ro"),
    }
    assert {s["restart"] for name, s in site.items() if name != "migrate"} == {"unless-stopped"}


def test_the_database_server_makes_the_roles_and_reads_their_passwords(services: dict[str, Any]) -> None:
    assert set(services["postgres"]["volumes"]) == {
        "postgres:/var/lib/postgresql",
        "owner:/run/jax:ro",
        "./deploy/postgres/roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro",
    }


def test_every_named_volume_is_declared(services: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for s in services.values() for volume in s.get("volumes", [])}
    assert {name for name in used if "/" not in name} == set(yaml.safe_load(COMPOSE)["volumes"])


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder with both directories of secrets, `site` and `owner`."""
    for name in ("site", "owner"):
        (tmp_path / name).mkdir()
    make_secrets(tmp_path)
    return tmp_path


def make_secrets(folder: Path) -> "subprocess.CompletedProcess[str]":
    program = str(ROOT / "deploy" / "make_secrets.py")
    command = [sys.executable, program, str(folder / "site"), str(folder / "owner")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def read_env(path: Path) -> environ.Env:
    class InFile(environ.Env):  # type: ignore[misc]  # django-environ has no types
        ENVIRON: dict[str, Any] = {}

    InFile.read_env(path)
    return InFile()


def contents(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_made_once(secrets: Path) -> None:
    first = contents(secrets)
    assert make_secrets(secrets).returncode == 0
    assert contents(secrets) == first
    assert {(secrets / name / "env").stat().st_mode & 0o777 for name in ("site", "owner")} == {0o600}


def test_each_role_has_a_password_and_the_site_only_its_own(secrets: Path) -> None:
    site, owner = (read_env(secrets / name / "env") for name in ("site", "owner"))
    databases = {env.db("DATABASE_URL")["USER"]: env.db("DATABASE_URL") for env in (site, owner)}
    for name in ("site", "owner"):
        database = databases[f"jax_{name}"]
        password = (secrets / "owner" / f"{name}_password").read_text()
        assert (database["HOST"], database["NAME"], database["PASSWORD"]) == ("postgres", "jax", password)
    assert (
        len({(secrets / "owner" / f"{name}_password").read_text() for name in ("postgres", "site", "owner")})
        == 3
    )
    assert site.str("SECRET_KEY") == owner.str("SECRET_KEY")
    assert len(site.str("SECRET_KEY")) > 50
    assert [path.name for path in (secrets / "site").iterdir()] == ["env"]


def test_secrets_that_were_cut_off_are_made_anew(secrets: Path) -> None:
    (secrets / "site" / "env").unlink()
    before = contents(secrets / "owner")
    assert make_secrets(secrets).returncode == 0
    assert contents(secrets / "owner").keys() == before.keys()
    assert (secrets / "site" / "env").exists()


def test_secrets_of_a_version_with_one_role_say_what_to_do(secrets: Path) -> None:
    (secrets / "owner" / "env").unlink()
    refused = make_secrets(secrets)
    assert refused.returncode == 1
    assert "docker compose down --volumes" in refused.stderr


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a web server that answers /health with a status."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("site", "code"), [(200, 0), (503, 1)], indirect=["site"])
def test_the_health_check_fails_with_the_site(site: int, code: int) -> None:
    check = [sys.executable, str(ROOT / "deploy" / "healthcheck.py")]
    done = subprocess.run(check, env={"PORT": str(site)}, capture_output=True, check=False, timeout=60)
    assert done.returncode == code


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


@pytest.mark.parametrize("name", ["worker", "slow", "stream", "ib-bridge"])
def test_systemd_notices_a_worker_that_hangs(name: str) -> None:
    unit = (ROOT / "deploy" / "systemd" / f"jax-{name}.service").read_text()
    assert "Type=notify\n" in unit
    assert "WatchdogSec=60\n" in unit
    assert 60 / EVERY > 10


@pytest.mark.parametrize("name", ["web", "worker", "slow", "stream", "ib-bridge"])
def test_the_same_programs_run_everywhere(services: dict[str, Any], name: str) -> None:
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    unit = (ROOT / "deploy" / "systemd" / f"jax-{name}.service").read_text()
    program = procfile[name].split()[-1]
    assert program in ("jaxsite.web", "qcluster", "stream", "ib_bridge")
    assert re.search(rf"^ExecStart=/srv/jax/.venv/bin/.* {program}$", unit, re.MULTILINE)
    # An engine starts again what ends, and the runner what hangs.
    assert services[name]["command"] == ["python", "-m", "jaxsite.processes.runner", name]
    slow = "Q_CLUSTER_NAME" in procfile[name]
    assert slow == ("Q_CLUSTER_NAME=slow" in unit)


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
    settings.STREAMING, now = "auto", timezone.now()
    StreamStatus.objects.create(
        provider="simulator", state="live", since=now, feed="simulated", updated_at=now
    )
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
