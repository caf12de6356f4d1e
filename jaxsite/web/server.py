"""What a child does: uvicorn's event loop, and Django in threads behind it."""

import asyncio
import gc
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, cast

import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db import Error, close_old_connections, connections
from django.urls import Resolver404, resolve
from django.utils import timezone

from jaxsite.processes import beats
from jaxsite.web.asgi import Application
from jaxsite.web.bodies import ORDINARY, Allowance
from jaxsite.web.child import Report
from jaxsite.web.whole_requests import WholeRequests
from market.admin.wizard.forms import LARGEST

THREADS = 4
SIGN_SECONDS = 1
GRACE_SECONDS = 10
COLLECTED_EVERY = 20_000  # new objects, some requests' worth; Python's 700 cost each request 3 % of its time
KEEP_ALIVE_SECONDS = 65  # longer than proxies keep theirs, so that none sends on one that is being closed
UPLOADS = dict.fromkeys(
    ["admin:market_instrument_load", "admin:market_candleimport_upload"],
    Allowance(LARGEST + ORDINARY.size, seconds=300),
)


def serve(site: WSGIHandler, listener: socket.socket, report: Report) -> None:
    """Answer what comes in until SIGTERM. Calls `report` each second in which a thread for Django is free."""
    connections.close_all()  # those of this thread, which asks nothing more
    # No bound for a2wsgi's queue: answers are kept whole, and a full one would hold its thread for ever.
    one_piece = InOnePiece(site)
    django = WSGIMiddleware(one_piece, workers=THREADS, send_queue_size=0)
    application = WholeRequests(cast(Application, django), upload_allowance)
    spare_the_collector()
    server, signs = uvicorn.Server(configured(application)), SignsOfLife(report, one_piece.take_answered_at)
    try:
        asyncio.run(run(server, listener, lambda: django.executor.submit(signs.give)))
    except SystemExit:
        write_beat(stopped=True)
        raise


def spare_the_collector() -> None:
    """Keep the garbage collector from what stays, and from looking at what is new several times a request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY)


class InOnePiece:
    """The site as one that answers in one piece: a thread would wait for the event loop for each."""

    def __init__(self, site: WSGIHandler) -> None:
        self.site = site
        self.answered_at: datetime | None = None  # since it was last taken

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        with closing(self.site(environ, start_response)) as response:
            answer = [b"".join(response)]
        self.answered_at = timezone.now()
        return answer

    def take_answered_at(self) -> datetime | None:
        """Return when it last answered; None when it has not since the last call."""
        at, self.answered_at = self.answered_at, None
        return at


def configured(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="asyncio",
        http="h11",  # it bounds the head of a request
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # else every stranger who sends nonsense, or reads too slowly, writes a line
        access_log=False,
        proxy_headers=False,  # settings.PRODUCTION says whether a proxy is believed
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class SignsOfLife:
    """Given by a free thread: to the main process each second, and to all others by a row each ten."""

    def __init__(self, report: Report, take_answered_at: Callable[[], datetime | None]) -> None:
        self.report, self.take_answered_at = report, take_answered_at
        self.written = -math.inf

    def give(self) -> None:
        self.report()
        if time.monotonic() - self.written >= beats.EVERY:
            self.written = time.monotonic()
            write_beat(self.take_answered_at())


def write_beat(answered_at: datetime | None = None, *, stopped: bool = False) -> None:
    """Store that the web server is alive. A database that is away is told by /health."""
    close_old_connections()
    with suppress(Error):
        beats.write_beat("web", timezone.now(), finished_at=answered_at, stopped=stopped)


async def run(server: uvicorn.Server, listener: socket.socket, give_sign: Callable[[], object]) -> None:
    signs = asyncio.create_task(keep_giving(server, give_sign))
    try:
        await server.serve(sockets=[listener])
    finally:
        signs.cancel()


async def keep_giving(server: uvicorn.Server, give_sign: Callable[[], object]) -> None:
    """Give signs from when the server has begun. Stop it when its parent is gone (Linux kills it before)."""
    parent = os.getppid()
    while not server.started:
        await asyncio.sleep(0.05)
    while os.getppid() == parent:
        give_sign()
        await asyncio.sleep(SIGN_SECONDS)
    server.should_exit = True


def upload_allowance(path: str) -> Allowance | None:
    """Return what a page takes that takes files; None for others."""
    try:
        return UPLOADS.get(resolve(path).view_name)
    except Resolver404:
        return None
