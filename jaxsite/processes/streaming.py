"""The process that streams quotes: its signs of life around the stream itself.

Without a stream to run it waits, so that no supervisor starts it again and again.
"""

import asyncio
import logging
import signal
import time
from functools import partial

from django.conf import settings
from django.utils import timezone

from jaxsite.processes import beats
from jaxsite.processes.notify import ALIVE, EVERY, READY, STOPPING, notify
from jaxsite.processes.turn import Turn
from market import feeds
from market.ingestion.streaming.service import Service

logger = logging.getLogger(__name__)

SERVICE = "stream"
LOOK = 0.5  # seconds


def run() -> None:
    """Stream until SIGTERM or SIGINT. Ready before the database is asked: that may come later."""
    notify(READY)
    asyncio.run(_run())


async def _run() -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    source = feeds.streaming(timezone.now)
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
