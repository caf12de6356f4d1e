"""The order side: what Jax's broker asks."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ib_bridge.conditions import NOTICES, READ_ONLY
from ib_bridge.orders import reports, requests
from ib_bridge.orders.requests import Malformed
from ib_bridge.web import answers
from ib_bridge.web.bridge import Bridge, bridge_of

LONGEST_WAIT = 55.0


async def place(request: Request) -> Response:
    asked = requests.bracket(request.path_params["client_id"], await answers.body(request))
    return JSONResponse(await _shielded(bridge_of(request).desk.place(asked)))


async def protect(request: Request) -> Response:
    asked = requests.protection(request.path_params["client_id"], await answers.body(request))
    return JSONResponse(await _shielded(bridge_of(request).desk.protect(asked)))


async def close(request: Request) -> Response:
    asked = requests.closing(request.path_params["client_id"], await answers.body(request))
    return JSONResponse(await _shielded(bridge_of(request).desk.close(asked)))


async def order(request: Request) -> Response:
    client_id = requests.uuid(request.path_params["client_id"])
    return JSONResponse(await bridge_of(request).desk.order(client_id))


async def orders(request: Request) -> Response:
    return JSONResponse({"orders": await bridge_of(request).desk.orders()})


async def cancel(request: Request) -> Response:
    client_id = requests.uuid(request.path_params["client_id"])
    legs = requests.legs(await answers.body(request))
    return JSONResponse(await _shielded(bridge_of(request).desk.cancel(client_id, legs)))


async def replace(request: Request) -> Response:
    client_id = requests.uuid(request.path_params["client_id"])
    asked = requests.change(await answers.body(request))
    return JSONResponse(await _shielded(bridge_of(request).desk.replace(client_id, asked)))


async def what_if(request: Request) -> Response:
    body = await answers.body(request)
    nobody = "00000000-0000-0000-0000-000000000000"
    asked = requests.closing(nobody, body) if body.get("closing") else requests.bracket(nobody, body)
    return JSONResponse(await bridge_of(request).desk.what_if(asked))


async def executions(request: Request) -> Response:
    since = requests.instant(request.query_params.get("since", ""), "since")
    return JSONResponse({"executions": await bridge_of(request).desk.executions(since)})


async def holdings(request: Request) -> Response:
    bridge = bridge_of(request)
    positions = bridge.link.ib.positions(bridge.link.status.account)
    return JSONResponse({"holdings": [reports.holding(position) for position in positions]})


async def account(request: Request) -> Response:
    bridge = bridge_of(request)
    status = bridge.link.status
    values = bridge.link.ib.accountValues()
    return JSONResponse(
        reports.account(status.account, values, is_paper=status.is_paper, blocked=_why_blocked(bridge))
    )


async def changes(request: Request) -> Response:
    """Answer as soon as anything has changed since a revision."""
    after, wait = _number(request, "after", 0), min(_number(request, "wait", 25), LONGEST_WAIT)
    bridge = bridge_of(request)
    news, ends = bridge.link.news, asyncio.get_running_loop().time() + wait
    while bridge.journal.revision <= after and (left := ends - asyncio.get_running_loop().time()) > 0:
        if news.is_over:
            break
        await news.wait(left)
    return JSONResponse({"revision": bridge.journal.revision})


def _why_blocked(bridge: Bridge) -> str:
    status = bridge.link.status
    is_noted = any(notice.code == READ_ONLY for notice in status.notices())
    is_blocked = is_noted or not status.is_synced
    return f"{NOTICES[READ_ONLY].message} {NOTICES[READ_ONLY].advice}" if is_blocked else ""


def _number(request: Request, name: str, default: float) -> float:
    text = request.query_params.get(name, str(default))
    try:
        return float(text)
    except ValueError:
        raise Malformed(f"{name} is no number") from None


async def _shielded(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Finish what was begun though the one who asked has gone: half an order is worse than no answer."""
    return await asyncio.shield(asyncio.ensure_future(work))


ROUTES = [
    Route("/v1/orders", orders),
    Route("/v1/orders/{client_id}", place, methods=["PUT"]),
    Route("/v1/orders/{client_id}", order),
    Route("/v1/orders/{client_id}/cancel", cancel, methods=["POST"]),
    Route("/v1/orders/{client_id}/replace", replace, methods=["POST"]),
    Route("/v1/protections/{client_id}", protect, methods=["PUT"]),
    Route("/v1/closings/{client_id}", close, methods=["PUT"]),
    Route("/v1/whatif", what_if, methods=["POST"]),
    Route("/v1/executions", executions),
    Route("/v1/holdings", holdings),
    Route("/v1/changes", changes),
    Route("/account", account),
]
