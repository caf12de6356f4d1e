"""What is traded while the site looks on: drawn from a seed, told as the vendor tells it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Message = dict[str, Any]
NOT_LAST = (2, 10, 22, 37, 52, 53)  # codes of trades that do not set the last price
HALT, RESUME = 17, 18
MINUTE = timedelta(minutes=1)


@dataclass
class Share:
    """A share as its vendor knows it. `last`: price, codes and time of the last print of any kind."""

    symbol: str
    price: float
    at: datetime
    bid: float = 0.0
    ask: float = 0.0
    last: tuple[float, list[int], datetime] = field(init=False)
    doubtful: float | None = None
    is_halted: bool = False
    began_at: float = field(init=False)  # its price
    set_at: datetime = field(init=False)  # when a trade set the price, believed or not

    def __post_init__(self) -> None:
        self.began_at, self.set_at = self.price, self.at
        self.last = (self.price, [], self.at)
        self.move_book(self.price)

    def move_book(self, price: float) -> Message:
        return self.set_book(round(price * 0.9998, 4), round(price * 1.0002, 4))

    def set_book(self, bid: float, ask: float) -> Message:
        self.bid, self.ask = bid, ask
        return {"ev": "Q", "sym": self.symbol, "bp": bid, "ap": ask, "bs": 100, "as": 200}

    def print(self, price: float, at: datetime, codes: list[int] | None = None) -> Message:
        """Trade, and tell it."""
        self.last = (price, codes or [], at)
        self.set_at = self.set_at if codes else at
        return {
            "ev": "T",
            "sym": self.symbol,
            "p": price,
            "c": codes or [],
            "t": int(at.timestamp() * 1000),
            "i": f"{self.symbol}{at.timestamp()}",
            "s": 100,
        }


@dataclass
class Tape:
    """`shares`: those that are streamed. `scripted`: what some of them do. `sent`: every message, by beat."""

    random: random.Random
    clock: Callable[[], datetime]
    shares: dict[str, Share]
    scripted: dict[str, Iterator[str]] = field(default_factory=dict)
    sent: list[list[Message]] = field(default_factory=list)

    def beat(self) -> list[list[Message]]:
        """Return what is sent now, in frames: each share does one thing."""
        frames = [getattr(self, self.draw(share))(share) for share in self.shares.values()]
        self.random.shuffle(frames)
        self.sent.append([message for frame in frames for message in frame])
        return frames

    def draw(self, share: Share) -> str:
        """Return what a share does next: after a doubtful print mostly what clears or confirms it."""
        if share.symbol in self.scripted:
            return next(self.scripted[share.symbol], "nothing")
        if not self.sent:
            return "calm"
        if share.is_halted:
            return self.random.choice(["resume", "nothing"])
        if share.doubtful is not None:
            return self.random.choice(["second", "back", "excluded", "nothing"])
        doings = ["calm", "burst", "excluded", "wild", "jump", "crossed", "locked", "halt", "late", "garbage"]
        return self.random.choice(doings)

    def near(self, price: float) -> float:
        return round(price * (1 + self.random.uniform(-0.001, 0.001)), 4)

    def far(self, price: float) -> float:
        return round(price * self.random.choice([0.55, 0.7, 1.4, 1.8]) * self.random.uniform(0.99, 1.01), 4)

    def trade(self, share: Share) -> Message:
        share.price = self.near(share.price)
        return share.print(share.price, self.clock())

    def nothing(self, share: Share) -> list[Message]:
        return []

    def calm(self, share: Share) -> list[Message]:
        return [self.trade(share), share.move_book(share.price)]

    def burst(self, share: Share) -> list[Message]:
        """Several trades a few milliseconds apart, each told twice and none in its order."""
        began = self.clock() - timedelta(milliseconds=50)
        trades = []
        for n in range(5):
            share.price = self.near(share.price)
            trades.append(share.print(share.price, began + n * timedelta(milliseconds=10)))
        return [*self.random.sample(trades * 2, 10), share.move_book(share.price)]

    def excluded(self, share: Share) -> list[Message]:
        return [share.print(self.far(share.price), self.clock(), [self.random.choice(NOT_LAST)])]

    def wild(self, share: Share) -> list[Message]:
        share.doubtful = self.far(share.price)
        return [share.print(share.doubtful, self.clock())] * self.random.choice([1, 3])

    def second(self, share: Share) -> list[Message]:
        share.price, share.doubtful = self.near(share.doubtful or share.price), None
        return [share.print(share.price, self.clock()), share.move_book(share.price)]

    def back(self, share: Share) -> list[Message]:
        share.doubtful = None
        return [self.trade(share)]

    def plunge(self, share: Share) -> list[Message]:
        share.doubtful = round(share.price * 0.6, 4)
        return [share.print(share.doubtful, self.clock())]

    def fall(self, share: Share) -> list[Message]:
        share.price = round(share.price * 0.8, 4)
        return [share.move_book(share.price), share.print(share.price, self.clock())]

    def jump(self, share: Share) -> list[Message]:
        share.price = round(share.price * self.random.choice([0.8, 1.2]), 4)
        return [share.move_book(share.price), share.print(share.price, self.clock())]

    def crossed(self, share: Share) -> list[Message]:
        return [self.trade(share), share.set_book(share.price * 1.001, share.price * 0.999)]

    def locked(self, share: Share) -> list[Message]:
        return [self.trade(share), share.set_book(share.price, share.price)]

    def halt(self, share: Share) -> list[Message]:
        share.is_halted = True
        return [self.trade(share), {"ev": "LULD", "T": share.symbol, "i": [HALT]}]

    def resume(self, share: Share) -> list[Message]:
        share.is_halted = False
        return [{"ev": "LULD", "T": share.symbol, "i": [RESUME]}, self.trade(share)]

    def late(self, share: Share) -> list[Message]:
        """A print that is older than the last one, and wild; the last one stands."""
        now, last = self.trade(share), share.last
        late = share.print(self.far(share.price), self.clock() - MINUTE)
        share.last = last
        return [now, late, share.move_book(share.price)]

    def garbage(self, share: Share) -> list[Message]:
        """A trade among others that are none."""
        good = self.trade(share)
        stamp = good["t"]
        nonsense: list[Message] = [
            {"t": stamp // 1000},
            {"t": stamp * 1000},
            {"t": stamp * 10**6},
            {"t": None},
            {"p": 0.0},
            {"p": -1.0},
            {"p": float("nan")},
            {"p": "many"},
            {"sym": "NOBODY"},
            {"t": stamp + 86_400_000},
        ]
        spoilt = [good | {"t": stamp + n, "i": f"x{n}"} | wrong for n, wrong in enumerate(nonsense, start=1)]
        return [good, *self.random.sample(spoilt, 4), share.move_book(share.price)]
