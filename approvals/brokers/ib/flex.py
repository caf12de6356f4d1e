"""IB's Flex Web Service: a statement is ordered, then fetched when it is made. Pure.

Two requests with the token of the account's page, at most one a second: `SendRequest` answers with a number,
`GetStatement` with the statement of that number, or that it is still being made (1019).
"""

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
from requests.utils import get_environ_proxies

from approvals.brokers.ib.statement import read as parsed
from approvals.brokers.ib.statement.tables import LARGEST
from approvals.brokers.statements import NoStatement, NotYet, Statement, StatementError, UnreadableStatement

URL = "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService"
VERSION = "3"
TIMEOUT = (5.0, 30.0)  # seconds to connect, and to the next bytes
LONGEST = 120.0  # seconds for all
PAUSES = (2.0, 3.0, 5.0, 10.0, 20.0, 30.0)  # seconds before a statement that is being made is asked for again
CHUNK = 2**16
IN_PROGRESS, TOO_MANY = "1019", "1018"
LATER = {
    "1001": "IB cannot make the statement at this moment.",
    "1003": "The statement is not there yet.",
    "1004": "The statement is not complete yet.",
    "1005": "The settlements of the day are not ready yet.",
    "1006": "The profit and loss of the day is not ready yet.",
    "1007": "The prices of the day are not ready yet.",
    "1008": "Profit, loss and prices of the day are not ready yet.",
    "1009": "IB's server is under heavy load.",
    TOO_MANY: "Too many requests with this token: IB allows one a second and ten a minute.",
    IN_PROGRESS: "IB is still making the statement.",
    "1021": "IB could not deliver the statement at this moment.",
}
NEVER = {
    "1010": "The query is of an old kind: make a Flex query of the type Activity.",
    "1011": "The Flex Web Service is not switched on: in IB's Client Portal, Flex Web Service Configuration.",
    "1012": "The token has expired: make a new one in IB's Client Portal and set IB_FLEX_TOKEN.",
    "1013": "The token is for another IP address: make one without, or for this machine's.",
    "1014": "The query is invalid: set IB_FLEX_QUERY to the number of a Flex query of the type Activity.",
    "1015": "The token is invalid: set IB_FLEX_TOKEN to the one that IB's Client Portal shows.",
    "1016": "The account is invalid: make query and token as the user of this account.",
    "1017": "IB does not know the number of the statement any more.",
    "1020": "IB could not check the request: see whether IB_FLEX_TOKEN and IB_FLEX_QUERY are whole.",
}


def read(values: Mapping[str, Any], since: datetime, until: datetime) -> Statement:
    """Return the statement that the query makes: its period is set there. Raises StatementError."""
    service = FlexWebService(values["IB_FLEX_URL"], values["IB_FLEX_TOKEN"])
    return parsed(service.fetch(values["IB_FLEX_QUERY"]), "IB's Flex query")


class FlexWebService:
    """The service for one token, which is in no message. `sleep`, `clock`: seconds, for waiting."""

    def __init__(
        self,
        url: str,
        token: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._token, self._sleep, self._clock = url.rstrip("/"), token, sleep, clock
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "jax"  # without one IB refuses
        self._session.trust_env = False
        self._session.proxies = get_environ_proxies(self._url)
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    def fetch(self, query: str) -> bytes:
        """Return the statement as it came. Raises StatementError."""
        until = self._clock() + LONGEST
        answer = self._ordered(query, until)
        number = answer.findtext("ReferenceCode", "").strip()
        if not number:
            raise UnreadableStatement("IB took the query and answered without a number for the statement.")
        pauses = iter(PAUSES)
        while True:
            self._sleep(next(pauses, PAUSES[-1]))
            content = self._get("GetStatement", number, until)
            error = _error(content)
            if error is None:
                return content
            if error.code not in (IN_PROGRESS, TOO_MANY) or self._clock() >= until:
                raise error.meaning()

    def _ordered(self, query: str, until: float) -> ElementTree.Element:
        content = self._get("SendRequest", query, until)
        if error := _error(content):
            raise error.meaning()
        answer = _response(content)
        if answer is None:
            raise UnreadableStatement(
                "IB answered a query with something that is not its: look at IB_FLEX_URL."
            )
        return answer

    def _get(self, call: str, query: str, until: float) -> bytes:
        """Return the body of an answer, whole. The address in an answer is not used: the token goes along."""
        parameters = {"t": self._token, "q": query, "v": VERSION}
        try:
            with self._session.get(
                f"{self._url}/{call}",
                params=parameters,
                timeout=TIMEOUT,
                stream=True,
                allow_redirects=False,
            ) as response:
                if response.status_code != 200:
                    raise _refused(response.status_code)
                parts, size = list[bytes](), 0
                for part in response.iter_content(CHUNK):
                    parts.append(part)
                    size += len(part)
                    if size > LARGEST:
                        raise NoStatement(
                            f"The statement is larger than {LARGEST // 2**20} MB: shorten the query's period."
                        )
                    if self._clock() >= until + TIMEOUT[1]:
                        raise NotYet("IB did not finish its answer in time.")
                return b"".join(parts)
        except requests.RequestException as error:
            # Without its text: that has the address, and with it the token.
            host = urlsplit(self._url).hostname
            raise NotYet(
                f"IB's Flex Web Service ({host}) could not be reached: {type(error).__name__}."
            ) from None


def _refused(status: int) -> StatementError:
    if status in (401, 403, 404) or 300 <= status < 400:
        return NoStatement(f"IB's Flex Web Service answered {status}: look at IB_FLEX_URL and IB_FLEX_TOKEN.")
    return NotYet(f"IB's Flex Web Service answered {status}.")


class _Error:
    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message

    def meaning(self) -> StatementError:
        if self.code in LATER:
            return NotYet(f"{LATER[self.code]} (IB's error {self.code})")
        words = NEVER.get(self.code) or f"IB says: {self.message[:200] or 'nothing more'}"
        return NoStatement(f"{words} (IB's error {self.code})")


def _response(content: bytes) -> ElementTree.Element | None:
    """Return what the service says of a request; None for a statement, or anything else."""
    if b"<FlexStatementResponse" not in content[:500] or b"<!" in content[:500]:
        return None
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return None


def _error(content: bytes) -> _Error | None:
    response = _response(content)
    if response is None or response.findtext("Status", "") == "Success":
        return None
    return _Error(response.findtext("ErrorCode", "").strip(), response.findtext("ErrorMessage", "").strip())
