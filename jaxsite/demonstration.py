"""The whole way of a signal, played in a scratch database with a clock of its own.

From the market to the audit chain with the parts that run every day: only the clock is moved on by hand, and
no data of the installation is touched. What is printed is what happened.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import requests
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connection
from django.test.testcases import LiveServerThread
from knox.models import AuthToken

from approvals import audit, execution, outcomes, positions, proposals
from approvals.models import AuditEvent, Fill, Order, Outcome
from jaxsite import queries
from jaxsite.embedded_postgres.base import as_owner
from jaxsite.models import TokenAccess
from jaxsite.scopes import Scope
from market import sessions
from market.ingestion import cycle
from market.models import Candle, Instrument
from signals import scan
from signals.models import Signal, StrategyConfig

DATABASE = "jax_demo"
BEFORE = (timedelta(seconds=150), timedelta(seconds=90), timedelta(seconds=30))
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
ORDERS = 3  # at most; the first that fills is followed
WORKING = 60  # minutes
LONGEST = 600  # quarters of an hour
MORE = 20  # invented instruments, so that at any minute some signal can be approved


class Nothing(Exception):
    """There is nothing to show at this moment."""


@contextmanager
def scratch_database() -> Iterator[None]:
    """A database of its own beside the installation's, gone afterwards."""
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    before = str(connection.settings_dict["NAME"])
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(before, verbosity=0)


