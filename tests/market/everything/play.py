"""The scenario: the site runs, the vendor misbehaves, and orders are held through it."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.jaxsite.processes import eventually, server_user
from tests.market.everything import expected
from tests.market.everything.site import Clock, Site
from tests.market.everything.tape import Share, Tape
from tests.market.everything.vendor import Everything, everything, trouble
from tests.vendors import prices

# A Wednesday at 10:26 in New York, in session; a quarter of an hour ends during the play.
BEGAN = datetime(2026, 7, 1, 14, 26, tzinfo=UTC)
BEATS = 9
BOUGHT_AFTER = 3  # beats
NAMES = prices.many(42)
STREAMED, SILENT, ABSURD = NAMES[:24], NAMES[24], NAMES[25:28]
ALPACA, BRIDGE, TOKYO = NAMES[28:33], NAMES[33:38], NAMES[38:40]
NAIVE, SHIFTED = BRIDGE[0], BRIDGE[1]
EXCLUDED, PLUNGED, FALLEN, CALM = BOUGHT = STREAMED[:4]
LOTS = STREAMED[4:7]
QUOTES = "SELECT symbol, price, bid, ask, doubtful_price, doubt, halt, provider, as_of FROM quotes"

HISTORY = """
SELECT as_of::text, received_at::text AS received, price, bid, ask, doubt
FROM quote_history WHERE symbol = %s ORDER BY received_at
"""
PREPARE = """
from market.models import Instrument
Instrument.objects.update(watched=False)
for symbol in {names}:
    make.instrument(symbol, "XTKS" if symbol in {tokyo} else "XNYS")
print("true")
"""
BUY = """
from approvals import decisions
from signals.models import Signal
user, made = make.trader(), []
for symbol, price in {prices}.items():
    level = lambda factor: Decimal(f"{{price * factor:.4f}}")
    signal = make.signal(
        symbol,
        strategy_id="played_v1",
        timeframe="15m",
        bar_opened_at=at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0),
        generated_at=at - timedelta(minutes=1),
        created_at=at,
        expires_at=at + timedelta(hours=2),
        entry_price=level(1),
        stop_loss=level(0.9),
        take_profit=level(1.3),
        second_target=level(1.4),
        indicators={{"price": price, "atr": price * 0.03}},
    )
    try:
        decisions.approve(signal.pk, by=user, seen=decisions.etag_of(signal, at), at=at)
        made.append("")
    except decisions.ApprovalRefused as refusal:
        made.append(str(refusal))
