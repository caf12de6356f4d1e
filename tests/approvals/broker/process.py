"""The fake broker's process, and what a test tells it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests

from tests.jaxsite.processes import ROOT


class FakeBroker:
    """What happens at the broker, seen from behind its counter."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        self._control("reset")

    def fail(self, call: str, fault: str, times: int = 1) -> None:
        """The next calls go wrong: refuse, 500 before, 500 after, drop, deny, odd, lose, late, hang ..."""
        self._control("fault", call=call, fault=fault, times=times)

    def fill(self, order: UUID, quantity: int, leg: str = "entry", price: str = "100.00") -> None:
        self._control("fill", client_id=str(order), leg=leg, quantity=quantity, price=price)

    def fill_foreign(self, symbol: str, quantity: int, client_id: UUID | None = None) -> None:
        who = {"client_id": str(client_id) if client_id else None, "symbol": symbol}
        side = "BUY" if quantity > 0 else "SELL"
        self._control("fill", leg="entry", quantity=abs(quantity), price="100.00", side=side, **who)

    def rest_foreign(self, symbol: str, side: str, quantity: int) -> None:
        """Have an order of others work that is none of ours."""
        self._control("rest foreign", symbol=symbol, side=side, quantity=quantity)

    def forget(self, order: UUID) -> None:
        self._control("forget", client_id=str(order))

    def claim(self, order: UUID, filled: int) -> None:
        """Say that so much was filled, whatever the executions say."""
        self._control("claim", client_id=str(order), filled=filled)

    def amend_order(self, order: UUID, **values: Any) -> None:
        """Report an order with other values, whatever they are."""
        self._control("amend order", client_id=str(order), values=values)

    def amend_execution(self, place: int, **values: Any) -> None:
        """Report the execution at this place of the list with other values, whatever they are."""
        self._control("amend execution", place=place, values=values)

    def correct(self, place: int, **values: Any) -> None:
        """Replace the execution at this place of the list by a new one with these values."""
        self._control("correct", place=place, values=values)

    def charge(self, charge_id: str, at: datetime, amount: str, what: str) -> None:
        row = {"charge_id": charge_id, "amount": amount, "currency": "USD", "what": what}
        self._control("charge", at=at.isoformat(), **row)

    def outlive(self, order: UUID) -> None:
        """Keep no record of an order any more, and say so."""
        self._control("outlive", client_id=str(order))

    def hold(self, **holdings: Any) -> None:
        """Say that the account holds these beside what was executed, whatever they are."""
        self._control("hold", holdings=holdings)

    def worth(self, equity: int | str) -> None:
        self._control("equity", equity=str(equity))

    def account(self, **values: str) -> None:
        """Answer for the account with this number, or why it is blocked."""
        self._control("account", **values)

    def release(self) -> None:
        """Let everything go on that hangs."""
        self._control("release")

    def accepted(self, order: UUID) -> int:
        """Return how many orders it made under this id."""
        return int(self._control("look")["accepted"].get(str(order), 0))

    def received(self, order: UUID) -> int:
        return int(self._control("look")["received"].get(str(order), 0))

    def hanging(self, call: str) -> int:
        """Return how many of these calls hang now."""
        return int(self._control("look")["hanging"].get(call, 0))

    def order(self, order: UUID) -> dict[str, Any]:
        stored: dict[str, Any] = self._control("look")["orders"].get(str(order), {})
        return stored

    def executions(self) -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = self._control("look")["executions"]
        return done

    def _control(self, order: str, /, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/control/{quote(order)}", data=json.dumps(body), timeout=60)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running() -> Iterator[FakeBroker]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.approvals.broker.server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield FakeBroker(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.communicate()
