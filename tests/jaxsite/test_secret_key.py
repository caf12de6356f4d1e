"""The secret key is made once per installation; production refuses to start without one."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxsite.processes.secret_key import ensure_secret_key
from tests.jaxsite.processes import ROOT, manage_with

PROGRAM = """
import sys
from pathlib import Path
from jaxsite.processes.secret_key import ensure_secret_key
sys.stdout.write(ensure_secret_key(Path(sys.argv[1])))
"""


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    key = ensure_secret_key(tmp_path / ".env")
    assert len(key) > 50
    assert (tmp_path / ".env").read_text() == f"SECRET_KEY={key}\n"
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_the_key_stays_what_it_is(tmp_path: Path) -> None:
    assert ensure_secret_key(tmp_path / ".env") == ensure_secret_key(tmp_path / ".env")


def test_what_else_is_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000")
    key = ensure_secret_key(tmp_path / ".env")
    assert (tmp_path / ".env").read_text() == f"PORT=9000\nSECRET_KEY={key}\n"


@pytest.mark.slow
def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path / ".env"], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    assert len({racer.communicate()[0] for racer in racers}) == 1


@pytest.mark.slow
def test_production_refuses_to_start_without_a_key(tmp_path: Path) -> None:
    production = {"PRODUCTION": "true", "ENV_FILE": str(tmp_path / ".env"), "SECRET_KEY": ""}
    output = manage_with(production, "check", ok=False)
    assert "PRODUCTION is on and SECRET_KEY is not set" in output
    assert not (tmp_path / ".env").exists()
    assert "no issues" in manage_with(production | {"SECRET_KEY": "a-long-random-one"}, "check")
