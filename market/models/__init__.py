"""The rows of the market: what trades, what was quoted, what its bars were, and how we came to know."""

from market.models.actions import CorporateAction, CorporateActionCheck, SymbolChange
from market.models.candles import Candle, CandleProgress, CandleVersion, Gap
from market.models.disagreements import Disagreement
from market.models.earnings import EarningsCheck, EarningsDate
from market.models.faults import Fault
from market.models.imports import CandleImport, CandleUpload
from market.models.ingestion import IngestionRun, IngestionTotal, ProviderPace, ProviderStatus
from market.models.listings import DetailChange
from market.models.moves import UnexplainedMove
from market.models.quotes import Quote, QuoteHistory
from market.models.rates import CurrencyPair, RateRefusal
from market.models.reference import ALWAYS_OPEN, Installation, Instrument, Split, TradingSession
from market.models.review import BarVerdict, CandleRow, Refetch, RefusedRow, ReviewItem
from market.models.streams import StreamStatus
from market.models.watchlists import Watchlist, WatchlistEntry

__all__ = [
    "ALWAYS_OPEN",
    "BarVerdict",
    "Candle",
    "CandleImport",
    "CandleProgress",
    "CandleRow",
    "CandleUpload",
    "CandleVersion",
    "CorporateAction",
    "CorporateActionCheck",
    "CurrencyPair",
    "DetailChange",
    "Disagreement",
    "EarningsCheck",
    "EarningsDate",
    "Fault",
    "Gap",
    "IngestionRun",
    "IngestionTotal",
    "Installation",
    "Instrument",
    "ProviderPace",
    "ProviderStatus",
    "Quote",
    "QuoteHistory",
    "RateRefusal",
    "Refetch",
    "RefusedRow",
    "ReviewItem",
    "Split",
    "StreamStatus",
    "SymbolChange",
    "TradingSession",
    "UnexplainedMove",
    "Watchlist",
    "WatchlistEntry",
]
