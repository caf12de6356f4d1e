"""The ASGI application: its addresses, and the connection that lives as long as it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware

from ib_bridge.web import answers, data, orders, original, stream
from ib_bridge.web.access import Access
from ib_bridge.web.bridge import Bridge


def application(bridge: Bridge) -> Starlette:
    configuration = bridge.configuration
    app = Starlette(
        routes=[*data.ROUTES, *stream.ROUTES, *orders.ROUTES, *original.ROUTES],
        middleware=[Middleware(Access, token=configuration.token, host=configuration.listen[0])],
        exception_handlers=dict(answers.HANDLERS),
        lifespan=_lifespan,
    )
    app.state.bridge = bridge
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    bridge: Bridge = app.state.bridge
    connection = asyncio.ensure_future(bridge.link.run())
    connection.add_done_callback(_end_if_it_failed)
    yield
    connection.cancel()
    with suppress(asyncio.CancelledError):
        await connection
    bridge.journal.close()


def _end_if_it_failed(connection: asyncio.Future[None]) -> None:
    """End the process when what keeps the connection ends by an error: a supervisor starts it again."""
    if not connection.cancelled() and (error := connection.exception()) is not None:
        raise SystemExit(1) from error
