"""The process that streams quotes and what changes at the broker: its signs of life around the streams.

Without a stream to run it waits, so that no supervisor starts it again and again.
"""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from approvals import execution
from jaxsite.processes import beats
from jaxsite.processes.notify import ALIVE, EVERY, READY, STOPPING, notify
from jaxsite.processes.turn import Turn
from market import feeds
from market.ingestion.streaming.service import Service

logger = logging.getLogger(__name__)

SERVICE = "stream"
LOOK = 0.5  # seconds
ENDING = 5.0  # seconds in which the broker's stream is to end


def run() -> None:
    """Stream until SIGTERM or SIGINT. Ready before the database is asked: that may come later."""
    notify(READY)
    source = feeds.streaming(timezone.now)
    with _listening(_no_beat if source else _beats_by_itself()):
        asyncio.run(_run(source))


@contextmanager
def _listening(alive: Callable[[datetime], None]) -> Iterator[None]:
    """Listen to the broker meanwhile, if it can be listened to. `alive`: called every few seconds."""
    spec = execution.can_listen()
    if spec is None:
        yield
        return
    logger.info("What changes at %s is listened to", spec.title)
    listener = execution.Listener(spec, timezone.now, alive)
    thread = threading.Thread(target=_listen, args=[listener], name="listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.stop()
        thread.join(ENDING)


def _listen(listener: execution.Listener) -> None:
    """Listen until it is stopped, with a connection to the database of this thread's own."""
    listener.run()
    with suppress(Error):
        beats.write_beat(SERVICE, timezone.now(), stopped=True)
    connection.close()


def _no_beat(at: datetime) -> None:
    """Leave the signs of life to the stream of quotes, which may hang."""


def _beats_by_itself() -> Callable[[datetime], None]:
    """Return what writes signs of life where no quotes are streamed."""
    signs = Turn(beats.EVERY)

    def beat(at: datetime) -> None:
        if signs.comes(time.monotonic()):
            beats.write_beat(SERVICE, at)

    return beat


async def _run(source: feeds.Source | None) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if source is None:
        logger.info("Nothing is streamed: %s. Quotes come by the poll.", _why_not())
        await _wait(stopped, None)
        return
    logger.info("Quotes are streamed from %s", source.title)
    service = Service(source, timezone.now)
    work = asyncio.ensure_future(service.run())
    watch = asyncio.ensure_future(_wait(stopped, service))
    await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
    notify(STOPPING)
    for task in (work, watch):
        task.cancel()
    ending, _ = await asyncio.gather(work, watch, return_exceptions=True)
    if isinstance(ending, Exception):
        raise ending


def _why_not() -> str:
    return "STREAMING is off" if settings.STREAMING == "off" else "no provider that is set up has a stream"


async def _wait(stopped: asyncio.Event, service: Service | None) -> None:
    """Give signs of life until it is stopped; none while the database holds the stream up for too long."""
    notices, signs = Turn(EVERY), Turn(beats.EVERY)
    while not stopped.is_set():
        now = time.monotonic()
        is_well = service is None or not service.is_stuck()
        if is_well and notices.comes(now):
            notify(ALIVE)
        if service is not None and is_well and signs.comes(now):
            await service.in_database(partial(_beat, service))
        await asyncio.sleep(LOOK)
    if service is not None:
        await service.in_database(partial(beats.write_beat, SERVICE, timezone.now(), stopped=True))


def _beat(service: Service) -> None:
    beats.write_beat(SERVICE, timezone.now(), finished_at=service.stored_at)
