"""Bulk writes and reads of quotes and candles: COPY in, one merge; arrays out."""

from market.store.candles import BY_HAND, Written, delete, put, rescale, set_suspect, write_candles
from market.store.evidence import NEAR, supported
from market.store.quotes import believe_quotes, write_quotes
from market.store.reading import (
    ClosedBars,
    context,
    newest,
    oldest,
    read_bars,
    read_closed,
    read_doubted,
)
from market.store.refused import keep_refused
from market.store.staging import UnknownSymbols, lock

__all__ = [
    "BY_HAND",
    "NEAR",
    "ClosedBars",
    "UnknownSymbols",
    "Written",
    "believe_quotes",
    "context",
    "delete",
    "keep_refused",
    "lock",
    "newest",
    "oldest",
    "put",
    "read_bars",
    "read_closed",
    "read_doubted",
    "rescale",
    "set_suspect",
    "supported",
    "write_candles",
    "write_quotes",
]
