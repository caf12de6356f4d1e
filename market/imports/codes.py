"""Codes that name a share together with its exchange, as programs write them into lists. Pure.

Prefixes are those of TradingView and Google; suffixes those of Yahoo, Reuters and Stooq; words those
of Bloomberg. What such a code says is no share is refused with what it is.
"""

import re

from market.imports import likeness


def _table(text: str) -> dict[str, str]:
    """Return exchanges as `market.imports.exchanges` has them, by what others call them."""
    return dict(pair.split() for pair in text.split(","))


GOOGLE = _table(
    """
LON LSE, TYO TSE, FRA FWB, ETR XETR, HKG HKEX, EPA XPAR, AMS XAMS, BIT XMIL, BME XMAD, SWX SIX, STO
XSTO, BOM BSE, SHA SSE, SHE SZSE, OTCMKTS OTC, NYSEAMERICAN AMEX, EBR XBRU, ELI XLIS, VIE XWBO, XETRA
XETR
"""
)
# Of Yahoo and Reuters, which agree where both have one, and of Stooq.
SUFFIXES = _table(
    """
T TSE, L LSE, DE XETR, F FWB, PA XPAR, AS XAMS, MI XMIL, MC XMAD, SW SIX, S SIX, ST XSTO, TO TSX, HK
HKEX, SS SSE, SZ SZSE, KS KRX, AX ASX, NS NSE, BO BSE, SI SGX, BR XBRU, LS XLIS, VI XWBO, UK LSE, JP
TSE, O NASDAQ, OQ NASDAQ, N NYSE
"""
)
AFTER_DIGITS = ("T", "F", "S")  # behind letters each may be a share's class
BLOOMBERG = _table(
    """
LN LSE, JP TSE, JT TSE, GY XETR, GR XETR, GF FWB, HK HKEX, FP XPAR, NA XAMS, SW SIX, SE SIX, AU ASX, AT
ASX, CN TSX, CT TSX, IM XMIL, SM XMAD, SS XSTO, KS KRX, SP SGX, IN NSE, IS NSE, IB BSE, BB XBRU, PL
XLIS, AV XWBO, CH SSE, CG SSE, CS SZSE
"""
)
US = {"US", "UN", "UW", "UQ", "UA", "UP", "UR", "UV"}  # at Bloomberg; Stooq ends its symbols with the first
SORTS = {
    "INDEX": "an index, which itself is not traded: follow a fund on it",
    "COMDTY": "a future; only shares and funds are followed",
    "GOVT": "a bond; only shares and funds are followed",
    "CORP": "a bond; only shares and funds are followed",
    "MTGE": "a bond; only shares and funds are followed",
}
# Where crypto currencies and currencies trade: what is behind them is a pair.
CRYPTO = {"BINANCE", "BINANCEUS", "BITFINEX", "BITMEX", "BITSTAMP", "BYBIT", "COINBASE", "GEMINI"}
CRYPTO |= {"CRYPTO", "KRAKEN", "KUCOIN", "OKX", "X"}
PAIRS = CRYPTO | {"C", "CURRENCY", "FOREXCOM", "FX", "FX_IDC", "OANDA", "SAXO"}
FUTURES = {"CME", "CME_MINI", "CME_MICRO", "CBOT", "CBOT_MINI", "NYMEX", "COMEX", "ICEUS", "ICEEUR", "EUREX"}
INDICES = {"TVC", "SP", "DJ", "INDEX", "INDEXSP", "INDEXDJX", "INDEXNASDAQ", "INDEXFTSE", "I", "CRYPTOCAP"}
CURRENCIES = likeness.CURRENCIES
QUOTED_IN = f"{CURRENCIES}|USDT|USDC|BTC|ETH"
EQUITY = re.compile(r"(.+?) ([A-Z]{2})(?: EQUITY)?", re.IGNORECASE)
PREFIX = re.compile(r"[\w.&-]{1,12}(?: \w{1,12})?")  # behind others a colon is one of a sentence
SORT = re.compile(r".+ (\w+)")
RUN_TOGETHER = re.compile(rf"([A-Z0-9]{{2,10}}?)({QUOTED_IN})")
CURRENCY_PAIR = re.compile(rf"({CURRENCIES})[./]?({CURRENCIES})=X|({CURRENCIES})\.({CURRENCIES})")
REUTERS_RATE = re.compile(rf"({CURRENCIES})=")
SUFFIX = re.compile(r"([A-Za-z0-9-]+?)\.([A-Za-z]{1,2})")
SMALL_CLASS = re.compile(r"([A-Z]+)([a-c])")  # BRKb at Reuters


