"""Exchanges by their names and market identifier codes: the calendar and currency of each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """The calendar that an exchange trades by, and its currency."""

    calendar: str
    currency: str


ROUND_THE_CLOCK = "24/7"
_US = Exchange("XNYS", "USD")
# As TradingView and IB call them: tradingview.com/data-coverage, interactivebrokers.com "Exchange listings".
NAMES: Mapping[str, Exchange] = {
    **dict.fromkeys(
        [
            *["NASDAQ", "NYSE", "AMEX", "ARCA", "NYSEARCA", "NYSE ARCA", "NYSE AMERICAN", "BATS", "CBOE"],
            *[
                "NASD",
                "NASDAQGS",
                "NASDAQGM",
                "NASDAQCM",
                "NASDAQ.NMS",
                "NYSE MKT",
                "NYSEMKT",
                "BZX",
                "OTCBB",
            ],
            *["OTCQX", "OTCQB", "PNK"],
            *["OTC", "ISLAND", "SMART", "IEX", "PINK", "NMS", "NYQ", "PCX", "ASE", "NGM", "NCM"],
        ],
        _US,
    ),
    "ASX": Exchange("XASX", "AUD"),
    "BSE": Exchange("XBOM", "INR"),
    "FWB": Exchange("XFRA", "EUR"),
    "HKEX": Exchange("XHKG", "HKD"),
    "IBIS": Exchange("XETR", "EUR"),
    "KRX": Exchange("XKRX", "KRW"),
    "LSE": Exchange("XLON", "GBP"),
    "NSE": Exchange("XBOM", "INR"),
    "SEHK": Exchange("XHKG", "HKD"),
    "SGX": Exchange("XSES", "SGD"),
    "SIX": Exchange("XSWX", "CHF"),
    "SSE": Exchange("XSHG", "CNY"),
    "SZSE": Exchange("XSHG", "CNY"),
    "TSE": Exchange("XTKS", "JPY"),
    "TSEJ": Exchange("XTKS", "JPY"),
    "TSX": Exchange("XTSE", "CAD"),
}
# ISO 10383: iso20022.org/market-identifier-codes.
CODES: Mapping[str, Exchange] = {
    **dict.fromkeys(["XNAS", "XNYS", "XASE", "ARCX", "BATS", "IEXG", "OOTC", "OTCM", "XNCM", "XNGS"], _US),
    "XAMS": Exchange("XAMS", "EUR"),
    "XASX": Exchange("XASX", "AUD"),
    "XBOM": Exchange("XBOM", "INR"),
    "XBRU": Exchange("XBRU", "EUR"),
    "XETR": Exchange("XETR", "EUR"),
    "XFRA": Exchange("XFRA", "EUR"),
    "XHKG": Exchange("XHKG", "HKD"),
    "XKRX": Exchange("XKRX", "KRW"),
    "XLIS": Exchange("XLIS", "EUR"),
    "XLON": Exchange("XLON", "GBP"),
    "XMAD": Exchange("XMAD", "EUR"),
    "XMIL": Exchange("XMIL", "EUR"),
    "XNSE": Exchange("XBOM", "INR"),
    "XPAR": Exchange("XPAR", "EUR"),
    "XSES": Exchange("XSES", "SGD"),
    "XSHE": Exchange("XSHG", "CNY"),
    "XSHG": Exchange("XSHG", "CNY"),
    "XSTO": Exchange("XSTO", "SEK"),
    "XSWX": Exchange("XSWX", "CHF"),
    "XTKS": Exchange("XTKS", "JPY"),
    "XTSE": Exchange("XTSE", "CAD"),
    "XWBO": Exchange("XWBO", "EUR"),
}
EXCHANGES: Mapping[str, Exchange] = {**CODES, **NAMES}
