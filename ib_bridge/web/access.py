"""Who may ask: whoever has the token, and never a web page."""

import hmac
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from jaxsite.processes.bind_guard import is_loopback

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
BEARER = "bearer "


class Access:
    """ASGI middleware. A browser sends `Origin` with what a page makes it send; nothing of ours does.

    A name that is not ours in `Host` is a page's, too: its name was pointed at this machine. With a token the
    name does not matter, for a page does not know the token.
    """

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app, self._token = app, token
        self._names: Collection[str] = LOCAL_NAMES if is_loopback(host) else (*LOCAL_NAMES, host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        if "origin" in headers or not (self._token or self._is_named(headers.get("host", ""))):
            return JSONResponse({"detail": "Web pages may not ask the bridge.", "code": "browser"}, 403)
        given = headers.get("authorization", "")
        token = given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""
        if self._token and not hmac.compare_digest(token.encode(), self._token.encode()):
            return JSONResponse({"detail": "IB_BRIDGE_TOKEN is missing or wrong.", "code": "no_token"}, 401)
        return None

    def _is_named(self, host: str) -> bool:
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return name.strip("[]").lower() in self._names
