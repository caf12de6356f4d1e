import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin_users import operator, reader
from tests.jaxsite.monitored import no_database, working
from tests.jaxsite.processes import eventually, folder, processes_of, server_user

__all__ = ["no_database", "operator", "reader", "working"]


@pytest.fixture
def var() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="session")
def seed() -> Iterator[Path]:
    with folder() as path:
        with server_user(path) as user:
            user.ask("CREATE TABLE kept AS SELECT 42 AS n")
        eventually(lambda: not processes_of(path))
        yield path


@pytest.fixture
def stored(seed: Path, var: Path) -> Path:
    """A folder whose server has one committed row and does not run."""
    subprocess.run(["cp", "-a", seed / "postgres", var], check=True)
    return var
