"""What goes wrong, as answers: each says whether anything was done."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ib_bridge.gateway.contracts import NoContract
from ib_bridge.gateway.link import NotReady
from ib_bridge.journal.standing import State
from ib_bridge.market.history import NoBars, Paced
from ib_bridge.market.lines import NoData
from ib_bridge.orders.book import AnswerLost, Refused
from ib_bridge.orders.reports import Missing
from ib_bridge.orders.requests import Malformed

LARGEST = 1 << 20  # bytes of a request
STATUS: Mapping[type[Exception], tuple[int, str]] = {
    NotReady: (503, "away"),
    Refused: (409, "refused"),
    AnswerLost: (504, "answer_lost"),
    Malformed: (422, "malformed"),
    NoContract: (404, "no_contract"),
    NoData: (404, "no_data"),
    NoBars: (404, "no_bars"),
    TimeoutError: (504, "answer_lost"),
    ConnectionError: (503, "away"),
}
MISSING: Mapping[State, tuple[int, str, str]] = {
    State.NEVER_RECEIVED: (404, "never_received", "IB has never had an order of this id."),
    State.UNKNOWN: (
        404,
        "too_long_ago",
        "No record reaches back to this order: holdings and executions decide.",
    ),
    State.UNANSWERED: (504, "answer_lost", "The order was sent and IB has not answered it yet."),
}


def failed(request: Request, error: Exception) -> Response:
    kind = next(kind for kind in STATUS if isinstance(error, kind))
    status, code = STATUS[kind]
    return JSONResponse({"detail": str(error) or "The gateway did not answer in time.", "code": code}, status)


def missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, Missing)
    status, code, detail = MISSING[error.state]
    return JSONResponse({"detail": detail, "code": code}, status)


def paced(request: Request, error: Exception) -> Response:
    assert isinstance(error, Paced)
    headers = {"Retry-After": str(int(error.retry_after) + 1)}
    return JSONResponse({"detail": str(error), "code": "paced"}, 429, headers)


def refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


HANDLERS: Mapping[Any, Any] = {
    **dict.fromkeys(STATUS, failed),
    Missing: missing,
    Paced: paced,
    HTTPException: refused_by_http,
}


async def body(request: Request) -> dict[str, Any]:
    """Return the request's JSON object; an empty body is an empty one. Raises Malformed."""
    if int(request.headers.get("content-length") or 0) > LARGEST:
        raise Malformed("the request is too large")
    raw = await request.body()
    try:
        content = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise Malformed("the request is no JSON") from None
    if not isinstance(content, dict):
        raise Malformed("the request is no JSON object")
    return content
