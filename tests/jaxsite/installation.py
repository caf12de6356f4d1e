"""A copy of the project as a person has it, started with `make run`."""

import os
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.jaxsite.processes import ROOT, free_port


class Installation:
    """A copy of the project whose `.venv` borrows the packages that run these tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "run.log"
        self.port = free_port()
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
        for name in filter(lambda name: (ROOT / name).is_file(), names):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path / name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", path / ".venv"], check=True)
        packages = next((path / ".venv" / "lib").glob("python*/site-packages"))
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
        for name in ("bin/pip", ".for-run"):
            (path / ".venv" / name).touch()
        (path / ".env").write_text(f"PORT={self.port}\n")

    def environment(self) -> dict[str, str]:
        given = ("DATABASE_URL", "SECRET_KEY", "ENV_FILE", "VAR_DIR", "PORT", "DJANGO_SETTINGS_MODULE")
        return {name: value for name, value in os.environ.items() if name not in given}

    def run(self) -> "subprocess.Popen[bytes]":
        with self.log.open("wb") as log:
            return subprocess.Popen(
                ["make", "run"],
                cwd=self.path,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self) -> bool:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/admin/login/", timeout=30).close()
            return True
        return False

    def log_text(self) -> str:
        return self.log.read_text()
