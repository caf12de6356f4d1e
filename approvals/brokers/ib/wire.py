"""Requests to the IB Bridge, and what its errors mean to us."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from approvals.brokers.base import AnswerLost, BrokerAway, BrokerError, Missing, OrderRefused
from core.http import Answer, Client, Failure, Patience, Request

Row = dict[str, Any]

# It waits for IB up to 6 s, and then asks for the list of orders.
PATIENCE = Patience(connect=3.0, read=20.0, answer=25.0, fetch=30.0)
TOKEN = "Set IB_BRIDGE_TOKEN to the same text here and where the bridge runs."
MISSING = {"never_received": Missing.NEVER_RECEIVED, "too_long_ago": Missing.TOO_LONG_AGO}
NOTHING_DONE = ("away", "no_token", "browser")
REFUSED = ("refused", "malformed", "no_contract")


class NotThere(OrderRefused):
    """The bridge has no such order. `missing`: why."""

    def __init__(self, message: str, missing: Missing) -> None:
        super().__init__(message)
        self.missing = missing


class Api:
    """One bridge. Nothing that changes something is sent twice."""

    def __init__(self, base_url: str, token: str, patience: Patience = PATIENCE) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = Client("IB Bridge", base_url, headers=headers, connections=4, patience=patience)

    def is_paper(self) -> bool:
        """Return false only when the bridge's account is known to be live: without one, calls fail anyway."""
        fetched = self._client.fetch({"": Request("/health")}, attempts=1)
        return "" not in fetched.answers or fetched.answers[""].body.get("paper_trading") is not False

    def read(self, path: str, **query: str) -> Row:
        return self._ask(Request(path, query))

    def rows(self, path: str, key: str, **query: str) -> Sequence[Row]:
        """Return the rows that stand under a key. Raises AnswerLost when none do."""
        found = self.read(path, **query).get(key)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise AnswerLost(f"IB Bridge's answer has no {key}: it is none of a bridge of this version.")
        return found

    def send(self, method: str, path: str, content: Mapping[str, Any]) -> Row:
        return self._ask(Request(path, body=json.dumps(content), method=method))

    def _ask(self, request: Request) -> Row:
        fetched = self._client.fetch({"": request})
        outcome = fetched.answers.get("") or fetched.failed.get("")
        if isinstance(outcome, Answer):
            return outcome.body
        raise _meaning(outcome or Failure("IB Bridge was not asked: too much waits", unsent=True))


def _meaning(failure: Failure) -> BrokerError:
    """Return what a failure means to the one who asked: whether something may have happened."""
    code, detail = _said(failure.answered)
    if code in MISSING:
        return NotThere(detail, MISSING[code])
    if code in REFUSED:
        return OrderRefused(f"Interactive Brokers: {detail}")
    if code in NOTHING_DONE or failure.unsent:
        return BrokerAway(f"{detail or failure} {TOKEN if failure.status == 401 else ''}".strip())
    return AnswerLost(f"{detail or failure}")


def _said(answered: str) -> tuple[str, str]:
    """Return code and reason of an answer of the bridge; of anything else, as a proxy's page, nothing."""
    try:
        body = json.loads(answered)
    except ValueError:
        return "", ""
    if not isinstance(body, dict) or not isinstance(body.get("code"), str):
        return "", ""
    return body["code"], str(body.get("detail", ""))


@lru_cache(maxsize=4)
def api(base_url: str, token: str) -> Api:
    """Return the bridge: one for all tasks of a process, so that connections stay open."""
    return Api(base_url.rstrip("/"), token)