class NoShare(ValueError):
    """The code names something that is no share, or an exchange that is not known here."""


def read(text: str, place: str = "") -> tuple[str, str]:
    """Return the symbol and the exchange that a code names; of one that names no exchange, `place`.

    Raises NoShare.
    """
    given = " ".join(text.split())
    prefix, _, rest = given.rpartition(":")
    if PREFIX.fullmatch(prefix):
        return _prefixed(prefix.strip().upper(), rest.strip())
    if match := EQUITY.fullmatch(given):
        return _bloomberg(match, given, place)
    if (match := SORT.fullmatch(given)) and match[1].upper() in SORTS:
        raise NoShare(f"It looks like {SORTS[match[1].upper()]}.")
    capitals = given.upper().removesuffix(" CURNCY")
    if match := REUTERS_RATE.fullmatch(capitals):
        raise NoShare("It looks like a pair of currencies; write it with a slash, as EUR/USD.")
    if match := CURRENCY_PAIR.fullmatch(capitals):
        return "/".join(filter(None, match.groups())), place
    if capitals != given.upper():
        return _pair(capitals), place
    return _suffixed(given, place)


def _prefixed(prefix: str, rest: str) -> tuple[str, str]:
    if prefix in PAIRS:
        return _pair(rest.upper()), ""
    if prefix in FUTURES or rest.endswith("!"):
        raise NoShare("It looks like a future; only shares and funds are followed.")
    if prefix in INDICES:
        raise NoShare("It looks like an index, which itself is not traded: follow a fund on it.")
    if prefix == "TSE" and rest[:1].isalpha():  # Tokyo has numbers, and Google calls Toronto so
        return rest, "TSX"
    return rest, GOOGLE.get(prefix, prefix)


def _bloomberg(match: re.Match[str], given: str, place: str) -> tuple[str, str]:
    country = match[2].upper()
    if not given.upper().endswith(" EQUITY") and country != "US":
        return given, place
    if country in US:
        return match[1], place
    if country not in BLOOMBERG:
        raise NoShare(f"Bloomberg's exchange {country} is not known here: add it by hand, with its calendar.")
    return match[1], BLOOMBERG[country]


def _suffixed(given: str, place: str) -> tuple[str, str]:
    match = SUFFIX.fullmatch(given)
    if match is None or place:
        return given, place
    root, suffix = match[1], match[2].upper()
    if suffix in AFTER_DIGITS and not root.isdigit():
        return given, place
    if suffix == "US":
        return root, place
    if suffix in SUFFIXES:
        small = SMALL_CLASS.fullmatch(root)
        return f"{small[1]}.{small[2].upper()}" if small else root, SUFFIXES[suffix]
    if suffix in likeness.FOREIGN and len(suffix) > 1:
        raise NoShare(likeness.describe(given))
    return given, place


def _pair(text: str) -> str:
    """Return BTCUSD and EURUSD as BTC/USD and EUR/USD; what is no pair as it is."""
    match = RUN_TOGETHER.fullmatch(text.replace("/", "").replace("-", ""))
    return f"{match[1]}/{match[2]}" if match else text


def known_exchange(place: str) -> str:
    """Return an exchange's name in a list as it is known here."""
    capitals = place.strip().upper()
    return GOOGLE.get(capitals, capitals)
