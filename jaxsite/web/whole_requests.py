"""Django is asked only about requests that are here whole, and never waits for a peer."""

import logging
from collections.abc import Callable
from contextlib import suppress

from jaxsite.web.answers import Answer, Refused
from jaxsite.web.asgi import CHUNKED, LENGTH, Application, Receive, Scope, Send
from jaxsite.web.bodies import (
    ORDINARY,
    Allowance,
    Gone,
    declared_size,
    is_chunked,
    read_whole,
    replay,
    with_length,
)
from jaxsite.web.held import Held

logger = logging.getLogger(__name__)

MOST_HELD = 96 * 2**20  # one large file, and more
OF_A_BODY = (LENGTH, CHUNKED, b"content-type", b"expect")


class WholeRequests:
    """An ASGI application around one that holds a thread while it answers.

    A peer that is silent, or sends or reads slowly, costs a socket and the memory for what is on its way: no
    thread, no database connection.
    """

    def __init__(self, django: Application, upload_allowance: Callable[[str], Allowance | None]) -> None:
        self.django = django
        self.upload_allowance = upload_allowance
        self.held = Held(MOST_HELD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(without_ambiguous_headers(scope), receive, send)
        except Exception:
            logger.exception("A request could not be answered: %s %s", scope["method"], scope["path"])
            raise  # uvicorn answers 500

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(Gone):
            try:
                allowance = await self._allowance(scope)
                body = await read_whole(scope, receive, allowance, self.held)
            except Refused as refused:
                await refused.answer.deliver(send, self.held, unread=receive)
            else:
                answer = await self._ask(with_length(scope, len(body)), body)
                await answer.deliver(send, self.held)

    async def _allowance(self, scope: Scope) -> Allowance:
        """Return what the body may take. Raises Refused for a file of a visitor who may not see its page."""
        if not is_chunked(scope) and declared_size(scope) <= ORDINARY.size:
            return ORDINARY
        allowance = self.upload_allowance(scope["path"])
        if allowance is None:
            return ORDINARY
        headers = [(name, value) for name, value in scope["headers"] if name not in OF_A_BODY]
        page = await self._ask({**scope, "method": "GET", "headers": headers}, bytearray())
        if page.status != 200:
            raise Refused(page)
        return allowance

    async def _ask(self, scope: Scope, body: bytearray) -> Answer:
        answer = Answer()
        await self.django(scope, replay(body), answer.keep)
        return answer


def without_ambiguous_headers(scope: Scope) -> Scope:
    """Return the request without headers that WSGI cannot tell from others: X_Forwarded_For, SCRIPT_NAME."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if b"_" not in name]}
