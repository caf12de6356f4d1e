"""`manage.py serve` where its folders cannot be written: it works without, or says what to do."""

import os
from pathlib import Path

import pytest

from tests.jaxsite.processes import free_port, manage_with

pytestmark = pytest.mark.slow

READ_ONLY = Path("/proc/var")  # where root cannot write either


def test_a_folder_for_data_that_cannot_be_written_is_told_with_what_to_set() -> None:
    given = {"VAR_DIR": str(READ_ONLY), "PORT": str(free_port())}
    output = manage_with(given, "serve", ok=False)
    assert f"{READ_ONLY}/metrics_token cannot be written" in output
    assert "Set VAR_DIR to a folder that can, or DATABASE_URL." in output
    assert "Traceback" not in output


def test_no_token_is_missed_where_one_is_set() -> None:
    given = {"VAR_DIR": str(READ_ONLY), "PORT": str(free_port()), "METRICS_TOKEN": "abc"}
    assert "metrics_token" not in manage_with(given, "serve", ok=False)


def test_a_read_only_project_without_a_key_is_told_what_to_set() -> None:
    given = {"ENV_FILE": f"{READ_ONLY}/.env", "SECRET_KEY": "", "VAR_DIR": os.devnull}
    output = manage_with(given, "serve", ok=False)
    assert output.startswith(f"There is no SECRET_KEY, and a new one cannot be written into {READ_ONLY}/.env")
    assert "Traceback" not in output
