"""A bridge that runs: in a thread of the test, or as the process that people start."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import uvicorn

from ib_bridge.configuration import Configuration
from ib_bridge.web.app import application
from ib_bridge.web.bridge import Bridge, build
from tests.jaxsite.processes import ROOT, free_port
from tests.vendors.ib_gateway.control import command

PATIENCE = 10.0
ANSWER = 40.0
BRACKET = {
    "instrument": {"symbol": "AAPL"},
    "side": "BUY",
    "quantity": 10,
    "limit_price": "190.00",
    "stop_loss": "180.00",
    "take_profit": "210.00",
    "good_until": None,
}
EXIT = {"instrument": {"symbol": "AAPL"}, "side": "SELL", "quantity": 10}


class Asked:
    """A bridge over HTTP, as Jax asks it."""

    def __init__(self, port: int, token: str = "") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}{path}", json=body, timeout=ANSWER, **options)

    def get(self, path: str) -> Any:
        return self.answer(self.ask("GET", path))

    def post(self, path: str, body: object = None) -> Any:
        return self.answer(self.ask("POST", path, body or {}))

    def put(self, path: str, body: object) -> Any:
        return self.answer(self.ask("PUT", path, body))

    @staticmethod
    def answer(response: requests.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()

    def place(self, client_id: str, **changes: Any) -> Any:
        return self.put(f"/v1/orders/{client_id}", BRACKET | changes)

    def order(self, client_id: str) -> Any:
        return self.get(f"/v1/orders/{client_id}")

    def legs(self, client_id: str) -> dict[str, str]:
        return {leg["leg"]: leg["state"] for leg in self.order(client_id)["legs"]}

    def connect(self) -> None:
        """Have it connect now, without the pause between two attempts."""
        eventually(lambda: self.post("/connect")["success"])


@contextmanager
def reconnected(bridge: Asked) -> Iterator[None]:
    """Wait, after what breaks its connection, until the bridge has a new one."""
    before = bridge.get("/health")["connection"]
    yield
    eventually(lambda: bridge.post("/connect")["success"] and bridge.get("/health")["connection"] > before)


def eventually(is_true: Callable[[], object], seconds: float = PATIENCE) -> None:
    ends = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.02)


def clock() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@contextmanager
def in_thread(
    gateway: int, folder: Path, *, connected: bool = True, at: list[float] | None = None, **settings: Any
) -> Iterator[Asked]:
    """Run a bridge to the gateway on this port, until the block ends. `at`: its clock, which a test moves."""
    listen = ("127.0.0.1", free_port())
    configuration = Configuration(("127.0.0.1", gateway), listen=listen, folder=folder, **settings)
    started = threading.Event()
    servers: list[uvicorn.Server] = []

    def serve() -> None:
        now = clock if at is None else lambda: datetime.fromtimestamp(at[0], UTC)
        asyncio.run(_serve(build(configuration, now), servers, started))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    asked = Asked(listen[1], configuration.token)
    try:
        eventually(lambda: servers[0].started)
        if connected:
            asked.connect()
        yield asked
    finally:
        servers[0].should_exit = True
        asked.session.close()
        thread.join(PATIENCE)


async def _serve(bridge: Bridge, servers: list[uvicorn.Server], started: threading.Event) -> None:
    host, port = bridge.configuration.listen
    options = uvicorn.Config(application(bridge), host=host, port=port, log_config=None, access_log=False)
    servers.append(uvicorn.Server(options))
    started.set()
    await servers[0].serve()


class Process:
    """`python -m ib_bridge`, which can be killed and started again on the same journal."""

    def __init__(self, gateway: int, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.environment = os.environ | {
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(folder),
            "IB_GATEWAY": f"127.0.0.1:{gateway}",
            "IB_BRIDGE_LISTEN": f"127.0.0.1:{self.port}",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, arguments: Sequence[str] = ("-m", "ib_bridge")) -> Asked:
        """Start it, and wait until it is connected."""
        self.process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=self.environment)
        asked = Asked(self.port)
        eventually(lambda: self._answers(asked))
        asked.connect()
        return asked

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ended(self) -> int:
        """Return how it ended, which it does by itself."""
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    @staticmethod
    def _answers(asked: Asked) -> bool:
        try:
            return asked.ask("GET", "/health").ok
        except requests.ConnectionError:
            return False


class GatewayProcess:
    """The gateway as a process of its own, whose account outlives it, as IB's servers do."""

    def __init__(self, folder: Path) -> None:
        self.port, self.control = free_port(), free_port()
        self.state = folder / "account.pickle"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--control", str(self.control), "--state", str(self.state)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.vendors.ib_gateway", *options], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        eventually(self._answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def living(self) -> Counter[str]:
        return Counter(order["ref"] for order in command(self.control, "open_orders"))

    def _answers(self) -> bool:
        with suppress(OSError):
            command(self.control, "open_orders")
            return True
        return False
