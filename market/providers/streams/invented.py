"""The simulator's stream: its quotes, a second apart."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from market.prices import Feed
from market.providers.base import Provider
from market.providers.streams.base import Clock, Updates, Wanted

EVERY = 1.0  # seconds


@dataclass(frozen=True)
class InventedStream:
    provider: Provider
    clock: Clock
    feed: Feed = Feed.SIMULATED
    delay: timedelta = timedelta(0)

    async def run(self, wanted: Wanted, updates: Updates) -> None:
        while True:
            symbols = wanted()
            updates.subscribed(symbols, {})
            for tick in self.provider.quotes(symbols, self.clock()).ticks if symbols else ():
                updates.tick(tick)
            await asyncio.sleep(EVERY)
