"""Requests to Alpaca's trading interface, and what its errors mean to us."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from approvals.brokers.base import AnswerLost, BrokerAway, BrokerError, OrderRefused
from core.http import Answer, Client, Failure, Patience, Request

Row = dict[str, Any]

A_MINUTE = (180, 60.0)  # requests of this process; Alpaca allows 200 of an account
FOR_ORDERS = 60  # of these: what is read of the whole account waits sooner than an order does
PAUSES = (1.0, 3.0, 6.0)  # seconds before what was turned away is sent again
LONGEST_PAUSE = 10.0
TOO_FAST = 429
HASTE = Patience(attempts=2, pause=0.25)  # a comparison comes again in a minute
PAPER_HOSTS = ("paper-api.alpaca.markets", "127.0.0.1", "localhost", "::1")
NOT_UNIQUE, NOT_CHANGED, NOT_ROUTED = "must be unique", "not changed", "sent to exchange yet"
KEYS = (
    "Check ALPACA_API_KEY, ALPACA_API_SECRET and ALPACA_TRADING_URL: keys of a paper account begin with PK."
)


class Refused(OrderRefused):
    """Alpaca said no. `said`: in its own words."""

    def __init__(self, said: str) -> None:
        super().__init__(f"Alpaca says: {said}")
        self.said = said

    def is_about(self, words: str) -> bool:
        return words in self.said


class Api:
    """One account's interface. `sleep`: waits for seconds."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        secret: str,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._client = Client(
            "Alpaca", base_url, headers=headers, connections=4, window=A_MINUTE, patience=patience or HASTE
        )
        self.sleep = sleep

    def read(self, path: str, query: Mapping[str, str] | None = None) -> Row:
        return self._read(Request(path, query or {}, leaves=FOR_ORDERS)).body

    def rows(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Any]:
        rows: Sequence[Any] = self._read(Request(path, query or {}, has_rows=True, leaves=FOR_ORDERS)).body[
            "rows"
        ]
        return rows

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Row | None:
        """Return a row, or None where there is none."""
        try:
            return self._read(Request(path, query or {})).body
        except _NotFound:
            return None

    def send(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Row:
        """Change something, once. What Alpaca turned away for its pace (429) is sent again after a while."""
        body = None if content is None else json.dumps(content)
        request = Request(path, body=body, method=method)
        outcome = self._ask(request)
        for pause in PAUSES:
            if isinstance(outcome, Answer) or outcome.status != TOO_FAST:
                break
            asked_for = outcome.retry_after.total_seconds() if outcome.retry_after else pause
            self.sleep(min(max(asked_for, pause), LONGEST_PAUSE))
            outcome = self._ask(request)
        if isinstance(outcome, Failure):
            raise _meaning(outcome)
        return outcome.body

    def _read(self, request: Request) -> Answer:
        outcome = self._ask(request)
        if isinstance(outcome, Failure):
            raise _NotFound(str(outcome)) if outcome.status == 404 else _meaning(outcome)
        return outcome

    def _ask(self, request: Request) -> Answer | Failure:
        fetched = self._client.fetch({"": request})
        if "" in fetched.answers:
            return fetched.answers[""]
        return fetched.failed.get("") or Failure("Alpaca was not asked: too much waits", unsent=True)


class _NotFound(OrderRefused):
    """There is no such row."""


def _meaning(failure: Failure) -> BrokerError:
    """Return what a failure means to the one who asked: whether something may have happened."""
    said = _said(failure.answered)
    if failure.unsent or failure.status == TOO_FAST:
        return BrokerAway(f"{failure}.")
    if failure.status == 401 or (failure.status == 403 and not said):
        return BrokerAway(f"{failure}. {KEYS}")
    if failure.status is not None and 300 <= failure.status < 400:
        return BrokerAway(f"{failure}")
    if failure.status is not None and failure.status < 500 and failure.status not in (408, 425):
        return Refused(said or str(failure))
    return AnswerLost(f"{failure}.")


def _said(answered: str) -> str:
    """Return the reason of an error that Alpaca numbers; others come from what stands before it."""
    try:
        body = json.loads(answered)
    except ValueError:
        return ""
    if not isinstance(body, dict) or not body.get("code"):
        return ""
    more = {name: body[name] for name in ("reject_reason", "buying_power", "cost_basis") if body.get(name)}
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in more.items())
    return f"{body.get('message')}{shown and f' ({shown})'}"


@lru_cache(maxsize=4)
def api(base_url: str, key: str, secret: str) -> Api:
    """Return the interface to an account: one for all tasks of a process, so that connections stay open."""
    return Api(base_url.rstrip("/"), key=key, secret=secret)
