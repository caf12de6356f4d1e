"""What a child does: uvicorn's event loop, and Django in threads behind it."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import uvicorn
from a2wsgi import WSGIMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.urls import Resolver404, resolve

from jaxsite.web.asgi import Application
from jaxsite.web.bodies import ORDINARY, Allowance
from jaxsite.web.whole_requests import WholeRequests
from market.admin.imports import LARGEST

THREADS = 4
BEAT_SECONDS = 1
GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 65  # longer than proxies keep theirs, so that none sends on one that is being closed
UPLOADS = {"admin:market_instrument_load": Allowance(LARGEST + ORDINARY.size, seconds=300)}


def serve(site: WSGIHandler, listener: socket.socket, beat: Callable[[], None]) -> None:
    """Answer what comes in until SIGTERM. Calls `beat` each second in which a thread for Django is free."""
    connections.close_all()  # those of this thread, which asks nothing more
    # No bound for a2wsgi's queue: answers are kept whole, and a full one would hold its thread for ever.
    django = WSGIMiddleware(in_one_piece(site), workers=THREADS, send_queue_size=0)
    application = WholeRequests(cast(Application, django), upload_allowance)
    # What is loaded by now stays: the garbage collector need not walk through it at some request's cost.
    gc.collect()
    gc.freeze()
    asyncio.run(run(uvicorn.Server(configured(application)), listener, lambda: django.executor.submit(beat)))


def in_one_piece(site: WSGIHandler) -> Callable[[Any, Any], list[bytes]]:
    """Return the site as one that answers in one piece: for each a thread would wait for the event loop."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with closing(site(environ, start_response)) as response:
            return [b"".join(response)]

    return answer


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


async def run(server: uvicorn.Server, listener: socket.socket, beat: Callable[[], object]) -> None:
    beats = asyncio.create_task(keep_beating(server, beat))
    try:
        await server.serve(sockets=[listener])
    finally:
        beats.cancel()


async def keep_beating(server: uvicorn.Server, beat: Callable[[], object]) -> None:
    """Beat from when the server has begun. Stop it when its parent is gone (Linux kills it before that)."""
    parent = os.getppid()
    while not server.started:
        await asyncio.sleep(0.05)
    while os.getppid() == parent:
        beat()
        await asyncio.sleep(BEAT_SECONDS)
    server.should_exit = True


def upload_allowance(path: str) -> Allowance | None:
    """Return what a page takes that takes files; None for others."""
    try:
        return UPLOADS.get(resolve(path).view_name)
    except Resolver404:
        return None
