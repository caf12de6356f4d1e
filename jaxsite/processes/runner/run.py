"""The runner with the services of a Procfile, until a signal comes or one of them cannot start."""

import os
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from jaxsite.processes import process_group
from jaxsite.processes.runner.runner import Runner


def run(procfile: Path, names: Collection[str] = ()) -> int:
    """Run the services of these names, without names all. Return the exit code once all have stopped."""
    process_group.end_with_parent_if_asked()
    process_group.treat_hangup_as_terminate()
    with tempfile.TemporaryDirectory(prefix="jax-") as sockets:
        return Runner(procfile, _environment(), Path(sockets), names).run()


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1", process_group.ASKED: "1"}
