"""Nobody serves to a network by accident: what is refused, what is allowed, and that real servers obey."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from jaxsite.processes.bind_guard import LOCAL_NAMES, Reach, TooOpen, bracketed
from tests.jaxsite.processes import ROOT, environment, eventually, free_port, manage_with

NAMED = ("jax.example.org",)
OPEN = ["0.0.0.0", "::", "[::]", "", "192.168.1.20", "fd7a:115c::1", "jax.example.org"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
@pytest.mark.parametrize("production", [False, True])
def test_this_machine_itself_is_always_allowed(host: str, production: bool) -> None:
    Reach(production, LOCAL_NAMES, behind="").allow(host)


@pytest.mark.parametrize("host", OPEN)
def test_nothing_else_is_without_a_production_configuration(host: str) -> None:
    with pytest.raises(TooOpen, match="read your password"):
        Reach(False, NAMED, behind="").allow(host)


@pytest.mark.parametrize("host", OPEN)
@pytest.mark.parametrize("names", [LOCAL_NAMES, ("*",), ("jax.example.org", "*"), ()])
def test_production_must_name_its_hosts(host: str, names: tuple[str, ...]) -> None:
    with pytest.raises(TooOpen, match="ALLOWED_HOSTS must name"):
        Reach(True, names, behind="").allow(host)


@pytest.mark.parametrize("host", OPEN)
def test_production_with_names_is_allowed(host: str) -> None:
    Reach(True, (*LOCAL_NAMES, *NAMED), behind="").allow(host)


def test_a_vpn_is_its_address_and_not_every_network() -> None:
    vpn = Reach(False, (*LOCAL_NAMES, "100.101.102.103"), behind="vpn")
    vpn.allow("100.101.102.103")
    with pytest.raises(TooOpen, match="every network"):
        vpn.allow("0.0.0.0")
    with pytest.raises(TooOpen, match="ALLOWED_HOSTS"):
        Reach(False, LOCAL_NAMES, behind="vpn").allow("100.101.102.103")


def test_a_container_may_listen_to_its_own_network() -> None:
    Reach(False, LOCAL_NAMES, behind="container").allow("0.0.0.0")
    with pytest.raises(TooOpen):
        Reach(True, LOCAL_NAMES, behind="container").allow("0.0.0.0")


@pytest.mark.parametrize(
    ("host", "expected"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("a.b", "a.b")]
)
def test_before_a_port_an_ipv6_address_has_brackets(host: str, expected: str) -> None:
    assert bracketed(host) == expected


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.long
class TestServers:
    OUT = {"BIND": "0.0.0.0"}

    @pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
    @pytest.mark.parametrize("bind", ["::1", "[::1]"])
    def test_it_serves_on_ipv6_and_prints_an_address_that_can_be_opened(
        self, tmp_path: Path, bind: str
    ) -> None:
        port = free_port()
        given = {"BIND": bind, "PORT": str(port), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "jaxsite.web"],
                cwd=ROOT,
                env=environment(tmp_path) | given,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(lambda: f"Jax is on http://[::1]:{port}\n" in (tmp_path / "log").read_text())
            answer = requests.get(f"http://[::1]:{port}/health", timeout=30)
            assert answer.json()["service"] == "jax"
            in_use = manage_with(given, "serve", ok=False)
            assert f"Cannot serve on [::1]:{port}: Address already in use." in in_use
        finally:
            server.terminate()
            server.wait(timeout=30)

    def test_the_check_refuses_and_says_what_to_do(self) -> None:
        output = manage_with(self.OUT, "check", ok=False)
        assert "jax.E019" in output
        assert "Leave BIND at 127.0.0.1 and put a server with TLS before it" in output
        assert "jax.E020" in manage_with({"BIND_BEHIND": "hope"}, "check", ok=False)

    def test_neither_serve_nor_runserver_begins(self) -> None:
        assert "read your password" in manage_with(self.OUT, "serve", ok=False)
        assert "read your password" in manage_with({}, "runserver", "--noreload", "0.0.0.0:0", ok=False)

    def test_the_web_server_does_not_begin_either(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "jaxsite.web"],
            cwd=ROOT,
            env=environment(Path(os.devnull)) | self.OUT | {"PORT": str(free_port())},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode != 0
        assert "read your password" in ended.stderr

    def test_with_a_production_configuration_it_serves_to_its_name_alone(self, tmp_path: Path) -> None:
        port = free_port()
        settings = {
            **self.OUT,
            "PORT": str(port),
            "PRODUCTION": "true",
            "ALLOWED_HOSTS": "jax.example.org",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "jaxsite.web"],
            cwd=ROOT,
            env=environment(tmp_path) | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def ask(host: str, scheme: str = "https") -> requests.Response:
            named = {"Host": host, "X-Forwarded-Proto": scheme}
            return requests.get(
                f"http://127.0.0.1:{port}/login/", headers=named, timeout=30, allow_redirects=False
            )

        def answers() -> bool:
            try:
                return bool(ask("jax.example.org").status_code)
            except requests.RequestException:  # also a first answer that a busy machine delays
                return False

        try:
            eventually(answers)
            assert ask("evil.example.org").status_code == 400
            plain = ask("jax.example.org", "http")
            assert (plain.status_code, plain.headers["Location"]) == (301, "https://jax.example.org/login/")
            page = ask("jax.example.org")
            assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
            assert "; Secure" in page.headers.get("Set-Cookie", "; Secure")
        finally:
            server.terminate()
            server.wait(timeout=30)
