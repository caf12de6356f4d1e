"""The names of columns in the exports of brokers, programs and data sites, in their plain form."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

STAMP = (
    *("openedat", "datetime", "timestamp", "opentime", "gmttime", "localtime", "windowstart", "t"),
    *("tsevent", "unix", "datetimeutc", "dateandtime", "begins", "barstart", "start", "starttime"),
    *("etcutc", "utc", "utctime", "timeutc"),  # Dukascopy names the zone alone
)
ENDS = ("endtime", "barend", "timeend", "end")  # when a bar closes, in files that say only that
DATE = (
    *("date", "tradedate", "tradingdate", "tradingday", "exchangedate", "dates", "day", "dtyyyymmdd"),
    *("date1", "dlycaldt", "caldt", "datadate"),  # NSE, CRSP, Compustat
    *("datum", "handelstag", "fecha", "data"),  # German and Dutch, Spanish, Italian and Portuguese
)
TIME = ("time", "timeofday", "tradetime", "zeit", "uhrzeit", "heure", "hora", "ora", "tijd")
VALUES = {
    "open": (
        *("open", "o", "openprice", "opening", "pxopen", "openprc", "tropenprice", "cfopen"),
        *("dlyopen", "prcod"),
        *("eroffnung", "eroeffnung", "eroffnungskurs", "eroeffnungskurs", "eroffn", "erster", "anfang"),
        *("ouv", "ouverture", "apertura", "abertura"),
    ),
    "high": (
        *("high", "h", "highprice", "pxhigh", "high1", "trhighprice", "cfhigh"),
        *("askhi", "dlyhigh", "prchd"),
        *("hoch", "tageshoch", "hochst", "hoechst", "hochstkurs", "hoechstkurs", "plushaut", "haut"),
        *("maximo", "maxima", "massimo", "hoog"),
    ),
    "low": (
        *("low", "l", "lowprice", "pxlow", "low1", "trlowprice", "cflow"),
        *("bidlo", "dlylow", "prcld"),
        *("tief", "tagestief", "tiefst", "tiefstkurs", "plusbas", "bas", "minimo", "minima", "laag"),
    ),
    "close": (
        *("close", "c", "closeprice", "closelast", "last", "lastprice", "pxlast", "settle", "latest"),
        *("trdprc1", "trcloseprice", "cfclose", "cflast", "clot"),
        *("prc", "dlyclose", "prccd"),
        *("schluss", "schlusskurs", "schlus", "schluskurs", "letzter", "zuletzt", "dernier", "cloture"),
        *("ultimo", "cierre", "chiusura", "fechamento", "laatst", "slot"),
        "price",  # Investing.com
    ),
    "volume": (
        *("volume", "v", "vol", "pxvolume", "totalvolume", "sharevolume", "acvoluns", "trvolume", "cfvolume"),
        *("numberofshares", "noofshares", "dlyvol", "cshtrd", "ttltrdqnty", "tottrdqty", "tradevolume"),
        *(
            "stuecke",
            "stucke",
            "stuck",
            "umsatzstuck",
            "umsatzinstuck",
        ),  # before Volumen, which is money in files that have both
        *("volumen", "volym"),
    ),
}
OPTIONAL = {
    "vwap": ("vwap", "vw", "wap", "average"),
    "symbol": ("symbol", "ticker", "ric", "tic", "instrument", "name"),
    "currency": ("currency", "ccy", "curr", "devise", "wahrung", "waehrung", "divisa", "moneda", "valuta"),
    "ticks": ("tickvol", "tickvolume", "ticks"),
}
UNNAMED = ("", "unnamed0", "index")  # what pandas and R call the index of a table
UP_DOWN = ("up", "down")  # TradeStation: shares traded on upticks and on downticks

AFFIX = re.compile(
    r"(?:(?P<before>.+?)[\s._:|\-]+)?(?P<what>open|high|low|close)(?:[\s._:|\-]+(?P<after>.+))?"
)
NO_TICKERS = {"adj", "adjusted", "prev", "previous", "bid", "ask", "unadj", "raw", "time", "interest", "int"}
PER_COIN = re.compile(r"volume[a-z]{3,8}")
# As in Volume (000) and Vol (M): what a volume is counted in.
COUNTED_IN = {"000": 1e3, "000s": 1e3, "k": 1e3, "thousands": 1e3, "m": 1e6, "mn": 1e6, "millions": 1e6}
UNIT = re.compile(r"vol\w*\.?\s*[(\[,]\s*(?:in\s+)?'?(\w+)[)\]]?\s*", re.IGNORECASE)
REPEATED = re.compile(r"(\w+)\s+\1\s.*", re.IGNORECASE)  # Close Close price adjusted for splits.


def plain(name: str) -> str:
    """Return a column's name in its plain form: '<DATE>' and 'Date ' are date, 'Eröffn.' is eroffn."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z0-9]", "", letters)


def undecorated(header: Sequence[str]) -> list[str]:
    """Return the plain names without what some vendors add to them.

    A number (`1. open`), a unit (`Close (USD)`), an explanation after two spaces, and the ticker that stands
    beside all of the four prices (`AAPL.Open`, `Close_AAPL`).
    """
    bare = [_bare(name) for name in header]
    ticker = _ticker(bare)
    return [plain(_without(name, ticker) if ticker else name) for name in bare]


def counted_in(name: str) -> float:
    """Return how many shares one of a column's volume is: 1,000 for Volume (000)."""
    match = UNIT.fullmatch(name.strip())
    return COUNTED_IN.get(match[1].lower(), 1.0) if match else 1.0


def _bare(name: str) -> str:
    name = re.sub(r"^\('(\w+)',.*\)$", r"\1", name.strip())  # a tuple of pandas
    name = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", name).strip()
    name = REPEATED.sub(r"\1", re.split(r"\s{2,}|\n", name)[0])
    return re.sub(r"^\d+[a-z]?[.):]\s*", "", name).lower()


def _ticker(names: Sequence[str]) -> str:
    beside = Counter(
        match["before"] or match["after"]
        for name in names
        if (match := AFFIX.fullmatch(name)) and bool(match["before"]) != bool(match["after"])
    )
    tickers = [affix for affix, count in beside.items() if count == 4 and plain(affix) not in NO_TICKERS]
    return tickers[0] if len(tickers) == 1 else ""


def _without(name: str, ticker: str) -> str:
    for pattern in (rf"{re.escape(ticker)}[\s._:|\-]+", rf"[\s._:|\-]+{re.escape(ticker)}"):
        if rest := re.fullmatch(f"(.*?){pattern}(.*)", name):
            return rest[1] + rest[2]
    return name