@contextmanager
def server() -> Iterator[str]:
    """The site itself on a free port of this machine."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    try:
        yield f"http://127.0.0.1:{thread.port}"
    finally:
        thread.terminate()


class Demonstration:
    """One signal from its bar to its outcome. `say` prints a line, `head` a heading."""

    def __init__(self, at: datetime, say: Callable[[str], object], head: Callable[[str], object]) -> None:
        self.at, self.say, self.head = at, say, head

    def play(self) -> None:
        self.market()
        order = self.fill(self.decide(self.choose()))
        self.wait_for_the_end(order)
        self.outcome(order)
        self.verify()

    def market(self) -> None:
        self.head("1. The market: a simulated one, with its history")
        Instrument.objects.update(calendar="24/7")
        Instrument.objects.bulk_create(
            Instrument(symbol=f"DEMO{number}", calendar="24/7") for number in range(1, MORE + 1)
        )
        sessions.ensure(["24/7"], self.at)
        for ago in BEFORE:
            self._tick(self.at - ago)
        count = Instrument.objects.watched().count()
        self.say(f"{count} instruments, {Candle.objects.count():,} candles of 15m, 1h, 1d and 1w.")
        self.say("The feed and the broker have been good for a minute: the gate is open.")

    def choose(self) -> list[Signal]:
        self.head("2. The scan: what the strategies say about the newest closed bars")
        StrategyConfig.objects.update(minimum_confidence=0)  # so that there is something to show at any hour
        scan.run(self.at)
        waiting = proposals.propose_all(
            list(Signal.objects.pending(self.at).order_by("timeframe", "id")), self.at
        )
        for proposal in waiting[:5]:
            self.say(f"{proposal.signal.signal_type} {proposal.symbol}: {proposal.signal.reasoning}")
        self.say(f"{len(waiting)} signals wait for a person.")
        fit = [each.signal for each in waiting if each.effect.is_entry and not each.problems]
        if not fit:
            raise Nothing("No signal can be approved at this moment. Try again in a quarter of an hour.")
        return fit[:ORDERS]

    def decide(self, signals: Sequence[Signal]) -> list[Order]:
        self.head("3. A person decides, here with curl")
        trader = User.objects.create_user("demo")
        trader.groups.add(Group.objects.get(name="trader"))
        stored, token = AuthToken.objects.create(trader)
        TokenAccess.objects.create(token=stored, scope=Scope.DECIDE)
        with server() as address:
            first, *others = (f"{address}/api/v1/signals/{signal.pk}" for signal in signals)
            etag = self._approve(first, token)
            refusal, _ = self._ask("POST", f"{first}/approve/", token, {}, etag)
            self.say(f"   and a second time: {refusal['status']} {refusal['detail']}")
            for site in others:
                self.say("Another, should the market not come to the price of the first:")
                self._approve(site, token)
        return list(Order.objects.order_by("created_at"))

    def _approve(self, site: str, token: str) -> str:
        """Approve what the proposal says and return its ETag."""
        proposal, etag = self._ask("GET", f"{site}/proposal/", token)
        self.say(f"   {proposal['words']}")
        approval, _ = self._ask("POST", f"{site}/approve/", token, {"notes": "as proposed"}, etag)
        if "order" in approval:
            self.say(f"   approved by {approval['approved_by']}, order {approval['order']}")
        else:
            self.say(f"   refused: {approval['detail']}")
        return etag

    def _ask(
        self, method: str, url: str, token: str, body: Mapping[str, str] | None = None, etag: str = ""
    ) -> tuple[dict[str, str], str]:
        headers = {"Authorization": f"Token {token}"} | ({"If-Match": etag} if etag else {})
        self.say("$ " + _as_curl(method, url, {**headers, "Authorization": "Token $TOKEN"}, body))
        if shutil.which("curl") is None:
            answer = requests.request(method, url, json=body, headers=headers, timeout=30)
            return answer.json(), answer.headers.get("ETag", "")
        return _curl(method, url, headers, body)

    def fill(self, orders: Sequence[Order]) -> Order:
        """Return the first order that the market came to."""
        self.head("4. The worker sends the orders, the paper broker fills them on later quotes")
        for order in orders:
            execution.submit_order(order.pk, self.at)
        for _ in range(WORKING):
            self.at += MINUTE
            self._tick(self.at)
            filled = Order.objects.filter(status=Order.Status.FILLED).order_by("ended_at").first()
            if filled is not None:
                fills = ", ".join(
                    f"{fill.quantity} at {fill.price:.2f}, {fill.commission:.2f} commission"
                    for fill in filled.fills.all()
                )
                self.say(f"{filled.get_status_display()}: {fills}")
                return filled
        raise Nothing("The market came to no order's price. Try again in a quarter of an hour.")

    def wait_for_the_end(self, order: Order) -> None:
        self.head("5. Its stop and its target wait at the broker; the clock is moved on")
        Instrument.objects.exclude(symbol=order.symbol).update(watched=False)  # the others are over
        begun = self.at
        for _ in range(LONGEST):
            if positions.of(order.symbol).quantity == 0:
                break
            self.at += QUARTER
            self._tick(self.at)
        last = Fill.objects.order_by("-executed_at", "-pk").first()
        held = self.at - begun
        if last is not None and last.leg != Fill.Leg.ENTRY:
            realised = positions.of(order.symbol).realised
            self.say(f"After {held}: {last.leg} at {last.price:.2f}, {realised:+.2f} in all.")
        else:
            self.say(f"Still open after {held}.")

    def outcome(self, order: Order) -> None:
        self.head("6. The outcome: counted on stored bars, in two ledgers")
        outcomes.refresh(self.at)
        for row in Outcome.objects.filter(signal__approval__order=order).order_by("-ledger"):
            result = "" if row.r is None else f", {row.r:+.2f} R"
            self.say(f"{row.ledger} ledger: {row.get_end_display()}{result}")

    def verify(self) -> None:
        self.head("7. The record: every event is hashed together with the one before")
        self._print_verified()
        victim = AuditEvent.objects.filter(kind="signal approved").latest("number")
        self.say("Somebody with all rights over the database changes one byte:")
        self._flip_a_byte(victim)
        self._print_verified()

    def _print_verified(self) -> None:
        self.say("$ python manage.py verify_audit")
        try:
            chain = audit.verify()
        except audit.Broken as broken:
            self.say(f"   {broken}")
        else:
            self.say(f"   {chain.count} events, none changed. Head: {chain.head}")

    def _flip_a_byte(self, event: AuditEvent) -> None:
        queries.tamper_with_event(event.number)

    def _tick(self, at: datetime) -> None:
        """What the worker does each minute."""
        cycle.ingest_quotes(at)
        cycle.ingest_candles(at)
        execution.reconcile_orders(at)


def _as_curl(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, str] | None) -> str:
    parts = [f"curl -sX {method} {url}"] + [f"-H '{name}: {value}'" for name, value in headers.items()]
    if body is not None:
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    return " ".join(parts)


def _curl(
    method: str, url: str, headers: Mapping[str, str], body: Mapping[str, str] | None
) -> tuple[dict[str, str], str]:
    command = ["curl", "-sS", "-i", "-X", method, url]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    head, _, text = printed.partition("\n\n")
    lines = (line.partition(": ") for line in head.splitlines())
    etag = next((value.strip() for name, _, value in lines if name.lower() == "etag"), "")
    answered: dict[str, str] = json.loads(text)
    return answered, etag
