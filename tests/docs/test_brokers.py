"""docs/brokers.md followed word for word, against the brokers on loopback: only the ports are others."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.jaxsite.installation import Installation
from tests.jaxsite.processes import ROOT, eventually, folder, free_port, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.long]

PAGE = (ROOT / "docs" / "brokers.md").read_text()
PARTS = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
ALPACA, IB = (
    dict(zip(PARTS[1::2], PARTS[2::2], strict=True))[name] for name in ("Alpaca", "Interactive Brokers")
)
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
# What the page leaves to a click: a decision on a signal, made here without the market's being open.
APPROVED = """
from datetime import timedelta
from django.utils import timezone
from approvals import execution
from tests.approvals import execution_rows
at = timezone.now()
execution_rows.open_gate(at)
order = execution_rows.entry("AAPL", at, good_until=at + timedelta(hours=6))
execution.submit_order(order.pk, at)
print(order.pk)
"""


def blocks(section: str) -> list[str]:
    """Return the indented blocks of a section, each without its indent."""
    found = re.findall(r"(?:^ {4,}\S.*\n)+", section, flags=re.MULTILINE)
    return ["\n".join(line.strip() for line in block.splitlines()) for block in found]


def block(section: str, beginning: str) -> str:
    return next(text for text in blocks(section) if text.startswith(beginning))


def commands(section: str, word: str) -> list[str]:
    """Return the commands between backticks that have a word, over the ends of lines, too."""
    return [" ".join(c.split()) for c in re.findall(r"`([^`]+)`", section) if word in c]


def with_ports(text: str, ports: Mapping[str, int]) -> str:
    for written, port in ports.items():
        text = re.sub(rf"\b{written}\b", str(port), text)
    return text


class Followed:
    """An installation in which the page's commands are run."""

    def __init__(self, site: Installation, ports: Mapping[str, int]) -> None:
        self.site, self.ports = site, ports

    def write(self, settings: str) -> None:
        with (self.site.path / ".env").open("a") as env:
            env.write(with_ports(settings, self.ports) + "\n")

    def start(self, command: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._words(command),
            cwd=self.site.path,
            env=self.site.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, command: str) -> str:
        """Return what a command prints, whatever it thinks of what it found."""
        ran = subprocess.run(
            self._words(command),
            cwd=self.site.path,
            env=self.site.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return ran.stdout

    def _words(self, command: str) -> list[str]:
        python, *rest = shlex.split(with_ports(command, self.ports))
        assert python == "python", command
        return [str(self.site.path / ".venv" / "bin" / "python"), *rest]


@contextmanager
def followed(counterpart: str, settings: str, ports: Mapping[str, int]) -> Iterator[Followed]:
    """Run the broker's stand-in and Jax, with what the page has written into .env."""
    with folder() as path:
        page = Followed(Installation(path), ports)
        page.write(settings)
        broker = page.start(counterpart)
        site = page.site.run()
        try:
            eventually(page.site.answers)
            yield page
        finally:
            site.terminate()
            site.wait(timeout=60)
            broker.kill()
            broker.wait()
            eventually(lambda: not processes_of(page.site.path))


def assignments(command: str) -> str:
    return "\n".join(ASSIGNMENT.findall(command))


def test_interactive_brokers_from_the_settings_to_a_fill() -> None:
    ports = {"4002": free_port(), "4999": free_port(), "8092": free_port()}
    (gateway,) = commands(IB, "tests.vendors.ib_gateway --port")
    (look, *_) = [text for text in blocks(IB) if text.startswith("python manage.py")]
    settings = f"{block(IB, 'IB_GATEWAY=')}\nIB_BRIDGE_LISTEN=127.0.0.1:8092"
    with followed(gateway, settings, ports) as page:
        eventually(lambda: "DU123456" in page.run(look))
        assert "(paper)" in page.run(look)
        assert any("ib_bridge" in " ".join(process.cmdline()) for process in processes_of(page.site.path))
        advice = page.run("python manage.py doctor")
        assert "IB: Paper first: Account DU123456: paper." in advice
        assert "IB: Orders go there: BROKER is ib." in advice
        order = page.run(
            shlex.join(["python", "manage.py", "shell", "--no-imports", "-c", APPROVED])
        ).split()[-1]
        told = page.run(f"python -c '{ORDERS}'").split()
        assert [f"{order}/{leg}" for leg in ("entry", "stop", "target")] == told
        page.run(block(IB, "python -c"))
        eventually(lambda: "Held: 10 AAPL" in page.run(look))


ORDERS = (
    "from tests.vendors.ib_gateway import command as do; "
    'print(*[each["ref"] for each in do(4999, "open_orders")])'
)


def test_alpaca_from_the_keys_to_the_account() -> None:
    (counterpart,) = commands(ALPACA, "tests.vendors alpaca_trading")
    (start,) = commands(ALPACA, "ALPACA_TRADING_URL=http://127.0.0.1")
    keys = block(ALPACA, "BROKER=alpaca")
    assert set(re.findall(r"^[A-Z_]+", keys, re.MULTILINE)) <= set(re.findall(r"[A-Z_]+(?==)", start))
    with followed(counterpart, assignments(start), {"8101": free_port()}) as page:
        look = block(ALPACA, "python manage.py")
        eventually(lambda: "(paper)" in page.run(look))


def test_the_page_names_no_setting_that_there_is_not() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in {*re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", PAGE)}:
        assert name in example, name


def test_the_copy_has_no_settings_of_ours() -> None:
    assert not {"IB_GATEWAY", "BROKER"} & os.environ.keys()
