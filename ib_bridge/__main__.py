"""`python -m ib_bridge`: serve until SIGTERM."""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import environ
import uvicorn

from core.log_lines import OneLine
from ib_bridge import configuration
from ib_bridge.gateway.news import News
from ib_bridge.web.app import application
from ib_bridge.web.bridge import build
from jaxsite.processes import process_group
from jaxsite.processes.notify import ALIVE, EVERY, READY, STOPPING, notify

ENDING = 8  # seconds for answers under way: IB is given 6 to answer
LOG_FORMAT = "{asctime} {levelname} {name}: {message}"


class Server(uvicorn.Server):
    """Tells its supervisor that it lives, for as long as its event loop turns."""

    def __init__(self, options: uvicorn.Config, news: News) -> None:
        super().__init__(options)
        self._news = news

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._news.end()
        await super().shutdown(sockets)

    async def serve(self, sockets: object = None) -> None:
        signs = asyncio.ensure_future(self._give_signs_of_life())
        try:
            await super().serve()
        finally:
            signs.cancel()
            notify(STOPPING)

    async def _give_signs_of_life(self) -> None:
        while not self.started:
            await asyncio.sleep(0.05)
        notify(READY)
        while True:
            notify(ALIVE)
            await asyncio.sleep(EVERY)


def clock() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def main() -> int:
    process_group.end_with_parent_if_asked()
    process_group.treat_hangup_as_terminate()
    process_group.name_process("jax ib_bridge")
    _log()
    env_file = Path(os.environ.get("ENV_FILE") or configuration.HERE / ".env")
    with suppress(OSError):
        environ.Env.read_env(env_file)
    try:
        settings = configuration.read(os.environ)
    except configuration.NoGateway as reason:
        return _wait_for_the_end(str(reason))
    except configuration.Misconfigured as reason:
        sys.stderr.write(f"{reason}\n")
        return 2
    bridge = build(settings, clock)
    host, port = settings.listen
    options = uvicorn.Config(
        application(bridge),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=ENDING,
    )
    Server(options, bridge.link.news).run()
    return 0


def _wait_for_the_end(reason: str) -> int:
    """Wait until SIGTERM, so that no supervisor starts a bridge without a gateway again and again."""
    logging.getLogger("ib_bridge").info("Nothing to do: %s", reason)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    notify(READY)
    while not ended.wait(EVERY):
        notify(ALIVE)
    return 0


def _log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(LOG_FORMAT, style="{"))
    logging.basicConfig(level=os.environ.get("LOG_LEVEL") or "INFO", handlers=[handler])
    # They tell of every order and tick, and call what is only a remark an error.
    for name in ("ib_async", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL if name == "ib_async" else logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
