"""Which symbol and timeframe the name of a file, or a cell of a vendor's file, speaks of. Pure."""

import re

from market.imports import spelling
from market.prices import Timeframe

# RIC and Bloomberg codes, Stooq's and EODHD's country: all of these are of the United States.
COUNTRY = re.compile(r"\.US|[ _](US|UN|UW|UQ|UA|UP)( EQUITY)?", re.IGNORECASE)
PLACE = re.compile(r"[A-Z]{2,10}:(?=.)", re.IGNORECASE)
EXTENSIONS = re.compile(r"(\.(csv|txt|tsv|xlsx|parquet|gz|zip|asc))+\Z", re.IGNORECASE)
PARTED = re.compile(r"[\s_,()]+|-(?=\d|[a-z])|(?<=[a-z\d])-")
LIKE_A_SYMBOL = re.compile(r"[A-Z]{1,6}([.\-][A-Z]{1,3})?")
WORDS_OF = {
    Timeframe.M1: ("1m", "1min", "m1", "minute", "1minute"),
    Timeframe.M5: ("5m", "5min", "m5", "5minute"),
    Timeframe.M15: ("15m", "15min", "m15", "15minute"),
    Timeframe.H1: ("1h", "60min", "h1", "hourly", "60m"),
    Timeframe.D1: ("1d", "d", "d1", "day", "daily", "1440", "eod"),
    Timeframe.W1: ("1w", "w1", "weekly"),
}
TIMEFRAME_OF = {word: timeframe for timeframe, words in WORDS_OF.items() for word in words}
NO_SYMBOLS = {
    *("DATA", "DAT", "ASCII", "CSV", "TXT", "FULL", "HISTORY", "HISTORICAL", "PRICE", "PRICES", "QUOTES"),
    *("TABLE", "EXPORT", "DOWNLOAD", "STOCK", "STOCKS", "US", "OHLC", "OHLCV", "BARS", "CANDLES", "ADJ"),
    *("RAW", "ALL", "FILE", "RESULTS", "XNAS", "XNYS", "NASDAQ", "NYSE", "BATS", "AMEX", "ARCA", "BINANCE"),
}


def symbol_in(cell: str) -> str:
    """Return the symbol that a vendor's cell names: AAPL.US, NASDAQ:AAPL and AAPL US Equity are AAPL.

    Raises spelling.NoSymbol.
    """
    text = PLACE.sub("", cell.strip(), count=1)
    if match := re.fullmatch(rf"(.+?)({COUNTRY.pattern})", text, re.IGNORECASE):
        text = match[1]
    return spelling.ours(text)


def in_name(file_name: str) -> tuple[str, Timeframe | None]:
    """Return the symbol, "" when that is not clear, and the timeframe that a file's name speaks of."""
    base = EXTENSIONS.sub("", file_name.rpartition("/")[2])
    words = [word for word in PARTED.split(base) if word]
    timeframes = [TIMEFRAME_OF[word.lower()] for word in words if word.lower() in TIMEFRAME_OF]
    rest = [word for word in words if word.lower() not in TIMEFRAME_OF and word.upper() not in NO_SYMBOLS]
    return _symbol(rest), timeframes[0] if timeframes else None


def _symbol(words: list[str]) -> str:
    if len(words) == 1:
        words = [words[0].upper()]
    symbols = [COUNTRY.sub("", word) for word in words]
    likely = [symbol for symbol in symbols if LIKE_A_SYMBOL.fullmatch(symbol)]
    try:
        return spelling.ours(likely[0]) if len(likely) == 1 else ""
    except spelling.NoSymbol:
        return ""