print(json.dumps(made))
"""


@dataclass
class Play:
    """What is left: the site still runs."""

    seed: int
    site: Site
    vendor: Everything
    tape: Tape
    refused: list[str]  # why entries on doubtful or halted prices were not approved

    def states(self) -> dict[str, expected.State]:
        return expected.newest(self.tape.sent, STREAMED, self.site.clock().timestamp())

    def stored(self) -> dict[str, dict[str, Any]]:
        return {row["symbol"]: row for row in self.site.rows(QUOTES)}

    def differences(self) -> dict[str, Any]:
        """Return what is stored of the streamed shares beside what should be, where these differ."""
        stored = self.stored()
        different = {}
        for symbol, state in self.states().items():
            row = stored.get(symbol, {})
            given = {name: row.get(name) for name in ("price", "bid", "ask", "doubtful_price")}
            if row:
                given |= {"is_halted": bool(row["halt"]), "doubtful_price": row["doubtful_price"]}
            if given != state.columns():
                different[symbol] = (given, state.columns())
        return different

    def settle(self) -> None:
        """Wait until all that was sent is stored as it should be."""
        deadline = time.monotonic() + 30
        while different := self.differences():
            assert time.monotonic() < deadline, self._story(different)
            time.sleep(0.2)

    def _story(self, different: Mapping[str, Any]) -> str:
        """Return what was sent of the shares that differ, and what became of it."""
        lines = [f"seed {self.seed}, after beat {len(self.tape.sent)}"]
        for symbol, (stored, computed) in different.items():
            lines += [f"{symbol}: stored {stored}, expected {computed}"]
            lines += [
                f"  beat {beat}: {message}"
                for beat, messages in enumerate(self.tape.sent, start=1)
                for message in messages
                if symbol in (message.get("sym"), message.get("T"))
            ]
            lines += [f"  {row}" for row in self.site.rows(HISTORY, symbol)]
        return "\n".join(lines)


@contextmanager
def playing(var: Path, seed: int) -> Iterator[Play]:
    draw, clock = random.Random(seed), Clock(BEGAN)
    shares = {symbol: _share(symbol, clock) for symbol in STREAMED}
    tape = Tape(
        draw,
        clock,
        shares,
        {
            EXCLUDED: _script("excluded"),
            PLUNGED: _script("plunge", "back"),
            FALLEN: _script("fall"),
            CALM: _script("calm"),
        },
    )
    polygon = [*STREAMED, SILENT, *ABSURD]
    with everything(clock, polygon, ALPACA, [*BRIDGE, *TOKYO]) as vendor, server_user(var) as keeper:
        keeper.ask("SELECT 1")  # the server stays between one process and the next
        _spoil(vendor, tape, _share(SILENT, clock))
        settings = {"CANDLE_BACKFILL": "300", "LOG_LEVEL": "INFO"}
        site = Site(var, clock, vendor.settings | settings)
        site.shell(PREPARE.format(names=[*NAMES[:40]], tokyo=TOKYO))
        with site.connected(), site.running():
            play = Play(seed, site, vendor, tape, [])
            _play(play, draw)
            yield play


def _share(symbol: str, clock: Clock) -> Share:
    return Share(symbol, prices.price(symbol, clock()), clock())


def _script(*doings: str) -> Iterator[str]:
    """Yield what a share that is bought does: nothing much until it was."""
    yield from ["calm"] * (BOUGHT_AFTER + 2)
    while True:
        yield from doings
        if doings == ("fall",):
            doings = ("calm",)


def _spoil(vendor: Everything, tape: Tape, silent: Share) -> None:
    massive, ib = vendor.polygon, vendor.bridge
    massive.tape, massive.silent = tape, silent
    stamp = int(BEGAN.timestamp())
    massive.absurd = dict(zip(ABSURD, (0, stamp * 10**6, stamp * 10**3), strict=True))
    vendor.alpaca.lots = frozenset(LOTS)
    ib.naive, ib.shifted, ib.tokyo = NAIVE, SHIFTED, frozenset(TOKYO)


def _play(play: Play, draw: random.Random) -> None:
    site, vendor, tape = play.site, play.vendor, play.tape
    _await_stream(site, BEGAN)
    for beat in range(BEATS):
        if beat and draw.random() < 0.4:
            _drop_the_stream(play)
        for frame in tape.beat():
            vendor.stream.push(*frame)
        vendor.stream.send(draw.choice(["{", "[1, null]", "[]", '"text"', "[" * 2000]))
        play.settle()
        trouble(vendor, draw.randrange(8))
        site.do("market.tasks.ingest")
        play.settle()
        if beat == BOUGHT_AFTER:
            _buy(play)
        elif beat > BOUGHT_AFTER:
            site.do("approvals.tasks.reconcile")
            _try_to_buy(play)
    for part in (vendor.polygon, vendor.alpaca, vendor.bridge):
        part.heal()


def _drop_the_stream(play: Play) -> None:
    at = play.site.clock()
    play.vendor.stream.hang_up()
    play.site.do("market.tasks.ingest")
    _await_stream(play.site, at)


def _await_stream(site: Site, since: datetime) -> None:
    """Wait until all shares are streamed by a connection that was made since."""
    live = "SELECT 1 FROM stream_status WHERE state = 'live' AND since > %s AND symbols >= %s"
    eventually(lambda: site.rows(live, since, len(STREAMED)))


def _buy(play: Play) -> None:
    site = play.site
    eventually(lambda: [row for row in site.rows("SELECT is_open FROM gate") if row["is_open"]], 180)
    current = {symbol: play.tape.shares[symbol].price for symbol in BOUGHT}
    assert site.shell(BUY.format(prices=current)) == [""] * len(BOUGHT)
    eventually(lambda: len(site.rows("SELECT 1 FROM orders WHERE status = 'submitted'")) == len(BOUGHT))


def _try_to_buy(play: Play) -> None:
    """Ask for an entry on each doubtful or halted price."""
    doubted = {
        symbol: state.price
        for symbol, state in play.states().items()
        if symbol not in BOUGHT and (state.doubtful is not None or state.is_halted)
    }
    if doubted and not play.refused:
        play.refused += play.site.shell(BUY.format(prices=doubted))
