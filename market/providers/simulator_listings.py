"""Well-known symbols with their names, for the simulated market, which has prices for any symbol at all."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from core.http import Patience
from market.providers.listings import PATIENCE, Kind, Listing, Listings, Status, best

NASDAQ, NYSE, ARCA, CBOE = "XNAS", "XNYS", "ARCX", "BATS"
SHARES = {
    NASDAQ: {
        "AAPL": "Apple Inc.",
        "ADBE": "Adobe Inc.",
        "AMD": "Advanced Micro Devices, Inc.",
        "AMZN": "Amazon.com, Inc.",
        "AVGO": "Broadcom Inc.",
        "CMCSA": "Comcast Corporation Class A",
        "COST": "Costco Wholesale Corporation",
        "CSCO": "Cisco Systems, Inc.",
        "GOOG": "Alphabet Inc. Class C",
        "GOOGL": "Alphabet Inc. Class A",
        "INTC": "Intel Corporation",
        "META": "Meta Platforms, Inc.",
        "MSFT": "Microsoft Corporation",
        "NFLX": "Netflix, Inc.",
        "NVDA": "NVIDIA Corporation",
        "PEP": "PepsiCo, Inc.",
        "QCOM": "QUALCOMM Incorporated",
        "SBUX": "Starbucks Corporation",
        "TSLA": "Tesla, Inc.",
        "TXN": "Texas Instruments Incorporated",
    },
    NYSE: {
        "BA": "The Boeing Company",
        "BAC": "Bank of America Corporation",
        "BF.B": "Brown-Forman Corporation Class B",
        "BRK.A": "Berkshire Hathaway Inc. Class A",
        "BRK.B": "Berkshire Hathaway Inc. Class B",
        "CAT": "Caterpillar Inc.",
        "CVX": "Chevron Corporation",
        "DIS": "The Walt Disney Company",
        "F": "Ford Motor Company",
        "GE": "General Electric Company",
        "GME": "GameStop Corp. Class A",
        "HD": "The Home Depot, Inc.",
        "IBM": "International Business Machines Corporation",
        "JNJ": "Johnson & Johnson",
        "JPM": "JPMorgan Chase & Co.",
        "KO": "The Coca-Cola Company",
        "MA": "Mastercard Incorporated",
        "MCD": "McDonald's Corporation",
        "NKE": "NIKE, Inc. Class B",
        "ORCL": "Oracle Corporation",
        "PFE": "Pfizer Inc.",
        "PG": "The Procter & Gamble Company",
        "T": "AT&T Inc.",
        "UNH": "UnitedHealth Group Incorporated",
        "V": "Visa Inc.",
        "VZ": "Verizon Communications Inc.",
        "WMT": "Walmart Inc.",
        "XOM": "Exxon Mobil Corporation",
    },
}
FUNDS = {
    "DIA": "SPDR Dow Jones Industrial Average ETF Trust",
    "GLD": "SPDR Gold Shares",
    "IWM": "iShares Russell 2000 ETF",
    "QQQ": "Invesco QQQ Trust",
    "SPY": "SPDR S&P 500 ETF Trust",
    "TLT": "iShares 20+ Year Treasury Bond ETF",
    "VOO": "Vanguard S&P 500 ETF",
    "XLE": "Energy Select Sector SPDR Fund",
    "XLF": "Financial Select Sector SPDR Fund",
}
ADRS = {"BABA": "Alibaba Group Holding Limited", "TSM": "Taiwan Semiconductor Manufacturing Company Limited"}
CRYPTO = {"BTC/USD": "Bitcoin", "ETH/USD": "Ether"}
DELISTED = {
    "TWTR": ("Twitter, Inc.", NYSE, date(2022, 11, 8)),
    "ATVI": ("Activision Blizzard, Inc.", NASDAQ, date(2023, 10, 13)),
}


def _listed(symbol: str, name: str, exchange: str, kind: Kind) -> Listing:
    return Listing(symbol, name, exchange, "USD", kind, Status.ACTIVE, borrowable=kind is not Kind.CRYPTO)


LISTED = {
    listing.symbol: listing
    for listing in (
        *(_listed(*row, place, Kind.SHARE) for place, names in SHARES.items() for row in names.items()),
        *(_listed(*row, ARCA, Kind.ETF) for row in FUNDS.items()),
        *(_listed(*row, NYSE, Kind.ADR) for row in ADRS.items()),
        *(_listed(*row, "", Kind.CRYPTO) for row in CRYPTO.items()),
        _listed("BAC.PRK", "Bank of America Corporation Preferred Shares Series HH", NYSE, Kind.OTHER),
        *(
            Listing(symbol, name, place, "USD", Kind.SHARE, Status.DELISTED, ended, borrowable=False)
            for symbol, (name, place, ended) in DELISTED.items()
        ),
    )
}


class SimulatorListings:
    name = "simulator"

    def search(self, text: str) -> list[Listing]:
        return best(LISTED.values(), text)

    def describe(self, symbols: Sequence[str]) -> Listings:
        found = {symbol: LISTED[symbol] for symbol in symbols if symbol in LISTED}
        return Listings(found, absent=set(symbols) - found.keys())


def build(values: Mapping[str, Any], pace: Any, patience: Patience = PATIENCE) -> SimulatorListings:
    return SimulatorListings()
