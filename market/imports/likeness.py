"""What a text that no provider knows as a symbol looks like: another spelling, an option, a future. Pure."""

import re
from collections.abc import Collection
from difflib import get_close_matches

from market.imports import spelling

MONTHS = "FGHJKMNQUVXZ"
PLACES = """
T Tokyo, L London, DE Xetra in Frankfurt, F Frankfurt, PA Paris, AS Amsterdam, MI Milan, MC Madrid, SW Zurich,
ST Stockholm, TO Toronto, V Toronto's venture exchange, HK Hong Kong, SS Shanghai, SZ Shenzhen, KS Seoul,
KQ Seoul's Kosdaq, TW Taipei, AX Sydney, NZ Auckland, NS India's NSE, BO Bombay, SI Singapore, SA São Paulo,
BR Brussels, LS Lisbon, VI Vienna, CO Copenhagen, HE Helsinki, OL Oslo, IR Dublin
"""
FOREIGN = dict(place.strip().split(" ", 1) for place in PLACES.split(","))  # as Yahoo ends its symbols
# A single letter behind a dot is a share's class at home; of digits it is an exchange.
OF_EXCHANGE = re.compile(
    rf"(?:[A-Z0-9-]+\.({'|'.join(s for s in FOREIGN if len(s) > 1)})|\d+\.(T|F)|[A-Z]+\.(L))"
)
CURRENCIES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|HKD|SGD|CNH|CNY|MXN|ZAR"
COINS = "BTC|ETH|SOL|XRP|DOGE|ADA|LTC|BCH|DOT|LINK|AVAX|SHIB"
INDICES = (
    "SPX|NDX|DJI|DJIA|VIX|RUT|GSPC|IXIC|GDAXI|DAX|FTSE|N225|NIKKEI|HSI|STOXX50E|SX5E|COMP|COMPQ|INX|INDU|OEX"
)

SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[A-Z.]{1,6} *\d{6}[CP]\d{1,8}(\.\d+)?"), "an option; only shares and funds are followed"),
    (
        re.compile(r"[A-Z.]{1,6} +\d{1,2}/\d{1,2}(/\d{2,4})? +\d+(\.\d+)?[CP]?"),
        "an option; only shares and funds are followed",
    ),
    (
        re.compile(r"[A-Z]{1,6} +[A-Z]{3}\d{0,2}'\d\d( .*)?"),  # IB: ES MAR21'25 @CME, AAPL JAN17'25 200 CALL
        "an option or a future; only shares and funds are followed",
    ),
    (re.compile(r"\.[A-Z]{1,6}\d{6}[CP]\d{1,8}"), "an option; only shares and funds are followed"),
    (re.compile(r"[A-Z]{1,6}\*\*"), "cash, as brokers list it"),
    (
        re.compile(
            rf"/?[A-Z0-9]{{1,4}}[{MONTHS}](\d{{1,2}}|20\d\d)|/[A-Z0-9]{{1,4}}(:[A-Z]+)?|[A-Z0-9]{{1,4}}=F|[A-Z0-9]{{1,4}}[12]!"
        ),
        "a future; only shares and funds are followed",
    ),
    (
        re.compile(rf"(\^|\.|\$|I:){{1,2}}[A-Z0-9]+|{INDICES}"),
        "an index, which itself is not traded: follow a fund on it",
    ),
    (
        re.compile(rf"(C:)?({CURRENCIES})[/.-]?({CURRENCIES})(=X)?"),
        "a pair of currencies; write it with a slash, as EUR/USD",
    ),
    (
        re.compile(rf"(X:)?({COINS})[/_-]?(USD|USDT|USDC|EUR|GBP)?(=X)?"),
        "a crypto currency; write the pair with a slash, as BTC/USD",
    ),
    (re.compile(r"BBG[A-Z0-9]{9}"), "a FIGI, the number of a security: look for its name or symbol"),
    (re.compile(r"[A-Z]{2}[A-Z0-9]{9}\d"), "an ISIN, the number of a security: look for its name or symbol"),
    (re.compile(r"[0-9]{3}[A-Z0-9]{5}\d"), "a CUSIP, the number of a security: look for its name or symbol"),
    (re.compile(r"[A-Z]{4}X"), "a mutual fund, which has one price a day and is not traded on an exchange"),
    (re.compile(r"\d{4,6}"), "a number as exchanges in Asia give: name its exchange, as TSE:7203"),
)


def describe(text: str, known: Collection[str] = ()) -> str:
    """Return what a text looks like, as "It looks like ..."; empty when it looks like nothing in particular.

    `known`: symbols of which one may be meant.
    """
    capitals = " ".join(text.upper().split())
    looks = [*_other_spellings(capitals), *_shapes(capitals), *_similar(capitals, known)]
    return f"It looks like {'; or '.join(looks[:3])}." if looks else ""


def _other_spellings(text: str) -> list[str]:
    meant = spelling.looks_like(text)
    return [f"{symbol}, {_kind(symbol)}" for symbol in meant if symbol != text and "." in symbol]


def _kind(symbol: str) -> str:
    root, _, suffix = symbol.partition(".")
    if suffix.startswith("PR"):
        return f"a preferred share of {root}"
    words = {"WS": "a warrant", "U": "a unit", "RT": "a right"}
    return f"{words[suffix]} of {root}" if suffix in words else f"a class of {root}"


def _shapes(text: str) -> list[str]:
    if match := OF_EXCHANGE.fullmatch(text):
        place = FOREIGN[next(suffix for suffix in match.groups() if suffix)]
        return [f"a listing in {place}: name its exchange, as LSE:VOD or TSE:7203, or add it by hand"]
    return [words for shape, words in SHAPES if shape.fullmatch(text)][:1]


def _similar(text: str, known: Collection[str]) -> list[str]:
    close = get_close_matches(text, sorted(known), n=3, cutoff=0.74)
    return [" or ".join(close)] if close and text not in close else []
