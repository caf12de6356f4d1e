"""Bulk writes and reads of quotes and candles: COPY in, one merge; arrays out."""

from market.store.candles import Written, delete, rescale, set_suspect, write_candles
from market.store.evidence import supported
from market.store.quotes import believe_quotes, write_quotes
from market.store.reading import (
    ClosedBars,
    context,
    newest,
    oldest,
    previous_closes,
    read_bars,
    read_closed,
    read_doubted,
)
from market.store.staging import UnknownSymbols, lock

__all__ = [
    "ClosedBars",
    "UnknownSymbols",
    "Written",
    "believe_quotes",
    "context",
    "delete",
    "lock",
    "newest",
    "oldest",
    "previous_closes",
    "read_bars",
    "read_closed",
    "read_doubted",
    "rescale",
    "set_suspect",
    "supported",
    "write_candles",
    "write_quotes",
]
