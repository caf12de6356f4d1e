"""IB's Flex Web Service on loopback: a query is taken, and its statement is there after some asking."""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from tests.vendors.server import Reply, Vendor, Visit

TOKEN, QUERY, REFERENCE = "1234567890123456789012", "987654", "555001"


class Flex(Vendor):
    """`statement`: what the query makes. `waits`: how often that still takes. `errors`: codes by call."""

    def __init__(self, *, statement: str = "", waits: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.statement, self.waits = statement, waits
        self.errors: dict[str, str] = {}

    @property
    def settings(self) -> dict[str, Any]:
        return {"IB_FLEX_URL": self.url, "IB_FLEX_TOKEN": TOKEN, "IB_FLEX_QUERY": QUERY}

    def reply_to(self, visit: Visit) -> Reply:
        call = visit.path.strip("/")
        answers: dict[str, Callable[[Visit], str]] = {"SendRequest": self._send, "GetStatement": self._get}
        if call not in answers:
            return Reply(b"not found", 404)
        if not visit.headers.get("user-agent"):
            return Reply(b"", 403)
        code = self.errors.get(call) or ("1015" if visit.query.get("t") != TOKEN else "")
        content = fault(code) if code else answers[call](visit)
        return Reply(content.encode(), headers={"Content-Type": "text/xml"})

    def _send(self, visit: Visit) -> str:
        if visit.query.get("q") != QUERY:
            return fault("1014")
        return (
            "<FlexStatementResponse timestamp='03 July, 2024 05:00 PM EDT'><Status>Success</Status>"
            f"<ReferenceCode>{REFERENCE}</ReferenceCode><Url>{self.url}/GetStatement</Url>"
            "</FlexStatementResponse>"
        )

    def _get(self, visit: Visit) -> str:
        if visit.query.get("q") != REFERENCE:
            return fault("1017")
        if self.waits:
            self.waits -= 1
            return fault("1019", "Warn")
        return self.statement


def fault(code: str, status: str = "Fail") -> str:
    message = escape(f"The words of {code}.")
    return (
        f"<FlexStatementResponse timestamp='03 July, 2024 05:00 PM EDT'><Status>{status}</Status>"
        f"<ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage></FlexStatementResponse>"
    )
