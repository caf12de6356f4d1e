"""Bulk writes and reads of quotes and candles: COPY in, one merge; arrays out."""

from market.store.candles import Written, rescale, set_suspect, write_candles
from market.store.quotes import write_quotes
from market.store.reading import context, newest, oldest, previous_closes, read_bars
from market.store.staging import UnknownSymbols

__all__ = [
    "UnknownSymbols",
    "Written",
    "context",
    "newest",
    "oldest",
    "previous_closes",
    "read_bars",
    "rescale",
    "set_suspect",
    "write_candles",
    "write_quotes",
]
