"""The web server as a process of its own, on the test's database, alone or behind a proxy."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from django.db import connection

from tests.jaxsite.processes import ROOT, eventually, free_port

PROXIES = ROOT / "deploy" / "proxy"


class Web:
    """`python -m jaxsite.web`. It answers when this has been made."""

    def __init__(self, port: int = 0, **given: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  running() closes it
        ours = {
            "DJANGO_SETTINGS_MODULE": "tests.approvals.broker.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "PORT": str(self.port),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jaxsite.web"],
            cwd=ROOT,
            env=os.environ | ours | given,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        try:
            eventually(self.answers)
        except BaseException:
            self.kill()
            sys.stderr.write(self.log_text())
            raise

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log_text()
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=30).ok
        return False

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def log_text(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """Kill it and its children as the power would."""
        with suppress(psutil.NoSuchProcess):
            for child in self.children():
                child.kill()
        self.process.kill()
        self.process.wait()


@contextmanager
def running(port: int = 0, **given: str) -> Iterator[Web]:
    web = Web(port, **given)
    try:
        yield web
    finally:
        web.kill()
        web.log.close()


@contextmanager
def behind(proxy: str, web: Web) -> Iterator[int]:
    """The port of a proxy with the configuration that we ship, but without TLS, before the web server."""
    program = shutil.which(proxy)
    if program is None and not os.environ.get("CI"):
        pytest.skip(f"{proxy} is not installed")
    assert program, f"CI needs {proxy}"
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = {"nginx": nginx, "caddy": caddy}[proxy](program, Path(folder), port, web.port)
        process = subprocess.Popen(command, env=os.environ | {"HOME": folder})
        try:
            eventually(lambda: answers(port))
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def answers(port: int) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=30).ok
    return False


def nginx(program: str, folder: Path, port: int, upstream: int) -> list[str]:
    shipped = (PROXIES / "nginx.conf").read_text().splitlines()
    ours = "\n".join(line for line in shipped if "ssl" not in line)
    ours = ours.replace("server_name", f"listen 127.0.0.1:{port};\n server_name")
    ours = ours.replace("jax.example.org", "localhost").replace("8095", str(upstream))
    ours = ours.replace("limit_conn jax 100", "limit_conn jax 4000")  # a test's strangers have one address
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/errors; worker_rlimit_nofile 8192;\n"
        f"events {{ worker_connections 4096; }}\n"
        f"http {{ access_log off; {temporary}\n{ours} }}\n"
    )
    return [program, "-p", str(folder), "-c", f"{folder}/nginx.conf"]


def caddy(program: str, folder: Path, port: int, upstream: int) -> list[str]:
    shipped = (PROXIES / "Caddyfile").read_text()
    ours = shipped.replace("{\n\tservers", "{\n\tadmin off\n\tauto_https off\n\tservers", 1)
    ours = ours.replace("jax.example.org {", f"http://127.0.0.1:{port} {{").replace("8095", str(upstream))
    (folder / "Caddyfile").write_text(ours)
    return [program, "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]
