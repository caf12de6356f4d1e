"""`make run` as a person uses it: a copy of the project, one command, and nothing left afterwards."""

import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Chromium, Visitor, chromium
from tests.jaxsite.installation import Installation
from tests.jaxsite.processes import eventually, folder, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.long]
__all__ = ["chromium"]  # the fixture

PASSWORD = re.compile(r"user (admin), password (\S+)")
A_MINUTE = 60_000


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with folder() as path:
        (path / "a folder").mkdir()
        yield Installation(path / "a folder")


def first_visit(visitor: Visitor, name: str, password: str) -> None:
    """Prices that are labelled, within a minute, without any account or key."""
    with visitor.page() as page:
        page.goto("/")
        expect(page.get_by_text("First time here?")).to_be_visible()
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(password)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Desk")).to_be_visible()
        expect(page.get_by_text("no price here is real")).to_be_visible()
        expect(page.locator("#desk tr[id^=row-]").first).to_be_visible()
        expect(page.get_by_text("no quote yet")).to_have_count(0, timeout=A_MINUTE)
        expect(page.locator("#status-bar")).to_contain_text("alive", timeout=A_MINUTE)


def test_it_serves_says_where_and_ctrl_c_ends_all_of_it(
    installation: Installation, chromium: Chromium
) -> None:
    site = installation.run()
    eventually(installation.answers)
    eventually(lambda: f"Jax is on http://127.0.0.1:{installation.port}" in installation.log_text())
    ((name, password),) = PASSWORD.findall(installation.log_text())
    visitor = Visitor(chromium.browser, f"http://127.0.0.1:{installation.port}", "none")
    chromium.thread.submit(first_visit, visitor, name, password).result(timeout=180)
    assert visitor.complaints == []
    assert re.fullmatch(r"PORT=\d+\nSECRET_KEY=\S{50,}\n", (installation.path / ".env").read_text())

    again = subprocess.run(
        ["make", "run"],
        cwd=installation.path,
        env=installation.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode
    assert f"Cannot serve on 127.0.0.1:{installation.port}: Address already in use" in again.stderr
    assert "Traceback" not in again.stderr

    os.killpg(site.pid, signal.SIGINT)
    site.wait(timeout=60)
    eventually(lambda: not processes_of(installation.path))
    assert "Traceback" not in installation.log_text()


def test_the_second_time_it_serves_the_same_site_and_sigterm_ends_it(installation: Installation) -> None:
    site = installation.run()
    eventually(installation.answers)
    assert not PASSWORD.search(installation.log_text())
    site.terminate()
    site.wait(timeout=60)
    eventually(lambda: not processes_of(installation.path))


def test_closing_the_terminal_ends_all_of_it(installation: Installation) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(installation.path)
        os.execvpe("make", ["make", "run"], installation.environment())
    eventually(installation.answers)
    os.close(terminal)
    eventually(lambda: not processes_of(installation.path))
    os.waitpid(process, 0)


def test_kill_9_of_the_runner_leaves_nothing(installation: Installation) -> None:
    site = installation.run()
    eventually(installation.answers)
    site.kill()
    site.wait()
    eventually(lambda: not processes_of(installation.path))


def test_a_folder_that_was_moved_serves_the_same_site(installation: Installation) -> None:
    key = (installation.path / ".env").read_text()
    moved = installation.path.with_name("moved (caf\N{LATIN SMALL LETTER E WITH ACUTE}) folder")
    installation.path.rename(moved)
    installation.path, installation.log = moved, moved / "run.log"
    site = installation.run()
    eventually(installation.answers)
    assert not PASSWORD.search(installation.log_text())
    assert (moved / ".env").read_text() == key
    site.terminate()
    site.wait(timeout=60)
    eventually(lambda: not processes_of(moved))
